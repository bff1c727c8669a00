"""Homes: published for those who opened theirs, if something changed, and up to date whatever dies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.approvals.inbox.home import MAX_SYNC_AGE, MIN_REDRAW_INTERVAL, OPENED_INTERVAL, ROUND_INTERVAL
from bot.approvals.model.ids import Person, TaskId
from bot.approvals.model.inbox import Section
from bot.approvals.ports.slack import MessageGone, NotNow, OutcomeUnknown, PlaceGone
from tests.support.fakes.world import ALICE, BOB, CAROL, RITA, STRANGER, World, a_world, person


async def synced(world: World) -> None:
    """Do what was woken for Homes, pauses left out."""
    while world.work.homes:
        whose = world.work.homes.pop(0)
        if (again := await world.homes.publish(whose)) is not None:
            world.clock.advance(max(again - world.now, timedelta(0)))
            world.work.homes.append(whose)


async def opened(world: World, *people: Person) -> None:
    for each in people:
        await world.homes.opened(each, world.front.hashes.get(each, ""))
    await synced(world)


def shown(world: World) -> str:
    """What Alice's Home says."""
    return world.front.shown[ALICE].words


async def test_a_home_is_published_for_those_alone_who_opened_theirs(world: World) -> None:
    await opened(world, ALICE)
    task = await world.started()

    await world.homes.concerned(task.id)
    await synced(world)

    assert set(world.front.shown) == {ALICE}
    assert shown(world) == "Delete? of 1 |  of 0 |  of 0 | "


async def test_nothing_is_published_that_is_shown_already(world: World) -> None:
    await opened(world, ALICE)
    await opened(world, ALICE)
    await world.homes.sweep(world.now)
    await synced(world)

    assert world.front.published == [ALICE]


@pytest.mark.parametrize("whose", [ALICE, RITA], ids=["an approver", "the requester"])
async def test_a_change_wakes_the_homes_on_which_it_is_seen_and_no_other(world: World, whose: Person) -> None:
    await opened(world, whose, STRANGER)
    task = await world.started()
    world.clock.advance(MIN_REDRAW_INTERVAL)

    await world.homes.concerned(task.id)

    assert world.work.homes == [whose]


async def test_whoever_voted_sees_what_became_of_it(world: World) -> None:
    task = await world.started()
    await world.vote(ALICE, on=await world.request(task))
    await opened(world, ALICE)

    assert shown(world) == " of 0 |  of 0 | Delete? of 1 | "
    await world.homes.concerned(task.id)

    assert world.work.homes == [ALICE]


async def test_a_task_that_is_gone_and_a_process_without_homes_wake_nobody(world: World) -> None:
    await world.homes.concerned(TaskId("nowhere"))
    await opened(world, ALICE)
    await world.homes.concerned(TaskId("nowhere"))

    assert world.work.homes == []


async def test_what_comes_within_a_moment_is_drawn_at_once(world: World) -> None:
    await opened(world, ALICE)
    for _ in range(3):
        task = await world.started()
        await world.homes.concerned(task.id)
        again = await world.homes.publish(ALICE)

    assert again is not None
    await synced(world)
    assert world.front.published == [ALICE, ALICE]
    assert shown(world).startswith("Delete?,Delete? of 3")


async def test_a_page_that_is_turned_stays_turned(world: World) -> None:
    for _ in range(3):
        await world.started()
    await opened(world, ALICE)

    await world.homes.look(ALICE, lambda look: look.turned(Section.WAITING, 1))
    await synced(world)
    await opened(world, ALICE)

    assert shown(world).startswith("Delete? of 3")


async def test_whoever_never_opened_a_home_has_none_to_look_at(world: World) -> None:
    await world.homes.look(BOB, lambda look: look.turned(Section.ASKED, 1))
    await synced(world)

    assert world.front.shown == {}
    assert (await world.storage.inbox(BOB)).revision == 0


async def test_a_home_that_slack_does_not_have_is_published_anew(world: World) -> None:
    await opened(world, ALICE)

    world.front.hashes.clear()
    await opened(world, ALICE)

    assert world.front.published == [ALICE, ALICE]


async def test_a_home_is_drawn_again_where_it_was_clicked_on_behind_the_times(world: World) -> None:
    await opened(world, ALICE)

    world.homes.redraw(ALICE)
    await synced(world)

    assert world.front.published == [ALICE, ALICE]


@pytest.mark.parametrize(
    "fault", [NotNow("rate limited", 7.0), OutcomeUnknown("timeout"), MessageGone("hash_conflict")]
)
@pytest.mark.parametrize("after", [False, True])
async def test_what_slack_does_not_take_now_it_is_given_later(world: World, fault: Exception, after: bool) -> None:
    world.front.fail(fault, after=after)

    await opened(world, ALICE)

    assert shown(world) == " of 0 |  of 0 |  of 0 | "
    home = (await world.storage.inbox(ALICE)).home
    assert home is not None
    assert (home.fingerprint, home.hash) == (shown(world), world.front.hashes[ALICE])


async def test_somebody_whose_home_cannot_be_shown_has_none_until_they_open_it_again(world: World) -> None:
    world.front.fail(PlaceGone("user_not_found"))
    await opened(world, ALICE)

    assert world.front.shown == {}
    assert (await world.storage.inbox(ALICE)).home is None
    await world.homes.publish(ALICE)

    await opened(world, ALICE)
    assert set(world.front.shown) == {ALICE}


async def test_what_a_process_missed_is_found_in_the_next_round(world: World) -> None:
    await opened(world, ALICE)
    await world.started()
    world.be_born()

    await world.homes.sweep(world.now)
    await synced(world)

    assert shown(world).startswith("Delete? of 1")


async def test_what_another_process_published_is_not_overwritten_with_something_older(world: World) -> None:
    await opened(world, ALICE)
    older, hash = world.homes, world.front.hashes[ALICE]
    task = await world.started()
    world.be_born()
    await world.homes.publish(ALICE)

    assert world.front.hashes[ALICE] != hash
    await world.vote(ALICE, on=await world.request(task))
    world.clock.advance(MIN_REDRAW_INTERVAL)
    world.front.hashes[ALICE] = "another's"  # which has not been noted yet
    assert await older.publish(ALICE) == world.now + MIN_REDRAW_INTERVAL
    assert shown(world).startswith("Delete? of 1")

    world.clock.advance(MIN_REDRAW_INTERVAL)
    assert await older.publish(ALICE) is None
    assert shown(world).startswith(" of 0")


async def test_a_round_takes_its_time_and_leaves_out_what_was_not_opened_for_long(world: World) -> None:
    await opened(world, ALICE)
    world.clock.advance(MAX_SYNC_AGE - ROUND_INTERVAL)
    await opened(world, BOB)
    world.be_born()

    woken = []
    for wait in (timedelta(0), ROUND_INTERVAL / 2, ROUND_INTERVAL / 2, ROUND_INTERVAL):
        world.clock.advance(wait)
        await world.homes.sweep(world.now)
        woken.append({each.user_id for each in world.work.homes})
        world.work.homes.clear()

    assert woken == [{"U-ALICE", "U-BOB"}, set(), {"U-ALICE", "U-BOB"}, {"U-BOB"}]


async def test_a_round_of_many_is_spread_over_several_sweeps() -> None:
    async with a_world() as world:
        for number in range(40):
            await world.homes.opened(person(f"U{number}"), "")
        world.be_born()

        woken: list[int] = []
        for _ in range(3):
            await world.homes.sweep(world.now)
            woken.append(len(world.work.homes))

        assert woken == [25, 40, 40]


async def test_that_somebody_opened_their_home_is_noted_once_an_hour(world: World) -> None:
    async def noted(*waits: timedelta) -> Sequence[int]:
        revisions = []
        for wait in waits:
            world.clock.advance(wait)
            await opened(world, CAROL)
            revisions.append((await world.storage.inbox(CAROL)).revision)
        return revisions

    assert await noted(timedelta(0), OPENED_INTERVAL / 2, OPENED_INTERVAL / 2) == [2, 2, 3]
