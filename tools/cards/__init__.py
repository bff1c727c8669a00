"""Every standard card in every state, as people see it: JSON, text, pictures, and a table of sizes. `make cards`.

`asking` has the graphs that ask, and `standard` the records that follow from what they ask, which ship with the bot.
What becomes of them and how all of it is drawn is in `bot.cli.standard_cards`.
"""
