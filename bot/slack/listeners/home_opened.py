"""The Home: somebody opens theirs, or chooses what it shows."""

from __future__ import annotations

from bot.slack.inbox import home_tab
from bot.slack.listeners.acts import Click
from bot.slack.listeners.context import Parts
from bot.slack.listeners.events import Event


async def opened(parts: Parts, event: Event) -> None:
    """Show the person their Home, unless it shows what it should."""
    if event.told.get("tab") == "home":
        shown = (event.told.get("view") or {}).get("hash", "")
        await parts.homes.opened(event.actor.person, str(shown))


async def look(parts: Parts, click: Click) -> None:
    """Show something else of the Home."""
    value = str((click.pressed.get("selected_option") or click.pressed)["value"])
    await parts.homes.look(click.actor.person, lambda look: home_tab.chosen(look, click.action_id, value))
