"""The inputs that a graph takes, and how a person's words become their values. Needs no graph: `form` is made from JSON
Schema alone, so a process that loads no agent's code can check inputs too.

`form` has the form itself, `typed` reads one word, and `samples` finds values for an example.
"""
