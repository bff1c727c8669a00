"""What `Storage` promises of surfaces: above all which of them are stale."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bot.approvals.model.errors import Conflict, NotFound
from bot.approvals.model.ids import ChannelId, MessageRef, Ts
from bot.approvals.model.message import Surface, SurfaceKind
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.ports.storage import Storage
from tests.builders import MINUTE, NOON, a_request, a_surface, a_task, an_event
from tests.conformance.stores import Store

TICK = timedelta(microseconds=1)
PLACE = MessageRef(channel=ChannelId("C1"), ts=Ts("1893585600.000100"))
OF_THE_TASK = [SurfaceKind.OPENING, SurfaceKind.OUTCOME]
OF_THE_REQUEST = [kind for kind in SurfaceKind if kind not in OF_THE_TASK]


@dataclass
class World:
    """A task with one request, and nothing to show yet."""

    storage: Storage
    task: Task
    request: Request

    async def add(self, *surfaces: Surface) -> None:
        self.request = await self.storage.save_request(self.request, an_event("shown", self.request), surfaces)

    async def change_task(self) -> None:
        self.task = await self.storage.save_task(self.task, an_event("changed", self.task))

    async def change_request(self) -> None:
        self.request = await self.storage.save_request(self.request, an_event("changed", self.request))

    async def level(self, surface: Surface) -> Surface:
        """The surface, shown as its record now stands."""
        record = self.task if surface.kind in OF_THE_TASK else self.request
        return await self.storage.save_surface(replace(surface, shown=record.revision))

    async def stale(self) -> list[str]:
        return [surface.id for surface in await self.storage.stale(NOON, limit=10)]

    def surface(self, id: str, kind: SurfaceKind = SurfaceKind.CARD) -> Surface:
        return a_surface(id, self.request, kind)


@pytest.fixture
async def world(storage: Storage) -> World:
    task = a_task()
    await storage.create_task(task, an_event("started", task))
    request = await storage.open_request(a_request(task=task), an_event("opened", task))
    return World(storage=storage, task=task, request=request)


async def test_a_surface_that_shows_nothing_yet_is_stale_from_the_start(storage: Storage) -> None:
    task = a_task()
    request = a_request(task=task)
    opening, card = a_surface("opening", task), a_surface("card", request)

    await storage.create_task(task, an_event("started", task), [opening])
    await storage.open_request(request, an_event("opened", request), [card])

    assert await storage.stale(NOON, limit=10) == (opening, card)


@pytest.mark.parametrize("kind", SurfaceKind)
async def test_a_surface_that_shows_its_record_as_it_stands_is_not_stale(world: World, kind: SurfaceKind) -> None:
    surface = world.surface("surface", kind)
    await world.add(surface)

    await world.level(surface)

    assert await world.stale() == []


@pytest.mark.parametrize("kind", OF_THE_TASK)
async def test_an_opening_and_an_outcome_are_stale_when_the_task_changes_and_not_when_a_request_does(
    world: World, kind: SurfaceKind
) -> None:
    surface = world.surface("surface", kind)
    await world.add(surface)
    await world.level(surface)

    for _ in range(5):  # past the task's own revision
        await world.change_request()
    after_the_request = await world.stale()
    await world.change_task()

    assert after_the_request == []
    assert await world.stale() == ["surface"]


@pytest.mark.parametrize("kind", OF_THE_REQUEST)
async def test_a_card_a_copy_and_a_reminder_are_stale_when_their_request_changes_and_not_when_the_task_does(
    world: World, kind: SurfaceKind
) -> None:
    surface = world.surface("surface", kind)
    await world.add(surface)
    await world.level(surface)

    for _ in range(5):  # past the request's own revision
        await world.change_task()
    after_the_task = await world.stale()
    await world.change_request()

    assert after_the_task == []
    assert await world.stale() == ["surface"]


async def test_another_tasks_and_another_requests_change_make_nothing_stale(world: World) -> None:
    opening, card = world.surface("opening", SurfaceKind.OPENING), world.surface("card")
    await world.add(opening, card)
    await world.level(opening)
    await world.level(card)

    other_task = a_task("other")
    await world.storage.create_task(other_task, an_event("started", other_task))
    await world.storage.save_task(other_task, an_event("changed", other_task))
    sibling = a_request("sibling", world.task)
    await world.storage.open_request(sibling, an_event("opened", sibling))
    await world.storage.save_request(sibling, an_event("changed", sibling))

    assert await world.stale() == []


async def test_a_surface_added_level_with_its_record_is_not_stale(world: World) -> None:
    await world.change_request()

    next_revision = world.request.revision + 1
    await world.add(
        replace(world.surface("level"), shown=next_revision),
        replace(world.surface("behind"), shown=next_revision - 1),
    )

    assert await world.stale() == ["behind"]


async def test_a_surface_stays_stale_while_it_shows_less_than_its_record_has(world: World) -> None:
    surface = world.surface("surface")
    await world.add(surface)
    drawn = world.request.revision
    await world.change_request()

    behind = await world.storage.save_surface(replace(surface, shown=drawn, ref=PLACE))
    while_behind = await world.stale()
    await world.level(behind)

    assert while_behind == ["surface"]
    assert await world.stale() == []


async def test_a_surface_is_not_stale_before_its_record_is_past_what_it_shows(world: World) -> None:
    card, opening = world.surface("card"), world.surface("opening", SurfaceKind.OPENING)
    await world.add(replace(card, shown=2), replace(opening, shown=1))

    await world.change_request()
    await world.change_task()
    level = await world.stale()
    await world.change_request()
    await world.change_task()

    assert level == []
    assert await world.stale() == ["card", "opening"]


async def test_a_surface_whose_message_is_gone_is_stale_again(world: World) -> None:
    surface = world.surface("surface")
    await world.add(surface)
    level = await world.level(surface)

    await world.storage.save_surface(replace(level, shown=-1, ref=None))

    assert await world.stale() == ["surface"]


async def test_an_abandoned_surface_is_not_stale_whatever_happens_to_its_record(world: World) -> None:
    surface = world.surface("surface")
    await world.add(surface)

    abandoned = await world.storage.save_surface(replace(surface, abandoned="channel_not_found"))
    at_once = await world.stale()
    await world.change_request()
    after_a_change = await world.stale()
    await world.storage.save_surface(replace(abandoned, abandoned=""))

    assert at_once == []
    assert after_a_change == []
    assert await world.stale() == ["surface"]


async def test_a_surface_that_was_put_off_is_stale_again_from_its_moment_on(world: World) -> None:
    surface = world.surface("surface")
    await world.add(surface)

    saved = await world.storage.save_surface(replace(surface, not_before=NOON + MINUTE))
    await world.change_request()

    assert await world.storage.stale(NOON + MINUTE - TICK, limit=10) == ()
    assert await world.storage.stale(NOON + MINUTE, limit=10) == (saved,)


async def test_the_longest_stale_come_first_and_not_more_than_asked_for(world: World) -> None:
    a, b, c, d = (world.surface(id) for id in "abcd")
    opening = world.surface("opening", SurfaceKind.OPENING)
    await world.add(a, b, opening)
    opening = await world.level(opening)
    await world.add(c)
    await world.level(a)
    await world.add(d)

    # b since the first change; c since the second; a and d since the third; the opening since the fourth.
    await world.change_task()

    assert await world.stale() == ["b", "c", "a", "d", "opening"]
    assert [surface.id for surface in await world.storage.stale(NOON, limit=2)] == ["b", "c"]


async def test_a_surface_that_falls_further_behind_keeps_its_place(world: World) -> None:
    first, second = world.surface("first"), world.surface("second", SurfaceKind.OPENING)
    await world.add(first)
    await world.storage.save_task(world.task, an_event("changed", world.task), [second])

    await world.change_request()
    await world.storage.save_surface(replace(first, shown=0, tries=1))

    assert await world.stale() == ["first", "second"]


async def test_what_is_put_off_does_not_use_up_the_limit(world: World) -> None:
    later, now = world.surface("later"), world.surface("now")
    await world.add(later)
    await world.storage.save_surface(replace(later, not_before=NOON + MINUTE))
    await world.add(now)

    assert [surface.id for surface in await world.storage.stale(NOON, limit=1)] == ["now"]


async def test_a_saved_surface_is_returned_and_stored_with_its_next_revision(world: World) -> None:
    surface = world.surface("surface")
    await world.add(surface)
    changed = replace(surface, ref=PLACE, shown=1, fingerprint="f", attempted=True, tries=2, not_before=NOON)

    saved = await world.storage.save_surface(changed)

    assert saved == replace(changed, revision=1)
    assert await world.storage.surfaces_of(world.task.id) == (saved,)


async def test_a_surface_that_changed_since_it_was_read_is_a_conflict_and_nothing_is_written(
    world: World,
) -> None:
    surface = world.surface("surface")
    await world.add(surface)
    saved = await world.storage.save_surface(replace(surface, tries=1))

    with pytest.raises(Conflict):
        await world.storage.save_surface(replace(surface, shown=99, ref=PLACE))

    assert await world.storage.surfaces_of(world.task.id) == (saved,)
    assert await world.storage.surface_at(PLACE) is None
    assert await world.stale() == ["surface"]


async def test_saving_a_surface_that_was_never_stored_is_a_conflict(world: World) -> None:
    with pytest.raises(Conflict):
        await world.storage.save_surface(world.surface("nowhere"))

    assert await world.storage.surfaces_of(world.task.id) == ()


async def test_of_many_that_claim_one_surface_at_once_exactly_one_wins(store: Store) -> None:
    handles = [await store.open() for _ in range(3)]
    task = a_task()
    surface = a_surface("surface", task)
    await handles[0].create_task(task, an_event("started", task), [surface])

    results = await asyncio.gather(
        *(
            handles[number % 3].save_surface(replace(surface, tries=number, not_before=NOON + MINUTE))
            for number in range(24)
        ),
        return_exceptions=True,
    )

    won = [result for result in results if isinstance(result, Surface)]
    assert len(won) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 23
    assert await handles[0].surfaces_of(task.id) == tuple(won)


async def test_no_change_of_a_record_is_lost_to_a_surface_that_is_saved_at_the_same_time(store: Store) -> None:
    surfaces, records = await store.open(), await store.open()
    task = a_task()
    surface = a_surface("surface", task)
    await records.create_task(task, an_event("started", task), [surface])

    for revision in range(10):
        surface, task = await asyncio.gather(
            surfaces.save_surface(replace(surface, shown=revision)),
            records.save_task(task, an_event("changed", task)),
        )

        assert await surfaces.stale(NOON, limit=10) == (surface,)


async def test_the_tasks_and_its_requests_surfaces_come_in_the_order_of_their_making(world: World) -> None:
    made = [world.surface(id, kind) for id, kind in zip("ebdafcihg", SurfaceKind, strict=True)]
    await world.add(*made[:2])
    await world.add(*made[2:])
    saved = await world.level(made[0])

    assert await world.storage.surfaces_of(world.task.id) == (saved, *made[1:])
    assert await world.storage.surfaces_of(a_task("other").id) == ()


async def test_the_surface_that_stands_at_a_place_is_found_there(world: World) -> None:
    surface, other = world.surface("surface"), world.surface("other")
    await world.add(surface, other)

    saved = await world.storage.save_surface(replace(surface, ref=PLACE))

    assert await world.storage.surface_at(PLACE) == saved
    assert await world.storage.surface_at(replace(PLACE, channel=ChannelId("C2"))) is None
    assert await world.storage.surface_at(replace(PLACE, ts=Ts("1893585600.0001"))) is None


async def test_a_surface_that_was_stored_with_its_place_is_found_there(world: World) -> None:
    surface = replace(world.surface("surface"), ref=PLACE)

    await world.add(surface)

    assert await world.storage.surface_at(PLACE) == surface


async def test_a_surface_that_moved_is_found_at_its_new_place_alone(world: World) -> None:
    surface = world.surface("surface")
    await world.add(surface)
    placed = await world.storage.save_surface(replace(surface, ref=PLACE))
    new_place = replace(PLACE, ts=Ts("1893585700.000100"))

    moved = await world.storage.save_surface(replace(placed, ref=new_place))
    at_the_new, at_the_old = await world.storage.surface_at(new_place), await world.storage.surface_at(PLACE)
    await world.storage.save_surface(replace(moved, ref=None))

    assert at_the_new == moved
    assert at_the_old is None
    assert await world.storage.surface_at(new_place) is None


async def test_all_records_of_a_task_are_read_as_they_stand_together(world: World) -> None:
    await world.add(world.surface("card"), world.surface("opening", SurfaceKind.OPENING))
    second = await world.storage.open_request(
        a_request("second", world.task, interrupt_id="i-second"), an_event("opened", world.task)
    )

    records = await world.storage.records_of(world.task.id)

    assert records.task == world.task
    assert records.requests == (world.request, second)
    assert records.surfaces == await world.storage.surfaces_of(world.task.id)
    assert [surface.id for surface in records.surfaces] == ["card", "opening"]


async def test_a_task_that_is_not_there_has_no_records(storage: Storage) -> None:
    with pytest.raises(NotFound):
        await storage.records_of(a_task("nobody's").id)


async def test_what_one_change_wrote_is_never_read_without_the_rest_of_it(store: Store) -> None:
    records, surfaces = await store.open(), await store.open()
    task = a_task()
    await records.create_task(task, an_event("started", task))

    async def write() -> None:
        saved = task
        for number in range(20):
            saved = await records.save_task(saved, an_event("changed", task), [a_surface(f"s{number}", task)])

    writing = asyncio.create_task(write())
    while not writing.done():
        read = await surfaces.records_of(task.id)
        assert len(read.surfaces) == read.task.revision
    await writing
