"""Calls to Slack, and what comes in from it."""
