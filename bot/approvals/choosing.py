"""The policy that governs a question, with what has to be looked up for it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.approvals.policy import Policy
from bot.approvals.ports import Directory
from bot.approvals.question import Question
from bot.approvals.selection import Facts, Policies
from bot.approvals.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Chooser:
    policies: Policies
    directory: Directory

    async def policy(self, task: Task, question: Question) -> Policy:
        """The policy that governs this question of this task; `ConditionFailed`, or `LookupFailed` where Slack does
        not say who or where it is."""
        return self.policies.select(await self.facts(task, question))

    async def facts(self, task: Task, question: Question) -> Facts:
        """What the rules may ask about; looks up only what one of them names."""
        people = {ref: await self.directory.resolve([ref]) for ref in self.policies.requesters}
        channels = {ref: await self.directory.channel(ref) for ref in self.policies.channels}
        return Facts(
            graph=task.graph,
            channel=task.channel,
            requester=task.requester,
            inputs=task.inputs,
            question=question,
            people=people,
            channels={ref: found for ref, found in channels.items() if found is not None},
        )
