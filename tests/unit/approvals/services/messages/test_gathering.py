"""Edits that wait for more, a new task's opening that waits for its question, and what goes first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.ids import MessageId, MessageRef, TaskId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.task import Running, Task
from bot.approvals.ports.slack import NotNow
from bot.approvals.services.delivery.progress import FIRST_LINE_SECONDS, MIN_EDIT_SECONDS, Progress
from bot.approvals.services.messages import wanted
from bot.approvals.services.messages.gathering import Gathering
from bot.approvals.services.messages.sync import MessageSync
from bot.approvals.services.unit_of_work import redraw
from tests.support.fakes.clock import MORNING
from tests.support.fakes.fuse import mortal
from tests.support.fakes.wiring import a_sync
from tests.support.fakes.world import ALICE, BOB, CHANNEL, DORA, RITA, World, a_world, policy
from tests.unit.approvals.services.messages.asking import asked

SECOND = timedelta(seconds=1)


@pytest.fixture
async def patient() -> AsyncIterator[World]:
    """A world whose edits wait for a second, and whose question two people have to answer."""
    async with a_world(otherwise=policy(quorum=2)) as world:
        world.messages = a_sync(storage=world.storage, messenger=world.messenger, clock=world.clock, gather=SECOND)
        yield world


async def shown(world: World) -> Task:
    """A task whose opening and card stand in Slack."""
    task = await asked(world)
    assert await world.messages.sync_task(task.id) is None
    world.messenger.calls.clear()
    return task


async def voted(world: World, task: Task) -> None:
    await world.vote(ALICE, on=await world.request(task))


async def ref_of(world: World, task: Task, kind: MessageKind) -> MessageRef:
    ref = (await world.message(task, kind)).ref
    assert ref is not None
    return ref


async def begin(world: World) -> Task:
    return await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)


# --- The opening of a new task ------------------------------------------------------------------------


async def test_a_graph_that_asks_at_once_has_its_opening_posted_with_its_question(patient: World) -> None:
    task = await begin(patient)
    early = await patient.messages.sync_task(task.id)
    assert early == patient.now + SECOND
    assert patient.messenger.calls == []

    await patient.delivery.drive(task.id)
    assert await patient.messages.sync_task(task.id) is None

    assert patient.messenger.calls == ["post", "post"]
    (opening,) = patient.messenger.of(MessageKind.OPENING)
    assert "Waiting" in opening.drawing.fingerprint


async def test_a_card_waits_for_an_opening_that_is_held_back_and_nothing_is_written_meanwhile(patient: World) -> None:
    task = await asked(patient)
    running = AuditEvent(kind="running", at=patient.now, task_id=task.id)
    await patient.storage.save_task(replace(task, state=Running()), running)
    before = await patient.storage.messages_of(task.id)

    assert await patient.messages.sync_task(task.id) == patient.now + SECOND

    assert await patient.storage.messages_of(task.id) == before
    assert patient.messenger.calls == []


async def test_a_graph_that_works_for_longer_has_its_opening_posted_after_a_second(patient: World) -> None:
    task = await begin(patient)
    again = await patient.messages.sync_task(task.id)
    assert again is not None

    patient.clock.now = again
    assert await patient.messages.sync_task(task.id) is None

    assert patient.messenger.calls == ["post"]


async def test_an_opening_that_a_dead_process_held_back_is_posted_by_the_next_sweep(patient: World) -> None:
    task = await begin(patient)
    await patient.messages.sync_task(task.id)
    patient.be_born()

    await patient.later(SECOND)

    assert len(patient.messenger.of(MessageKind.OPENING)) == 1


async def test_a_task_whose_time_of_starting_lies_ahead_waits_a_second_all_the_same(patient: World) -> None:
    """The clock of the process that took the command may be ahead of ours."""
    patient.clock.advance(timedelta(hours=1))
    task = await begin(patient)
    patient.clock.advance(timedelta(hours=-1))

    assert await patient.messages.sync_task(task.id) == patient.now + SECOND


async def test_an_opening_is_posted_with_the_newest_words_of_its_graph_which_then_are_not_edited_in() -> None:
    async with a_world() as world:
        at = [100.0]
        progress = Progress(show=lambda _: None, monotonic=lambda: at[0], later=lambda *_: _Timer())
        sync = a_sync(
            storage=world.storage, messenger=world.messenger, clock=world.clock, progress=progress, gather=SECOND
        )
        task = await begin(world)
        progress.tell(task.id, "reading")

        assert await sync.sync_task(task.id) == world.now + SECOND
        progress.tell(task.id, "counting")
        world.clock.advance(SECOND)
        await sync.sync_task(task.id)
        (opening,) = world.messenger.of(MessageKind.OPENING)
        assert "counting" in opening.drawing.fingerprint

        at[0] += FIRST_LINE_SECONDS
        await sync.sync_task(task.id)
        assert world.messenger.calls == ["post"]
        assert progress.wait(task.id) == 0, "a post keeps no edit waiting"
        progress.tell(task.id, "moving")
        at[0] += MIN_EDIT_SECONDS
        await sync.sync_task(task.id)
        assert world.messenger.calls == ["post", "update"]


class _Timer:
    def cancel(self) -> None:
        """Nobody cancels it."""


def test_words_of_a_run_that_has_said_nothing_are_none() -> None:
    progress = Progress(show=lambda _: None, monotonic=lambda: 0.0, later=lambda *_: _Timer())

    progress.posted(TaskId("t1"), None)

    assert progress.newest(TaskId("t1")) is None


# --- Edits --------------------------------------------------------------------------------------------


async def test_all_that_changes_within_a_second_is_one_edit(patient: World) -> None:
    task = await shown(patient)
    await voted(patient, task)
    again = await patient.messages.sync_task(task.id)
    assert again == patient.now + SECOND

    patient.clock.advance(SECOND / 2)
    request = await patient.request(task)
    touched = AuditEvent(kind="touched", at=patient.now, task_id=task.id, request_id=request.id)
    await patient.storage.save_request(request, touched)
    assert await patient.messages.sync_task(task.id) == again, "it is counted from the first change"
    assert patient.messenger.calls == []

    patient.clock.now = again
    assert await patient.messages.sync_task(task.id) is None
    assert patient.messenger.calls == ["update"]


async def test_a_message_is_counted_anew_after_it_was_brought_up_to_date(patient: World) -> None:
    task = await shown(patient)
    await voted(patient, task)
    await patient.messages.sync_task(task.id)
    patient.clock.advance(SECOND)
    await patient.messages.sync_task(task.id)
    patient.clock.advance(timedelta(seconds=5))

    await patient.vote(BOB, on=await patient.request(task))

    assert await patient.messages.sync_task(task.id) == patient.now + SECOND


async def test_the_clicked_card_is_updated_at_once(patient: World) -> None:
    task = await shown(patient)
    patient.messenger.clicked.add(await ref_of(patient, task, MessageKind.CARD))
    await voted(patient, task)

    await patient.messages.sync_task(task.id)

    assert patient.messenger.calls == ["update"]


async def test_the_opening_tells_of_a_vote_with_the_next_gathered_edit(patient: World) -> None:
    """It says whose turn it is."""
    patient.messenger.openings_tell_votes = True
    task = await shown(patient)
    patient.messenger.clicked.add(await ref_of(patient, task, MessageKind.CARD))
    await voted(patient, task)

    due = await patient.messages.sync_task(task.id)
    patient.clock.advance(SECOND)
    assert await patient.messages.sync_task(task.id) is None

    assert due == patient.now
    assert patient.messenger.calls == ["update", "update"]
    (opening,) = patient.messenger.of(MessageKind.OPENING)
    assert "asks with 1 votes" in opening.drawing.fingerprint


async def test_a_card_that_is_to_be_drawn_again_is_drawn_at_once(patient: World) -> None:
    """Somebody has just clicked on it, and was refused because it is out of date."""
    task = await shown(patient)
    await redraw(patient.storage, patient.work, await ref_of(patient, task, MessageKind.CARD))

    assert await patient.messages.sync_task(task.id) is None

    assert patient.messenger.calls == ["update"]


async def test_what_slack_puts_off_comes_when_slack_says(patient: World) -> None:
    task = await shown(patient)
    patient.messenger.clicked.add(await ref_of(patient, task, MessageKind.CARD))
    await voted(patient, task)
    patient.messenger.fail("update", NotNow("ratelimited", 30))

    assert await patient.messages.sync_task(task.id) == patient.now + SECOND  # for the opening
    patient.clock.advance(SECOND)

    assert await patient.messages.sync_task(task.id) == patient.now + timedelta(seconds=29)


async def test_an_escalation_is_posted_before_anything_is_edited(patient: World) -> None:
    task = await shown(patient)
    await voted(patient, task)
    await patient.messages.sync_task(task.id)
    patient.clock.advance(SECOND)
    request = await patient.request(task)
    event = AuditEvent(kind="escalated", at=patient.now, task_id=task.id, request_id=request.id)
    await patient.storage.save_request(request, event, [wanted.copy_of(request, DORA, patient.now)])

    await patient.messages.sync_task(task.id)

    assert patient.messenger.calls == ["open_direct", "post", "update"]


async def test_the_clicked_card_is_updated_before_the_others(patient: World) -> None:
    task = await shown(patient)
    request = await patient.request(task)
    event = AuditEvent(kind="escalated", at=patient.now, task_id=task.id, request_id=request.id)
    await patient.storage.save_request(request, event, [wanted.copy_of(request, DORA, patient.now)])
    await patient.messages.sync_task(task.id)
    copy = await ref_of(patient, task, MessageKind.COPY)
    patient.messenger.clicked.add(copy)
    await voted(patient, task)
    updated: list[MessageRef] = []

    class Watched:
        def __getattr__(self, name: str) -> object:
            return getattr(patient.messenger, name)

        async def update(self, ref: MessageRef, drawing: object) -> None:
            updated.append(ref)

    sync = a_sync(storage=patient.storage, messenger=cast("object", Watched()), clock=patient.clock)  # type: ignore[arg-type]

    await sync.sync_task(task.id)

    assert updated == [copy, await ref_of(patient, task, MessageKind.CARD)]


async def test_nothing_waits_when_the_process_ends(patient: World) -> None:
    task = await shown(patient)
    await voted(patient, task)
    await patient.messages.sync_task(task.id)

    patient.messages.hurry()

    assert await patient.messages.sync_task(task.id) is None
    assert patient.messenger.calls == ["update"]


async def test_an_edit_that_a_dead_process_held_back_is_made_by_the_next(patient: World) -> None:
    task = await shown(patient)
    await voted(patient, task)
    await patient.messages.sync_task(task.id)
    patient.be_born()
    patient.messages = a_sync(
        storage=mortal(patient.storage, patient.fuse), messenger=patient.messenger, clock=patient.clock, gather=SECOND
    )

    await patient.later(SECOND)
    await patient.later(SECOND)

    assert patient.messenger.calls == ["update"]


def test_what_another_process_has_updated_is_not_remembered_for_ever() -> None:
    gathering = Gathering()
    one, other = MessageId("one"), MessageId("other")
    assert gathering.due(one, SECOND, MORNING) == MORNING + SECOND

    gathering.due(other, SECOND, MORNING + timedelta(minutes=2))

    later = MORNING + timedelta(minutes=3)
    assert gathering.due(one, SECOND, later) == later + SECOND


def test_edits_wait_a_second_if_nobody_says_otherwise(patient: World) -> None:
    messages = patient.messages
    sync = MessageSync(
        storage=messages.storage, messenger=messages.messenger, posting=messages.posting, clock=messages.clock
    )

    assert sync.gather == SECOND
