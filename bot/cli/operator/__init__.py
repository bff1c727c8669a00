"""`countersign tasks` and `countersign requests`: what an operator sees and does, in words, tables and JSON."""
