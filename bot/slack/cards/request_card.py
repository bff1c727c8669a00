"""A request's card and its copies: what is asked, who may answer, by when, and the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.approvals.model.caller import Caller, is_of_caller
from bot.approvals.model.ids import Program
from bot.approvals.model.message import Message
from bot.approvals.model.request import Pending, Request
from bot.approvals.model.server import server_of_thread
from bot.approvals.model.task import Task
from bot.approvals.rules import schedule
from bot.approvals.rules.names import misleading, readable
from bot.slack import blocks, lines, text
from bot.slack.blocks import Block
from bot.slack.cards import (
    answer_row,
    blocked_lines,
    earlier_words,
    edit_diff,
    notices,
    outcome_blocks,
    programs,
    question_blocks,
    servers,
    status_lines,
    vote_buttons,
)
from bot.slack.cards.question_blocks import Rendered
from bot.slack.cards.values import Detail
from bot.slack.text import moment

RENEWED: Final = "*The agent asks something else now.* Answers to what it asked before no longer count"
_AMENDED: Final = "*Another policy was applied to this request.* Answers from before that no longer count"
_MAX_NAMED: Final = 4
"""Of what the card leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A card's blocks, and how high it stands."""

    blocks: tuple[Block, ...]
    height: int
    """Lines of 60 characters, without warnings and what people did besides voting: nobody may miss those, and they do
    not make a card fold."""
    whole: bool
    """Whether it shows everything that is asked, so that people may answer on it."""


class Sketch:
    """A request's card in any detail. What is the same in each is drawn once, because a card that folds tries many."""

    def __init__(
        self, request: Request, origin: Sequence[str], why: Sequence[Block] = (), caller: Caller | None = None
    ) -> None:
        overdue = "*Overdue*" if schedule.is_overdue(request) else ""
        self._request = request
        self._above = [*why, question_blocks.heading(request)]
        self._before_reason = [*origin, question_blocks.asked_by(request)]
        self._after_reason = [status_lines.risk(request), overdue]
        self._changes = [*_renewed(request), *_misleading(request)]
        self._hidden = vote_buttons.hidden(request)
        self._standing, self._beside = _standing(request, caller)
        self._warnings = [*blocked_lines.warnings(request), *_missing_code(request)]
        self._answers: dict[bool, list[Block]] = {}
        self._unbound = _unbound(request)
        self._heights: dict[int, int] = {}

    def drawn(self, detail: Detail | None) -> Drawn:
        """The request and how it stands. It has buttons to answer only while it can be answered."""
        request = self._request
        reason = question_blocks.reason(request, detail)
        about = question_blocks.rendered(request, detail, reasoned=True)
        since, since_cut = edit_diff.since_decided(request, detail)
        whole = about.whole and not since_cut
        said = [] if _open(request) else outcome_blocks.words(request, detail)
        parts: list[tuple[bool, Sequence[Block]]] = [
            (True, self._above),
            (True, [blocks.context(_joined([*self._before_reason, reason, *self._after_reason]))]),
            (False, self._changes),
            (False, _decided_before(request, since)),
            (True, about.asked),
            (True, about.changed),
            (True, _unread(request, about)),
            (False, self._hidden),
            (True, self._standing),
            (True, said),
            (False, self._beside),
            (False, self._warnings),
            (True, self._answer_row(whole)),
            (False, self._unbound),
        ]
        counted = [block for counts, made in parts for block in made if counts or not _open(request)]
        made = tuple(block for _, made in parts for block in made)
        return Drawn(blocks=made, height=self._height(counted), whole=whole)

    def _answer_row(self, whole: bool) -> list[Block]:
        if whole not in self._answers:
            self._answers[whole] = blocks.actions(answer_row.of(self._request, whole=whole))
        return self._answers[whole]

    def _height(self, counted: Sequence[Block]) -> int:
        """Lines of these blocks."""
        kept = {id(block) for made in (self._above, self._standing, *self._answers.values()) for block in made}
        for block in counted:
            if id(block) in kept and id(block) not in self._heights:
                self._heights[id(block)] = lines.height([block], lines.WIDE)
        return sum(self._heights.get(id(block)) or lines.height([block], lines.WIDE) for block in counted)


def card(task: Task, request: Request) -> Sketch:
    """The card in the task's channel."""
    origin = [_origin(task, done=request.is_window), *programs.place(task.requester, task.id)]
    return Sketch(request, [*origin, *_about(task)], caller=task.caller)


def copy(message: Message, task: Task, request: Request) -> Sketch:
    """The card for a DM: it says first why it came, and which channel and graph the request comes from."""
    why = notices.reason(message, task, request)
    channel = text.channel(task.channel)
    place = "" if any(channel in block["text"]["text"] for block in why) else f" in {channel}"
    graph = "" if is_of_caller(task.id) else f" for {text.sentence(task.graph, 80)}"
    graph += "" if server_of_thread(task.requester) else servers.where(task.id)
    origin = f"{_origin(task, place, done=request.is_window)}{graph}"
    return Sketch(request, [origin, *_about(task)], why, task.caller)


def _about(task: Task) -> list[str]:
    """What is known of the run that asks, as mrkdwn."""
    return [*programs.about(task.caller), *servers.parent(task)]


def _origin(task: Task, place: str = "", *, done: bool) -> str:
    """Who asks, and where. A person stands for themselves; of a program it is said what it did. `done`: the program has
    acted already."""
    if isinstance(task.requester, Program):
        asks = is_of_caller(task.id) or server_of_thread(task.requester) is not None
        did = "Started" if not asks else "Done" if done else "Asked"
        return f"{did} by {text.mention(task.requester)}{place}"
    return f"{text.mention(task.requester)}{place}{programs.through(task)}"


def _joined(words: Sequence[str]) -> str:
    return " · ".join(word for word in words if word)


def _unread(request: Request, about: Rendered) -> list[Block]:
    """Says what the card does not show, and that it is in the review."""
    if about.whole or request.policy.private or not _open(request):
        return []
    if not about.left:
        return [blocks.context("The rest is in *Review…*")]
    named = [text.sentence(each, 30) or "-" for each in about.left[:_MAX_NAMED]]
    rest = len(about.left) - len(named) + about.more
    return [blocks.context(f"… {text.listed([*named, *([f'{rest:,} more'] if rest else [])])} in *Review…*")]


def _renewed(request: Request) -> list[Block]:
    """Says that the answer was called off, or that the question or its policy changed, for people who have read the
    card before."""
    if not _open(request):
        return []
    said = [(request.renewed_at, RENEWED), (request.amended_at, _AMENDED)]
    called_off = earlier_words.called_off(request)
    return [
        *([blocks.section(f"*{called_off.replace(' · ', '* · ', 1)}")] if called_off else []),
        *(blocks.section(f"{words} · {moment(at)}") for at, words in said if at is not None),
    ]


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
    said = (earlier_words.not_used(request), earlier_words.often(request.before))
    return [blocks.section("\n".join(filter(None, said))), *difference]


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


def _standing(request: Request, caller: Caller | None) -> tuple[list[Block], list[Block]]:
    """Whose turn it is, and what happened besides; or the outcome."""
    if not _open(request):
        return outcome_blocks.settled(request, caller), []
    standing = status_lines.standing(request)
    return [each for each in standing if each["type"] == "section"], [
        each for each in standing if each["type"] != "section"
    ]


def _open(request: Request) -> bool:
    return isinstance(request.state, Pending)
