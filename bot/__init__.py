"""Countersign: the Slack approval channel for AI agents."""

__version__ = "0.1.0"
