"""Where the log goes, and what must not be in it."""

from __future__ import annotations

import logging


def to_stderr(level: str) -> None:
    """Everything to stderr. Slack's SDK logs tokens and button values at DEBUG, so it stays at INFO."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in ("slack_bolt", "slack_sdk", "apscheduler", "httpx", "aiosqlite"):
        logging.getLogger(name).setLevel(max(logging.getLevelNamesMapping()[level], logging.INFO))
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
