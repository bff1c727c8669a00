"""What Slack tells the bot of its own messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_CHANGES: Final = frozenset({"message_changed", "message_deleted"})


def is_echo(payload: Mapping[str, Any]) -> bool:
    """Whether the event is about a message that an app wrote or changed. Nothing here listens to those, and Slack sends
    one for each card and each update, so handing them to Bolt would be a sixth of the CPU time of a decision."""
    event = payload.get("event") or {}
    if event.get("type") != "message":
        return False
    told = (event.get("previous_message") or event.get("message")) if event.get("subtype") in _CHANGES else event
    return not told or bool(told.get("bot_id"))
