"""The graphs that ship, each useful as it is; `langgraph.json` names them. They know nothing of the bot.

Graphs: `cleanup`, `payment`, `email`, `publish`, `batch`, `intake`, and `assistant`, which needs a model.

What they share: `answers` reads what people said, `effects` does each thing once, `folder` and `trash` keep to one
folder, `mail` sends, and `drafting` asks the model, if there is one.
"""
