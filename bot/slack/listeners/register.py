"""Everything that people can do in Slack, and the function that does it: one line each.

Commands, buttons, modals, shortcuts and events are registered here, and nowhere else. Every function stands behind the
`Guard`, which acknowledges, says who acts, and words what is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from slack_bolt.async_app import AsyncApp

from bot.slack import actions
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
from bot.slack.listeners.acts import Body
from bot.slack.listeners.context import Parts
from bot.slack.listeners.events import channel_of
from bot.slack.listeners.guard import (
    ClickHandler,
    CommandHandler,
    EventHandler,
    Guard,
    ShortcutHandler,
    SubmissionHandler,
)

COMMANDS: Final[Mapping[str, CommandHandler]] = {
    task_command.COMMAND: task_command.typed,
    approvals_command.COMMAND: approvals_command.typed,
}

VOTES: Final[Mapping[str | re.Pattern[str], ClickHandler]] = {
    actions.APPROVE: buttons.approve,
    actions.CHOICES: buttons.choose,
    actions.ANSWER_AGAIN: buttons.answer_again,
    actions.TAKE_BACK: buttons.take_back,
    actions.STOP: buttons.stop,
    actions.UNDO: buttons.undo,
    actions.KEEP: buttons.keep,
}
"""Acknowledged once they are stored."""

CLICKS: Final[Mapping[str | re.Pattern[str], ClickHandler]] = {
    actions.MORE: card_menu.choose,
    actions.WITHDRAW: card_menu.withdraw,
    actions.RETRY: buttons.retry,
    actions.GRAPH: buttons.choose_graph,
    actions.HISTORY: history_button.open_trail,
    actions.HISTORY_PAGES: history_button.turn_page,
    actions.HOMES: home_opened.look,
}

OPENING: Final[Mapping[str | re.Pattern[str], ClickHandler]] = {
    buttons.FORMS: buttons.open_form,
    actions.WHICH: buttons.open_edit,
    actions.ARGUMENTS: buttons.choose_arguments,
    actions.VIEW_ALL: buttons.view_all,
    actions.REVIEW: buttons.review,
    actions.PAGES: buttons.turn_page,
    actions.REVEALS: reveal.reveal,
}
"""Refused if it takes too long to open the modal."""

SUBMISSIONS: Final[Mapping[str, SubmissionHandler]] = {
    actions.APPROVE_WHY: submissions.approve,
    actions.REJECT: submissions.reject,
    actions.RESPOND: submissions.respond,
    actions.CHOOSE: submissions.choose,
    actions.EACH: submissions.each,
    actions.EDIT: submissions.edit,
    actions.EDIT_ONE: submissions.edit_one,
    actions.START: submissions.start,
    actions.COMMENT: card_menu.comment,
    actions.DELEGATE: card_menu.delegate,
    actions.CANCEL: card_menu.cancel,
}

SHORTCUTS: Final[Mapping[str, ShortcutHandler]] = {
    actions.FROM_MESSAGE: conversation.start_from,
}

EVENTS: Final[Mapping[str, EventHandler]] = {
    "app_home_opened": home_opened.opened,
    "app_mention": conversation.mentioned,
    "message": conversation.written,
}

CHANNEL_EVENTS: Final = (
    *("member_joined_channel", "member_left_channel", "channel_left", "group_left"),
    *("channel_archive", "channel_unarchive", "channel_deleted", "group_archive", "group_unarchive", "group_deleted"),
)
"""What was known about a channel, and about who is in it, does not hold any more. If the bot itself is removed, Slack
sends `channel_left` or `group_left`."""


def forget_channel(parts: Parts, body: Body) -> None:
    """Slack is asked again about the channel."""
    parts.directory.forget_channel(channel_of(body))


def register(app: AsyncApp, parts: Parts) -> None:
    """Have Bolt call these functions, each behind the guard."""
    guard = Guard(parts)
    for command, answer in COMMANDS.items():
        app.command(command)(guard.command(answer))
    for kinds, guarded in ((VOTES, guard.vote), (CLICKS, guard.click), (OPENING, guard.opening)):
        for action_id, press in kinds.items():
            app.action(action_id)(guarded(press))
    for callback_id, submit in SUBMISSIONS.items():
        app.view(callback_id)(guard.submission(submit))
    for callback_id, choose in SHORTCUTS.items():
        app.shortcut(callback_id)(guard.shortcut(choose))
    for event, hear in EVENTS.items():
        app.event(event)(guard.event(hear))
    for event in CHANNEL_EVENTS:
        app.event(event)(guard.note(forget_channel))
