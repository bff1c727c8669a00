"""How the app answered a payload, over a socket or over HTTP."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The app answered in time, perhaps with a payload."""

    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Late:
    """The app did not answer within three seconds."""


@dataclass(frozen=True, slots=True)
class Unconnected:
    """No app was connected."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The app answered with an HTTP error status. It may ask not to get this payload again."""

    status: int
    may_retry: bool


Outcome = Acknowledged | Late | Unconnected | Failed
