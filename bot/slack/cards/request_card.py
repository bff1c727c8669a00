"""A request's card, its copies and its reminders: what is asked, who may answer, by when, and the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.approvals.model.policy import Expire
from bot.approvals.model.question import Risk
from bot.approvals.model.request import Pending, Request
from bot.approvals.model.task import Task
from bot.approvals.rules import schedule
from bot.approvals.rules.names import misleading, readable
from bot.slack import blocks, text
from bot.slack.blocks import Block
from bot.slack.cards import (
    blocked_lines,
    edit_diff,
    outcome_blocks,
    privacy,
    question_blocks,
    side_action_menu,
    status_lines,
    values,
    vote_buttons,
)
from bot.slack.cards.question_blocks import Rendered
from bot.slack.cards.values import Detail
from bot.slack.text import moment

MAX_TITLE_CHARACTERS: Final = 150
"""Of a title in a list that links to the card."""
_ROW: Final = Detail(text=300, value=200, rows=8, entries=6, items=1)
"""For a request in a list."""
_MAX_ROW_TITLE_CHARACTERS: Final = 600
_MAX_ROW_BLOCKS: Final = 3

_RENEWED: Final = "*The agent asks something else now.* Answers to what it asked before no longer count"
_AMENDED: Final = "*Another policy was applied to this request.* Answers from before that no longer count"
_RISKS = {
    Risk.LOW: "Low risk",
    Risk.MEDIUM: "Medium risk",
    Risk.HIGH: "*High risk*",
    Risk.CRITICAL: "*Critical risk*",
}


def card(task: Task, request: Request, detail: Detail | None) -> list[Block]:
    """The request and how it stands. It has buttons to answer only while it can be answered."""
    return _card(request, detail, _asker(task))


def copy(task: Task, request: Request, detail: Detail | None) -> list[Block]:
    """The card for a DM: it also says which channel the request comes from."""
    return _card(request, detail, f"{_asker(task)} in {text.channel(task.channel)}")


def row(request: Request, place: str) -> list[Block]:
    """The request in short, as part of a list: what, who, risk, deadline and votes. It can be answered in the list if
    everything that it asks fits in a few lines; otherwise *Review…* opens it. `place` is a mrkdwn link to the card."""
    request = privacy.masked(request)
    about = question_blocks.rendered(request, _ROW)
    whole = about.whole and question_blocks.headed(request.question) and len(about.blocks) <= _MAX_ROW_BLOCKS
    title = text.shown(request.question.title.strip(), _MAX_ROW_TITLE_CHARACTERS).text or "A question"
    return [
        blocks.rich(blocks.line(blocks.run(title, "bold"))),
        blocks.context(_joined([_risk(request), _asked_for(request), *_open_for(request, place)])),
        *(about.blocks if whole else _proposed(request)),
        *(
            {**block, "block_id": f"request:{request.id}"}
            for block in blocks.actions(vote_buttons.buttons(request, whole=whole))
        ),
    ]


def line(request: Request, place: str, *, mine: bool = False) -> str:
    """The request in two lines of mrkdwn: what is asked, and how it stands. `mine` words it for its requester."""
    request = privacy.masked(request)
    if settled := outcome_blocks.headline(request):
        return f"*{_title(request)}*\n{_joined([settled, place])}"
    of = f"waits for {status_lines.who(request)}" if mine else _asked_for(request)
    return f"*{_title(request)}*\n{_joined([_risk(request), of, *_open_for(request, place)])}"


def _risk(request: Request) -> str:
    return _RISKS[request.question.risk] if request.question.risk else ""


def _asked_for(request: Request) -> str:
    return f"asked by {text.mention(request.requester)} for *{text.sentence(request.graph, 80)}*"


def _open_for(request: Request, place: str) -> list[str]:
    """The deadline, how many have answered, and where the card is."""
    by = f"answer by {moment(request.deadline)}" if request.deadline else "no deadline"
    votes = status_lines.votes(request)
    return [by, f"answers: {votes}" if votes else "", place]


def _joined(words: Sequence[str]) -> str:
    joined = " · ".join(word for word in words if word)
    return joined[:1].upper() + joined[1:]


def _title(request: Request) -> str:
    return text.sentence(request.question.title, MAX_TITLE_CHARACTERS) or "A question"


def _proposed(request: Request) -> list[Block]:
    """What is proposed, in one line. *Review…* shows all of it."""
    items = [item for item in request.question.items if item.arguments or len(request.question.items) > 1]
    if not items:
        return []
    if len(items) > 1:
        return [blocks.context(f"{len(items)} actions: {text.listed([text.sentence(i.name, 60) for i in items], 5)}")]
    return [blocks.rich(blocks.line(*values.inline(items[0].arguments)))]


def card_text(task: Task, request: Request) -> str:
    """The card as sentences: who asks, what, the risk and the deadline; or the outcome."""
    title = text.spoken(text.sentence(request.question.title, 300)) or "A question."
    if settled := outcome_blocks.headline(request):
        return text.paragraph([title, text.spoken(settled), text.spoken(outcome_blocks.what_followed(request))])
    names = text.listed([text.sentence(item.name, 60) for item in request.question.items if item.arguments], 5)
    return text.paragraph(
        [
            f"{title} {text.mention(task.requester)} asks for {_graph(task)}.",
            text.spoken(_RISKS[request.question.risk]) if request.question.risk else "",
            f"Proposed: {names}." if names else "",
            text.spoken(_RENEWED) if request.renewed_at else "",
            f"Changed by {_editors(request)}: {_changed(request)}." if request.edits else "",
            f"Who may answer: {status_lines.who(request)}.",
            f"Answer by {moment(request.deadline)}." if request.deadline else "There is no deadline.",
        ]
    )


def _editors(request: Request) -> str:
    return text.mentions(list(dict.fromkeys(edit.person for edit in request.edits)))


def _changed(request: Request) -> str:
    return text.listed([text.sentence(name, 60) or "-" for name in edit_diff.names(request)], 5) or "nothing any more"


def _asker(task: Task) -> str:
    return f"Asked by {text.mention(task.requester)} for *{_graph(task)}*"


def _graph(task: Task) -> str:
    return text.sentence(task.graph, 80)


def reminder(request: Request, *, nudged: bool = False) -> list[Block]:
    """A reminder, `nudged` if the requester asked for it. Once the request is settled, it says only that."""
    if settled := outcome_blocks.headline(request):
        return [blocks.context(f"Reminder: {settled}")]
    by = f" {_due(request)} {moment(request.deadline)}" if request.deadline else ""
    title = blocks.run(text.label(request.question.title, 150) or "the question above", "bold")
    asks = f"{text.mention(request.requester)} still waits" if nudged else "Still waiting"
    return [
        blocks.section(f"{asks} for an answer{by}"),
        blocks.rich(blocks.line(title)),
        blocks.context(f"Who may answer: {status_lines.waiting(request)}"),
    ]


def reminder_text(request: Request, *, nudged: bool = False) -> str:
    title = text.sentence(request.question.title, 300) or "a question"
    if settled := outcome_blocks.headline(request):
        return text.paragraph([text.spoken(title), text.spoken(settled)])
    by = f"{_ends(request)} {moment(request.deadline)}." if request.deadline else ""
    sent = f" from {text.mention(request.requester)}" if nudged else ""
    return text.paragraph(
        [f"Reminder{sent} for {status_lines.waiting(request)}: {title} still waits for an answer.", by]
    )


def _due(request: Request) -> str:
    return "that was due by" if schedule.is_overdue(request) else "by"


def _ends(request: Request) -> str:
    if schedule.is_overdue(request):
        return "It has been overdue since"
    action = next((step.action for step in request.stage.steps if step.at_deadline), None)
    return "It expires" if isinstance(action, Expire) else "Its deadline is"


def _card(request: Request, detail: Detail | None, origin: str) -> list[Block]:
    question = request.question
    risk = _RISKS[question.risk] if question.risk else ""
    about = question_blocks.rendered(request, detail)
    since, since_cut = edit_diff.since_decided(request, detail)
    whole = about.whole and not since_cut
    return [
        question_blocks.heading(request),
        blocks.context(
            " · ".join([*([risk] if risk else []), *(["*Overdue*"] if schedule.is_overdue(request) else []), origin])
        ),
        *_renewed(request),
        *_misleading(request),
        *_decided_before(request, since),
        *about.blocks,
        *_unread(request, about),
        *vote_buttons.hidden(request),
        *_standing(request, detail),
        *blocked_lines.warnings(request),
        *_missing_code(request),
        *blocks.actions(
            [*vote_buttons.buttons(request, whole=whole), *(side_action_menu.menu(request) if _open(request) else [])]
        ),
        *_unbound(request),
        blocks.context(_footer(request)),
    ]


def _unread(request: Request, about: Rendered) -> list[Block]:
    """Says that the card does not show everything, and so takes no answer."""
    if about.whole or not _open(request) or request.policy.private:
        return []
    return [blocks.context("This is too long to show in full. *Review…* shows all of it, with the answers at its end.")]


def _renewed(request: Request) -> list[Block]:
    """Says that the question or its policy changed, for people who have read the card before."""
    if not _open(request):
        return []
    said = [(request.renewed_at, _RENEWED), (request.amended_at, _AMENDED)]
    return [blocks.section(f"{words} · {moment(at)}") for at, words in said if at is not None]


def _misleading(request: Request) -> list[Block]:
    """Warns that an action's name is not what it looks like."""
    found = [(item.name, misleading(item.name)) for item in request.question.items]
    return [
        blocks.context(
            f":warning: The name of {'this action' if len(found) == 1 else f'action {number}'} contains characters "
            f"that are invisible or look like others: {text.listed(characters, 5)}. It reads like "
            f"{text.sentence(readable(name), 80)}."
        )
        for number, (name, characters) in enumerate(found, start=1)
        if characters and _open(request)
    ][:3]


def _decided_before(request: Request, difference: list[Block]) -> list[Block]:
    """Says that an earlier answer was not used because the question changed, and how it changed."""
    if request.before is None or not _open(request):
        return []
    said = [
        f"*The agent asks something else now.* {outcome_blocks.before(request.before)} "
        "That was not used: nothing was run."
    ]
    if request.before.times > 1:
        said.append(
            f"It has asked something else {request.before.times:,} times in a row. If a value changes by itself, "
            "the agent's owner can leave it out under `bind` in the policy file."
        )
    return [blocks.section("\n".join(said)), *difference]


def _unbound(request: Request) -> list[Block]:
    """Says which values may differ between what is approved and what runs."""
    unbound = request.fingerprint.unbound if request.fingerprint is not None else ()
    if not unbound or not _open(request):
        return []
    names = text.listed([f"`{text.sentence(name, 60)}`" for name in unbound], 5)
    return [blocks.context(f"An answer does not cover {names}: what runs may differ there.")]


def _missing_code(request: Request) -> list[Block]:
    """Says that the code at which the agent waits is missing, and what that means."""
    if request.gone is None or not _open(request):
        return []
    return [blocks.section(f":warning: {outcome_blocks.missing(request.gone)}")]


# --- How it stands ------------------------------------------------------------------------------


def _standing(request: Request, detail: Detail | None) -> list[Block]:
    if not _open(request):
        followed = outcome_blocks.what_followed(request)
        return [
            blocks.section(outcome_blocks.headline(request)),
            *outcome_blocks.words(request, detail),
            *([blocks.context(followed)] if followed else []),
        ]
    return status_lines.standing(request)


def _footer(request: Request) -> str:
    version = f"version {request.version}" if request.version > 1 else ""
    digest = "private" if request.policy.private else f"digest `{request.digest[:12]}`"
    words = [f"Request `{request.id}`", version, digest]
    joined = " · ".join(word for word in words if word)
    return joined[:1].upper() + joined[1:]


def _open(request: Request) -> bool:
    return isinstance(request.state, Pending)
