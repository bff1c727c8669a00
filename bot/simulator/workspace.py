"""Reads the YAML that says who works here and which channels there are."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from bot.simulator.channels import Channel
from bot.simulator.people import BOT_USER_ID, Person, UserGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """The workspace itself."""

    id: str
    name: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Everything there is before the first message."""

    team: Team
    people: tuple[Person, ...]
    groups: tuple[UserGroup, ...]
    channels: tuple[Channel, ...]


def read(path: Path | None, *, bot_name: str, app_name: str) -> Workspace:
    """The workspace of that file, or the packaged one."""
    source = path.read_text("utf-8") if path else resources.files(__package__).joinpath("workspace.yaml").read_text()
    return parse(yaml.safe_load(source), bot_name=bot_name, app_name=app_name)


def parse(content: dict[str, Any], *, bot_name: str, app_name: str) -> Workspace:
    """The workspace of an already loaded mapping; the bot joins it."""
    team = Team(**content["team"])
    bot = Person(id=BOT_USER_ID, name=bot_name.lower(), real_name=app_name, team_id=team.id, is_bot=True)
    people = tuple(Person(**{"team_id": team.id, **entry}) for entry in content["people"])
    ids = {person.name: person.id for person in people}
    groups = tuple(
        UserGroup(**{**entry, "people": tuple(ids[name] for name in entry["people"])})
        for entry in content.get("user_groups", [])
    )
    channels = tuple(_channel(entry, ids) for entry in content["channels"])
    return Workspace(team=team, people=(*people, bot), groups=groups, channels=channels)


def _channel(entry: dict[str, Any], ids: dict[str, str]) -> Channel:
    members = tuple(ids[name] for name in entry.get("people", []))
    return Channel(
        id=entry["id"],
        name=entry["name"],
        members=(*members, BOT_USER_ID) if entry.get("bot") else members,
        is_private=bool(entry.get("private")),
        is_shared=bool(entry.get("shared")),
        topic=str(entry.get("topic") or ""),
    )
