"""The records on Redis."""
