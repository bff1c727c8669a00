"""The audit log: what it holds of a request, its proof, and how long it is kept."""
