"""A request for an operator: a row, a page in words, and JSON. Its records are masked already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from bot.approvals.model.ids import JSON
from bot.approvals.model.policy import (
    Action,
    CloseWindow,
    Consent,
    Escalate,
    Expire,
    Overdue,
    Pick,
    Policy,
    Remind,
    Stage,
    Warn,
)
from bot.approvals.model.request import Decided, Pending, Request, Unreached
from bot.approvals.model.task import Failed, Task
from bot.approvals.rules import schedule
from bot.cli.operator import record_words as words
from bot.cli.operator import tables
from bot.durations import spoken

HEAD: Final = ("REQUEST", "STATE", "GRAPH", "AGE", "HOW IT STANDS")
MAX_TEXT_CHARACTERS: Final = 2_000
"""Of what is asked. *Details* in Slack, and the audit log, have all of it."""
_PRIVATE: Final = "only those who may answer are shown it, as the policy is private; the audit log has it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request with its task, at one moment."""

    task: Task
    request: Request
    now: datetime
    amended_by: str = ""
    """Who applied the policy that it has, as the audit log names them. Empty if it has had it from the beginning."""


def row(request: Request, now: datetime) -> tuple[str, ...]:
    word = "overdue" if words.is_overdue(request, now) else words.state(request)
    since = words.age(request.opened_at, now)
    return (request.id, word, request.graph, since, words.stands(request, now))


def page(asked: Asked, columns: int) -> str:
    """All that an operator needs to know."""
    task, request, now = asked.task, asked.request, asked.now
    lines = [
        tables.paragraph(f"Request {request.id}: {words.stands(request, now)}.", columns),
        "\n",
        tables.fact("task", f"{task.id} ({request.graph}), for {words.who(request.requester)}", columns),
        tables.fact("opened", f"{words.moment(request.opened_at)}, {words.age(request.opened_at, now)} ago", columns),
        *_question(request, columns),
        tables.fact("version", _version(request), columns),
        tables.fact("may answer", _may_answer(request), columns),
        *(tables.fact("answered", each, columns) for each in _answers(request)),
        *(tables.fact("passed on", each, columns) for each in _delegations(request)),
        tables.fact("deadline", _deadline(request, now), columns),
        tables.fact("next step", _next_step(request, now), columns),
        tables.fact("rule", _rule(asked), columns),
        *(tables.fact("nobody", f"{name} {why}", columns) for name, why in request.unknown.items()),
        *(tables.fact("not reached", _unreached(each), columns) for each in request.unreached),
        tables.fact("delivery", _delivery(request, now), columns),
        tables.fact("code", words.missing(request.gone) if request.gone is not None else "", columns),
    ]
    lines += ["\nWhat you can do:\n", *(tables.offer(*each, columns) for each in _can_do(asked))]
    return "".join(lines)


def as_json(request: Request, now: datetime) -> dict[str, JSON]:
    """What lists say of a request."""
    return {**words.request_in_short_as_json(request, now), "says": words.stands(request, now)}


def page_as_json(asked: Asked) -> dict[str, JSON]:
    """What `show` says of a request: what lists say, and all that belongs to it. What is private is null."""
    request, now = asked.request, asked.now
    private, question = request.policy.private, request.question
    step = schedule.next_moment(request)
    given = request.state if isinstance(request.state, Decided) else None
    return {
        **as_json(request, now),
        "requester": words.who_as_json(request.requester),
        "private": private,
        "title": None if private else question.title,
        "text": None if private else question.text,
        "items": [
            {"name": None if private else item.name, "arguments": None if private else dict(item.arguments)}
            for item in question.items
        ],
        "choices": None if private else [*question.choices],
        "version": request.version,
        "digest": request.digest,
        "asked": [person.user_id for person in request.open.asked],
        "stage": {"number": request.stage_number + 1, "of": len(request.policy.stages), "name": request.stage.name},
        "needed": request.stage.needed,
        "votes": [
            {
                "person": vote.person.user_id,
                "verdicts": [type(each).__name__.lower() for each in vote.verdicts],
                "at": words.moment_as_json(vote.at),
                "through": vote.through or None,
                "stage": vote.stage + 1,
            }
            for vote in request.votes
        ],
        "delegations": [
            {"by": each.by.user_id, "to": each.to.user_id, "at": words.moment_as_json(each.at)}
            for each in request.delegations
        ],
        "unknown": dict(request.unknown),
        "unreached": [
            {"person": each.person.user_id if each.person else None, "name": each.name or None, "why": each.why or None}
            for each in request.unreached
        ],
        "next_step": {"at": words.moment_as_json(step[0]), "does": _does(step[1].action)} if step is not None else None,
        "held_until": words.moment_as_json(given.held_until) if given is not None else None,
        "valid_until": words.moment_as_json(given.valid_until) if given is not None else None,
        "policy_applied_at": words.moment_as_json(request.amended_at),
        "policy_applied_by": asked.amended_by or None,
    }


# --- What is asked ------------------------------------------------------------------------------


def _question(request: Request, columns: int) -> list[str]:
    question = request.question
    if request.policy.private:
        return [tables.fact("asks", _PRIVATE, columns)]
    asks = " ".join(each for each in (question.title, question.text) if each)
    items = [
        f"{item.name}({', '.join(f'{name}={words.written(value)}' for name, value in item.arguments.items())})"
        for item in question.items
        if item.name or item.arguments
    ]
    return [
        tables.fact("asks", _short(asks), columns),
        *(tables.fact("to be done" if not request.is_window else "done", _short(each), columns) for each in items),
        tables.fact("choices", _short(words.listed(question.choices)), columns),
    ]


def _short(text: str) -> str:
    left_out = len(text) - MAX_TEXT_CHARACTERS
    if left_out <= 0:
        return text
    return f"{text[:MAX_TEXT_CHARACTERS]}{tables.CUT} and {left_out:,} characters more, which the audit log has"


def _version(request: Request) -> str:
    if request.version == 1:
        return ""
    edits = f", edited by {words.people([each.person for each in request.edits])}" if request.edits else ""
    return f"{request.version}{edits}"


# --- Who may answer -----------------------------------------------------------------------------


def _may_answer(request: Request) -> str:
    if not isinstance(request.state, Pending):
        return ""
    stage, several = request.stage, len(request.policy.stages)
    name = f" ({stage.name})" if stage.name else ""
    place = f"stage {request.stage_number + 1} of {several}{name}: " if several > 1 else ""
    asked = f"; asked: {words.people(request.open.asked)}" if request.open.asked else ""
    added = f", and since then {words.listed(request.open.escalated_to)}" if request.open.escalated_to else ""
    short = f". {request.open.short} more are needed than there are" if request.open.short else ""
    return f"{place}{_groups(stage)}{added}{asked}{short}"


def _groups(stage: Stage) -> str:
    said = []
    for group in stage.groups:
        names = words.listed(group.approvers) or "nobody"
        said.append(f"{group.needed} of {names}" if group.needed > 1 or len(stage.groups) > 1 else names)
    return words.listed(said)


def _answers(request: Request) -> list[str]:
    private = request.policy.private
    said = []
    for vote in request.votes:
        given = words.listed(list(dict.fromkeys(map(words.verdict, vote.verdicts))))
        given = "answered" if private else given
        through = f", through {vote.through}" if vote.through else ""
        said.append(f"{vote.person.user_id} {given}, {words.moment(vote.at)}{through}")
    return said


def _delegations(request: Request) -> list[str]:
    return [f"{each.by.user_id} gave their vote to {each.to.user_id}" for each in request.delegations]


def _unreached(one: Unreached) -> str:
    whom = one.person.user_id if one.person is not None else one.name
    return f"{whom}: {one.why or 'means nobody'}"


# --- When and under which terms -------------------------------------------------------------------


def _deadline(request: Request, now: datetime) -> str:
    if not isinstance(request.state, Pending):
        return ""
    if request.deadline is None:
        return "none: it waits until somebody answers"
    passed = "passed, " if request.deadline <= now else ""
    extended = request.open.extension
    more = f", with {spoken(extended.measure)} more by {extended.by.user_id}" if extended is not None else ""
    return f"{passed}{words.moment(request.deadline)}{more}"


def _next_step(request: Request, now: datetime) -> str:
    step = schedule.next_moment(request)
    if step is None:
        return "none: nothing more happens by itself" if isinstance(request.state, Pending) else ""
    at, what = step
    late = f", due {words.age(at, now)} ago: the bot does it at its next sweep" if at <= now else ""
    return f"{_does(what.action)}, {words.moment(at)}{late}"


def _does(action: Action) -> str:
    match action:
        case Remind():
            return "remind those who are asked"
        case Warn():
            return "say that the deadline is near"
        case Escalate(to=to):
            return f"ask {words.listed(to)} as well"
        case Expire():
            return "expire: the agent is told that nobody answered"
        case Consent():
            return "approve, because nobody objected"
        case Pick(choice=choice):
            return f"choose {choice}, because nobody answered"
        case Overdue():
            return "say that it is overdue, and wait on"
        case CloseWindow():
            return "close: what was done stays"
        case _ as never:
            assert_never(never)


def _rule(asked: Asked) -> str:
    policy = asked.request.policy
    since = asked.request.amended_at
    if since is None:
        why = "the first of the policy file that matched when it was asked"
    else:
        why = f"applied by {asked.amended_by or 'an operator'}, {words.moment(since)}"
    return f"{policy.name}: {why}{_terms(policy)}"


def _terms(policy: Policy) -> str:
    said = [
        *(["private"] if policy.private else []),
        *(["the requester may approve"] if policy.self_approval else []),
        *([f"held for {spoken(policy.hold)}"] if policy.hold else []),
        *([f"valid for {spoken(policy.valid_for)}"] if policy.valid_for is not None else []),
        *([f"answers through {words.listed(policy.via)} count as well"] if policy.via else []),
    ]
    return f"; {', '.join(said)}" if said else ""


def _delivery(request: Request, now: datetime) -> str:
    state = request.state
    if not isinstance(state, Decided):
        return ""
    error = f". {words.failed(state.failure)}, {words.moment(state.failure.at)}" if state.failure is not None else ""
    until = f"; not used after {words.moment(state.valid_until)}" if state.valid_until is not None else ""
    return f"{words.undelivered(state, now)}{until}{error}"


def _can_do(asked: Asked) -> list[tuple[str, str]]:
    """Commands, and what each does."""
    task, request, found = asked.task, asked.request, []
    if isinstance(request.state, Pending):
        again = "puts it under the policy of the file as it is now; its votes then no longer count"
        found.append((f"countersign requests repolicy {request.id}", again))
    if isinstance(task.state, Failed) and task.state.retryable:
        found.append((f"countersign tasks retry {task.id}", "tries its task again now"))
    if not task.finished:
        found.append((f"countersign tasks cancel {task.id}", "ends its task, and so closes it"))
    found.append((f"countersign audit export --task {task.id}", "writes out everything that happened"))
    return found
