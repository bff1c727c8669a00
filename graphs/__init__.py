"""The graphs that ship with the bot, which `langgraph.json` names. They know nothing of the bot."""
