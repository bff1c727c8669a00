"""Slack messages kept in sync with the records."""
