"""The text of a request's messages, which notifications and screen readers use. Pure."""

from __future__ import annotations

from bot.approvals.model.policy import Expire
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.rules import schedule
from bot.slack import text
from bot.slack.cards import edit_diff, outcome_blocks, status_lines
from bot.slack.cards.request_card import RENEWED
from bot.slack.text import moment


def card_text(task: Task, request: Request) -> str:
    """The card as sentences: who asks, what, the risk and the deadline; or the outcome."""
    title = text.spoken(text.sentence(request.question.title, 300)) or "A question."
    if settled := outcome_blocks.headline(request):
        return text.paragraph([title, text.spoken(settled), text.spoken(outcome_blocks.what_followed(request))])
    names = text.listed([text.sentence(item.name, 60) for item in request.question.items if item.arguments], 5)
    return text.paragraph(
        [
            f"{title} {text.mention(task.requester)} asks for {text.sentence(task.graph, 80)}.",
            text.spoken(status_lines.risk(request)),
            f"Proposed: {names}." if names else "",
            text.spoken(RENEWED) if request.renewed_at else "",
            f"Changed by {_editors(request)}: {_changed(request)}." if request.edits else "",
            f"Who may answer: {status_lines.who(request)}.",
            f"Answer by {moment(request.deadline)}." if request.deadline else "There is no deadline.",
        ]
    )


def _editors(request: Request) -> str:
    return text.mentions(list(dict.fromkeys(edit.person for edit in request.edits)))


def _changed(request: Request) -> str:
    return text.listed([text.sentence(name, 60) or "-" for name in edit_diff.names(request)], 5) or "nothing any more"


def reminder_text(request: Request, *, nudged: bool = False) -> str:
    title = text.sentence(request.question.title, 300) or "a question"
    if settled := outcome_blocks.headline(request):
        return text.paragraph([text.spoken(title), text.spoken(settled)])
    by = f"{_ends(request)} {moment(request.deadline)}." if request.deadline else ""
    sent = f" from {text.mention(request.requester)}" if nudged else ""
    return text.paragraph(
        [f"Reminder{sent} for {status_lines.waiting(request)}: {title} still waits for an answer.", by]
    )


def _ends(request: Request) -> str:
    if schedule.is_overdue(request):
        return "It has been overdue since"
    action = next((step.action for step in request.stage.steps if step.at_deadline), None)
    return "It expires" if isinstance(action, Expire) else "Its deadline is"
