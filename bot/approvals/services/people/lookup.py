"""Whom a policy's names mean, when Slack may refuse to say it of some of them for good."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TypeAlias

from bot.approvals.model.ids import Person
from bot.approvals.ports.slack import Directory, LookupRefused

log = logging.getLogger(__name__)

Found: TypeAlias = "frozenset[Person] | LookupRefused"


async def look_up(directory: Directory, ref: str, *, fresh: bool = False) -> Found:
    """Whom the name means, or why that cannot be known until an operator changes something; else `LookupFailed`."""
    try:
        return await directory.resolve([ref], fresh=fresh)
    except LookupRefused as refused:
        log.warning("%s %s", ref, refused)
        return refused


async def meant(directory: Directory, refs: Iterable[str], *, fresh: bool = False) -> frozenset[Person]:
    """Whom these names mean; a name of which Slack refuses to say it means nobody. `LookupFailed`."""
    return frozenset[Person]().union(*[people(await look_up(directory, ref, fresh=fresh)) for ref in refs])


def people(found: Found) -> frozenset[Person]:
    """Those who were found; nobody if Slack refused to say it."""
    return frozenset() if isinstance(found, LookupRefused) else found
