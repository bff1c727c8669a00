"""Resolves a policy's names to people. Slack may refuse to resolve some of them for good."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TypeAlias

from bot.approvals.model.ids import Person
from bot.approvals.ports.slack import Directory, LookupRefused

log = logging.getLogger(__name__)

Found: TypeAlias = "frozenset[Person] | LookupRefused"


async def look_up(directory: Directory, ref: str, *, fresh: bool = False) -> Found:
    """The people that the name resolves to, or the reason why this is unknown until an operator changes something.

    Raises `LookupFailed` if the look-up fails in any other way.
    """
    try:
        return await directory.resolve([ref], fresh=fresh)
    except LookupRefused as refused:
        # an agent may have named somebody by their address
        log.warning("%s %s", "an e-mail address" if "@" in ref[1:] else ref, refused)
        return refused


async def meant(directory: Directory, refs: Iterable[str], *, fresh: bool = False) -> frozenset[Person]:
    """The people that these names resolve to. A name that Slack refuses to resolve means nobody.

    Raises `LookupFailed` if a look-up fails in any other way.
    """
    return frozenset[Person]().union(*[people(await look_up(directory, ref, fresh=fresh)) for ref in refs])


def people(found: Found) -> frozenset[Person]:
    """The people who were found; nobody if Slack refused to resolve the name."""
    return frozenset() if isinstance(found, LookupRefused) else found
