"""The standard cards as records: what each graph asks, put to people under the policies that ship.

Everything goes the way that it goes in the bot: engine -> question -> policy -> request.
`python -m tools.cards.standard` writes the records that ship with the bot.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from bot import policy_file
from bot.approvals.model.agent import Asked
from bot.approvals.model.caller import task_id_of
from bot.approvals.model.ids import ChannelId, InterruptId, Program, RequestId, TaskId, ThreadId
from bot.approvals.model.request import OpenStage, Pending, Request
from bot.approvals.model.server import task_of_thread
from bot.approvals.model.task import Task, Waiting
from bot.approvals.rules import schedule
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.choice import PolicyChoice
from bot.cli.standard_cards.standard import FILE, NOW, Standard, written
from tools.cards import asking
from tools.cards.asking import Asking
from tools.cards.workspace import WorkspaceDirectory, demo

POLICIES: Final = Path(__file__).parents[2] / "policies.yaml"
CHANNEL: Final = ChannelId("C0OPS")


def standard() -> tuple[Standard, ...]:
    """All standard cards. Runs their graphs, so it takes a second."""
    return asyncio.run(_standard())


async def _standard() -> tuple[Standard, ...]:
    directory = WorkspaceDirectory(workspace=demo())
    policies = PolicyChoice(policies=policy_file.load(POLICIES), directory=directory)
    cards = enumerate(asking.all_of_them(), start=1)
    return tuple([await _put(each, number, policies, directory) for number, each in cards])


async def _put(of: Asking, number: int, policies: PolicyChoice, directory: WorkspaceDirectory) -> Standard:
    asked = _acted_now(await asking.asked(of))
    digits = f"9f2c41aa5d{number:06x}"
    thread_id = ThreadId(f"5b1e7c52-8f5a-4a26-93df-{number:012x}")
    task = Task(
        id=_task_id(of, digits, thread_id),
        thread_id=thread_id,
        server=of.server,
        graph=of.graph,
        inputs=of.inputs,
        requester=directory.person("alice") if of.caller is None else Program(name=of.caller.source),
        caller=of.caller,
        channel=CHANNEL,
        created_at=NOW - timedelta(seconds=2),
        state=Waiting(),
    )
    request = await _opened(task, asked, number, policies, directory)
    approvers = await Eligibility(directory=directory).approvers(request, fresh=False)
    return Standard(
        name=of.name,
        task=task,
        request=request,
        approvers=approvers,
        outcome=of.outcome,
        refused=of.refused,
        edits=of.edits,
        said=of.said,
    )


def _acted_now(asked: Asked) -> Asked:
    """If the agent does not say when it acted, that is when its graph was run: by the clock of the standard cards."""
    window = asked.question.window
    if window is None or not window.problem:
        return asked
    return replace(asked, question=replace(asked.question, window=replace(window, at=NOW)))


def _task_id(of: Asking, digits: str, thread_id: ThreadId) -> TaskId:
    if of.server is not None:
        return task_of_thread(of.server.name, thread_id)
    return task_id_of(digits) if of.caller is not None else TaskId(digits)


async def _opened(
    task: Task, asked: Asked, number: int, policies: PolicyChoice, directory: WorkspaceDirectory
) -> Request:
    """The request as `Opening` makes it."""
    terms = await policies.terms(await policies.policy(task, asked.question))
    request = Request(
        id=RequestId(f"4be1d07c6e{number:06x}"),
        task_id=task.id,
        thread_id=task.thread_id,
        interrupt_id=asked.interrupt_id if task.caller is not None else InterruptId(f"{number:032x}"),  # else random
        place=asked.place,
        fingerprint=asked.fingerprint,
        graph=task.graph,
        requester=task.requester,
        proposed=asked.question,
        question=asked.question,
        policy=terms.policy,
        unknown=terms.unknown,
        opened_at=NOW,
        state=Pending(due_at=None),
        open=OpenStage(asked=(), opened_at=NOW),
    )
    return await Eligibility(directory=directory).introduced(schedule.enter_stage(request, NOW))


if __name__ == "__main__":
    FILE.write_text(written(standard()), encoding="utf-8")
