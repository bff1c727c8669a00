"""How a request or a task ended, in one line that begins with its sign. Pure.

The channel, the thread, the lists and the summary all say it in these words, so that they never differ. A rejection,
silence and a stop are never told as a success, whatever the agent reports.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never

from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.decision import (
    Answered,
    Decision,
    Expired,
    Outcome,
    WindowClosed,
    outcome_of,
)
from bot.approvals.model.request import Decided, Delivered, Pending, Request, Superseded
from bot.approvals.model.task import Ended, Failed, Running, Starting, Task, TaskCancelled, Waiting
from bot.approvals.rules import windows
from bot.slack import text
from bot.slack.cards import decision_words, outcome_blocks, programs, question_blocks, servers, undo_words
from bot.slack.text import moment

MAX_TITLE_CHARACTERS: Final = 120
_TOO_LATE: Final = "not used, as it could not be delivered in time"
MAX_NAMES: Final = 5
"""Of the people who decided; how many more there are is said."""
NOTHING_REPORTED: Final = "the agent reported nothing"
_SILENT: Final = "finished"
"""What a task's outcome says if its graph said nothing (`Recording`)."""
_YES: Final = frozenset({Outcome.APPROVE, Outcome.EDIT})
_NO: Final = frozenset({Outcome.REJECT, Outcome.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a task ended. `said` is mrkdwn: what people, the policy or an error did; empty if nobody was asked. `report`
    is the agent's own text and untrusted; empty if it reported nothing."""

    sign: str
    said: str
    report: str = ""
    repeats: bool = False
    """Whether the report says little more than `said`, so that one line leaves it out."""
    loud: bool = False
    """Whether the report says that what was done could not be undone, so that it comes first and is bold."""

    @property
    def well(self) -> bool:
        """Whether the agent's report comes first, because nobody said no and nothing went wrong."""
        return self.sign == decision_words.APPROVED

    def line(self, limit: int = 120) -> str:
        """One line of mrkdwn, with the first line of the report in at most `limit` characters."""
        first = text.sentence(self.report.strip().split("\n")[0], limit).removesuffix(".")
        if not first or self.repeats:
            return f"{self.sign} {self.said}"
        if self.loud:
            return f"{self.sign} *{first}* · {self.said}"
        if self.well:
            return f"{self.sign} {first}{f' · {text.lower(self.said)}' if self.said else ''}"
        return f"{self.sign} {self.said} · {first}"


def of_task(task: Task, requests: Sequence[Request]) -> Ending | None:
    """How the task ended or why it stopped. None while it goes on. For a program's request, with what it asked: nothing
    else says that in a list."""
    ending = _of_task(task, requests)
    if ending is None or not requests or not is_of_caller(task.id) or isinstance(task.state, Failed):
        return ending
    return replace(ending, said=f"{_title(requests[-1])} · {ending.said}")


def of_call(request: Request) -> str:
    """How a program's request was settled, with what it asked, in one line of mrkdwn. Empty while it is open."""
    sign, _, said = of_request(request).partition(" ")
    return f"{sign} {_title(request)} · {said}" if said else ""


def _title(request: Request) -> str:
    return text.sentence(question_blocks.title(request), MAX_TITLE_CHARACTERS)


def _of_task(task: Task, requests: Sequence[Request]) -> Ending | None:
    match task.state:
        case Ended() as ended:
            return _stopped(ended, _settled(requests)) if ended.stopped else _ended(ended, _settled(requests))
        case Failed(failure=failure):
            waits = any(isinstance(each.state, Decided) and windows.wants_undo(each) for each in requests)
            said = f"{'*Not undone yet.* ' if waits else ''}{outcome_blocks.stopped(failure).removesuffix('.')}"
            return Ending(sign=decision_words.FAILED, said=said)
        case TaskCancelled(by=by, reason=reason):
            lost = [undo_words.not_reached(each) for each in requests if windows.wants_undo(each)]
            untold = f"the agent{servers.where(task.id)} was not told" if servers.where(task.id) else ""
            said = " · ".join(each for each in (decision_words.ended_by(by, reason), *lost[-1:], untold) if each)
            return Ending(sign=decision_words.NOT_NEEDED, said=said)
        case Starting() | Running() | Waiting():
            return None
        case _ as never:
            assert_never(never)


def of_request(request: Request) -> str:
    """How the request was settled, and when, in one line of mrkdwn. Empty while it is open."""
    if request.is_window:
        return _of_window(request)
    match request.state:
        case Pending():
            return ""
        case Superseded(at=at, decision=None, stopped=stopped):
            why = outcome_blocks.why_not_needed(request, stopped=stopped)
            return f"{decision_words.NOT_NEEDED} No longer needed: {why} · {moment(at)}"
        case Superseded(decision=decision) | Decided(decision=decision) | Delivered(decision=decision):
            assert decision is not None  # noqa: S101 - the case above takes the other
            said = f"{decision_words.sign(decision)} {_decided(request, decision)}"
            later = undo_words.afterwards_in_short(request)
            return " · ".join(each for each in (said, _came_of(request), _at(decision), later) if each)
        case _ as never:
            assert_never(never)


def _of_window(request: Request) -> str:
    """How an undo window was settled. An undo that did not work is told as loudly as it can be."""
    if isinstance(request.state, Pending):
        return ""
    decision = request.decision
    said = undo_words.ended(request) or (_decided(request, decision) if decision is not None else "")
    report = request.state.outcome if isinstance(request.state, Delivered) else ""
    lost = undo_words.followed(request) if undo_words.is_not_undone(report) else undo_words.not_reached(request)
    if isinstance(request.state, Decided) and request.state.failure is not None:
        lost = f"{programs.agent(request)} has not taken it yet"
    at = "" if isinstance(decision, WindowClosed) else moment(outcome_blocks.settled_at(request))
    return f"{undo_words.sign(request)} {' · '.join(each for each in (said, lost, at) if each)}"


# --- Within -------------------------------------------------------------------------------------


def _ended(ended: Ended, settled: Sequence[tuple[Request, Decision]]) -> Ending:
    report = "" if ended.outcome.strip() == _SILENT else ended.outcome.strip()
    if not settled:
        return Ending(sign=decision_words.APPROVED, said="" if report else f"Done · {NOTHING_REPORTED}", report=report)
    request, decision = settled[-1]
    sign, said = decision_words.sign(decision), _decided(request, decision)
    if windows.wants_undo(request) and (lost := undo_words.not_reached(request)):
        return Ending(sign=decision_words.FAILED, said=f"{said} · {lost}", report=report)
    if windows.wants_undo(request) and undo_words.is_not_undone(report):
        return Ending(sign=decision_words.FAILED, said=said, report=report, loud=True)
    if isinstance(request.state, Superseded):
        return Ending(
            sign=decision_words.FAILED,
            said=f"{said}, but {programs.agent(request)} may not have been told",
            report=report,
        )
    silent = (
        not report and sign in (decision_words.APPROVED, decision_words.UNDONE) and not is_of_caller(request.task_id)
    )
    words = [said, _tally(settled), NOTHING_REPORTED if silent else ""]
    return Ending(sign=sign, said=" · ".join(each for each in words if each), report=report)


def _stopped(ended: Ended, settled: Sequence[tuple[Request, Decision]]) -> Ending:
    """A task that ran no further. The last decision stopped it if its agent was not told."""
    report = ended.outcome.strip().removeprefix("Stopped: ")
    if settled:
        request, decision = settled[-1]
        if windows.wants_undo(request) and (lost := undo_words.not_reached(request)):
            said = f"{_decided(request, decision)} · {lost}"
            return Ending(sign=decision_words.FAILED, said=said, report=report, repeats=True)
        if isinstance(request.state, Superseded) and request.state.stale:
            said = f"{_decided(request, decision)} · {_TOO_LATE}"
            return Ending(sign=decision_words.STOPPED, said=said, report=report, repeats=True)
        if isinstance(request.state, Decided) or (
            isinstance(request.state, Delivered | Superseded) and request.state.stopped
        ):
            said = f"{_decided(request, decision)} · the task was stopped there"
            return Ending(sign=decision_words.STOPPED, said=said, report=report, repeats=True)
    return Ending(sign=decision_words.STOPPED, said="Stopped", report=report)


def _settled(requests: Sequence[Request]) -> list[tuple[Request, Decision]]:
    """The requests that people, the policy or silence settled, in the order in which they were. An answer that was not
    used because the agent asks something else now counts for nothing. What was not undone is told as if nobody had been
    asked, unless nobody was asked anything else."""
    found = [
        (request, request.decision)
        for request in requests
        if isinstance(request.decision, Answered | Expired | WindowClosed)
        and not (isinstance(request.state, Superseded) and (request.state.changed or _stays(request)))
    ]
    led = [each for each in found if not _stays(each[0])]
    return sorted(led or found, key=lambda each: each[1].at)


def _stays(request: Request) -> bool:
    """Whether it is an undo window in which nobody undid anything."""
    return request.is_window and not windows.wants_undo(request)


def _tally(settled: Sequence[tuple[Request, Decision]]) -> str:
    """How many questions were approved, if some were and others were not."""
    outcomes = [outcome_of(decision) for _, decision in settled]
    yes, no = sum(each in _YES for each in outcomes), sum(each in _NO for each in outcomes)
    return f"{yes} of {yes + no} questions approved" if yes and no else ""


def _decided(request: Request, decision: Decision) -> str:
    """Who decided what and, if its policy did, why."""
    ruled = decision.ruled if isinstance(decision, Answered) else ""
    return f"{decision_words.said(request, decision, MAX_NAMES)}{f': {text.sentence(ruled, 150)}' if ruled else ''}"


def _at(decision: Decision) -> str:
    return "" if isinstance(decision, Expired | WindowClosed) else moment(decision.at)


def _came_of(request: Request) -> str:
    """What became of a decision, if the agent did not simply take it."""
    match request.state:
        case Superseded(changed=True):
            return "not used: the agent asks something else now"
        case Superseded(stale=True):
            return _TOO_LATE
        case Superseded(decision=Answered() | Expired()) if is_of_caller(request.task_id):
            return "withdrawn before it was fetched"
        case Superseded(decision=Answered() | Expired(), stopped=True) | Delivered(stopped=True):
            return "the task was stopped there"
        case Superseded(decision=Answered() | Expired()):
            return "the agent may not have been told"
        case Decided(failure=failure) if failure is not None:
            return f"{programs.agent(request)} has not taken it yet"
        case Decided(held_until=datetime() as until) as decided if decided.revocable:
            return f"{programs.agent(request)} gets it {moment(until, seconds=True)}"
        case _:
            return ""
