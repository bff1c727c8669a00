"""Everything that people see of a standard card: its messages, modals, Home and lists, in every state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from bot.approvals.inbox.queries import Contents, Page, Row
from bot.approvals.model.ids import ChannelId, MessageRef, Person, Program, Ts
from bot.approvals.model.inbox import Look
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Pending, Request
from bot.approvals.ports.slack import View
from bot.approvals.ports.storage import Records
from bot.approvals.services.messages import wanted
from bot.approvals.services.messages.masked import Masking
from bot.cli.standard_cards import afterwards, states
from bot.cli.standard_cards.standard import NOW, Standard
from bot.cli.standard_cards.states import State
from bot.secrets.detector import Detector
from bot.slack.blocks import Block
from bot.slack.cards.render import draw
from bot.slack.inbox import approvals_list, home_tab
from bot.slack.modals import answer_modal, history_modal

ADDRESS: Final = "https://acme.slack.com"
_LISTED: Final = (
    "asked",
    "one of two",
    "approved, done",
    "rejected",
    "stopped",
    "expired",
    "taken back",
    "too old",
    "undone later",
    "undone",
    "not undone",
)
"""The states that stand on somebody's Home."""
_MASKING: Final = Masking(secrets=Detector(), marks=lambda _: (), learned=len)


class Place(StrEnum):
    MESSAGE = "message"
    MODAL = "modal"
    HOME = "home"
    PRIVATE = "private"
    """A message that one person alone sees, without blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One thing that people see."""

    card: str
    """The standard card that it belongs to."""
    name: str
    """What it is, and in which state."""
    place: Place
    text: str = ""
    """A message's text, for notifications and screen readers."""
    blocks: tuple[Block, ...]
    view: dict[str, Any] | None = None
    """The whole view, of a modal or a Home."""
    seat: str
    """The id of a person who sees it."""
    is_card: bool = False
    """Whether it is the card itself, in some state."""
    state: State | None = None
    """What a message shows."""
    posted_at: datetime = NOW
    seen_at: datetime = NOW
    """When somebody looks at it: what is `today` then."""

    @property
    def file(self) -> str:
        """The name of its files, without an ending."""
        return "".join(each if each.isalnum() else "-" for each in f"{self.card} {self.name}").replace("--", "-")


def drawings(of: Standard) -> tuple[Drawing, ...]:
    """All drawings of one standard card."""
    every = _every(of)
    settled = [state for state in every if not state.pending]
    return (
        *(_card(of, state) for state in every),
        *(() if of.request.is_window else _beside(of)),
        *(_task(of, state, MessageKind.OPENING) for state in (states.asked(of), *settled)),
        *(_task(of, state, MessageKind.OUTCOME) for state in settled if _ends(state) and of.task.caller is None),
        *_modals(of),
        *_lists(of, every),
    )


def _every(of: Standard) -> tuple[State, ...]:
    if of.request.is_window:
        return tuple(afterwards.of_window(of))
    every = states.states(of)
    approved = next(state.request for state in every if state.name == "approved, waiting")
    return (*every, *afterwards.of_approval(of, approved))


# --- Messages -----------------------------------------------------------------------------------


def _message(of: Standard, state: State, message: Message, name: str, *, is_card: bool = False) -> Drawing:
    view = View(message=message, task=state.task, request=state.request, requests=(state.request,))
    card = draw(_MASKING.view(view))
    return Drawing(
        card=of.name,
        name=name,
        place=Place.MESSAGE,
        text=card.text,
        blocks=card.blocks,
        seat=of.voters[0].user_id,
        is_card=is_card,
        state=state,
        posted_at=message.created_at,
        seen_at=max(message.created_at, state.at),
    )


def _card(of: Standard, state: State) -> Drawing:
    return _message(of, state, wanted.card_of(state.request), state.name, is_card=True)


def _beside(of: Standard) -> Iterator[Drawing]:
    """What else stands in the thread, or comes by DM, while the card waits."""
    escalated, delegated = states.escalated(of), states.delegated(of)
    reminded, commented = states.reminded(of), states.commented(of)
    added = next(iter(of.voters[1:]))
    given = delegated.request.delegations[-1].to
    yield _message(of, escalated, wanted.card_of(escalated.request), "escalated", is_card=True)
    asked = wanted.copy_of(escalated.request, added, escalated.at)
    yield _message(of, escalated, asked, "DM of an escalation", is_card=True)
    stands_in = wanted.copy_of(delegated.request, given, delegated.at)
    yield _message(of, delegated, stands_in, "DM of a delegation", is_card=True)
    yield _message(of, reminded, wanted.reminder_of(reminded.request, reminded.at), "reminder")
    if isinstance(of.request.requester, Program):
        return  # nobody reminds people for it, or can be asked
    nudge = wanted.nudge_of(reminded.request, reminded.at, to=added)
    yield _message(of, reminded, nudge, "DM of the requester's reminder")
    yield _message(of, commented, wanted.comment_of(commented.request, commented.at), "question to the requester")


def _task(of: Standard, state: State, kind: MessageKind) -> Drawing:
    made = wanted.opening_of(state.task) if kind is MessageKind.OPENING else wanted.outcome_of(state.task, NOW)
    return _message(of, state, made, f"{kind}: {state.name}")


def _ends(state: State) -> bool:
    """Whether the task has an outcome message in this state."""
    return type(state.task.state).__name__ in ("Ended", "Failed", "TaskCancelled")


# --- Modals -------------------------------------------------------------------------------------


def _modals(of: Standard) -> Iterator[Drawing]:
    """The modals that the card's buttons open, while it waits; and its details once it is settled."""
    request = _MASKING.request(of.task, of.request)
    offered = {verdict for item in request.question.items for verdict in item.verdicts}
    several = len(request.question.items) > 1
    yield _modal(of, "Details", answer_modal.view_all(request))
    yield _modal(of, "Review", answer_modal.review(request))
    if Verdict.REJECT in offered:
        yield _modal(of, "Reject", answer_modal.reject(request))
    if Verdict.EDIT in offered:
        yield _modal(of, "Edit", answer_modal.edit(request))
    if Verdict.RESPOND in offered:
        yield _modal(of, "Respond", answer_modal.respond(request))
    if Verdict.CHOOSE in offered:
        yield _modal(of, "Choose", answer_modal.choose(request))
    if several:
        yield _modal(of, "One by one", answer_modal.each(request))
    yield _modal(of, "History", history_modal.trail(of.task, request, (), ()))


def _modal(of: Standard, name: str, view: dict[str, Any]) -> Drawing:
    return Drawing(
        card=of.name,
        name=f"modal: {name}",
        place=Place.MODAL,
        blocks=tuple(view["blocks"]),
        view=view,
        seat=of.voters[0].user_id,
    )


# --- Lists --------------------------------------------------------------------------------------


def _lists(of: Standard, every: Sequence[State]) -> Iterator[Drawing]:
    """Its row on somebody's Home, and its lines in `/approvals`."""
    for state in every:
        if state.name in _LISTED:
            contents = contents_of(of.voters[0], [state])
            home = home_tab.draw(_MASKING.contents(contents), ADDRESS).view
            yield Drawing(
                card=of.name,
                name=f"Home: {state.name}",
                place=Place.HOME,
                blocks=tuple(home["blocks"]),
                view=home,
                seat=of.voters[0].user_id,
                seen_at=state.at,
            )
    waiting = _MASKING.contents(contents_of(of.voters[0], [states.asked(of)]))
    for name, words in (("waiting", approvals_list.waiting), ("mine", approvals_list.asked)):
        yield Drawing(
            card=of.name,
            name=f"/approvals: {name}",
            place=Place.PRIVATE,
            text=words(waiting, ADDRESS),
            blocks=(),
            seat=of.voters[0].user_id,
        )


def contents_of(person: Person, listed: Sequence[State]) -> Contents:
    """The inbox of somebody who may answer these, or has answered them, and who asked for them."""
    rows = [_row(state, state.request) for state in listed]
    pending = tuple(row for row in rows if row.request and isinstance(row.request.state, Pending))
    decided = tuple(row for row in rows if row not in pending)
    undoable = tuple(row for row in pending if row.request and row.request.is_window)
    waiting = tuple(row for row in pending if row not in undoable)
    mine = tuple(_row(state, None) for state in listed)
    return Contents(
        person=person,
        look=Look(),
        waiting=Page(rows=waiting, total=len(waiting)),
        asked=Page(rows=mine, total=len(mine)),
        decided=Page(rows=decided, total=len(decided)),
        all_waiting=len(waiting),
        overdue=0,
        graphs=tuple(sorted({state.task.graph for state in listed})),
        undoable=Page(rows=undoable, total=len(undoable)),
    )


def _row(state: State, request: Request | None) -> Row:
    channel = ChannelId("C0OPS")
    opening, card = wanted.opening_of(state.task), wanted.card_of(state.request)
    posted = (
        _posted(opening, MessageRef(channel=channel, ts=Ts("1893575000.000100"))),
        _posted(card, MessageRef(channel=channel, ts=Ts("1893575002.000200"))),
    )
    return Row(records=Records(task=state.task, requests=(state.request,), messages=posted), request=request)


def _posted(message: Message, ref: MessageRef) -> Message:
    return replace(message, ref=ref)
