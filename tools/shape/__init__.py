"""The shape of the code, in figures: packages and their imports, lines, and the way of a vote.

python -m tools.shape                  this checkout
python -m tools.shape --root PATH      another one, an older one too
python -m tools.shape --way            with the way of the vote, stop by stop

A package's modules and subpackages are its parts; `__init__` is no module. `below` counts the modules of subpackages
too. `floors` is the longest chain of imports among the parts; parts that import each other stand on one floor.
`imports` counts the imports from one part to another.

A stop is a change of module on the way of a vote, from the use case to the call that writes the row, by a call or by
the return from one. Generated methods, properties and comprehensions are part of what calls them, and the storage is
one module. What is told to an operator is no stop. `each once` leaves out repetitions, as a reader does who follows a
loop once.
"""
