"""A task's own messages: the one that opens its Slack thread, and the one that says how it ended."""

from __future__ import annotations

from typing import assert_never

from bot.approvals.model.task import Ended, Failed, Running, Starting, Task, TaskCancelled, Waiting
from bot.slack import actions, blocks, text
from bot.slack.actions import TaskTarget
from bot.slack.blocks import Block
from bot.slack.cards import outcome_blocks, values
from bot.slack.cards.values import Detail
from bot.slack.text import moment

_OUTCOME_TIMES_LONGER = 3
"""The outcome has a message of its own, so it may be this many times longer than the text on a card."""


def opening(task: Task, detail: Detail | None, doing: str | None = None) -> list[Block]:
    """Who started which graph with which inputs, and how it stands. `doing` is the graph's own word on its progress."""
    shown = values.inline(task.inputs, entries=min(detail.rows, 6), limit=min(detail.value, 80)) if detail else []
    return [
        blocks.section(_started(task)),
        *([blocks.rich(blocks.line(*shown))] if shown else []),
        blocks.context(_state(task, doing), f"Task `{task.id}`"),
    ]


def opening_text(task: Task, doing: str | None = None) -> str:
    return text.paragraph([text.spoken(_started(task)), text.spoken(_state(task, doing))])


def outcome(task: Task, detail: Detail | None, *, current: bool) -> list[Block]:
    """How the task ended or why it stopped. If it was tried again since (not `current`), only that, without buttons."""
    if not current:
        return [blocks.context("This was tried again. The result is below.")]
    said = _outcome(task)
    match task.state:
        case Ended(outcome=result, at=at):
            shown = (
                values.prose(result, detail.text * _OUTCOME_TIMES_LONGER if detail else 200).parts
                if result.strip()
                else ()
            )
            return [
                blocks.section(said),
                *([blocks.rich(*shown)] if shown else []),
                blocks.context(f"{moment(at)}", f"Task `{task.id}`"),
            ]
        case Failed(retryable=True):
            retry = blocks.button("Retry", actions.RETRY, TaskTarget.of(task).encoded(), style="primary")
            return [blocks.section(said), *blocks.actions([retry])]
        case Failed() | TaskCancelled():
            return [blocks.section(said)]
        case Starting() | Running() | Waiting():
            return [blocks.context(said)]
        case _ as never:
            assert_never(never)


def outcome_text(task: Task, *, current: bool) -> str:
    if not current:
        return "This was tried again."
    result = text.sentence(task.state.outcome, 1500) if isinstance(task.state, Ended) else ""
    return text.paragraph([text.spoken(_outcome(task)), result])


def _started(task: Task) -> str:
    return f"{text.mention(task.requester)} started *{_graph(task)}*"


def _state(task: Task, doing: str | None) -> str:
    match task.state:
        case Starting() | Running() if doing:
            return f"Working: {text.sentence(doing, 150)}"
        case Starting():
            return "Starting"
        case Running():
            return "Working"
        case Waiting():
            return "*Waiting for an answer*"
        case Ended(at=at, stopped=True):
            return f"*Stopped* · {moment(at)}"
        case Ended(at=at):
            return f"Finished · {moment(at)}"
        case Failed(failure=failure):
            return outcome_blocks.stopped(failure).removesuffix(".")
        case TaskCancelled(by=by, at=at):
            return f"Cancelled by {text.mention(by)} · {moment(at)}"
        case _ as never:
            assert_never(never)


def _outcome(task: Task) -> str:
    who, graph = text.mention(task.requester), f"*{_graph(task)}*"
    match task.state:
        case Ended(stopped=True):
            return f"{graph} was stopped, {who}"
        case Ended():
            return f"{graph} finished, {who}"
        case Failed(failure=failure, retryable=retryable):
            hopeless = "" if retryable else " It cannot go on from there."
            return f"{graph} did not finish, {who}. {outcome_blocks.stopped(failure)}{hopeless}"
        case TaskCancelled(by=by, at=at):
            return f"{graph} was cancelled by {text.mention(by)} · {moment(at)}"
        case Starting() | Running():
            return f"{graph} is being tried again"
        case Waiting():
            return f"{graph} waits for an answer"
        case _ as never:
            assert_never(never)


def _graph(task: Task) -> str:
    return text.escape(text.label(task.graph, 80))
