"""One call of the Web API: its arguments and the world that it acts on."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from simulator.channels import Channel
from simulator.errors import SlackError, invalid
from simulator.events import Events
from simulator.pace import Tier
from simulator.people import BOT_USER_ID, Person
from simulator.world import World


@dataclass(frozen=True, slots=True)
class Call:
    """Reads the arguments of a call. Raises Slack's errors for wrong ones."""

    world: World
    events: Events
    arguments: Mapping[str, Any]

    def text(self, name: str) -> str | None:
        """A string, or None if it is missing or empty."""
        value = self.arguments.get(name)
        return None if value in (None, "") else str(value)

    def needed(self, name: str) -> str:
        """A string. Raises invalid_arguments if it is missing."""
        value = self.text(name)
        if value is None:
            raise invalid("invalid_arguments", [f"missing required field: {name}"])
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean, in any of the spellings that forms use."""
        value = self.arguments.get(name)
        if value is None or value == "":
            return default
        return value if isinstance(value, bool) else str(value).lower() in ("1", "true")

    def number(self, name: str, default: int) -> int:
        """A whole number."""
        value = self.text(name)
        if value is None:
            return default
        if not value.isdigit():
            raise SlackError("invalid_arguments")
        return int(value)

    def listed(self, name: str) -> list[str]:
        """A list of strings, comma-separated or JSON."""
        value = self.arguments.get(name) or []
        return [str(one) for one in value] if isinstance(value, list) else [one for one in str(value).split(",") if one]

    def nested(self, name: str, error: str) -> Any:
        """A JSON value, encoded or not. Raises `error` if it cannot be read."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        if value == "":
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error) from None

    def channel(self, name: str = "channel") -> Channel:
        """The conversation with that id. Raises channel_not_found if there is none that the bot may see."""
        channel = self.world.channels.get(self.needed(name))
        if channel is None or (channel.kind != "channel" and BOT_USER_ID not in channel.members):
            raise SlackError("channel_not_found")
        return channel

    def joined(self, name: str = "channel") -> Channel:
        """The conversation with that id. Raises not_in_channel if the bot is not a member."""
        channel = self.channel(name)
        if BOT_USER_ID not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    def person(self, name: str = "user") -> Person:
        """The person with that id. Raises user_not_found if there is none."""
        person = self.world.people.get(self.needed(name))
        if person is None:
            raise SlackError("user_not_found")
        return person

    def need_scope(self, *any_of: str) -> None:
        """Raises missing_scope unless the manifest asks for one of these."""
        scopes = self.world.manifest.scopes
        if any_of and not scopes & set(any_of):
            raise SlackError("missing_scope", needed=",".join(any_of), provided=",".join(sorted(scopes)))


Handler = Callable[[Call], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the Web API: its handler, its scopes (one of them is enough) and its rate limit tier."""

    handler: Handler
    tier: Tier
    scopes: tuple[str, ...] = field(default=())
    app_token: bool = False
    token: bool = True


async def arguments_of(request: web.Request) -> dict[str, Any]:
    """The arguments from query, form or JSON body. A token in JSON is ignored (Slack: "Using the Web API")."""
    found: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        body = await request.text()
        try:
            loaded = json.loads(body) if body else {}
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(loaded, dict):
            raise SlackError("json_not_object")
        loaded.pop("token", None)
        return found | loaded
    if request.can_read_body:
        found |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    return found


def page(items: list[Any], call: Call, *, default: int) -> tuple[list[Any], dict[str, Any]]:
    """One page of a list, and the `response_metadata` with the next cursor. Raises invalid_cursor if it is wrong."""
    limit = call.number("limit", default) or default
    cursor = call.text("cursor") or "next:0"
    start = cursor.removeprefix("next:")
    if not cursor.startswith("next:") or not start.isdigit():
        raise SlackError("invalid_cursor")
    end = int(start) + limit
    return items[int(start) : end], {"next_cursor": f"next:{end}" if end < len(items) else ""}
