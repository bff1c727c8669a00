"""Bolt's listeners, grouped by what Slack calls them: commands, block actions, view submissions, events, shortcuts."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp

from bot.slack.listeners import (
    approvals_command,
    buttons,
    card_menu,
    conversation,
    history_button,
    home_opened,
    reveal,
    submissions,
    task_command,
)
from bot.slack.listeners.context import Parts


def register(app: AsyncApp, parts: Parts) -> None:
    task_command.register(app, parts)
    approvals_command.register(app, parts)
    buttons.register(app, parts)
    history_button.register(app, parts)
    reveal.register(app, parts)
    card_menu.register(app, parts)
    submissions.register(app, parts)
    home_opened.register(app, parts)
    conversation.register(app, parts)
