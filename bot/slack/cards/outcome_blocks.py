"""The outcome of a request in words: who decided what, and whether the agent has gone on since."""

from __future__ import annotations

from typing import assert_never

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Choose,
    Decision,
    Expired,
    ItemVerdict,
    Outcome,
    Reject,
    Respond,
    outcome_of,
)
from bot.approvals.model.request import Before, Decided, Delivered, Pending, Request, Superseded
from bot.approvals.model.task import Failure, Gone, Part
from bot.slack import blocks, text
from bot.slack.blocks import Block, Element
from bot.slack.cards import values
from bot.slack.cards.values import Detail
from bot.slack.text import moment

_SAID = {
    Outcome.APPROVE: "Approved",
    Outcome.EDIT: "Approved with changes",
    Outcome.REJECT: "Rejected",
    Outcome.RESPOND: "Answered",
    Outcome.CHOOSE: "Answered",
    Outcome.MIXED: "Answered one by one",
}


_DECIDED = {
    Outcome.APPROVE: "approved",
    Outcome.EDIT: "changed and approved",
    Outcome.REJECT: "rejected",
    Outcome.RESPOND: "answered",
    Outcome.CHOOSE: "answered",
    Outcome.MIXED: "answered",
}


def headline(request: Request) -> str:
    """One mrkdwn line: the outcome, who decided it and when. Empty while the request is open."""
    match request.state:
        case Pending():
            return ""
        case Decided(decision=decision) | Delivered(decision=decision):
            return _headline(decision)
        case Superseded(at=at, decision=None, stopped=True):
            return f"*No longer needed.* The task was stopped · {moment(at)}"
        case Superseded(at=at, decision=decision):
            moved_on = f"*No longer needed.* The agent moved on without an answer · {moment(at)}"
            return moved_on if decision is None else _headline(decision)
        case _ as never:
            assert_never(never)


def _headline(decision: Decision) -> str:
    match decision:
        case Answered(at=at):
            by = text.mentions(decision.voters) if decision.voters else "its policy"
            why = f": {text.sentence(decision.ruled, 200)}" if decision.ruled else ""
            return f"*{_SAID[outcome_of(decision)]}* by {by}{why} · {moment(at)}"
        case Expired(at=at):
            return f"*Expired.* Nobody answered by {moment(at)}"
        case Cancelled(by=by, at=at):
            return f"*Cancelled* by {text.mention(by)} · {moment(at)}"
        case _ as never:
            assert_never(never)


def what_followed(request: Request) -> str:
    """One mrkdwn line: whether the agent has gone on. Empty if it is not supposed to."""
    match request.state:
        case Superseded(at=at, decision=Answered() | Expired(), changed=True):
            return f"The agent asks something else now and was not told. It is asked again below · {moment(at)}"
        case Superseded(at=at, decision=Answered() | Expired(), stopped=True):
            return f"The task was stopped. The agent was not told, and nothing was run · {moment(at)}"
        case Superseded(at=at, decision=Answered() | Expired()):
            return f"The answer may not have reached the agent, which was stopped or had moved on · {moment(at)}"
        case Decided(decision=Cancelled()) | Delivered(decision=Cancelled()) | Pending() | Superseded():
            return ""
        case Decided(failure=failure, next_try=next_try) as decided:
            if request.gone is not None:
                return missing(request.gone)
            if failure is None and decided.revocable and next_try is not None:
                return f"The agent gets it {moment(next_try)}; until then it can be taken back"
            if failure is None:
                return "Waiting for the agent to go on"
            again = f"tries again {moment(next_try)}" if next_try else "will not try again by itself"
            return f"{stopped(failure)} It {again}."
        case Delivered(at=at, stopped=True):
            return f"The task was stopped there. The agent was not told, and nothing was run · {moment(at)}"
        case Delivered(at=at):
            return f"The agent was told, and went on · {moment(at)}"
        case _ as never:
            assert_never(never)


def before(before: Before) -> str:
    """A sentence that says who decided what the agent asked before, and when."""
    match before.decision:
        case Answered(voters=voters, at=at) if voters:
            said = _DECIDED[outcome_of(before.decision)]
            return f"{text.mentions(voters)} {said} what it asked before · {moment(at)}."
        case decision:
            return f"What it asked before: {_headline(decision).replace('*', '')}."


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
    """What people answered: reasons, answers, choices. Empty for a plain approval, which the headline tells."""
    decision = request.decision
    if not isinstance(decision, Answered) or detail is None or request.policy.private or decision.ruled:
        return []
    if outcome_of(decision) is Outcome.MIXED:
        named = zip(request.question.items, decision.verdicts, strict=False)
        lines = [
            blocks.line(blocks.run(text.label(item.name, 60), "code"), blocks.run(f"  {_short(verdict, detail)}"))
            for item, verdict in list(named)[: detail.items]
        ]
        if rest := len(decision.verdicts) - len(lines):
            lines.append(blocks.line(blocks.run(f"… {rest:,} more", "italic")))
        return [blocks.rich(blocks.bullets(lines))]
    said = [parts for verdict in _distinct(decision.verdicts) for parts in _said(verdict, detail)]
    return [blocks.rich(*said[: detail.items])] if said else []


def _distinct(verdicts: tuple[ItemVerdict, ...]) -> list[ItemVerdict]:
    distinct: list[ItemVerdict] = []
    for verdict in verdicts:
        if verdict not in distinct:
            distinct.append(verdict)
    return distinct


def _said(verdict: ItemVerdict, detail: Detail) -> tuple[Element, ...]:
    match verdict:
        case Approve(reason=reason) | Reject(reason=reason):
            return values.answer(reason, detail).parts if reason.strip() else ()
        case Respond(value=value):
            return values.answer(value, detail).parts
        case Choose(choice=choice):
            return values.answer(choice, detail).parts
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
        case _ as never:
            assert_never(never)
