"""Reads the YAML file that lists the workspace's people, user groups and channels."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from simulator import zones
from simulator.channels import Channel
from simulator.people import BOT_USER_ID, Person, UserGroup


class WorkspaceError(Exception):
    """The workspace file is wrong. The message names the file, the entry and the mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """The workspace itself."""

    id: str
    name: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The workspace before its first message."""

    team: Team
    people: tuple[Person, ...]
    groups: tuple[UserGroup, ...]
    channels: tuple[Channel, ...]


def read(path: Path | None, *, bot_name: str, app_name: str) -> Workspace:
    """The workspace in that file, or the packaged one. Raises `WorkspaceError` if it is wrong."""
    named = path or "workspace.yaml"
    try:
        source = (
            path.read_text("utf-8") if path else resources.files(__package__).joinpath("workspace.yaml").read_text()
        )
        return parse(yaml.safe_load(source), bot_name=bot_name, app_name=app_name)
    except (OSError, yaml.YAMLError, WorkspaceError) as error:
        raise WorkspaceError(f"{named}: {error}") from error


def parse(content: Any, *, bot_name: str, app_name: str) -> Workspace:
    """Builds the workspace from a loaded mapping and adds the bot. Raises `WorkspaceError` if it is wrong."""
    if not isinstance(content, dict) or not {"team", "people", "channels"} <= content.keys():
        raise WorkspaceError("a workspace must be a mapping with team, people, user_groups and channels")
    team: Team = _made(Team, "team", content["team"])
    bot = Person(id=BOT_USER_ID, name=bot_name.lower(), real_name=app_name, team_id=team.id, is_bot=True)
    people = tuple(_person(entry, team.id) for entry in content["people"])
    ids = {person.name: person.id for person in people}
    groups = tuple(_group(entry, ids) for entry in content.get("user_groups") or [])
    channels = tuple(_channel(entry, ids) for entry in content["channels"])
    _refuse_twins([*people, *groups, *channels])
    return Workspace(team=team, people=(*people, bot), groups=groups, channels=channels)


def _person(entry: Any, team_id: str) -> Person:
    person: Person = _made(Person, "a person", {"team_id": team_id, **_mapping("a person", entry)})
    try:
        zones.zone(person.tz)
    except zones.UnknownZone as error:
        raise WorkspaceError(f"{person.name}: {error}") from None
    return person


def _group(entry: Any, ids: Mapping[str, str]) -> UserGroup:
    fields = _mapping("a user group", entry)
    group: UserGroup = _made(UserGroup, "a user group", {**fields, "people": _ids(fields, ids)})
    return group


def _channel(entry: Any, ids: Mapping[str, str]) -> Channel:
    fields = _mapping("a channel", entry)
    unknown = fields.keys() - {"id", "name", "people", "bot", "private", "shared", "topic"}
    if unknown or not {"id", "name"} <= fields.keys():
        raise WorkspaceError(
            f"a channel needs id and name, and may have people, bot, private, shared and topic: {entry}"
        )
    members = _ids(fields, ids)
    return Channel(
        id=fields["id"],
        name=fields["name"],
        members=(*members, BOT_USER_ID) if fields.get("bot") else members,
        is_private=bool(fields.get("private")),
        is_shared=bool(fields.get("shared")),
        topic=str(fields.get("topic") or ""),
    )


def _ids(entry: Mapping[str, Any], ids: Mapping[str, str]) -> tuple[str, ...]:
    names = entry.get("people") or []
    if strangers := [name for name in names if name not in ids]:
        raise WorkspaceError(f"{entry.get('name')}: there is no {', '.join(map(str, strangers))} among the people")
    return tuple(ids[name] for name in names)


def _mapping(what: str, entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise WorkspaceError(f"{what} must be a mapping: {entry}")
    return entry


def _made(kind: type[Any], what: str, fields: Any) -> Any:
    try:
        return kind(**_mapping(what, fields))
    except TypeError as error:
        raise WorkspaceError(f"{what}: {str(error).partition('__init__() ')[2]}: {fields}") from None


def _refuse_twins(things: list[Person | UserGroup | Channel]) -> None:
    taken: set[str] = set()
    for thing in things:
        if thing.id in taken:
            raise WorkspaceError(f"two things have the id {thing.id}")
        taken.add(thing.id)
