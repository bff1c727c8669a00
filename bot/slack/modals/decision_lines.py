"""Who decided what under which rule, and what comes next, as blocks of *Details*. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from bot.approvals.model.caller import Caller
from bot.approvals.model.decision import (
    Approve,
    Choose,
    ItemVerdict,
    Keep,
    Reject,
    Respond,
    Undo,
    Vote,
)
from bot.approvals.model.ids import JSON, Person
from bot.approvals.model.policy import (
    CloseWindow,
    Consent,
    Escalate,
    Expire,
    OnStale,
    Overdue,
    Pick,
    Remind,
    Stage,
    Step,
    UndoTerms,
    Via,
    Warn,
)
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Pending, Request
from bot.approvals.rules import schedule, voting, windows
from bot.slack import blocks, text, wording
from bot.slack.blocks import Block, Element
from bot.slack.cards import decision_words, earlier_words, outcome_blocks, programs, status_lines, turns, undo_words
from bot.slack.modals import value_rows
from bot.slack.text import moment

MAX_VOTES: Final = 20
"""Votes that are listed. *History* has all of them."""
MAX_STEPS: Final = 5
"""Steps to come that are listed."""
_MAX_WORDS_CHARACTERS: Final = 600
"""Of what somebody wrote."""


def blocks_of(request: Request, caller: Caller | None = None) -> list[Block]:
    """How it was decided, or who may decide by when; each vote with its reason; the rule; what comes next. `caller` is
    the program that asks, if one does."""
    who = "Who can undo it" if request.is_window else "Who decides"
    return [
        blocks.section(f"*{who if isinstance(request.state, Pending) else 'The decision'}*"),
        blocks.section("\n".join(_standing(request, caller))),
        *_votes(request),
        blocks.section("\n".join(_rule(request))),
        blocks.context(_ids(request)),
    ]


def _standing(request: Request, caller: Caller | None) -> list[str]:
    if not isinstance(request.state, Pending):
        followed = outcome_blocks.what_followed(request, caller)
        return [outcome_blocks.headline(request), *([followed] if followed else [])]
    if request.is_window:
        assert request.deadline is not None  # noqa: S101 - a window always closes
        if not windows.can_undo(request):
            return ["It cannot be undone", f"{text.upper(programs.agent(request))} goes on: {moment(request.deadline)}"]
        return [f"May undo it: {undo_words.who_may(request, 10) or 'nobody'}", f"Until: {_deadline(request)}"]
    called_off = earlier_words.called_off(request)
    return [
        *([called_off] if called_off else []),
        f"May answer: {status_lines.who(request)}",
        *([f"Still needed: {turns.turn(request)}"] if request.stage_votes else []),
        f"Answer by: {_deadline(request)}",
        *_coming(request),
    ]


def _ids(request: Request) -> str:
    return f"Request `{request.id}` · Task `{request.task_id}` · Version {request.version}"


# --- The rule -----------------------------------------------------------------------------------


def _rule(request: Request) -> list[str]:
    policy = request.policy
    stages = policy.stages
    lines = [f"Policy rule `{text.sentence(policy.name, 100)}`"]
    pages = text.listed([f"*{text.program(name)}*" for name in policy.via], 5)
    lines += [f"People may also answer through {pages}"] if pages else []
    if request.is_window:
        return lines
    after = _afterwards(request)
    if len(stages) == 1:
        return [*lines, f"Needs {_quorum(stages[0])}", *after]
    now = request.stage_number if isinstance(request.state, Pending) else -1
    return [
        *lines,
        *(
            f"Stage {number + 1} of {len(stages)}"
            f"{f', {text.sentence(stage.name, 60)}' if stage.name else ''}: {_quorum(stage)}"
            f"{'  (now)' if number == now else ''}"
            for number, stage in list(enumerate(stages))[:MAX_VOTES]
        ),
        *after,
    ]


def _afterwards(request: Request) -> list[str]:
    """What the policy says about a decision once it is made: how long it is held, how long it is valid, and who may
    undo what follows from it if the agent offers that."""
    policy = request.policy
    lines = [f"A decision is held for {text.span(policy.hold)} before the agent gets it"] if policy.hold else []
    if policy.valid_for is not None:
        stale = "people are asked again" if policy.on_stale is OnStale.ASK else "the task is stopped"
        lines.append(f"An approval is valid for {text.span(policy.valid_for)}; after that, {stale}")
    if policy.undo != UndoTerms() or request.undo is not None:
        may = (
            [text.mention(request.requester)] if policy.undo.requester and isinstance(request.requester, Person) else []
        )
        may += map(text.approver, policy.undo.approvers)
        lines.append(
            f"What the agent does can be undone by {text.either(may, 5) or 'those who approve'}, if it offers that"
        )
    return lines


def _quorum(stage: Stage) -> str:
    groups = [f"{group.needed:,} of {text.approvers(group.approvers, 5) or 'nobody'}" for group in stage.groups]
    limit = stage.reject_quorum
    return text.listed(groups) + (f"; {limit:,} rejections reject it" if limit > 1 else "")


# --- What comes next ----------------------------------------------------------------------------


def _deadline(request: Request) -> str:
    """The deadline, and what follows then if nobody answers."""
    step = next((step for step in request.stage.steps if step.at_deadline), None)
    if request.deadline is None or step is None:
        return "no deadline"
    return f"{moment(request.deadline)}. After that, {_step(request, step)}"


def _coming(request: Request) -> list[str]:
    """The steps to come before the deadline in their order, each with its time."""
    found = schedule.next_moment(request)
    if found is None or not isinstance(request.state, Pending):
        return []
    taken = request.state.taken
    steps = [(request.comes(step), step) for number, step in enumerate(request.stage.steps) if number not in taken]
    later = sorted((each for each in steps if each[1] != found[1]), key=lambda each: each[0])
    coming = [(at, step) for at, step in [found, *later] if not step.at_deadline]
    lines = [f"{_step(request, step)} · {moment(at)}" for at, step in coming[:MAX_STEPS]]
    return [f"{'Then' if number else 'Next'}: {line}" for number, line in enumerate(lines)]


def _step(request: Request, step: Step) -> str:
    objected = bool(voting.objectors(request))
    match step.action:
        case Remind():
            return "a reminder"
        case Warn():
            return "a warning that the deadline is near"
        case Escalate(to=to, via=Via.DM):
            return f"this goes to {text.approvers(to, 5)} by direct message"
        case Escalate(to=to):
            return f"this goes to {text.approvers(to, 5)}"
        case Consent() | Pick() if objected:
            return "silence no longer counts as an answer, because somebody objected"
        case Consent():
            return "silence approves it"
        case Pick(choice=choice):
            return f"silence chooses {text.sentence(choice, 60)}"
        case Expire():
            return "it expires"
        case Overdue():
            return "it is overdue, and keeps waiting"
        case CloseWindow():
            return "it can no longer be undone, and stays as it is"
        case _ as never:
            assert_never(never)


# --- Votes --------------------------------------------------------------------------------------


def _votes(request: Request) -> list[Block]:
    """Each vote that counts: who, what, when, and why. What was answered in a private request is not said."""
    made: list[Block] = []
    for vote in request.votes[:MAX_VOTES]:
        way = f" · {decision_words.through(vote)}" if vote.through else ""
        stage = f" · stage {vote.stage + 1}" if len(request.policy.stages) > 1 else ""
        said = "answered" if request.policy.private else _said(request, vote.verdicts)
        made.append(blocks.section(f"{text.mention(vote.person)}: {said} · {moment(vote.at)}{way}{stage}"))
        words = [] if request.policy.private else _words(vote)
        made += [blocks.rich(*words)] if words else []
    if rest := len(request.votes) - MAX_VOTES:
        made += [blocks.context(f"… {text.counted(rest, 'more vote')}: see *History*")] if rest > 0 else []
    return made


def _said(request: Request, verdicts: Sequence[ItemVerdict]) -> str:
    words = [_verb(request, verdict) for verdict in verdicts]
    if len(set(words)) == 1:
        return f"*{words[0]}*"
    return ", ".join(f"{number}. *{word}*" for number, word in enumerate(words[:10], start=1)) + (
        f" and {len(words) - 10:,} more" if len(words) > 10 else ""
    )


def _verb(request: Request, verdict: ItemVerdict) -> str:
    return text.sentence(wording.label(request.question, _VERDICTS[type(verdict)]), 60)


_VERDICTS: Final[Mapping[type[ItemVerdict], Verdict]] = {
    Approve: Verdict.APPROVE,
    Reject: Verdict.REJECT,
    Respond: Verdict.RESPOND,
    Choose: Verdict.CHOOSE,
    Undo: Verdict.UNDO,
    Keep: Verdict.KEEP,
}


def _words(vote: Vote) -> list[Element]:
    """What came with a vote, each text once."""
    texts: list[str] = []
    for verdict in vote.verdicts:
        match verdict:
            case Approve(reason=words) | Reject(reason=words):
                texts.append(words.strip())
            case Respond(value=value):
                texts.append(_written(value))
            case Choose(choice=choice):
                texts.append(choice)
            case Undo() | Keep():
                pass
            case _ as never:
                assert_never(never)
    distinct = [words for words in dict.fromkeys(texts) if words]
    return [
        part for words in distinct[:10] for part in value_rows.quoted(text.shown(words, _MAX_WORDS_CHARACTERS).text)
    ]


def _written(value: JSON) -> str:
    if isinstance(value, dict) and value:
        return value_rows.written(value_rows.of(value))
    return value if isinstance(value, str) else text.pretty(value)
