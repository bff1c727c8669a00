"""The policy of a request: chosen when it opens, and amended by an operator."""
