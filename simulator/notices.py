"""Errors that Slack itself shows to one person, for example after a command or a click."""

from dataclasses import asdict, dataclass
from typing import Any

from simulator.feed import Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One error."""

    at: float
    text: str
    channel: str | None = None
    message_ts: str | None = None
    action_id: str | None = None
    view_id: str | None = None


class Notices:
    """The errors that each person was shown, oldest first."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._shown: dict[str, list[Notice]] = {}

    def show(self, user_id: str, notice: Notice) -> None:
        """Shows an error to this person."""
        self._shown.setdefault(user_id, []).append(notice)
        self._feed.add("notice", user=user_id, **{k: v for k, v in asdict(notice).items() if k != "at"})

    def everybodys(self) -> dict[str, list[Notice]]:
        """What each person was shown."""
        return {user_id: list(shown) for user_id, shown in self._shown.items()}

    def restore(self, shown: dict[str, list[Notice]]) -> None:
        """Restores what each person was shown."""
        self._shown = shown

    def of(self, user_id: str) -> list[dict[str, Any]]:
        """Everything shown to this person."""
        return [asdict(notice) for notice in self._shown.get(user_id, [])]
