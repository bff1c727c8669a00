"""What `policy explain` says about the time after a decision: how long it is held and valid, and who may undo what the
agent does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from bot.approvals.model.ids import Person
from bot.approvals.model.policy import OnStale, Policy, Stage
from bot.approvals.model.question import Question, Verdict, Window
from bot.approvals.model.task import Task
from bot.approvals.ports.slack import Directory
from bot.approvals.rules import windows
from bot.approvals.services.people.staffing import staffed
from bot.durations import spoken


async def after_the_decision(policy: Policy, question: Question, task: Task, directory: Directory | None) -> list[str]:
    """How long a decision is kept from the agent, how long it is valid, and who may undo what it leads to. Keys of the
    question in `policy` stay as they are: the offer to undo is a question of its own, with its own keys."""
    offer = replace(question, window=Window(length=timedelta()))
    undoing = await _who_may_undo(windows.under(policy, offer, task.requester), task, directory)
    return [
        "",
        "After the decision:",
        f"  {_held(policy.hold)}",
        f"  {_valid(policy)}",
        f"  what the agent then offers to undo can be undone by {undoing}, if this policy governs that as well",
    ]


async def undo_window(
    policy: Policy, question: Question, window: Window, task: Task, directory: Directory | None, now: datetime
) -> list[str]:
    """Who may undo what the agent says it has done, and until when. `policy` governs the window."""
    lines = ["", "It approves nothing: the agent has acted already."]
    if Verdict.UNDO not in question.items[0].verdicts:
        return [*lines, "It cannot be undone. Its card says so, and offers only to keep it."]
    lines.append(f"It can be undone by {await _who_may_undo(policy, task, directory)}.")
    lines += [f"{window.problem}."] if window.problem else []
    until = (now if window.at is None else min(window.at, now)) + window.length
    if until <= now:
        return [*lines, f"Its window closed at {written(until)}, {_since(window)}: what was done stays."]
    return [*lines, f"Its window closes at {written(until)}, {_since(window)}. If nobody undoes it, it stays."]


def written(at: datetime) -> str:
    """The moment, as the explanation writes it."""
    return f"{at:%a %Y-%m-%d %H:%M} UTC"


# --- Within -------------------------------------------------------------------------------------


def _held(hold: timedelta) -> str:
    if not hold:
        return "it goes to the agent at once; whoever gave it can take it back until the agent has it"
    return (
        f"it is kept from the agent for {spoken(hold)}; meanwhile, whoever gave it can take it back, and everybody who "
        "may answer can stop it"
    )


def _valid(policy: Policy) -> str:
    if policy.valid_for is None:
        return "it stays valid until the agent has it"
    match policy.on_stale:
        case OnStale.ASK:
            then = "people are asked again"
        case OnStale.STOP:
            then = "the task is stopped"
        case never:
            assert_never(never)
    since = " after that" if policy.hold else ""
    valid_for = spoken(policy.valid_for)
    return f"an answer that lets the agent act is valid for {valid_for}{since}; if it is not delivered by then, {then}"


def _since(window: Window) -> str:
    return f"{spoken(window.length)} after {'the agent acted' if window.at is not None else 'it asked'}"


async def _who_may_undo(policy: Policy, task: Task, directory: Directory | None) -> str:
    """Everybody who may undo it under this policy of an undo window. With Slack's directory, also who is meant."""
    (stage,) = policy.stages
    may = ["the requester"] if policy.undo.requester and isinstance(task.requester, Person) else []
    if stage.approvers:
        known = "" if directory is None else f" ({await _people(stage, directory)})"
        may.append(f"{' or '.join(stage.approvers)}{known}")
    return " or ".join(may) or "nobody"


async def _people(stage: Stage, directory: Directory) -> str:
    (people,) = (await staffed(stage, directory)).groups
    return ", ".join(member.name for member in people) or "nobody"
