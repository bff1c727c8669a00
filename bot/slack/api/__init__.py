"""Calls to Slack, its rate limits, and the events that come in over Socket Mode or over HTTP."""
