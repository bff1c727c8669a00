"""A workspace's people and groups in memory, behind the `Directory` port."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot.approvals.model.ids import ChannelId, Person
from bot.approvals.model.people import Member
from bot.approvals.ports.slack import LookupFailed, LookupRefused


class FakeDirectory:
    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.ineligible: dict[Person, str] = {}
        self.nameable: set[Person] = set()
        self.zones: dict[Person, str] = {}
        self.groups: dict[str, list[Person]] = {}
        self.cached: dict[str, list[Person]] = {}
        """What a look-up past the cache would correct."""
        self.channels: dict[str, ChannelId] = {}
        self.elsewhere: set[ChannelId] = set()
        """Channels that the bot is not in."""
        self.down = False
        self.untold: set[str] = set()
        """Names that Slack does not answer for."""
        self.refused: dict[str, str] = {}
        """Names that Slack will not answer for until somebody changes something, and why."""
        self.ids: dict[str, str] = {}
        """Ids that names mean; a name that has people or a channel and is not among these is its own."""
        self.fresh_lookups = 0
        self.fresh_members: list[Person] = []

    def add(self, person: Person, *, ineligible: str = "") -> Person:
        self.people[person.user_id] = person
        if ineligible:
            self.ineligible[person] = ineligible
        return person

    async def member(self, person: Person, *, fresh: bool = False) -> Member:
        self._answer()
        if fresh:
            self.fresh_members.append(person)
        if person.user_id in self.refused:
            raise LookupRefused(self.refused[person.user_id])
        return Member(
            person=person,
            name=person.user_id,
            ineligible=self.ineligible.get(person, ""),
            nameable=person in self.nameable,
            zone=self.zones.get(person, ""),
        )

    async def resolve(self, refs: Sequence[str], *, fresh: bool = False) -> frozenset[Person]:
        self._answer()
        self._tell(refs)
        self.fresh_lookups += fresh and bool(refs)
        groups = self.groups if fresh else {**self.groups, **self.cached}
        names = {id: name for name, id in {**self.ids, **self.channels}.items()}
        found = [person for ref in refs for person in groups.get(ref, groups.get(names.get(ref, ""), []))]
        return frozenset([*found, *(self.people[ref] for ref in refs if ref in self.people)])

    async def identify(self, ref: str) -> str | None:
        if ref in self.people or re.fullmatch("[CSUW][A-Z0-9]+", ref):
            return ref
        self._answer()
        self._tell([ref])
        if ref in self.channels:
            return self.channels[ref]
        return self.ids.get(ref) or (ref if ref in {*self.groups, *self.cached} else None)

    async def names_of(self, person: Person) -> frozenset[str]:
        self._answer()
        return frozenset({person.user_id})

    async def groups_of(self, person: Person) -> frozenset[str]:
        self._answer()
        self._tell(self.groups)
        if person in self.ineligible:
            return frozenset()
        return frozenset(name for name, people in self.groups.items() if person in people)

    async def channel(self, ref: str) -> ChannelId | None:
        self._answer()
        self._tell([ref])
        return self.channels.get(ref) or (ChannelId(ref) if ref in self.channels.values() else None)

    async def is_in(self, channel: ChannelId) -> bool:
        self._answer()
        return channel not in self.elsewhere

    def _tell(self, refs: Iterable[str]) -> None:
        asked = set(refs)
        if self.untold & asked:
            raise LookupFailed("timeout")
        for ref in sorted(asked & set(self.refused)):
            raise LookupRefused(self.refused[ref])

    def _answer(self) -> None:
        if self.down:
            raise LookupFailed("timeout")
