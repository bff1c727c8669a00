"""Every standard card in every state, as people see it, drawn from records that ship with the bot.

`standard` has the records of each question, `states` and `afterwards` what becomes of it, and `drawings` all messages,
modals and Homes that show it.
"""
