"""The names of people, channels and groups, for text that has only their ids."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, Final

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack import markup
from bot.slack.api.calls import Done, call

TIMEOUT_SECONDS: Final = 2.0
"""For one call, because somebody has written something and waits."""
MAX_NAMES: Final = 20
"""Looked up for one message."""


class Names:
    """Looks names up in Slack. If Slack does not say a name, the id stays."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    async def typed(self, text: str) -> str:
        """What was typed (`markup.typed`), with the names that the author saw."""
        ids = markup.unnamed(text)[:MAX_NAMES]
        found = await asyncio.gather(*(self._called(id) for id in ids))
        return markup.typed(text, {id: name for id, name in zip(ids, found, strict=True) if name})

    async def _called(self, id: str) -> str:
        match id[:1]:
            case "U" | "W":
                user = (await self._asked(self._client.users_info(user=id))).get("user") or {}
                profile = user.get("profile") or {}
                return str(profile.get("display_name") or profile.get("real_name") or user.get("name") or "")
            case "C" | "G":
                channel = (await self._asked(self._client.conversations_info(channel=id))).get("channel") or {}
                return str(channel.get("name") or "")
            case "S":
                groups = (await self._asked(self._client.usergroups_list())).get("usergroups") or []
                return next((str(group["handle"]) for group in groups if group.get("id") == id), "")
            case _:
                return ""

    async def _asked(self, request: Awaitable[AsyncSlackResponse]) -> dict[str, Any]:
        result = await call(request, TIMEOUT_SECONDS)
        return dict(result.body) if isinstance(result, Done) else {}
