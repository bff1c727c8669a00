"""Blocks and fields for the page."""

from __future__ import annotations

from typing import Any


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}
