"""What a dead process had taken is free at once: threads, and messages that it was about to send."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

from bot.approvals.model.errors import Conflict, Unreachable
from bot.approvals.model.message import Message
from bot.approvals.ports.storage import Storage
from bot.approvals.services import claims
from tests.support.fakes.world import World
from tests.unit.approvals.services.delivery.driven import decided

HOUR = timedelta(hours=1)
DEAD, LIVING = "gateway-dead", "gateway-living"


async def claimed(world: World, one: str, other: str) -> None:
    """Two messages are out of date, and each of these processes has claimed one of them."""
    await decided(world)
    messages = await world.storage.out_of_date(world.now, 10)
    for message, owner in zip(messages, (one, other), strict=True):
        await world.storage.save_message(replace(message, claimed_by=owner, not_before=world.now + HOUR))


async def claimers(world: World) -> set[tuple[str | None, bool]]:
    """Who claims the messages that are out of date, and whether others have to wait for that."""
    messages = await world.storage.out_of_date(world.now + 9 * HOUR, 10)
    return {(each.claimed_by, each.not_before is not None) for each in messages}


async def test_messages_of_the_dead_can_be_sent_at_once_and_those_of_the_living_are_left(world: World) -> None:
    await claimed(world, DEAD, LIVING)
    assert await world.storage.out_of_date(world.now, 10) == ()

    await claims.void(world.storage, [DEAD])

    assert await claimers(world) == {(None, False), (LIVING, True)}
    assert len(await world.storage.out_of_date(world.now, 10)) == 1


async def test_threads_of_the_dead_can_be_taken_at_once_and_those_of_the_living_cannot(world: World) -> None:
    one, other = await world.started(), await world.started()
    for task, owner in ((one, DEAD), (other, LIVING)):
        world.storage.beat([owner], HOUR, world.now)
        assert await world.storage.lease(task.thread_id, HOUR, world.now, owner) is not None

    await claims.void(world.storage, [DEAD])

    assert await world.storage.lease(one.thread_id, HOUR, world.now) is not None
    assert await world.storage.lease(other.thread_id, HOUR, world.now) is None
    assert await world.storage.owners() == {LIVING}


async def test_a_process_that_was_silent_for_too_long_is_dead(world: World) -> None:
    await claimed(world, DEAD, LIVING)
    world.storage.beat([DEAD], HOUR, world.now)
    world.storage.beat([LIVING], 3 * HOUR, world.now)

    await claims.void_lapsed(world.storage, world.now)
    assert await world.storage.owners() == {DEAD, LIVING}

    world.clock.advance(2 * HOUR)
    await claims.void_lapsed(world.storage, world.now)

    assert await world.storage.owners() == {LIVING}
    assert await claimers(world) == {(None, False), (LIVING, True)}


async def test_if_nobody_is_dead_storage_is_not_asked() -> None:
    await claims.void(cast(Storage, object()), [])


async def test_a_message_that_somebody_else_has_changed_meanwhile_is_theirs(world: World) -> None:
    """Two gateways may find the same dead one at once."""
    await claimed(world, DEAD, LIVING)

    class Raced:
        def __getattr__(self, name: str) -> object:
            return getattr(world.storage, name)

        async def save_message(self, message: Message) -> None:
            raise Conflict(message.id)

    world.storage.beat([DEAD], HOUR, world.now)
    await claims.void(cast(Storage, Raced()), [DEAD])

    assert (DEAD, True) in await claimers(world)
    assert await world.storage.owners() == frozenset()


async def test_a_process_that_ends_in_order_is_not_taken_for_dead(world: World) -> None:
    """Its name goes, and those of the others stay."""
    world.storage.beat([DEAD, LIVING], HOUR, world.now)

    await claims.leave(world.storage, DEAD)

    assert await world.storage.owners() == {LIVING}


async def test_a_process_that_ends_with_a_claim_leaves_its_name_so_that_the_next_one_frees_it(world: World) -> None:
    await claimed(world, DEAD, LIVING)
    world.storage.beat([DEAD, LIVING], HOUR, world.now)

    await claims.leave(world.storage, DEAD)

    assert await world.storage.owners() == {DEAD, LIVING}
    assert await claimers(world) == {(DEAD, True), (LIVING, True)}


async def test_an_end_does_not_fail_because_storage_is_away(world: World) -> None:
    class Away:
        async def out_of_date(self, *_: object) -> tuple[Message, ...]:
            raise Unreachable("storage")

    await claims.leave(cast("Storage", Away()), DEAD)
