"""What a source of troubles says when it has looked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.approvals.model.trouble import About, Key, Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What one look has seen. A known trouble that is in neither part is left as it is."""

    lasting: Mapping[Key, About] = field(default_factory=dict)
    """The troubles that there are now, whether known or not."""
    over: Collection[Key] = ()
    """Known troubles that there are no more."""


class Source(Protocol):
    """Sees troubles of some kinds."""

    async def look(self, known: Sequence[Trouble], now: datetime) -> Sight:
        """What there is now. `known` are all troubles on record that last. One look does a bounded piece of work, and
        the next one goes on from there. Raises `Unreachable`."""
        ...
