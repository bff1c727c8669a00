"""Trigger ids. Each works once, within three seconds (Slack: "Handling user interaction", views.open errors)."""

import secrets
from dataclasses import dataclass

from simulator import limits
from simulator.clock import Clock
from simulator.errors import SlackError


@dataclass(slots=True)
class _Trigger:
    user_id: str
    made_at: float
    view_id: str | None
    used: bool = False


@dataclass(frozen=True, slots=True)
class Exchanged:
    """The person who clicked, and the modal in which they clicked, if any."""

    user_id: str
    view_id: str | None


class Triggers:
    """Makes trigger ids and exchanges them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._made: dict[str, _Trigger] = {}

    def make(self, user_id: str, *, view_id: str | None = None) -> str:
        """A new trigger id for this person's interaction."""
        trigger_id = f"{len(self._made) + 1}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._made[trigger_id] = _Trigger(user_id, self._clock.now(), view_id)
        return trigger_id

    def exchange(self, trigger_id: str) -> Exchanged:
        """Uses up a trigger id. Raises invalid_trigger_id, exchanged_trigger_id or expired_trigger_id."""
        trigger = self._made.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._clock.now() - trigger.made_at > limits.TRIGGER_SECONDS:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return Exchanged(trigger.user_id, trigger.view_id)
