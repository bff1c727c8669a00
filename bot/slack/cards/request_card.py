"""A request's card and its copies: what is asked, who may answer, by when, and the outcome."""

from __future__ import annotations

from typing import Final

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
    question_blocks,
    side_action_menu,
    status_lines,
    vote_buttons,
)
from bot.slack.cards.question_blocks import Rendered
from bot.slack.cards.values import Detail
from bot.slack.text import moment

RENEWED: Final = "*The agent asks something else now.* Answers to what it asked before no longer count"
_AMENDED: Final = "*Another policy was applied to this request.* Answers from before that no longer count"


def card(task: Task, request: Request, detail: Detail | None) -> list[Block]:
    """The request and how it stands. It has buttons to answer only while it can be answered."""
    return _card(request, detail, _asker(task))


def copy(task: Task, request: Request, detail: Detail | None) -> list[Block]:
    """The card for a DM: it also says which channel the request comes from."""
    return _card(request, detail, f"{_asker(task)} in {text.channel(task.channel)}")


def _asker(task: Task) -> str:
    return f"Asked by {text.mention(task.requester)} for *{_graph(task)}*"


def _graph(task: Task) -> str:
    return text.sentence(task.graph, 80)


def _card(request: Request, detail: Detail | None, origin: str) -> list[Block]:
    risk = status_lines.risk(request)
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
    said = [(request.renewed_at, RENEWED), (request.amended_at, _AMENDED)]
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
