"""What happens in Slack without a button: somebody opens their Home. Bolt acknowledges each before it is heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack import actions
from bot.slack.inbox import home_tab
from bot.slack.listeners.context import Body, Parts, author_of, person_of, told


def register(app: AsyncApp, parts: Parts) -> None:
    @app.event("app_home_opened")
    async def opened(body: Mapping[str, Any]) -> None:
        event = body["event"]
        if event.get("tab") == "home":
            person = author_of(body)
            shown = (event.get("view") or {}).get("hash", "")
            await told(parts, parts.aside(person), parts.homes.opened(person, str(shown)))

    @app.action(actions.HOMES)
    async def look(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await ack()
        await told(parts, parts.whisper(body), _look(parts, body))


async def _look(parts: Parts, body: Body) -> None:
    """Show something else of the Home."""
    pressed = body["actions"][0]
    value = str((pressed.get("selected_option") or pressed)["value"])
    await parts.homes.look(person_of(body), lambda look: home_tab.chosen(look, pressed["action_id"], value))
