"""The use cases: each looks up what it needs, applies the rules, and stores the result."""
