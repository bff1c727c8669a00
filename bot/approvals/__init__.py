"""The domain: what an approval is, who may answer, and what must follow. Standard library only."""
