"""A task's own messages: the one that opens its Slack thread, and the one that says how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.ids import JSON, Person, Program
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.model.task import Ended, Failed, Running, Starting, Task, TaskCancelled, Waiting
from bot.slack import actions, blocks, display, text
from bot.slack.actions import TaskTarget
from bot.slack.blocks import Block, Element
from bot.slack.cards import (
    decision_words,
    earlier_words,
    endings,
    programs,
    question_blocks,
    servers,
    turns,
    undo_words,
)
from bot.slack.cards.endings import Ending
from bot.slack.cards.values import Detail
from bot.slack.display import Reading

_MAX_INPUTS: Final = 4
_MAX_INPUT_CHARACTERS: Final = 60
_MAX_LISTED: Final = 3
_WAITING_FOR: Final = "waiting for "
_OUTCOME_TIMES_LONGER: Final = 3
"""The outcome has a message of its own, so it may be this many times longer than the text on a card."""


def opening(task: Task, requests: Sequence[Request], detail: Detail | None, doing: str | None = None) -> list[Block]:
    """Who started which graph with which inputs, then what it asks and whose turn it is, or how it ended. `requests`
    are all of the task's, as everybody may see them. `doing` is the graph's own word on its progress."""
    about = [*programs.about_runs(task.caller), *servers.parent_runs(task)]
    inputs = _inputs(task.inputs, _labels(requests)) if detail and not is_of_caller(task.id) else []
    return [
        blocks.rich(blocks.line(*_started(task, requests), *about, *inputs)),
        blocks.section("\n".join(_standing(task, requests, doing))),
    ]


def opening_text(task: Task, requests: Sequence[Request], doing: str | None = None) -> str:
    did = (
        _did(task, requests)
        if is_of_caller(task.id)
        else f"started {text.escape(_graph(task))}{servers.where(task.id)}"
    )
    started = f"{text.mention(task.requester)} {did}{programs.through(task)}"
    if servers.is_watched(task):
        started = text.upper(servers.asks(task))
    elif _has_acted(task, requests) and (source := _source(task)):
        started = f"{text.mention(source)} {did} for {text.mention(task.requester)}"
    return text.paragraph([text.spoken(started), *map(text.spoken, _standing(task, requests, doing))])


def outcome(task: Task, requests: Sequence[Request], detail: Detail | None, *, current: bool) -> list[Block]:
    """How the task ended or why it stopped, for its requester: what the agent reports, and who decided what. After a
    "no" and after silence, the decision comes first. If it was tried again since (not `current`), only that."""
    if not current:
        return [blocks.context("This was tried again. The result is below.")]
    ending = endings.of_task(task, requests)
    if ending is None:
        return [blocks.context(_meanwhile(task))]
    said = blocks.section(_told(task, requests, ending))
    if isinstance(task.state, Failed) and task.state.retryable and not _is_others(task, requests):
        return [said, *blocks.actions([_retry(task)])]
    if not ending.report:
        return [said]
    report = text.shown(ending.report, detail.text * _OUTCOME_TIMES_LONGER if detail else 200).text
    if ending.well or ending.loud:
        told = [blocks.run(f"{ending.sign} {report}")]
        if ending.loud:
            told = [blocks.run(f"{ending.sign} "), blocks.run(report, "bold")]
        return [blocks.rich(blocks.line(*told)), said]
    return [said, blocks.rich(blocks.line(blocks.run(report)))]


def outcome_text(task: Task, requests: Sequence[Request], *, current: bool) -> str:
    if not current:
        return "This was tried again."
    ending = endings.of_task(task, requests)
    if ending is None:
        return text.spoken(_meanwhile(task))
    said = text.spoken(_told(task, requests, ending))
    report = text.spoken(text.sentence(ending.report, 1500))
    first = (ending.well or ending.loud) and report
    return text.paragraph([f"{ending.sign} {report}", said] if first else [said, report])


# --- The opening --------------------------------------------------------------------------------


def _started(task: Task, requests: Sequence[Request]) -> list[Element]:
    """Who started what and where, or which program or thread asks or has acted."""
    if servers.is_watched(task):
        return servers.asks_runs(task)
    did = [blocks.run(" started "), blocks.run(_graph(task), "bold"), *servers.where_runs(task.id)]
    if is_of_caller(task.id):
        did = [blocks.run(f" {_did(task, requests)}")]
    source = _source(task)
    if source is None:
        return [blocks.who(task.requester), *did]
    if _has_acted(task, requests):
        return [blocks.who(source), *did, blocks.run(" for "), blocks.who(task.requester)]
    return [blocks.who(task.requester), *did, blocks.run(" through "), blocks.who(source)]


def _source(task: Task) -> Program | None:
    """The program by which a person asks or starts the task. None if none does, or if it names no person."""
    if task.caller is None or isinstance(task.requester, Program):
        return None
    return Program(name=task.caller.source)


def _has_acted(task: Task, requests: Sequence[Request]) -> bool:
    """Whether a program says what it has done, and asks for no approval."""
    return is_of_caller(task.id) and any(request.is_window for request in requests)


def _did(task: Task, requests: Sequence[Request]) -> str:
    if _has_acted(task, requests):
        return "acted"
    return "asked" if task.finished else "asks"


def _standing(task: Task, requests: Sequence[Request], doing: str | None) -> list[str]:
    """What is asked and whose turn it is, or how the task ended. A task that an error stopped may still ask."""
    asks = _asks([request for request in requests if isinstance(request.state, Pending)])
    if is_of_caller(task.id) and not asks and isinstance(task.state, Starting | Running | Waiting):
        return [endings.of_call(requests[-1])] if requests else [f"{decision_words.WAITING} About to be asked"]
    match task.state:
        case Starting() | Running() if doing:
            return [f"{decision_words.WORKING} {_doing(doing)}", *asks]
        case Starting() | Running():
            undone = [_title(request) for request in requests if undo_words.is_being_undone(request)]
            return asks or [f"{decision_words.WORKING} {f'Being undone: {undone[-1]}' if undone else 'Working'}"]
        case Waiting():
            return asks or _held(requests) or _awaited(requests, doing) or [f"{decision_words.WORKING} Working"]
        case Failed() | Ended() | TaskCancelled():
            ending = endings.of_task(task, requests)
            assert ending is not None  # noqa: S101 - these three have one
            return [ending.line(), *(asks if isinstance(task.state, Failed) else [])]
        case _ as never:
            assert_never(never)


def _asks(pending: Sequence[Request]) -> list[str]:
    """The question that has waited longest, whose turn it is, by when, and how many more there are; or if nothing else
    is asked, until when what was done can be undone. No line if nothing is asked."""
    if not pending:
        return []
    first = min(pending, key=lambda request: (request.is_window, request.opened_at, request.id))
    more = f" · and {len(pending) - 1:,} more" if len(pending) > 1 else ""
    if first.is_window:
        return [f"{decision_words.DONE} {_title(first)} · {undo_words.offer(first)}{more}"]
    until, again = turns.by(first), earlier_words.in_a_list(first)
    turn = f"{turns.turn(first)}{f', {until}' if until else ''}{f' · {again}' if again else ''}"
    return [f"{decision_words.WAITING} {_title(first)} · {turn}{more}"]


def _held(requests: Sequence[Request]) -> list[str]:
    """What was decided and is kept from the agent, and until when. No line if nothing is."""
    for request in requests:
        state = request.state
        if isinstance(state, Decided) and state.revocable and state.held_until is not None:
            said = f"{decision_words.sign(state.decision)} {_title(request)} · "
            said += decision_words.said(request, state.decision)
            return [f"{said} · {programs.agent(request)} gets it {text.moment(state.held_until, seconds=True)}"]
    return []


def _awaited(requests: Sequence[Request], doing: str | None) -> list[str]:
    """What was decided and waits for a server, and what it waits for there. No line if nothing does."""
    for request in requests:
        server, state = servers.name(request.task_id), request.state
        if server and isinstance(state, Decided) and state.failure is None:
            said = f"{decision_words.sign(state.decision)} {_title(request)} · "
            said += decision_words.said(request, state.decision)
            waits = text.sentence(doing, 150) if doing and _waits(doing) else f"waiting for {server}"
            return [f"{said} · {waits}"]
    return []


def _doing(doing: str) -> str:
    """What the run is doing. A run that waits for something is not said to work."""
    said = text.sentence(doing, 150)
    return text.upper(said) if _waits(doing) else f"Working: {said}"


def _waits(doing: str) -> bool:
    return doing.lower().startswith(_WAITING_FOR)


def _title(request: Request) -> str:
    return text.sentence(question_blocks.title(request), endings.MAX_TITLE_CHARACTERS)


def _labels(requests: Sequence[Request]) -> Mapping[str, str]:
    """The names that the graph's owner chose for its values. They are known once it has asked something."""
    return requests[-1].policy.card.labels if requests else {}


def _inputs(inputs: Mapping[str, JSON], own: Mapping[str, str]) -> list[Element]:
    given = display.readings({name: value for name, value in inputs.items() if value not in ("", None, [], {})}, own)
    runs: list[Element] = []
    for each in given[:_MAX_INPUTS]:
        runs += [blocks.run(" · "), blocks.run(text.label(each.label, 30) or '""', "bold")]
        runs.append(blocks.run(f" {text.label(_words(each), _MAX_INPUT_CHARACTERS) or '-'}"))
    rest = len(given) - _MAX_INPUTS
    return [*runs, blocks.run(f" · {rest:,} more", "italic")] if rest > 0 else runs


def _words(reading: Reading) -> str:
    match reading.value:
        case list() as value if len(value) <= _MAX_LISTED and not any(isinstance(each, list | dict) for each in value):
            return ", ".join(map(display.words, value))
        case list() as value:
            return f"{len(value):,} entries"
        case dict() as value:
            return f"{len(value):,} values" if len(value) > 1 else "1 value"
        case _:
            return reading.words


# --- The outcome --------------------------------------------------------------------------------


def _told(task: Task, requests: Sequence[Request], ending: Ending) -> str:
    """Who decided what, for the requester, who is mentioned and so gets a notification."""
    who = text.mention(task.requester) if isinstance(task.requester, Person) else ""
    said = f"{ending.said}{_prospect(task, requests)}" or "Nobody had to be asked"
    signed = said if (ending.well or ending.loud) and ending.report else f"{ending.sign} {said}"
    return signed if not who or who in said else f"{signed} · {who}"


def _prospect(task: Task, requests: Sequence[Request]) -> str:
    """How a task goes on that an error stopped, if people here cannot have it tried again."""
    if not isinstance(task.state, Failed):
        return ""
    if not task.state.retryable:
        return ". It cannot go on from there"
    return (
        f". Whoever started the thread{servers.where(task.id)} can run it again" if _is_others(task, requests) else ""
    )


def _is_others(task: Task, requests: Sequence[Request]) -> bool:
    """Whether what an error stopped is somebody else's run, and not one that was to take an answer from here."""
    return servers.is_watched(task) and not any(isinstance(request.state, Decided) for request in requests)


def _meanwhile(task: Task) -> str:
    waits = "waits for an answer" if isinstance(task.state, Waiting) else "is being tried again"
    return f"*{text.escape(_graph(task))}*{servers.where(task.id)} {waits}"


def _retry(task: Task) -> Element:
    return blocks.button("Retry", actions.RETRY, TaskTarget.of(task).encoded(), style="primary")


def _graph(task: Task) -> str:
    return text.label(task.graph, 80)
