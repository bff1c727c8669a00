"""LangGraph: loads graphs, runs them under a lease, reads how a thread stands. No other package sees its types."""
