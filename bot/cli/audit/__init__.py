"""`python -m bot audit`: proves the audit log, exports it, or notes its head."""

from bot.cli.audit.command import Options, add_options, main

__all__ = ["Options", "add_options", "main"]
