"""The graphs that ship, each useful as it is; `langgraph.json` names them. They know nothing of the bot."""
