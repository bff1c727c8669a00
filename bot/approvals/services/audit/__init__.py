"""The audit log: what it holds of a request, whether it is intact, and how long it is kept."""
