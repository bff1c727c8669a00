"""The names of people, channels and groups, for text that has only their ids."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack import markup
from bot.slack.api.cache import Cache
from bot.slack.api.calls import Done
from bot.slack.api.lookups import Lookups
from bot.slack.api.rate_limit import Monotonic, Pace

PATIENCE_SECONDS: Final = 3.0
"""How long a name may wait for its turn. The id is there without it."""
MAX_AGE_SECONDS: Final = 60.0
"""How long a name is used from the cache."""
MAX_NAMES: Final = 20
"""Looked up for one message."""


class Names:
    """Looks names up in Slack. If Slack does not say a name, the id stays."""

    def __init__(self, client: AsyncWebClient, pace: Pace | None = None, monotonic: Monotonic = time.monotonic) -> None:
        self._client = client
        self._lookups = Lookups(pace or Pace())
        self._known: Cache[str, dict[str, Any]] = Cache(monotonic, MAX_AGE_SECONDS, lasting=bool)

    async def typed(self, text: str) -> str:
        """What was typed (`markup.typed`), with the names that the author saw."""
        ids = markup.unnamed(text)[:MAX_NAMES]
        found = await asyncio.gather(*(self._called(id) for id in ids))
        return markup.typed(text, {id: name for id, name in zip(ids, found, strict=True) if name})

    async def _called(self, id: str) -> str:
        client = self._client
        match id[:1]:
            case "U" | "W":
                user = (await self._asked(id, "users.info", lambda: client.users_info(user=id))).get("user") or {}
                profile = user.get("profile") or {}
                return str(profile.get("display_name") or profile.get("real_name") or user.get("name") or "")
            case "C" | "G":
                asked = await self._asked(id, "conversations.info", lambda: client.conversations_info(channel=id))
                return str((asked.get("channel") or {}).get("name") or "")
            case "S":
                groups = (await self._asked("S", "usergroups.list", client.usergroups_list)).get("usergroups") or []
                return next((str(group["handle"]) for group in groups if group.get("id") == id), "")
            case _:
                return ""

    async def _asked(
        self, key: str, method: str, request: Callable[[], Awaitable[AsyncSlackResponse]]
    ) -> dict[str, Any]:
        async def ask() -> dict[str, Any]:
            result = await self._lookups.ask(method, request, PATIENCE_SECONDS)
            return dict(result.body) if isinstance(result, Done) else {}

        return await self._known.get(key, ask)
