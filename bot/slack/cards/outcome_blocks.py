"""The outcome of a request in words: who decided what, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, assert_never

from bot.approvals.model.caller import Caller, is_of_caller
from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Choose,
    Decision,
    Expired,
    ItemVerdict,
    Keep,
    Outcome,
    Reject,
    Respond,
    Undo,
    WindowClosed,
    outcome_of,
)
from bot.approvals.model.ids import JSON
from bot.approvals.model.policy import OnStale
from bot.approvals.model.request import Decided, Delivered, Pending, Request, Superseded
from bot.approvals.model.task import Failure, Gone, Part
from bot.approvals.rules import windows
from bot.slack import blocks, display, text
from bot.slack.blocks import Block, Element
from bot.slack.cards import decision_words, earlier_words, form_answer, programs, servers, undo_words, values
from bot.slack.cards.values import Detail, Terms
from bot.slack.text import moment

_MAX_REASON_CHARACTERS: Final = 120
"""Of a reason in the line of the outcome. A longer one stands below it."""
_MAX_OUTCOME_CHARACTERS: Final = 120
_LEAST_VERDICTS: Final = 3
"""A card shows at least this many of the verdicts that were given one by one, however little else fits."""
_ENDS: Final = frozenset('"·')
"""What could make words look as if they ended before they do."""
_OURS: Final = ("The ", "Waiting ", "It ")
"""Beginnings of sentences of ours, which go on in lower case behind the outcome."""
_FETCHED: Final = {
    **dict.fromkeys(Outcome, "the decision"),
    **dict.fromkeys((Outcome.RESPOND, Outcome.CHOOSE, Outcome.MIXED), "the answer"),
    Outcome.EXPIRED: "that",
}
"""What a program can fetch, by how its request was settled."""


def sign(request: Request) -> str:
    """The state in one sign, which is the first that people see of a card."""
    if request.is_window:
        return undo_words.sign(request)
    match request.state:
        case Pending():
            return decision_words.WAITING
        case Decided(decision=Answered() | Expired(), failure=failure) if failure is not None or request.gone:
            return decision_words.FAILED
        case Delivered(decision=Answered() | Expired(), stopped=True):
            return decision_words.STOPPED
        case Superseded(decision=None) | Superseded(decision=Cancelled()):
            return decision_words.NOT_NEEDED
        case Superseded(stopped=True):
            return decision_words.STOPPED
        case Superseded():
            return decision_words.FAILED
        case Decided(decision=decision) | Delivered(decision=decision):
            return decision_words.sign(decision)
        case _ as never:
            assert_never(never)


def headline(request: Request) -> str:
    """One mrkdwn line: the state's sign, the outcome, who decided it, why and when. Empty while the request is open."""
    said = _said_of(request)
    return f"{sign(request)} {said}" if said else ""


def _said_of(request: Request) -> str:
    """The same without the sign, which a card has in its header."""
    if request.is_window and (ended := undo_words.ended(request)):
        return f"{ended}, {moment(settled_at(request))}"
    match request.state:
        case Pending():
            return ""
        case Superseded(at=at, decision=None, stopped=stopped):
            return f"No longer needed: {why_not_needed(request, stopped=stopped)}, {moment(at)}"
        case Superseded(decision=decision) | Decided(decision=decision) | Delivered(decision=decision):
            assert decision is not None  # noqa: S101 - the case above takes the other
            return _headline(request, decision)
        case _ as never:
            assert_never(never)


def why_not_needed(request: Request, *, stopped: bool) -> str:
    """Why nobody's answer is needed any more, as mrkdwn. On a server others may answer it as well; whether they did
    cannot be seen, only that the thread has moved on."""
    if stopped:
        return "the task was stopped"
    if server := servers.name(request.task_id):
        return f"the thread on {server} moved on without an answer from here"
    return f"{programs.agent(request)} moved on without an answer"


def _headline(request: Request, decision: Decision) -> str:
    words = decision_words.said(request, decision)
    match decision:
        case Answered(at=at, ruled=ruled) if ruled:
            return f"{words}, {moment(at)}: {text.sentence(ruled, 200)}"
        case Answered(at=at):
            told = _told(request, decision)
            return f"{words}, {moment(at)}{f': {_quoted(told)}' if told else ''}"
        case Expired() | WindowClosed():
            return words
        case Cancelled(at=at):
            return f"{words}, {moment(at)}"
        case _ as never:
            assert_never(never)


def _told(request: Request, decision: Answered) -> str:
    """A reason, an answer or a choice that is short enough for the line of the outcome, escaped. Else empty."""
    first = decision.verdicts[0]
    if request.policy.private or len({*map(repr, decision.verdicts)}) > 1:
        return ""
    match first:
        case Approve(reason=words) | Reject(reason=words) | Choose(choice=words) | Respond(value=str(words)):
            short = words.strip()
        case _:
            return ""
    fits = 0 < len(short) <= _MAX_REASON_CHARACTERS and values.inert(short) and not set(short) & _ENDS
    return text.escape(short) if fits else ""


def _quoted(words: str) -> str:
    return f'"{words}"'


def what_followed(request: Request, caller: Caller | None = None) -> str:
    """One mrkdwn sentence: what came of the answer, and whether the agent knows. Empty if nothing is to come of it.
    `caller` is the program that asks, if one does: it says whether the program took the decision."""
    if request.is_window and (done := undo_words.followed(request)):
        return done
    if is_of_caller(request.task_id) and not (isinstance(request.state, Decided) and request.state.failure):
        return _of_program(request, caller)
    match request.state:
        case Superseded(stale=True):
            return f"{earlier_words.ran_out(request)}. The task was stopped{_where(request)}"
        case Superseded(at=at, decision=Answered() | Expired(), changed=True):
            return f"The agent asks something else now and was not told. It is asked again below, {moment(at)}"
        case Superseded(decision=Answered() | Expired(), stopped=True):
            return f"The task was stopped{_where(request)}"
        case Superseded(decision=Answered() | Expired()):
            return "The answer may not have reached the agent, which was stopped or had moved on"
        case Decided(decision=Cancelled()) | Delivered(decision=Cancelled()) if servers.name(request.task_id):
            return f"The agent{servers.where(request.task_id)} was not told"
        case Decided(decision=Cancelled()) | Delivered(decision=Cancelled()) | Pending() | Superseded():
            return ""
        case Decided(failure=failure) as decided:
            undoes = windows.wants_undo(request)
            if request.gone is not None:
                return f"{'*Not undone yet.* ' if undoes else ''}{missing(request.gone)}"
            if failure is None:
                return _on_its_way(request, decided) if not request.is_window else ""
            return f"{'*Not undone yet.* ' if undoes else ''}{stopped(failure)} {_tries_again(request, decided)}"
        case Delivered(stopped=True):
            return f"The task was stopped{_where(request)}"
        case Delivered() if request.is_window:
            return ""  # the title says what was done
        case Delivered(decision=decision, outcome=outcome):
            reported = text.sentence(outcome.strip().partition("\n")[0], _MAX_OUTCOME_CHARACTERS)
            if reported and _agreed(decision):
                return reported
            return f"{text.upper(programs.agent(request))} was told{f' · {reported}' if reported else ''}"
        case _ as never:
            assert_never(never)


def _of_program(request: Request, caller: Caller | None) -> str:
    """What came of the answer to a program, which fetches it when it wants to."""
    program = programs.agent(request)
    match request.state:
        case Pending() | Superseded(decision=None) | Superseded(decision=Cancelled()):
            return ""
        case Decided(decision=Cancelled()) | Delivered(decision=Cancelled()):
            return ""
        case Superseded(stale=True):
            return earlier_words.ran_out(request)
        case Superseded():
            return f"{program} does not get it, because the request was withdrawn"
        case Decided(attempts=0, held_until=datetime()) as decided if decided.revocable:
            return _held(decided, program)
        case Decided(decision=Answered(voters=(_, *_)), attempts=0) as decided if decided.revocable:
            return f"{program} gets it in a moment; until then {_takers(decided)} can take it back"
        case Decided(attempts=0):
            return f"{program} gets it in a moment"
        case Decided(decision=decision) | Delivered(decision=decision):
            if caller is not None and caller.consumed is not None:
                return f"{program} took it {moment(caller.consumed.at)}"
            until = f" until {moment(request.state.valid_until)}" if request.state.valid_until else ""
            return f"{program} can fetch {_FETCHED[outcome_of(decision)]}{until}"
        case _ as never:
            assert_never(never)


def _on_its_way(request: Request, decided: Decided) -> str:
    """Until when the agent does not have the decision, and what can be done until then. A server may be busy, or away
    for a while."""
    if decided.revocable and decided.held_until is not None:
        return _held(decided, programs.agent(request))
    waits = f"Waiting for {servers.name(request.task_id) or 'the agent'}"
    if decided.revocable and (takers := _takers(decided)):
        return f"{waits}; until it has the answer, {takers} can take it back"
    return waits


def _tries_again(request: Request, decided: Decided) -> str:
    """When the agent gets a decision again that it failed on, and until when it may, as mrkdwn sentences."""
    at, until = decided.next_try, decided.valid_until
    if at is not None and until is not None and until <= at:
        then = "people are asked again" if request.policy.on_stale is OnStale.ASK else "the task is stopped"
        return f"The answer is not used after {moment(until)}: then {then}."
    again = f"It tries again {moment(at)}." if at else "It will not try again by itself."
    return f"{again} It is not used after {moment(until)}." if until else again


def _takers(decided: Decided) -> str:
    """Those who may take the answer back, as mrkdwn. Empty if no person gave it."""
    voters = decided.decision.voters if isinstance(decided.decision, Answered) else ()
    return text.either(map(text.mention, voters), 5)


def _held(decided: Decided, who: str) -> str:
    """When the agent, or this program, gets a decision that is held, and what can be done until then."""
    assert decided.held_until is not None  # noqa: S101 - the caller has looked
    return (
        f"{text.upper(who)} gets it {moment(decided.held_until, seconds=True)} · "
        f"until then {'*Undo* or ' if _takers(decided) else ''}*Stop*"
    )


def _agreed(decision: Decision) -> bool:
    """Whether a task's own report of its end says by itself that the agent was told."""
    return isinstance(decision, Answered) and outcome_of(decision) is not Outcome.REJECT


def _where(request: Request) -> str:
    """The breakpoint at which the task was stopped: ` before publish`, with the name of the step as code."""
    when, _, node = request.place.partition(" ")
    if when in ("before", "after") and node:
        return f" {when} `{text.sentence(node, 60)}`"
    return " there"


def settled(request: Request, caller: Caller | None = None) -> list[Block]:
    """The outcome and what followed, in one line if they are short; then whether what was approved can be undone."""
    said, followed = _said_of(request), what_followed(request, caller)
    below = [words for words in (followed if ". " in followed else "", undo_words.afterwards(request)) if words]
    if followed and ". " not in followed:
        said = f"{said} · {text.lower(followed) if followed.startswith(_OURS) else followed}"
    return [blocks.section(said), *([blocks.context("\n".join(below))] if below else [])]


def settled_at(request: Request) -> datetime:
    """When it was settled: decided, or no longer asked."""
    match request.state:
        case Superseded(at=at, decision=None):
            return at
        case _:
            assert request.decision is not None  # noqa: S101 - it is settled
            return request.decision.at


def missing(gone: Gone) -> str:
    """Which part of the agent's code is missing, and what that means, as mrkdwn sentences."""
    name = f" `{text.sentence(gone.name, 80)}`" if gone.name else ""
    match gone.part:
        case Part.QUESTION:
            return f"The agent no longer asks this{f' at{name}' if name else ''}. Nothing was run after it."
        case Part.STOP:
            return f"The agent no longer stops{f' at{name}' if name else ' here'}. Nothing was run."
        case Part.STEP:
            return f"The step{name} is missing from the agent's code. It goes on when the step is back."
        case Part.GRAPH:
            return f"The agent{name} is missing, or cannot be loaded. It goes on when it is back."
        case _ as never:
            assert_never(never)


def stopped(failure: Failure) -> str:
    """What stopped the agent, as mrkdwn sentences."""
    if failure.gone is not None:
        return missing(failure.gone)
    if failure.unsaved:
        return (
            f"*The agent ran, but its progress could not be saved*, error id `{text.sentence(failure.error_id, 40)}`. "
            "So it may have acted. *Retry* runs that step again."
        )
    kind = text.sentence(failure.summary, 80)
    return f"*Stopped by an error*{f' ({kind})' if kind else ''}, error id `{text.sentence(failure.error_id, 40)}`."


def words(request: Request, detail: Detail | None) -> list[Block]:
    """What people answered: reasons, answers, choices. Empty if the headline tells it."""
    decision = request.decision
    if not isinstance(decision, Answered) or detail is None or request.policy.private or decision.ruled:
        return []
    if _told(request, decision):
        return []
    if outcome_of(decision) is Outcome.MIXED:
        named = zip(request.question.items, decision.verdicts, strict=False)
        lines = [
            blocks.line(
                blocks.run(text.label(display.label(item.name), 60), "bold"), blocks.run(f"  {_short(verdict, detail)}")
            )
            for item, verdict in list(named)[: max(detail.items, _LEAST_VERDICTS)]
        ]
        if rest := len(decision.verdicts) - len(lines):
            lines.append(blocks.line(blocks.run(f"… {rest:,} more", "italic")))
        return [blocks.rich(blocks.bullets(lines))]
    form = request.question.form
    said = [parts for verdict in _distinct(decision.verdicts) for parts in _said(verdict, form, detail)]
    return [blocks.rich(*said[: max(detail.items, 1)])] if said else []


def answered_one_by_one(request: Request) -> bool:
    """Whether `words` lists the actions with what was said of each."""
    decision = request.decision
    mixed = isinstance(decision, Answered) and outcome_of(decision) is Outcome.MIXED
    return mixed and not request.policy.private


def _distinct(verdicts: tuple[ItemVerdict, ...]) -> list[ItemVerdict]:
    distinct: list[ItemVerdict] = []
    for verdict in verdicts:
        if verdict not in distinct:
            distinct.append(verdict)
    return distinct


def _said(verdict: ItemVerdict, form: JSON, detail: Detail) -> tuple[Element, ...]:
    match verdict:
        case Approve(reason=reason) | Reject(reason=reason):
            return values.answer(reason, detail).parts if reason.strip() else ()
        case Respond(value=dict() as value) if value:
            return values.rows(form_answer.worded(form, value), detail, Terms(labels=form_answer.labels(form))).parts
        case Respond(value=value):
            return values.answer(value, detail).parts
        case Choose(choice=choice):
            return values.answer(choice, detail).parts
        case Undo() | Keep():
            return ()
        case _ as never:
            assert_never(never)


def _short(verdict: ItemVerdict, detail: Detail) -> str:
    match verdict:
        case Approve(reason=reason) | Reject(reason=reason):
            said = "Approved" if isinstance(verdict, Approve) else "Rejected"
            return f"{said}: {text.label(reason, detail.value)}" if reason.strip() else said
        case Respond(value=value):
            words = value if isinstance(value, str) else text.pretty(value)
            return f"Answered: {text.label(words, detail.value)}"
        case Choose(choice=choice):
            return f"Chosen: {text.label(choice, detail.value)}"
        case Undo():
            return "To be undone"
        case Keep():
            return "Kept"
        case _ as never:
            assert_never(never)
