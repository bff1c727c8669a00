"""The frozen records that make up an approval. These modules import nothing but each other.

What is asked: `task`, `request`, `question`, `action_title`, `fingerprint` and `consent`. Who acts, and where: `actor`.
Who answers, and by when: `policy`, `hours` and `people`. What comes of it: `decision`,
`undo_offer`, `message`, `inbox` and `audit`. What an operator is told of it all: `facts`, `trace`, `census`, and each
`trouble`.
Programs that ask through the HTTP API: `caller`, `token`, and `webhook`, by which they are told. Agents that run on a
LangGraph Server: `server`.
All of them share `ids`, `errors` and `call_errors`. `agent` holds what an engine reports about its graphs and threads,
and `catalog` which agents can be run.
"""
