"""Messages: records rendered as blocks. Pure."""
