"""Every standard card in every state, as people see it: JSON, text, pictures, and a table of sizes. `make cards`.

`asking` has the graphs that ask, `standard` the records that follow from what they ask, `states` what becomes of each,
and `drawings` all messages, modals and Homes that show it.
"""
