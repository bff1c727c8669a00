"""Records, frozen: what an approval is. They import nothing but each other.

What is asked: `task`, `request`, `question`, `fingerprint` and `consent`. Who answers, and by when: `policy`, `hours`
and `people`; who acts, and where: `actor`. What comes of it: `decision`, `message`, `inbox` and `audit`. Shared by all: `ids` and `errors`; `agent`
is what an engine says of its graphs and threads.
"""
