"""The demo's workspace as the directory that policies ask, without Slack: its people, groups and channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import simulator.workspace
from bot.approvals.model.ids import ChannelId, Person, TeamId, UserId
from bot.approvals.model.people import Member
from simulator.people import Person as Account


@cache
def demo() -> simulator.workspace.Workspace:
    """The workspace that the demo starts with."""
    return simulator.workspace.read(None, bot_name="countersign", app_name="Countersign")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceDirectory:
    """The `Directory` port over one workspace. Nothing of it ever changes or fails."""

    workspace: simulator.workspace.Workspace

    def person(self, name: str) -> Person:
        """The person with this name, such as `alice`."""
        return _person(next(each for each in self.workspace.people if each.name == name))

    def name(self, id: str) -> str:
        """The name of a person, group or channel, as people read it: `@alice`, `@finance`, `#ops`. The id itself if
        there is none."""
        people = {each.id: f"@{each.name}" for each in self.workspace.people}
        groups = {each.id: f"@{each.handle}" for each in self.workspace.groups}
        channels = {each.id: f"#{each.name}" for each in self.workspace.channels}
        return (people | groups | channels).get(id, id)

    # --- The port ---------------------------------------------------------------------------------

    async def member(self, person: Person, *, fresh: bool = False) -> Member:  # noqa: ARG002 - nothing gets stale
        account = next(each for each in self.workspace.people if each.id == person.user_id)
        able = account.standing == "member" and not account.is_bot
        return Member(
            person=person, name=account.name, ineligible="" if able else f"it is a {account.standing}", zone=account.tz
        )

    async def identify(self, ref: str) -> str | None:
        people = {each.id: each.id for each in self.workspace.people} | {e.email: e.id for e in self.workspace.people}
        groups = {f"@{each.handle}": each.id for each in self.workspace.groups}
        return (people | groups | self._channels).get(ref)

    async def resolve(self, refs: Sequence[str], *, fresh: bool = False) -> frozenset[Person]:  # noqa: ARG002
        accounts = {each.id: each for each in self.workspace.people}
        groups = {each.id: each.people for each in self.workspace.groups}
        members = {each.id: each.members for each in self.workspace.channels}
        named = (groups.get(ref) or members.get(ref) or (ref,) for ref in refs)
        ids = [id for each in named for id in each if id in accounts and not accounts[id].is_bot]
        return frozenset(map(_person, (accounts[id] for id in ids)))

    async def names_of(self, person: Person) -> frozenset[str]:
        return frozenset({person.user_id})

    async def groups_of(self, person: Person) -> frozenset[str]:
        return frozenset(each.id for each in self.workspace.groups if person.user_id in each.people)

    async def channel(self, ref: str) -> ChannelId | None:
        found = self._channels.get(ref)
        return None if found is None else ChannelId(found)

    async def is_in(self, channel: ChannelId) -> bool:
        return channel in self._channels.values()

    @property
    def _channels(self) -> dict[str, str]:
        return {f"#{each.name}": each.id for each in self.workspace.channels}


def _person(account: Account) -> Person:
    return Person(team_id=TeamId(account.team_id), user_id=UserId(account.id))
