"""Chooses the policy that governs a question, and looks up what the choice needs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from bot.approvals.model.ids import ChannelId, Person
from bot.approvals.model.policy import GraphTerms, Policy
from bot.approvals.model.question import Question
from bot.approvals.model.task import Task
from bot.approvals.ports.slack import Directory, LookupRefused
from bot.approvals.rules.matching import Facts, Policies, names_in, with_ids
from bot.approvals.services.policies.current import CurrentPolicies

MEANS_NOTHING = "means nobody and no channel that the bot can see"
"""Why a name is unknown, as the end of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """A policy as a request keeps it: with ids, which stay the same if a name passes to somebody else."""

    policy: Policy
    unknown: Mapping[str, str]
    """The names that resolve to nobody now, each with the reason as the end of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChoice:
    policies: Policies | CurrentPolicies
    """The policies of one file, or the current ones, which change when the file is read again."""
    directory: Directory

    @property
    def now(self) -> Policies:
        """The policies that govern a question that is asked now."""
        match self.policies:
            case CurrentPolicies(now=now):
                return now
            case only:
                return only

    @property
    def graphs(self) -> Mapping[str, GraphTerms]:
        """The terms on which each graph accepts answers. They change when the policies do."""
        return self.policies.graphs

    async def policy(self, task: Task, question: Question) -> Policy:
        """The policy that governs this question of this task, with people named as in the file.

        Raises `ConditionFailed` if a rule cannot be evaluated, or `LookupFailed` if Slack does not say who or where it
        is.
        """
        policies = self.now
        facts = await self._facts(policies, task, question)
        if not policies.conditional:
            return policies.select(facts)
        return await asyncio.to_thread(policies.select, facts)  # evaluating a condition may block

    async def terms(self, policy: Policy) -> Terms:
        """The policy with the id of everybody and everything that it names, in every stage. Raises `LookupFailed` if
        Slack does not say."""
        names = names_in(policy)
        found = dict(zip(names, await asyncio.gather(*map(self._id, names)), strict=True))
        ids = {name: each.id for name, each in found.items() if each.id is not None}
        unknown = {name: each.why for name, each in found.items() if each.id is None}
        return Terms(policy=with_ids(policy, ids), unknown=unknown)

    async def facts(self, task: Task, question: Question) -> Facts:
        """The facts that rules can match. Looks up only what a rule names."""
        return await self._facts(self.now, task, question)

    async def _facts(self, policies: Policies, task: Task, question: Question) -> Facts:
        people: dict[str, frozenset[Person]] = {}
        channels: dict[str, ChannelId] = {}
        unknown: dict[str, str] = {}
        for ref in policies.requesters:
            found = await self._id(ref)
            if found.id is None:
                unknown[ref] = found.why
            else:
                people[ref] = await self.directory.resolve([found.id], fresh=True)
        for ref in policies.channels:
            found = await self._id(ref)
            if found.id is None:
                unknown[ref] = found.why
            else:
                channels[ref] = ChannelId(found.id)
        return Facts(
            graph=task.graph,
            source=task.caller.source if task.caller is not None else "",
            server=task.server.name if task.server is not None else "",
            channel=task.channel,
            requester=task.requester,
            inputs=task.inputs,
            question=question,
            people=people,
            channels=channels,
            unknown=unknown,
        )

    async def _id(self, ref: str) -> _Found:
        """The id that the name resolves to. A name that Slack will not resolve until somebody changes something means
        nothing."""
        try:
            return _Found(id=await self.directory.identify(ref))
        except LookupRefused as refused:
            return _Found(id=None, why=str(refused))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    id: str | None
    why: str = MEANS_NOTHING
