"""Records, frozen: what an approval is. They import nothing but each other.

What is asked: `task`, `request`, `question`, `fingerprint` and `consent`. Who acts, and where: `actor`. Who answers,
and by when: `policy`, `hours` and `people`. What comes of it: `decision`, `message`, `inbox` and `audit`. Shared by
all: `ids` and `errors`; `agent` is what an engine says of its graphs and threads.
"""
