"""Graphs of `langgraph.json`: found, loaded, and asked which inputs they take."""
