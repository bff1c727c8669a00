"""Bolt's listeners, grouped by what Slack calls them: commands, block actions, view submissions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from slack_bolt.async_app import AsyncApp

from bot.slack import clicks, commands, submissions
from bot.slack.parts import Parts


def register(app: AsyncApp, parts: Parts, busy: Callable[[], AbstractAsyncContextManager[None]]) -> None:
    """Register everything; `busy` is held around each listener, so that a shutdown can wait for it."""

    @app.middleware
    async def counted(next: Callable[[], Awaitable[None]]) -> None:  # Bolt passes arguments by these names
        async with busy():
            await next()

    commands.register(app, parts)
    clicks.register(app, parts)
    submissions.register(app, parts)
