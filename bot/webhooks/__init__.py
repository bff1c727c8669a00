"""Webhooks on the wire: to which hosts they may go, and how they are signed and sent."""
