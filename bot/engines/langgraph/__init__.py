"""LangGraph: loads graphs, runs them under a lease, reads how a thread stands. Its types stop here."""
