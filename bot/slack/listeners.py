"""Bolt's listeners, grouped by what Slack calls them: commands, block actions, view submissions, events, shortcuts."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp

from bot.slack import approvals, besides, clicks, commands, conversation, events, reveal, submissions, trails
from bot.slack.parts import Parts


def register(app: AsyncApp, parts: Parts) -> None:
    commands.register(app, parts)
    approvals.register(app, parts)
    clicks.register(app, parts)
    trails.register(app, parts)
    reveal.register(app, parts)
    besides.register(app, parts)
    submissions.register(app, parts)
    events.register(app, parts)
    conversation.register(app, parts)
