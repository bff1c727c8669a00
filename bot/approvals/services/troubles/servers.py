"""Troubles with LangGraph Servers: those that do not answer, as this process sees it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.approvals.model.trouble import About, Trouble, TroubleKind
from bot.approvals.services.troubles.source import Sight

PATIENCE: Final = timedelta(minutes=1)
"""How long a server may be silent before operators are told. A server that restarts is back sooner."""


@dataclass(slots=True, kw_only=True)
class OfServers:
    """Sees the servers that have not answered for `patience`."""

    away: Callable[[], Mapping[str, bool]]
    """Whether each server that the file names does not answer."""
    patience: timedelta = PATIENCE
    _since: dict[str, datetime] = field(default_factory=dict, init=False)

    async def look(self, known: Sequence[Trouble], now: datetime) -> Sight:
        """Which servers do not answer. The trouble of a server that the file no longer names is over."""
        servers = self.away()
        self._since = {name: self._since.get(name, now) for name, away in servers.items() if away}
        told: Collection[str] = {each.subject for each in known if each.kind is TroubleKind.SERVER}
        lasting = {
            (TroubleKind.SERVER, name): About(name=name)
            for name, since in self._since.items()
            if name in told or now - since >= self.patience
        }
        over = [(TroubleKind.SERVER, name) for name in told if name not in self._since]
        return Sight(lasting=lasting, over=over)
