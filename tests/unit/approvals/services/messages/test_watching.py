"""Whether a message shows in time what somebody did on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.audit import event_of
from bot.approvals.model.ids import ChannelId, MessageRef, Ts
from bot.approvals.model.message import MessageKind
from bot.approvals.model.task import Task
from bot.approvals.ports.slack import PlaceGone
from bot.approvals.services.messages.watching import Watch
from tests.support.fakes.world import ALICE, World, a_world, policy

AT_ONCE = timedelta(0)
LONG = timedelta(hours=1)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A question that two people have to answer."""
    async with a_world(otherwise=policy(quorum=2)) as world:
        yield world


async def voted(world: World) -> tuple[Task, MessageRef]:
    """A task with a vote that its card does not show yet; and the card."""
    task = await world.started()
    ref = (await world.message(task, MessageKind.CARD)).ref
    assert ref is not None
    await world.vote(ALICE, on=await world.request(task))
    return task, ref


async def test_a_message_that_is_up_to_date_is_seen_at_once(world: World) -> None:
    task, ref = await voted(world)
    await world.messages.sync_task(task.id)

    assert await Watch().shows(world.storage, ref, LONG)


async def test_whoever_waits_is_woken_when_the_message_shows_it(world: World) -> None:
    task, ref = await voted(world)
    waiting = asyncio.create_task(world.messages.watch.shows(world.storage, ref, LONG))
    for _ in range(20):
        world.messages.watch.told(ref)  # it was brought up to date, but not with this
        await asyncio.sleep(0)
    assert not waiting.done()

    await world.messages.sync_task(task.id)

    async with asyncio.timeout(10):
        assert await waiting


async def test_a_change_that_is_not_seen_wakes_them_too(world: World) -> None:
    task, ref = await voted(world)
    await world.messages.sync_task(task.id)
    request = await world.request(task)
    await world.storage.save_request(request, event_of(request, "touched", world.now))
    waiting = asyncio.create_task(world.messages.watch.shows(world.storage, ref, LONG))
    await asyncio.sleep(0)

    await world.messages.sync_task(task.id)

    async with asyncio.timeout(10):
        assert await waiting


async def test_a_message_that_lags_is_not_seen_in_time(world: World) -> None:
    _, ref = await voted(world)

    assert not await Watch().shows(world.storage, ref, AT_ONCE)


async def test_what_another_process_shows_is_seen_when_the_wait_ends(world: World) -> None:
    task, ref = await voted(world)
    waiting = asyncio.create_task(Watch().shows(world.storage, ref, timedelta(seconds=0.2)))
    await asyncio.sleep(0)

    await world.messages.sync_task(task.id)

    assert await waiting


async def test_nobody_waits_for_a_message_that_shows_no_request_or_can_never_show_it(world: World) -> None:
    task, ref = await voted(world)
    opening = (await world.message(task, MessageKind.OPENING)).ref
    assert opening is not None
    elsewhere = MessageRef(channel=ChannelId("C9"), ts=Ts("1.0"))
    assert await Watch().shows(world.storage, opening, AT_ONCE)
    assert await Watch().shows(world.storage, elsewhere, AT_ONCE)

    card = await world.message(task, MessageKind.CARD)
    await world.storage.save_message(replace(card, abandoned=str(PlaceGone("is_archived"))))

    assert await Watch().shows(world.storage, ref, LONG)


async def test_of_two_who_wait_both_are_told(world: World) -> None:
    task, ref = await voted(world)
    watch = world.messages.watch
    waiting = [asyncio.create_task(watch.shows(world.storage, ref, LONG)) for _ in range(2)]
    await asyncio.sleep(0)

    await world.messages.sync_task(task.id)

    async with asyncio.timeout(10):
        assert await asyncio.gather(*waiting) == [True, True]
