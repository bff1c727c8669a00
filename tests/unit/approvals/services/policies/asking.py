"""Graphs that ask under the policy of a test."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta

from bot.approvals.model.policy import Consent, Expire, Overdue, Pick, Policy, Stage, Step, one_stage
from bot.approvals.model.question import Question
from bot.approvals.model.request import Request
from tests.support.fakes.world import FIRST, World, a_world, question

HOUR = timedelta(hours=1)


def under(*stages: Stage, asks: Question | None = None, **terms: object) -> AbstractAsyncContextManager[World]:
    """A world whose graph asks under these stages."""
    of = replace(Policy(name="p", stages=stages), **terms)  # type: ignore[arg-type]
    return a_world({FIRST: asks or question()}, otherwise=of)


def ending(action: Expire | Consent | Pick | Overdue, *more: Step, approvers: Sequence[str] = ("U-ALICE",)) -> Stage:
    (stage,) = one_stage(tuple(approvers), steps=(*more, Step(after=4 * HOUR, action=action)))
    return stage


async def asked(world: World) -> Request:
    return await world.request(await world.started())
