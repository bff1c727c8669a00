"""What `Storage` promises of tasks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.audit import PURGED
from bot.approvals.model.errors import Conflict, NotFound
from bot.approvals.model.ids import ChannelId, Program, TaskId, ThreadId, Ts
from bot.approvals.model.task import Ended, Failed, Failure, Running, Starting, Task, TaskCancelled, TaskState, Waiting
from bot.approvals.ports.storage import Storage
from tests.conformance.stores import Store
from tests.support.builders import MINUTE, NOON, a_message, a_person, a_request, a_task, an_event

FAILURE = Failure(error_id="e1", summary="KeyError", at=NOON)
AT_REST: list[TaskState] = [
    Waiting(),
    Ended(outcome="done", at=NOON),
    Failed(failure=FAILURE, retryable=True),
    Failed(failure=FAILURE, retryable=False),
    TaskCancelled(by=a_person(), at=NOON),
]


async def test_a_new_task_is_stored_with_its_first_messages_and_its_event(storage: Storage) -> None:
    task = a_task(inputs={"": None, "ü": [1, 1.5, True, 10**30], "\ud83d": {"\x00": "\u2028"}})
    message = a_message("opening", task)
    event = an_event("started", task)

    await storage.create_task(task, event, [message])

    assert await storage.task(task.id) == task
    assert repr(await storage.task(task.id)) == repr(task)
    assert await storage.messages_of(task.id) == (message,)
    assert await storage.history(task.id) == (event,)


async def test_a_new_task_has_revision_0_whatever_it_came_with(storage: Storage) -> None:
    await storage.create_task(a_task(revision=7), an_event("started", a_task()))

    assert (await storage.task(a_task().id)).revision == 0


async def test_a_task_of_the_same_id_is_left_as_it_is(storage: Storage) -> None:
    task = a_task()
    await storage.create_task(task, an_event("started", task))
    saved = await storage.save_task(replace(task, state=Running()), an_event("running", task))

    again = a_task(graph="another")
    await storage.create_task(again, an_event("started", again), [a_message("again", again)])

    assert await storage.task(task.id) == saved
    assert await storage.messages_of(task.id) == ()
    assert [event.kind for event in await storage.history(task.id)] == ["started", "running"]


async def test_of_many_that_create_one_task_at_once_exactly_one_stores_it(store: Store) -> None:
    handles = [await store.open() for _ in range(3)]
    tasks = [a_task(graph=f"graph-{number}") for number in range(12)]

    await asyncio.gather(
        *(
            handles[number % 3].create_task(
                task, an_event(task.graph, task), [a_message(f"message-of-{task.graph}", task)]
            )
            for number, task in enumerate(tasks)
        )
    )

    winner = await handles[0].task(a_task().id)
    assert [event.kind for event in await handles[1].history(winner.id)] == [winner.graph]
    assert [message.id for message in await handles[2].messages_of(winner.id)] == [f"message-of-{winner.graph}"]


async def test_a_thread_has_one_task(storage: Storage) -> None:
    first = a_task("first", thread_id=ThreadId("shared"))
    second = a_task("second", thread_id=ThreadId("shared"))
    await storage.create_task(first, an_event("started", first))

    with pytest.raises(Conflict):
        await storage.create_task(second, an_event("started", second))

    assert await storage.history(second.id) == ()


async def test_there_is_no_task_that_was_not_stored(storage: Storage) -> None:
    with pytest.raises(NotFound, match="task `nowhere`"):
        await storage.task(TaskId("nowhere"))


@pytest.mark.parametrize("state", [Starting(), Running(), *AT_REST], ids=lambda state: type(state).__name__)
async def test_a_saved_task_is_returned_and_stored_with_its_next_revision(storage: Storage, state: TaskState) -> None:
    task = a_task()
    await storage.create_task(task, an_event("started", task))

    saved = await storage.save_task(replace(task, state=state), an_event("changed", task))

    assert saved == replace(task, state=state, revision=1)
    assert await storage.task(task.id) == saved


async def test_saving_a_task_adds_the_new_messages_to_the_old(storage: Storage) -> None:
    task = a_task()
    first, second, third = (a_message(name, task) for name in ("c", "a", "b"))
    await storage.create_task(task, an_event("started", task), [first])

    await storage.save_task(task, an_event("changed", task), [second, third])

    assert await storage.messages_of(task.id) == (first, second, third)


async def test_a_task_that_changed_since_it_was_read_is_a_conflict_and_nothing_is_written(
    storage: Storage,
) -> None:
    task = a_task()
    await storage.create_task(task, an_event("started", task))
    saved = await storage.save_task(replace(task, state=Running()), an_event("running", task))

    with pytest.raises(Conflict):
        await storage.save_task(replace(task, state=Waiting()), an_event("late", task), [a_message("late", task)])

    assert await storage.task(task.id) == saved
    assert await storage.messages_of(task.id) == ()
    assert [event.kind for event in await storage.history(task.id)] == ["started", "running"]


async def test_a_task_with_a_revision_from_the_future_is_a_conflict(storage: Storage) -> None:
    task = a_task()
    await storage.create_task(task, an_event("started", task))

    with pytest.raises(Conflict):
        await storage.save_task(replace(task, revision=1), an_event("early", task))


async def test_saving_a_task_that_was_never_stored_is_a_conflict(storage: Storage) -> None:
    task = a_task()

    with pytest.raises(Conflict):
        await storage.save_task(task, an_event("changed", task))

    assert await storage.history(task.id) == ()


async def test_a_save_of_a_task_that_fails_at_its_last_message_writes_nothing(storage: Storage) -> None:
    task = a_task()
    taken = a_message("taken", task)
    await storage.create_task(task, an_event("started", task), [taken])

    with pytest.raises(Conflict):
        await storage.save_task(
            replace(task, state=Running()), an_event("running", task), [a_message("fresh", task), taken]
        )

    assert await storage.task(task.id) == task
    assert await storage.messages_of(task.id) == (taken,)
    assert [event.kind for event in await storage.history(task.id)] == ["started"]


async def test_of_many_that_save_one_task_at_once_exactly_one_wins(store: Store) -> None:
    handles = [await store.open() for _ in range(3)]
    task = a_task()
    await handles[0].create_task(task, an_event("started", task))

    results = await asyncio.gather(
        *(
            handles[number % 3].save_task(
                replace(task, state=Ended(outcome=str(number), at=NOON)), an_event(str(number), task)
            )
            for number in range(24)
        ),
        return_exceptions=True,
    )

    (won,) = [result for result in results if isinstance(result, Task)]
    assert sum(isinstance(result, Conflict) for result in results) == 23
    assert await handles[0].task(task.id) == won
    assert isinstance(won.state, Ended)
    assert [event.kind for event in await handles[0].history(task.id)] == ["started", won.state.outcome]


async def test_the_requesters_tasks_come_newest_first_and_not_more_than_asked_for(storage: Storage) -> None:
    for id, minutes in (("b", 2), ("d", 4), ("a", 1), ("c", 3)):
        task = a_task(id, created_at=NOON + minutes * MINUTE)
        await storage.create_task(task, an_event("started", task))

    newest = await storage.tasks_of(a_person(), limit=3)

    assert [task.id for task in newest] == ["d", "c", "b"]


async def test_a_requester_is_the_same_only_in_the_same_workspace(storage: Storage) -> None:
    mine = a_task("mine", requester=a_person("U1", "T1"))
    elsewhere = a_task("elsewhere", requester=a_person("U1", "T2"))
    others = a_task("others", requester=a_person("U2", "T1"))
    for task in (mine, elsewhere, others):
        await storage.create_task(task, an_event("started", task))

    assert await storage.tasks_of(a_person("U1", "T1"), limit=10) == (mine,)
    assert await storage.tasks_of(a_person("U3", "T1"), limit=10) == ()


async def test_a_programs_task_is_nobodys(storage: Storage) -> None:
    """It is not even an account's whose ids are empty."""
    task = a_task("programs", requester=Program(name="billing"))
    await storage.create_task(task, an_event("started", task))
    ended = await storage.save_task(
        replace(task, state=TaskCancelled(by=Program(name="billing"), at=NOON)), an_event("cancelled", task)
    )

    assert await storage.task(task.id) == ended
    assert await storage.tasks_of(a_person(), limit=10) == ()
    assert await storage.tasks_of(a_person("billing"), limit=10) == ()

    await storage.purge(task.id, an_event(PURGED, task))

    with pytest.raises(NotFound):
        await storage.task(task.id)


async def test_the_tasks_of_a_slack_thread_are_those_that_were_started_in_it(storage: Storage) -> None:
    there = {"channel": ChannelId("C1"), "thread_ts": Ts("1.5")}
    first, second = a_task("first", **there), a_task("second", **there, state=Ended(outcome="done", at=NOON))
    others = [
        a_task("another channel", channel=ChannelId("C2"), thread_ts=Ts("1.5")),
        a_task("another thread", channel=ChannelId("C1"), thread_ts=Ts("1.6")),
        a_task("its own", channel=ChannelId("C1")),
    ]
    for task in (first, second, *others):
        await storage.create_task(task, an_event("started", task))

    assert await storage.tasks_in(ChannelId("C1"), Ts("1.5")) == (first, second)
    assert await storage.tasks_in(ChannelId("C3"), Ts("1.5")) == ()

    await storage.purge(second.id, an_event(PURGED, second))

    assert await storage.tasks_in(ChannelId("C1"), Ts("1.5")) == (first,)


@pytest.mark.parametrize("state", [Starting(), Running()], ids=lambda state: type(state).__name__)
async def test_a_task_that_should_be_running_and_that_nobody_drives_is_an_orphan(
    storage: Storage, state: TaskState
) -> None:
    task = a_task(state=state)
    await storage.create_task(task, an_event("started", task))

    assert await storage.orphans(NOON, limit=10) == (task,)


@pytest.mark.parametrize("state", AT_REST, ids=lambda state: type(state).__name__)
async def test_a_task_at_rest_is_no_orphan_and_becomes_one_when_it_runs_again(
    storage: Storage, state: TaskState
) -> None:
    task = a_task()
    await storage.create_task(task, an_event("started", task))

    rested = await storage.save_task(replace(task, state=state), an_event("rested", task))
    at_rest = await storage.orphans(NOON, limit=10)
    running = await storage.save_task(replace(rested, state=Running()), an_event("running", task))

    assert at_rest == ()
    assert await storage.orphans(NOON, limit=10) == (running,)


async def test_a_task_is_no_orphan_while_its_thread_is_leased(storage: Storage) -> None:
    task, other = a_task("task"), a_task("other")
    await storage.create_task(task, an_event("started", task))
    await storage.create_task(other, an_event("started", other))

    lease = await storage.lease(task.thread_id, MINUTE, NOON)

    assert lease is not None
    assert await storage.orphans(NOON, limit=10) == (other,)
    assert await storage.orphans(lease.until - timedelta(microseconds=1), limit=10) == (other,)
    assert await storage.orphans(lease.until, limit=10) == (task, other)

    await storage.release(lease)

    assert await storage.orphans(NOON, limit=10) == (task, other)


async def test_not_more_orphans_are_returned_than_asked_for(storage: Storage) -> None:
    for number in range(4):
        task = a_task(f"task-{number}")
        await storage.create_task(task, an_event("started", task))

    assert len(await storage.orphans(NOON, limit=3)) == 3


async def test_ended_tasks_come_by_their_end_and_not_after_the_moment(storage: Storage) -> None:
    first = a_task("first", state=Ended(outcome="done", at=NOON))
    second = a_task("second", state=TaskCancelled(by=a_person(), at=NOON + MINUTE))
    third = a_task("third", state=Failed(failure=FAILURE, retryable=True))
    for task in (second, first, third):
        await storage.create_task(task, an_event("started", task))

    assert await storage.ended(NOON - MINUTE, limit=10, forgotten=False) == ()
    assert await storage.ended(NOON, limit=10, forgotten=False) == (first,)
    assert await storage.ended(NOON + MINUTE, limit=10, forgotten=False) == (first, second)
    assert await storage.ended(NOON + MINUTE, limit=1, forgotten=False) == (first,)


async def test_a_task_that_goes_on_again_is_not_among_the_ended(storage: Storage) -> None:
    task = a_task(state=Failed(failure=FAILURE, retryable=False))
    await storage.create_task(task, an_event("started", task))

    await storage.save_task(replace(task, state=Starting()), an_event("retried", task))

    assert await storage.ended(NOON + MINUTE, limit=10, forgotten=False) == ()


async def test_a_forgotten_task_is_marked_once_and_keeps_its_revision(storage: Storage) -> None:
    task = a_task(state=Ended(outcome="done", at=NOON))
    await storage.create_task(task, an_event("started", task), [a_message("opening", task)])
    event = an_event("checkpoints_deleted", task)

    await storage.forget(task.id, event)
    await storage.forget(task.id, event)

    assert await storage.ended(NOON, limit=10, forgotten=False) == ()
    assert await storage.ended(NOON, limit=10, forgotten=True) == (task,)
    assert await storage.task(task.id) == task
    assert (await storage.history(task.id))[1:] == (event,)


async def test_a_task_that_has_not_ended_is_neither_forgotten_nor_purged(storage: Storage) -> None:
    task = a_task(state=Waiting())
    event = an_event("started", task)
    await storage.create_task(task, event)

    await storage.forget(task.id, an_event("checkpoints_deleted", task))
    await storage.purge(task.id, an_event(PURGED, task))

    assert await storage.task(task.id) == task
    assert await storage.history(task.id) == (event,)


async def test_a_purged_task_leaves_but_the_word_that_it_was_and_others_stay(storage: Storage) -> None:
    task, other = a_task("ended", state=Ended(outcome="done", at=NOON)), a_task("other")
    for each in (task, other):
        await storage.create_task(each, an_event("started", each), [a_message(f"opening-{each.id}", each)])
        request = a_request(f"request-{each.id}", each)
        await storage.open_request(request, an_event("opened", request), [a_message(f"card-{each.id}", request)])
    kept = await storage.messages_of(other.id)

    await storage.purge(task.id, an_event(PURGED, task))
    await storage.purge(task.id, an_event(PURGED, task))

    with pytest.raises(NotFound):
        await storage.task(task.id)
    assert await storage.requests_of(task.id) == ()
    assert await storage.messages_of(task.id) == ()
    assert await storage.history(task.id) == (an_event(PURGED, task),)
    assert await storage.ended(NOON, limit=10, forgotten=False) == ()
    assert await storage.out_of_date(NOON, limit=10) == kept
    assert len(await storage.history(other.id)) == 2
    assert await storage.messages_of(other.id) == kept


async def test_the_revisions_of_many_tasks_grow_with_each_change_of_task_and_requests(
    storage: Storage,
) -> None:
    one, other = a_task("one"), a_task("other")
    for task in (one, other):
        await storage.create_task(task, an_event("started", task))

    async def revisions() -> dict[TaskId, int]:
        return dict(await storage.revisions([TaskId("one"), TaskId("other"), TaskId("nobody's")]))

    assert await storage.revisions([]) == {}
    assert await revisions() == {"one": 0, "other": 0}
    await storage.save_task(one, an_event("cancelled", one))
    assert await revisions() == {"one": 1, "other": 0}
    request = await storage.open_request(a_request("r1", other), an_event("opened", other))
    assert await revisions() == {"one": 1, "other": 1}
    await storage.open_request(a_request("r2", other), an_event("opened", other))
    await storage.save_request(request, an_event("voted", request))
    assert await revisions() == {"one": 1, "other": 3}
