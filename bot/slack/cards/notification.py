"""The text of a request's messages, which notifications and screen readers use. Pure.

A telephone shows about `GLANCE` characters of it, so what matters comes first: why this person is asked, what, how
risky it is, and by when. The rest follows in full sentences for those who have it read to them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.ids import Program
from bot.approvals.model.message import Message
from bot.approvals.model.question import Risk
from bot.approvals.model.request import Request
from bot.approvals.model.server import server_of_thread
from bot.approvals.model.task import Task
from bot.approvals.rules import schedule, windows
from bot.slack import blocks, display, lines, text
from bot.slack.cards import (
    earlier_words,
    edit_diff,
    endings,
    notices,
    programs,
    question_blocks,
    reminder,
    servers,
    turns,
    undo_words,
)
from bot.slack.cards.request_card import RENEWED
from bot.slack.text import moment

GLANCE: Final = 110
"""Characters of a notification that are seen before it is opened."""
_MIN_TITLE_CHARACTERS: Final = 24
_MAX_TITLE_CHARACTERS: Final = 300
_RISKS: Final = {Risk.HIGH: "High risk.", Risk.CRITICAL: "Critical risk."}


def card_text(message: Message, task: Task, request: Request) -> str:
    """The card as sentences: why this person is asked, what, the risk if it is high, and the deadline; then how many
    have to answer, who asks and who may answer. Once it is settled, the title and how."""
    if settled := endings.of_request(request):
        return text.paragraph([_title(request, _MAX_TITLE_CHARACTERS), text.spoken(settled)])
    why = notices.short_reason(message, task, request) or earlier_words.in_short(request)
    risk, until = _risk(request), _until(request)
    title, whole = _fitting(request, [why, risk, until]), _title(request, _MAX_TITLE_CHARACTERS)
    names = text.listed(
        [
            text.sentence(display.label(item.name), 60)
            for item in request.question.items
            if item.arguments and not request.is_window
        ],
        5,
    )
    return text.paragraph(
        [
            *(each for each in (why, title, risk, until, _quorum(request)) if each),
            *_earlier(request),
            text.spoken(RENEWED) if request.renewed_at else "",
            text.spoken(_asks(task, request)),
            f"In full: {whole}" if title != whole else "",
            f"Proposed: {names}." if names else "",
            f"Changed by {_editors(request)}: {_changed(request)}." if request.edits else "",
            *_who_may(request),
        ]
    )


def _asks(task: Task, request: Request) -> str:
    """Who asks, in which channel, and for which graph or through which program. Of what was done: by or for whom."""
    where = servers.where(task.id)
    if request.is_window:
        acted = server_of_thread(task.requester) or (is_of_caller(task.id) and isinstance(task.requester, Program))
        by = "by" if acted else "for"
        where = programs.through(task) or ("" if acted else where)
        return f"Done {by} {text.mention(task.requester)}{where} in {text.channel(task.channel)}"
    if servers.is_watched(task):
        return f"{text.upper(servers.asks(task))} in {text.channel(task.channel)}"
    whose = programs.through(task) if is_of_caller(task.id) else f" for {text.sentence(task.graph, 80)}{where}"
    return f"{text.mention(task.requester)} asks{whose} in {text.channel(task.channel)}"


def _earlier(request: Request) -> list[str]:
    """Which earlier answer does not count, and why."""
    said = (earlier_words.called_off(request), earlier_words.not_used(request))
    return [text.spoken(each) for each in said if each]


def _who_may(request: Request) -> list[str]:
    if (window := request.question.window) is None:
        return [f"Who may answer: {turns.people(request, 10)}."]
    how = text.spoken(text.sentence(window.how, _MAX_TITLE_CHARACTERS))
    problem = text.spoken(text.sentence(window.problem, _MAX_TITLE_CHARACTERS))
    if not windows.can_undo(request):
        return ["This cannot be undone.", problem]
    who = undo_words.who_may(request) or "nobody"
    return [f"To undo: {how}" if how else "", f"Who may undo it: {who}. If nobody does, it stays.", problem]


def reminder_text(request: Request, sent_at: datetime, *, nudged: bool = False) -> str:
    """Who is still waited for, what for, the risk if it is high, and the deadline."""
    if settled := endings.of_request(request):
        return text.paragraph([_title(request, _MAX_TITLE_CHARACTERS), text.spoken(settled)])
    changed = reminder.looks_again(request, sent_at)
    sent = f"{text.mention(request.requester)} reminds you." if nudged else "Reminder."
    sent = "Something changed." if changed else sent
    risk, until = _risk(request), _until(request)
    title, whole = _fitting(request, [sent, risk, until]), _title(request, _MAX_TITLE_CHARACTERS)
    return text.paragraph(
        [
            *(each for each in (sent, title, risk, until) if each),
            f"{changed or reminder.waits(request, nudged=nudged)}.",
            f"In full: {whole}" if title != whole else "",
        ]
    )


def seen(mrkdwn: str) -> str:
    """The text as people see it, with dates and mentions as Slack writes them."""
    return " ".join(lines.lines([blocks.section(mrkdwn)], 10_000))


def _title(request: Request, limit: int) -> str:
    return text.spoken(text.sentence(question_blocks.title(request), limit))


def _fitting(request: Request, others: list[str]) -> str:
    """The title, cut so that it leaves room for the other sentences within a glance."""
    room = GLANCE - sum(len(seen(each)) + 1 for each in others if each)
    return _title(request, min(max(room - 1, _MIN_TITLE_CHARACTERS), _MAX_TITLE_CHARACTERS))


def _risk(request: Request) -> str:
    return _RISKS.get(request.question.risk, "") if request.question.risk else ""


def _until(request: Request) -> str:
    if request.deadline is None:
        return "There is no deadline."
    if request.is_window:
        what = "Can be undone until" if windows.can_undo(request) else "The agent goes on"
        return f"{what} {moment(request.deadline)}."
    return f"{'Overdue since' if schedule.is_overdue(request) else 'Due'} {moment(request.deadline)}."


def _quorum(request: Request) -> str:
    """How many people have to answer, if one is not enough."""
    if request.stage.needed == 1:
        return ""
    missing, more = sum(turns.missing_of(request)), "more " if request.stage_votes else ""
    return f"{missing:,} {more}{'person has' if missing == 1 else 'people have'} to answer."


def _editors(request: Request) -> str:
    return text.mentions(list(dict.fromkeys(edit.person for edit in request.edits)))


def _changed(request: Request) -> str:
    return text.listed([text.sentence(name, 60) or "-" for name in edit_diff.names(request)], 5) or "nothing any more"
