"""A workspace's people and groups in memory, behind the `Directory` port."""

from __future__ import annotations

from collections.abc import Sequence

from bot.approvals.ids import ChannelId, Person
from bot.approvals.ports import LookupFailed, Member


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
        self.down = False
        self.fresh_lookups = 0

    def add(self, person: Person, *, ineligible: str = "") -> Person:
        self.people[person.user_id] = person
        if ineligible:
            self.ineligible[person] = ineligible
        return person

    async def member(self, person: Person) -> Member:
        self._answer()
        return Member(
            person=person,
            name=person.user_id,
            ineligible=self.ineligible.get(person, ""),
            nameable=person in self.nameable,
            zone=self.zones.get(person, ""),
        )

    async def resolve(self, refs: Sequence[str], *, fresh: bool = False) -> frozenset[Person]:
        self._answer()
        self.fresh_lookups += fresh and bool(refs)
        groups = self.groups if fresh else {**self.groups, **self.cached}
        found = [person for ref in refs for person in groups.get(ref, [])]
        return frozenset([*found, *(self.people[ref] for ref in refs if ref in self.people)])

    async def names_of(self, person: Person) -> frozenset[str]:
        self._answer()
        if person in self.ineligible:
            return frozenset({person.user_id})
        return frozenset({person.user_id, *(name for name, people in self.groups.items() if person in people)})

    async def channel(self, ref: str) -> ChannelId | None:
        self._answer()
        return self.channels.get(ref)

    def _answer(self) -> None:
        if self.down:
            raise LookupFailed("timeout")
