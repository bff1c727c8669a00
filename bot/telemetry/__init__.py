"""What an operator sees: log lines, metrics and spans, made of the facts that all parts of the bot tell."""
