"""Calls with wrong tokens, counted for each address and slowed down."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final, TypeVar

FREE: Final = 5
LONGEST_PAUSE_SECONDS: Final = 60.0
FORGOTTEN_AFTER_SECONDS: Final = 900.0
MAX_ADDRESSES: Final = 10_000
MAX_KNOWN: Final = 10_000

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(slots=True)
class _Failures:
    number: int = 0
    last: float = -math.inf
    until: float = 0.0
    """Until then, tokens that this address has not used before are not looked at."""


@dataclass(slots=True, kw_only=True)
class Attempts:
    """Each failure of an address beyond the first few makes it pause, twice as long each time.

    Tokens that were valid when they last came from the address are looked at all the same, because one program with a
    wrong token must not shut out the others behind the same proxy. What is kept is bounded: the addresses that were
    quiet for longest are forgotten first.
    """

    monotonic: Callable[[], float]
    """The time in seconds, from any beginning."""
    free: int = FREE
    """How many failures of an address have no consequence."""
    _failures: OrderedDict[str, _Failures] = field(default_factory=OrderedDict)
    _known: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict)

    def pause(self, address: str, digest: str) -> int:
        """The seconds until this token may be tried from this address. 0 if it may be tried now."""
        network = _network(address)
        failures = self._failures.get(network)
        if failures is None or (network, digest) in self._known:
            return 0
        return max(0, math.ceil(failures.until - self.monotonic()))

    def failed(self, address: str) -> bool:
        """Counts a wrong token. Returns whether the address pauses from now on, and did not before."""
        network, now = _network(address), self.monotonic()
        failures = self._failures.setdefault(network, _Failures())
        if now - failures.last > FORGOTTEN_AFTER_SECONDS:
            failures.number = 0
        failures.number += 1
        failures.last = now
        if failures.number > self.free:
            failures.until = now + min(LONGEST_PAUSE_SECONDS, 2.0 ** (failures.number - self.free - 1))
        _keep(self._failures, network, MAX_ADDRESSES)
        return failures.number == self.free + 1

    def succeeded(self, address: str, digest: str) -> None:
        """Remembers that this token was valid."""
        known = (_network(address), digest)
        self._known[known] = None
        _keep(self._known, known, MAX_KNOWN)

    def forget(self, address: str, digest: str) -> None:
        """The token is not valid any more."""
        self._known.pop((_network(address), digest), None)


def _network(address: str) -> str:
    """The address, or of version 6 the network that one customer has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(parsed) if parsed.version == 4 else str(ip_network((parsed, 64), strict=False))


def _keep(table: OrderedDict[_Key, _Value], key: _Key, most: int) -> None:
    table.move_to_end(key)
    while len(table) > most:
        table.popitem(last=False)
