"""What `Storage` promises of leases: nobody else drives the thread, and time alone ends a lease that is lost."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from bot.approvals.model.ids import ThreadId
from bot.approvals.model.task import Lease
from bot.approvals.ports.storage import Storage
from tests.conformance.stores import Store
from tests.support.builders import MINUTE, NOON

THREAD = ThreadId("thread")
TICK = timedelta(microseconds=1)


async def taken(storage: Storage, minutes: float = 0) -> Lease:
    """The thread's lease, taken for a minute so many minutes after noon."""
    lease = await storage.lease(THREAD, MINUTE, NOON + minutes * MINUTE)
    assert lease is not None
    return lease


async def test_a_lease_is_taken_for_its_length_from_now(storage: Storage) -> None:
    lease = await storage.lease(THREAD, MINUTE, NOON)

    assert lease is not None
    assert lease.thread_id == THREAD
    assert lease.until == NOON + MINUTE


async def test_a_thread_is_not_leased_twice_while_the_lease_lives(store: Store) -> None:
    one, another = await store.open(), await store.open()
    lease = await taken(one)

    assert await another.lease(THREAD, MINUTE, NOON) is None
    assert await another.lease(THREAD, MINUTE, lease.until - TICK) is None
    assert await one.lease(THREAD, MINUTE, NOON) is None
    assert await one.holds(lease, NOON)


async def test_a_lease_that_ran_out_can_be_taken_by_another(store: Store) -> None:
    one, another = await store.open(), await store.open()
    lost = await taken(one)

    lease = await another.lease(THREAD, MINUTE, lost.until)

    assert lease is not None
    assert await another.holds(lease, lost.until)
    assert not await one.holds(lost, NOON)


async def test_threads_are_leased_apart(storage: Storage) -> None:
    lease = await taken(storage)

    other = await storage.lease(ThreadId("other"), MINUTE, NOON)

    assert other is not None
    assert await storage.holds(lease, NOON)
    assert await storage.holds(other, NOON)


async def test_of_many_that_want_a_thread_at_once_exactly_one_gets_it(store: Store) -> None:
    handles = [await store.open() for _ in range(3)]

    leases = await asyncio.gather(*(handles[number % 3].lease(THREAD, MINUTE, NOON) for number in range(24)))

    assert sum(lease is not None for lease in leases) == 1


async def test_each_leases_token_is_greater_than_all_before_it_on_that_thread(store: Store) -> None:
    storage = await store.open()
    first = await taken(storage)
    await storage.release(first)
    second = await taken(storage)
    third = await taken(storage, minutes=1)
    await storage.release(third)
    storage = await store.reopen()
    fourth = await taken(storage)

    tokens = [lease.token for lease in (first, second, third, fourth)]

    assert tokens == sorted(set(tokens))


async def test_renewing_extends_the_lease_from_now_and_keeps_its_token(storage: Storage) -> None:
    lease = await taken(storage)

    renewed = storage.renew(lease, 2 * MINUTE, NOON + MINUTE / 3)

    assert renewed == Lease(thread_id=THREAD, token=lease.token, until=NOON + MINUTE / 3 + 2 * MINUTE)
    assert await storage.holds(renewed, renewed.until - TICK)
    assert await storage.lease(THREAD, MINUTE, renewed.until - TICK) is None


async def test_a_lease_as_it_was_before_its_renewal_is_still_the_same_lease(storage: Storage) -> None:
    lease = await taken(storage)
    storage.renew(lease, 5 * MINUTE, NOON)

    assert await storage.holds(lease, NOON + 2 * MINUTE)
    assert storage.renew(lease, MINUTE, NOON + 2 * MINUTE) is not None


async def test_a_lease_that_ran_out_and_that_nobody_took_is_renewed(storage: Storage) -> None:
    lease = await taken(storage)
    assert not await storage.holds(lease, lease.until)

    renewed = storage.renew(lease, MINUTE, lease.until)

    assert renewed is not None
    assert await storage.holds(renewed, lease.until)
    assert await storage.lease(THREAD, MINUTE, lease.until) is None


async def test_a_lease_is_renewed_from_a_thread_while_the_event_loop_is_blocked(storage: Storage) -> None:
    lease = await taken(storage)
    with ThreadPoolExecutor(1) as thread:
        renewing = thread.submit(storage.renew, lease, 5 * MINUTE, NOON)

        renewed = renewing.result()  # blocks the loop

    assert renewed is not None
    assert await storage.holds(renewed, NOON + 4 * MINUTE)


async def test_a_lease_that_another_has_taken_is_not_renewed(storage: Storage) -> None:
    lost = await taken(storage)
    lease = await taken(storage, minutes=1)

    assert storage.renew(lost, 10 * MINUTE, NOON + MINUTE) is None
    assert await storage.holds(lease, lease.until - TICK)
    assert not await storage.holds(lease, lease.until)


async def test_a_released_lease_is_not_renewed_and_not_held(storage: Storage) -> None:
    lease = await taken(storage)

    await storage.release(lease)

    assert storage.renew(lease, MINUTE, NOON) is None
    assert not await storage.holds(lease, NOON)


async def test_a_released_thread_can_be_leased_at_once(store: Store) -> None:
    one, another = await store.open(), await store.open()
    lease = await taken(one)

    await one.release(lease)

    assert await another.lease(THREAD, MINUTE, NOON) is not None


async def test_releasing_a_lease_that_is_lost_changes_nothing(storage: Storage) -> None:
    lost = await taken(storage)
    lease = await taken(storage, minutes=1)

    await storage.release(lost)
    await storage.release(Lease(thread_id=ThreadId("unknown"), token=1, until=NOON))

    assert await storage.holds(lease, NOON + MINUTE)
    assert await storage.lease(THREAD, MINUTE, NOON + MINUTE) is None


async def test_releasing_twice_is_as_good_as_once(storage: Storage) -> None:
    lease = await taken(storage)

    await storage.release(lease)
    await storage.release(lease)

    assert (await taken(storage)).token > lease.token


async def test_nobody_holds_a_thread_that_was_never_leased(storage: Storage) -> None:
    lease = Lease(thread_id=THREAD, token=1, until=NOON + MINUTE)

    assert not await storage.holds(lease, NOON)
    assert storage.renew(lease, MINUTE, NOON) is None


# --- Owners: the processes that hold leases --------------------------------------------------------


async def owned(storage: Storage, owner: str, thread: ThreadId = THREAD) -> Lease:
    lease = await storage.lease(thread, MINUTE, NOON, owner)
    assert lease is not None
    assert lease.owner == owner
    return lease


async def test_a_beat_extends_all_leases_of_its_owner_and_nobody_elses(storage: Storage) -> None:
    mine, also_mine = await owned(storage, "one"), await owned(storage, "one", ThreadId("second"))
    theirs, nobodys = await owned(storage, "two", ThreadId("third")), await owned(storage, "", ThreadId("fourth"))

    storage.beat(["one"], 5 * MINUTE, NOON)

    later = NOON + 4 * MINUTE
    assert [await storage.holds(each, later) for each in (mine, also_mine, theirs, nobodys)] == [
        True,
        True,
        False,
        False,
    ]


async def test_a_beat_extends_a_lease_that_ran_out_unless_somebody_took_it(store: Store) -> None:
    one, another = await store.open(), await store.open()
    lost, kept = await owned(one, "one"), await owned(one, "one", ThreadId("kept"))
    taken_over = await another.lease(THREAD, MINUTE, NOON + MINUTE, "two")
    assert taken_over is not None

    one.beat(["one"], MINUTE, NOON + MINUTE)

    assert not await one.holds(lost, NOON + MINUTE)
    assert await another.holds(taken_over, NOON + MINUTE)
    assert await one.holds(kept, NOON + MINUTE)


async def test_a_beat_gives_back_no_lease_that_was_released(storage: Storage) -> None:
    lease = await owned(storage, "one")
    await storage.release(lease)

    storage.beat(["one"], MINUTE, NOON)

    assert not await storage.holds(lease, NOON)
    assert await storage.lease(THREAD, MINUTE, NOON, "two") is not None


async def test_a_beat_of_several_counts_for_each_of_them(storage: Storage) -> None:
    storage.beat(["one", "two"], MINUTE, NOON)
    storage.beat(["two"], 2 * MINUTE, NOON)

    assert await storage.owners() == {"one", "two"}
    assert await storage.owners(NOON + MINUTE) == {"one"}
    assert await storage.owners(NOON + MINUTE - TICK) == frozenset()


async def test_an_owner_drops_what_it_may_have_of_a_thread(store: Store) -> None:
    one, another = await store.open(), await store.open()
    await owned(one, "one")

    await one.drop(THREAD, "two")
    assert await another.lease(THREAD, MINUTE, NOON, "two") is None
    await one.drop(THREAD, "one")
    await one.drop(ThreadId("other"), "one")
    lease = await owned(another, "two")
    one.beat(["one"], 5 * MINUTE, NOON)

    assert await another.holds(lease, NOON)
    assert not await another.holds(lease, NOON + MINUTE)


async def test_dropping_ends_no_lease_without_an_owner(storage: Storage) -> None:
    lease = await taken(storage)

    await storage.drop(THREAD, "")

    assert await storage.holds(lease, NOON)


async def test_voiding_an_owner_ends_its_leases_at_once(store: Store) -> None:
    one, another = await store.open(), await store.open()
    one.beat(["one", "two"], MINUTE, NOON)
    dead, alive = await owned(one, "one"), await owned(one, "two", ThreadId("other"))

    await another.void("one")

    assert not await one.holds(dead, NOON)
    assert await one.holds(alive, NOON)
    assert await another.owners() == {"two"}
    assert await another.lease(THREAD, MINUTE, NOON, "two") is not None


async def test_voiding_spares_a_thread_that_somebody_else_has_taken(store: Store) -> None:
    one, another = await store.open(), await store.open()
    await owned(one, "one")
    theirs = await another.lease(THREAD, MINUTE, NOON + MINUTE, "two")
    assert theirs is not None

    await one.void("one")

    assert await another.holds(theirs, NOON + MINUTE)


async def test_voiding_nobody_ends_no_lease_without_an_owner(storage: Storage) -> None:
    lease = await owned(storage, "")

    await storage.void("")
    await storage.void("unknown")

    assert await storage.holds(lease, NOON)
