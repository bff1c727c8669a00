"""Summaries: at the time that each person chose, only if something waits, and once whatever dies."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.errors import InvalidSchedule, Unreachable
from bot.approvals.model.ids import MessageId
from bot.approvals.model.inbox import Sending, Summary
from bot.approvals.model.message import MessageKind
from bot.approvals.ports.slack import NotNow, OutcomeUnknown, PlaceGone
from bot.approvals.services.messages.posting import CLAIM_TTL
from tests.support.fakes.fuse import Fuse, Killed
from tests.support.fakes.world import ALICE, RITA, World, a_world

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def chosen(world: World, words: str = "10:00 daily") -> Summary | None:
    """Alice wants to be told at that time; it is nine now."""
    return await world.summaries.choose(ALICE, words.split())


async def pass_by(world: World, *times: timedelta) -> None:
    """Time passes; each time a sweep, and what it wakes."""
    for by in times:
        world.clock.advance(by)
        await world.summaries.sweep(world.now)
        while world.work.summaries:
            person = world.work.summaries.pop(0)
            if (again := await world.summaries.send(person)) is not None and again <= world.now:
                world.work.summaries.append(person)


def told(world: World) -> list[str]:
    return [message.drawing.fingerprint for message in world.messenger.of(MessageKind.REMINDER)]


async def test_what_waits_is_told_at_the_chosen_time_and_again_the_next_day(world: World) -> None:
    await world.started()
    await chosen(world)

    await pass_by(world, HOUR - timedelta(seconds=1))
    assert told(world) == []

    await pass_by(world, timedelta(seconds=1), HOUR)
    assert told(world) == ["reminder: 1 wait"]

    await pass_by(world, DAY - HOUR)
    assert told(world) == ["reminder: 1 wait"] * 2
    (message, _) = world.messenger.of(MessageKind.REMINDER)
    assert message.channel == f"D-{ALICE.user_id}"


async def test_where_nothing_waits_nothing_is_told(world: World) -> None:
    await chosen(world)
    await pass_by(world, HOUR, DAY)

    assert told(world) == []

    await world.started()
    await pass_by(world, HOUR, DAY - HOUR)
    assert told(world) == ["reminder: 1 wait"]


async def test_the_time_is_that_of_the_zone_that_slack_has_for_the_person(world: World) -> None:
    world.directory.zones[ALICE] = "America/New_York"  # five hours behind

    summary = await chosen(world, "09:00 weekdays")

    assert summary is not None
    assert summary.next_at == world.now + 5 * HOUR


async def test_whoever_does_not_want_it_any_more_gets_none(world: World) -> None:
    await world.started()
    await chosen(world)
    assert await chosen(world, "OFF") is None

    await pass_by(world, HOUR)

    assert told(world) == []
    assert await world.summaries.send(ALICE) is None


async def test_a_line_that_says_no_time_changes_nothing(world: World) -> None:
    before = await chosen(world)

    with pytest.raises(InvalidSchedule):
        await chosen(world, "noonish")
    world.directory.down = True
    with pytest.raises(Unreachable):
        await chosen(world, "11:00")

    assert (await world.storage.inbox(ALICE)).summary == before


async def test_after_days_without_the_bot_only_one_is_sent(world: World) -> None:
    await world.started()
    await chosen(world)

    await pass_by(world, 5 * DAY + 3 * HOUR, HOUR)

    assert told(world) == ["reminder: 1 wait"]
    summary = (await world.storage.inbox(ALICE)).summary
    assert summary is not None
    assert summary.next_at.hour == 10
    assert summary.sending is None


@pytest.mark.parametrize("after", [False, True], ids=["not sent", "sent after all"])
async def test_a_summary_whose_outcome_is_not_known_is_looked_for_before_it_is_sent_again(
    world: World, after: bool
) -> None:
    await world.started()
    await chosen(world)
    world.messenger.fail("post", OutcomeUnknown("timeout"), after=after)

    await pass_by(world, HOUR)
    assert len(told(world)) == after
    await pass_by(world, CLAIM_TTL, CLAIM_TTL)

    assert told(world) == ["reminder: 1 wait"]
    assert world.messenger.calls.count("find") == 1


async def test_one_that_was_sent_after_all_does_not_stand_for_the_next_day(world: World) -> None:
    await world.started()
    await chosen(world)
    world.messenger.fail("post", OutcomeUnknown("timeout"), after=True)
    await pass_by(world, HOUR)

    await pass_by(world, DAY, timedelta(0))

    assert told(world) == ["reminder: 1 wait"] * 2


async def test_one_that_was_not_sent_is_sent_once_with_the_next(world: World) -> None:
    await world.started()
    await chosen(world)
    world.messenger.fail("post", OutcomeUnknown("timeout"))
    await pass_by(world, HOUR)

    await pass_by(world, DAY, timedelta(0), HOUR)

    assert told(world) == ["reminder: 1 wait"]


@pytest.mark.parametrize("fault", [NotNow("rate limited", 5.0), PlaceGone("user_disabled")])
async def test_a_search_that_slack_refuses_sends_nothing_twice(world: World, fault: Exception) -> None:
    await world.started()
    await chosen(world)
    world.messenger.fail("post", OutcomeUnknown("timeout"), after=True)
    world.messenger.fail("find", fault)

    await pass_by(world, HOUR, CLAIM_TTL, CLAIM_TTL, HOUR)

    assert told(world) == ["reminder: 1 wait"]


async def test_what_slack_refuses_for_the_moment_is_sent_later_without_a_search(world: World) -> None:
    await world.started()
    await chosen(world)
    world.messenger.fail("post", NotNow("rate limited", 30.0))

    await pass_by(world, HOUR, timedelta(seconds=29))
    assert told(world) == []
    await pass_by(world, timedelta(seconds=1))

    assert told(world) == ["reminder: 1 wait"]
    assert "find" not in world.messenger.calls


async def test_somebody_who_cannot_be_written_to_is_not_tried_again_that_day(world: World) -> None:
    await world.started()
    await chosen(world)
    world.messenger.fail("open_direct", PlaceGone("user_disabled"))

    await pass_by(world, HOUR, HOUR)

    assert told(world) == []
    await pass_by(world, DAY - HOUR)
    assert told(world) == ["reminder: 1 wait"]


async def test_what_is_chosen_while_it_is_being_sent_stays_chosen(world: World) -> None:
    await world.started()
    await chosen(world)
    world.clock.advance(HOUR)
    pause = world.messenger.pause_at("post")
    sending = asyncio.create_task(world.summaries.send(ALICE))
    await pause.reached.wait()
    await chosen(world, "off")
    pause.go.set()
    await sending

    assert (await world.storage.inbox(ALICE)).summary is None


async def test_one_that_is_being_sent_is_left_to_whoever_sends_it(world: World) -> None:
    await world.started()
    await chosen(world)
    world.clock.advance(HOUR)
    pause = world.messenger.pause_at("post")
    sending = asyncio.create_task(world.summaries.send(ALICE))
    await pause.reached.wait()
    assert await world.summaries.send(ALICE) is None
    pause.go.set()
    await sending

    assert told(world) == ["reminder: 1 wait"]


async def test_one_that_was_claimed_is_left_alone_until_then_whatever_else_is_due(world: World) -> None:
    await world.started()
    summary = await chosen(world)
    assert summary is not None
    sending = Sending(id=MessageId("s1"), since=world.now, not_before=world.now + CLAIM_TTL, attempted=True)
    inbox = await world.storage.inbox(ALICE)
    await world.storage.save_inbox(replace(inbox, summary=replace(summary, next_at=world.now, sending=sending)))

    await pass_by(world, timedelta(0))
    assert world.messenger.calls.count("find") == 0
    await pass_by(world, CLAIM_TTL)

    assert told(world) == ["reminder: 1 wait"]


@pytest.mark.heavy
async def test_whatever_dies_one_summary_is_sent() -> None:
    moments = await _moments()
    assert moments > 10

    for kill_at in range(moments):
        async with a_world() as world:
            await world.started()
            await chosen(world)
            world.be_born(Fuse(kill_at))
            with pytest.raises(Killed):
                await pass_by(world, HOUR)

            world.be_born()
            await pass_by(world, timedelta(0), CLAIM_TTL, HOUR)

            assert told(world) == ["reminder: 1 wait"], kill_at


async def _moments() -> int:
    async with a_world() as world:
        await world.started()
        await chosen(world)
        world.be_born(Fuse())
        await pass_by(world, HOUR)
        return len(world.fuse.moments)


async def test_a_summary_is_for_what_the_person_may_answer(world: World) -> None:
    await world.started()
    await world.summaries.choose(RITA, ["10:00"])

    await pass_by(world, HOUR)

    assert told(world) == []
