"""What an operator lists, read page by page over the real storage."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import pytest

from bot.approvals.model.errors import NotFound
from bot.approvals.model.ids import TaskId
from bot.approvals.model.request import Delivered, Pending, Request, RequestState
from bot.approvals.model.task import Ended, Failed, Failure, Gone, Part, Task, TaskState, Waiting
from bot.approvals.ports.storage import Among, Storage
from bot.approvals.rules.standing import Stands
from bot.approvals.services import overview
from bot.approvals.services.overview import Line, Overview
from tests.support.builders import MINUTE, NOON, a_request, a_task, an_answer, an_event, decided
from tests.support.fakes.world import World

ERROR = Failure(error_id="e1", summary="KeyError", at=NOON)
FAILED = Failed(failure=ERROR, retryable=True)
LOST = Failed(failure=ERROR, retryable=False)
GONE = Gone(part=Part.STEP, name="send")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few records make several pages."""
    monkeypatch.setattr(overview, "PAGE", 2)


async def kept(
    world: World,
    id: str,
    state: TaskState,
    at: datetime = NOON,
    *states: RequestState,
    gone: Gone | None = None,
    **changes: Any,
) -> Task:
    task = a_task(id, created_at=at, state=state, **changes)
    await world.storage.create_task(task, an_event("started", task))
    for number, each in enumerate(states):
        request = a_request(f"{id}-{number}", task, state=each, opened_at=at, gone=gone)
        await world.storage.open_request(request, an_event("opened", request))
    return task


def ids(found: list[Line] | list[Request]) -> list[str]:
    return [each.task.id if isinstance(each, Line) else each.id for each in found]


async def test_the_newest_tasks_that_are_wanted_are_found_over_several_pages(world: World) -> None:
    for number in range(7):
        state = Waiting() if number % 3 else Ended(outcome="", at=NOON)
        await kept(world, f"t{number}", state, NOON + number * MINUTE, Pending(due_at=None))
    view = Overview(storage=world.storage)

    assert ids(await view.tasks(10, lambda of: of.stands is Stands.WAITING)) == ["t5", "t4", "t2", "t1"]
    assert ids(await view.tasks(3, lambda of: of.stands is Stands.WAITING)) == ["t5", "t4", "t2"]
    assert ids(await view.tasks(9, lambda _: True, among=Among.ENDED, since=NOON + MINUTE)) == ["t6", "t3"]


async def test_requests_are_read_only_of_tasks_that_go_on(world: World) -> None:
    """Nobody can do anything about those of the others."""
    await kept(world, "over", Ended(outcome="", at=NOON), NOON, Delivered(decision=an_answer(), at=NOON))
    await kept(world, "waits", Waiting(), NOON, Pending(due_at=None))

    waits, over = await Overview(storage=world.storage).tasks(5, lambda _: True)

    assert (ids(list(waits.requests)), over.requests) == (["waits-0"], ())


async def test_what_needs_a_person_is_found_wherever_it_stands(world: World) -> None:
    """What failed for good, what is lost, and what waits at code that is missing. Not what is tried again by itself."""
    await kept(world, "lost", LOST, NOON)
    await kept(world, "given-up", FAILED, NOON + MINUTE, decided(None, failure=ERROR))
    await kept(world, "again", FAILED, NOON + 2 * MINUTE, decided(NOON, failure=ERROR))
    await kept(world, "changed", Waiting(), NOON + 3 * MINUTE, Pending(due_at=None), gone=GONE, graph="other")
    await kept(world, "fine", Waiting(), NOON + 4 * MINUTE, Pending(due_at=None))
    view = Overview(storage=world.storage)

    assert ids(await view.needing_person(9)) == ["changed", "given-up", "lost"]
    assert ids(await view.needing_person(2)) == ["changed", "given-up"]
    assert ids(await view.needing_person(9, graph="other")) == ["changed"]
    assert ids(await view.needing_person(9, since=NOON + MINUTE)) == ["changed", "given-up"]
    assert ids(await view.needing_person(9, since=NOON + 4 * MINUTE)) == []


async def test_a_task_that_is_removed_while_a_list_is_read_is_left_out(world: World) -> None:
    await kept(world, "changed", Waiting(), NOON, Pending(due_at=None), gone=GONE)

    class Removes:
        def __getattr__(self, name: str) -> object:
            return getattr(world.storage, name)

        async def task(self, id: TaskId) -> Task:
            raise NotFound("task", id)

    assert await Overview(storage=cast(Storage, Removes())).needing_person(9) == []


async def test_open_requests_come_last_opened_first_and_all_others_only_if_asked_for(world: World) -> None:
    done = Delivered(decision=an_answer(), at=NOON)
    await kept(world, "old", Waiting(), NOON, Pending(due_at=None), done)
    await kept(world, "new", Waiting(), NOON + MINUTE, done, decided(None))
    view = Overview(storage=world.storage)

    assert ids((await view.requests(9, lambda _: True)).requests) == ["new-1", "old-0"]
    assert ids((await view.requests(1, lambda request: request.task_id == "old")).requests) == ["old-0"]
    assert ids((await view.requests(9, lambda _: True, unsettled=False)).requests) == [
        "new-1",
        "new-0",
        "old-1",
        "old-0",
    ]
    assert ids((await view.requests(2, lambda request: request.state == done, unsettled=False)).requests) == [
        "new-0",
        "old-1",
    ]
    assert ids((await view.requests(9, lambda _: True, graph="other")).requests) == []
    assert ids((await view.requests(9, lambda _: True, unsettled=False, graph="other")).requests) == []


async def test_settled_requests_are_looked_for_in_so_many_tasks_and_it_is_known_if_there_are_more(world: World) -> None:
    """A store may hold any number of tasks, and each is read by itself."""
    done = Delivered(decision=an_answer(), at=NOON)
    for number in range(3):
        await kept(world, f"t{number}", Waiting(), NOON + number * MINUTE, done)
    view = Overview(storage=world.storage)

    two = await view.requests(9, lambda _: True, unsettled=False, tasks=2)
    three = await view.requests(9, lambda _: True, unsettled=False, tasks=3)
    enough = await view.requests(2, lambda _: True, unsettled=False, tasks=2)

    assert (ids(two.requests), two.cut) == (["t2-0", "t1-0"], True)
    assert (ids(three.requests), three.cut) == (["t2-0", "t1-0", "t0-0"], False)
    assert not enough.cut
