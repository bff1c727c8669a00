"""Planned faults: what a network or Slack may do wrong, for the next N calls of a method."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from simulator.errors import UnknownPlace
from simulator.feed import Feed

KINDS = ("lose_response", "lose_request", "status", "error", "delay")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One planned fault.

    lose_response: the action happens, but the connection drops before the answer. lose_request: the connection drops
    before the action. status: HTTP `status` instead of an answer (429 with `retry_after`). error:
    `{"ok": false, "error": ...}`. delay: `seconds` pass before the action.
    """

    method: str
    kind: str
    times: int = 1
    status: int = 500
    retry_after: int = 1
    error: str = "internal_error"
    seconds: float = 0.0


class Faults:
    """The faults that are planned."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._faults: list[Fault] = []

    def add(self, **fields: Any) -> None:
        """Plans a fault; `method` may be `*`."""
        if fields.get("kind") not in KINDS:
            raise UnknownPlace(f"no such fault: {fields.get('kind')}; there are {', '.join(KINDS)}")
        try:
            self._faults.append(Fault(**fields))
        except TypeError as error:
            raise UnknownPlace(f"fault: {error}") from error
        self._feed.add("faults")

    def clear(self) -> None:
        """Removes all planned faults."""
        self._faults.clear()
        self._feed.add("faults")

    def planned(self) -> list[dict[str, Any]]:
        """The planned faults, in order."""
        return [asdict(fault) for fault in self._faults]

    def take(self, method: str) -> Fault | None:
        """The fault for this call, or None. Counts the call."""
        for index, fault in enumerate(self._faults):
            if fault.method in (method, "*"):
                if fault.times > 1:
                    self._faults[index] = replace(fault, times=fault.times - 1)
                else:
                    del self._faults[index]
                self._feed.add("faults")
                return fault
        return None
