"""Which leg of work each record belongs to, and which one each span follows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.approvals.model.decision import Reject
from bot.approvals.model.policy import Expire, Step
from tests.support.fakes.telemetry import Heard, Opened
from tests.support.fakes.world import ALICE, FIRST, SECOND, World, a_world, policy, question

SOON = timedelta(minutes=5)


@pytest.fixture
def heard() -> Heard:
    return Heard(tracing=True)


@pytest.fixture
async def world(heard: Heard) -> AsyncIterator[World]:
    """A world whose graph asks twice, and whose questions expire."""
    stages = ({FIRST: question()}, {SECOND: question()})
    async with a_world(*stages, otherwise=policy(steps=(Step(after=SOON, action=Expire()),))) as world:
        world.telemetry = heard
        world.be_born()
        yield world


def only(heard: Heard, name: str) -> Opened:
    (span,) = [each for each in heard.spans if each.name == name]
    return span


async def test_what_a_start_leads_to_is_one_leg(world: World, heard: Heard) -> None:
    """The run, the request and its card are found where the task was started."""
    task = await world.started()

    start, drive, run = (only(heard, name) for name in ("start", "drive", "run"))
    assert task.trace == start.at
    assert (drive.parent, run.parent) == (start.at, None)
    assert (await world.request(task)).trace == drive.at
    assert [span.parent for span in heard.spans if span.name == "post"] == [start.at, drive.at]


async def test_an_answer_begins_a_leg_that_follows_the_question(world: World, heard: Heard) -> None:
    """What the answer leads to belongs to it: its delivery, and the next question."""
    task = await world.started()
    asked = await world.request(task)
    heard.spans.clear()

    await world.vote(ALICE, on=asked)
    await world.settle()

    voted, drive, resume = (only(heard, name) for name in ("voted", "drive", "resume"))
    assert (voted.parent, voted.after) == (None, asked.trace)
    assert (await world.request(task)).trace == voted.at
    assert (drive.parent, resume.parent) == (voted.at, None)
    assert (await world.request(task, SECOND)).trace == drive.at


async def test_silence_begins_a_leg_too(world: World, heard: Heard) -> None:
    """What expires is followed as an answer is."""
    task = await world.started()
    asked = await world.request(task)
    heard.spans.clear()

    await world.later(SOON)

    expired = only(heard, "expired")
    assert expired.after == asked.trace
    assert (await world.request(task)).trace == expired.at


async def test_the_outcome_belongs_to_the_last_answer(world: World, heard: Heard) -> None:
    """The message that says how the task ended is found with the answer that ended it."""
    task = await world.started()
    await world.vote(ALICE, on=await world.request(task))
    await world.settle()
    heard.spans.clear()

    await world.vote(ALICE, Reject(reason="no"), on=await world.request(task, SECOND))
    await world.settle()

    posts = [span for span in heard.spans if span.name == "post"]
    assert posts[-1].parent == only(heard, "voted").at


async def test_an_answer_that_settles_nothing_leaves_the_request_where_it_is(world: World, heard: Heard) -> None:
    """Only what settles a request begins the leg that its delivery belongs to."""
    task = await world.started()
    asked = await world.request(task)

    await world.side_actions.comment(world.actor(ALICE), asked.id, "Why?")

    assert (await world.request(task)).trace == asked.trace
