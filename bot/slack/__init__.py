"""Slack: what the records look like there, what people answer, and who they are. Slack's dicts stop here."""
