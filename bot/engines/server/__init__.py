"""Agents that run on a LangGraph Server: they are started, read and answered over its HTTP API."""
