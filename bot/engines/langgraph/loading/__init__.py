"""Finds and loads the graphs of `langgraph.json`, and reads which inputs they take."""
