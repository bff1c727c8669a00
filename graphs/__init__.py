"""The graphs that come with Countersign. Each can be used as it is; `langgraph.json` lists them.

They import nothing from the bot. Graphs: `cleanup`, `payment`, `email`, `publish`, `batch`, `intake`, and `assistant`,
which needs a model.

They share these modules: `answers` reads what people answered, `effects` makes sure that each effect happens once and
is still what was approved, `undo` offers to undo it, `folder` and `trash` never leave their folder, `file_words` says
what became of files, `mail` sends e-mail, and `drafting` asks a model, if one is configured.
"""
