"""The workspace's people and user groups, as users.* and usergroups.* show them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from simulator import zones
from simulator.errors import UnknownPlace

BOT_USER_ID = "U0COUNTERSIGN"
BOT_ID = "B0COUNTERSIGN"
APP_ID = "A0COUNTERSIGN"


OTHER_TEAM_ID = "T0OTHER"
"""The company of people who become strangers."""

_FLAGS = ("deleted", "is_restricted", "is_ultra_restricted", "is_stranger")
STANDINGS: Final[Mapping[str, frozenset[str]]] = {
    "member": frozenset(),
    "guest": frozenset({"is_restricted"}),
    "single-channel guest": frozenset({"is_restricted", "is_ultra_restricted"}),
    "stranger": frozenset({"is_stranger"}),
    "deactivated": frozenset({"deleted"}),
}
"""The standings that a person can have, with their flags in users.info (Slack: "User object")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One member, guest, stranger or bot."""

    id: str
    name: str
    real_name: str
    team_id: str
    admin: bool = False
    deleted: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    tz: str = zones.DEFAULT

    @property
    def email(self) -> str:
        """The address by which users.lookupByEmail finds them."""
        return f"{self.name}@example.com"

    @property
    def standing(self) -> str:
        """The person's standing, a key of STANDINGS. If several apply, the most restricted one."""
        flags = {name for name in _FLAGS if getattr(self, name)}
        return next(name for name, wanted in reversed(list(STANDINGS.items())) if wanted <= flags)

    def as_slack(self, *, with_email: bool, now: float) -> dict[str, Any]:
        """The `user` object of users.info (Slack: "User object"); e-mail needs `users:read.email`."""
        profile: dict[str, Any] = {
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "team": self.team_id,
        }
        if with_email and not self.is_bot:
            profile["email"] = self.email
        if self.is_bot:
            profile |= {"api_app_id": APP_ID, "bot_id": BOT_ID}
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": self.real_name,
            **zones.fields(self.tz, now),
            "profile": profile,
            "is_admin": self.admin,
            "is_owner": False,
            "is_primary_owner": False,
            "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted,
            "is_bot": self.is_bot,
            "is_app_user": False,
            "is_stranger": self.is_stranger,
            "updated": 0,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class UserGroup:
    """A user group such as @on-call."""

    id: str
    handle: str
    name: str
    people: tuple[str, ...]
    disabled: bool = False

    def as_slack(self, team_id: str, *, with_users: bool) -> dict[str, Any]:
        """The group as usergroups.list shows it."""
        shown: dict[str, Any] = {
            "id": self.id,
            "team_id": team_id,
            "is_usergroup": True,
            "is_external": False,
            "name": self.name,
            "handle": self.handle,
            "description": "",
            "date_delete": 1 if self.disabled else 0,
            "user_count": len(self.people),
        }
        return shown | {"users": list(self.people)} if with_users else shown


class People:
    """All people and user groups. Flags and groups can be changed while the simulator runs."""

    def __init__(self, people: tuple[Person, ...], groups: tuple[UserGroup, ...], *, team_id: str) -> None:
        self._team_id = team_id
        self._people = {person.id: person for person in people}
        self._groups = {group.id: group for group in groups}

    def restore(self, people: list[Person], groups: list[UserGroup]) -> None:
        """Restores all people and groups."""
        self._people = {person.id: person for person in people}
        self._groups = {group.id: group for group in groups}

    def find(self, id_or_name: str) -> Person:
        """The person with that id or name, with or without `@`. Raises `UnknownPlace` if there is none."""
        wanted = id_or_name.removeprefix("@")
        found = self._people.get(wanted) or next((p for p in self._people.values() if p.name == wanted), None)
        if found is None:
            raise UnknownPlace(f"no such person: {id_or_name}")
        return found

    def get(self, user_id: str) -> Person | None:
        """The person with that id."""
        return self._people.get(user_id)

    def by_email(self, email: str) -> Person | None:
        """The person with that e-mail address. As in Slack, deactivated people and bots are not found."""
        return next(
            (p for p in self._people.values() if p.email == email.lower() and not p.deleted and not p.is_bot), None
        )

    def all(self) -> list[Person]:
        """All people, including the bot."""
        return list(self._people.values())

    def change(self, id_or_name: str, **flags: Any) -> Person:
        """Sets these flags of a person. A stranger then belongs to another company."""
        person = self.find(id_or_name)
        if "is_stranger" in flags:
            flags = {"team_id": OTHER_TEAM_ID if flags["is_stranger"] else self._team_id, **flags}
        changed = replace(person, **flags)
        self._people[changed.id] = changed
        return changed

    def stand(self, id_or_name: str, standing: str) -> Person:
        """Changes the person's standing."""
        if standing not in STANDINGS:
            raise UnknownPlace(f"no such standing: {standing}; there are {', '.join(STANDINGS)}")
        return self.change(id_or_name, **{flag: flag in STANDINGS[standing] for flag in _FLAGS})

    def group(self, id_or_handle: str) -> UserGroup | None:
        """The group with that id or handle, with or without `@`. None if there is none."""
        wanted = id_or_handle.removeprefix("@")
        return self._groups.get(wanted) or next((g for g in self._groups.values() if g.handle == wanted), None)

    def groups(self) -> list[UserGroup]:
        """All user groups."""
        return list(self._groups.values())

    def change_group(self, id_or_handle: str, **fields: Any) -> UserGroup:
        """Sets these fields of a group and returns it."""
        group = self.group(id_or_handle)
        if group is None:
            raise UnknownPlace(f"no such user group: {id_or_handle}")
        changed = replace(group, **fields)
        self._groups[changed.id] = changed
        return changed
