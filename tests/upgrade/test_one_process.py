"""What one process left, which did everything and was killed at work, goes on with several, on both stores."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.approvals.inbox.queries import Inboxes
from bot.approvals.inbox.summaries import Summaries
from bot.approvals.model.ids import MessageId, TaskId, Ts
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Delivered
from bot.approvals.model.task import Lease, Running, Starting
from bot.approvals.services import claims
from tests.support.fakes import messenger
from tests.support.fakes.clock import MORNING
from tests.support.fakes.front import FakeFront
from tests.support.fakes.messenger import FakeDrawing
from tests.support.fakes.world import ALICE, CHANNEL, RITA
from tests.upgrade.one_process_left import Left, opened

SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=30)
CLAIM = timedelta(seconds=60)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(params=["sqlite", "redis"])
async def left(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Left]:
    async with opened(request, tmp_path) as found:
        yield found


# --- Tasks ----------------------------------------------------------------------------------------


async def test_a_task_that_waits_is_left_alone_and_then_approved(left: Left) -> None:
    await left.stands_in_slack("waits")
    task, asked, card = await left.task("waits"), await left.request("waits"), await left.card("waits")
    assert card.ref is not None
    assert not await left.stage.delivery.look(task.id)

    await left.stage.approve(asked)

    request = await left.request("waits")
    assert isinstance(request.state, Delivered)
    assert (request.version, request.digest) == (asked.version, asked.digest)
    assert await left.stage.outcome(task) == "told True"
    (shown,) = left.stage.messenger.of(MessageKind.CARD)
    assert shown == left.stage.messenger.messages[card.ref]
    assert isinstance(shown.drawing, FakeDrawing)
    assert "Delivered" in shown.drawing.words


async def test_a_decision_is_delivered(left: Left) -> None:
    await left.later(timedelta(0))

    assert isinstance((await left.request("decided")).state, Delivered)
    assert await left.stage.outcome(await left.task("decided")) == "told True"


async def test_a_failed_task_is_retried(left: Left) -> None:
    task = await left.task("fails")

    await left.stage.tasks.retry(left.stage.actor(RITA), task.id)
    await left.stage.settle()

    assert await left.stage.outcome(task) == "acted"


@pytest.mark.parametrize("graph", ["killed", "begun"])
async def test_nobody_extends_or_ends_the_lease_of_the_killed_process(left: Left, graph: str) -> None:
    task, storage, clock = await left.task(graph), left.stage.storage, left.stage.clock
    storage.beat(("worker-1", ""), HOUR, clock.now)
    await claims.void(storage, ("worker-2", ""))
    await claims.void_lapsed(storage, clock.now)

    clock.advance(LEASE - SECOND)
    assert not await left.stage.delivery.drive(task.id)
    assert await storage.orphans(clock.now, 9) == ()

    clock.advance(SECOND)
    assert task in await storage.orphans(clock.now, 9)
    assert await storage.lease(task.thread_id, LEASE, clock.now, "worker-1") is not None


async def test_the_lease_of_a_worker_comes_after_the_old_one_which_then_holds_nothing(left: Left) -> None:
    task, storage, now = await left.task("killed"), left.stage.storage, MORNING + LEASE
    old = Lease(thread_id=task.thread_id, token=2, until=now)
    assert await storage.holds(old, MORNING)

    new = await storage.lease(task.thread_id, LEASE, now, "worker-1")
    storage.beat(("worker-1",), HOUR, now)

    assert new == Lease(thread_id=task.thread_id, token=3, until=now + LEASE, owner="worker-1")
    assert await storage.holds(new, now + LEASE)
    assert not await storage.holds(old, now)
    assert storage.renew(old, LEASE, now) is None


async def test_killed_runs_go_on_once_their_leases_ran_out(left: Left) -> None:
    await left.later(LEASE - SECOND)
    assert isinstance((await left.task("killed")).state, Running)
    assert isinstance((await left.task("begun")).state, Starting)

    await left.later(SECOND)

    assert await left.stage.outcome(await left.task("killed")) == "told True"
    assert isinstance((await left.request("killed")).state, Delivered)
    assert await left.stage.outcome(await left.task("begun")) == "acted"


async def test_killed_runs_are_suspects_that_go_on_alone(left: Left) -> None:
    alone: list[TaskId] = []
    delivery = replace(left.stage.delivery, alone=alone.append)
    tasks = [await left.task("killed"), await left.task("begun")]
    left.stage.clock.advance(LEASE)

    for task in tasks:
        assert await delivery.drive(task.id)

    assert alone == [task.id for task in tasks]
    assert [await left.task("killed"), await left.task("begun")] == tasks


# --- Messages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("came_through", [False, True], ids=["lost", "came_through"])
async def test_a_claimed_card_is_searched_for_when_its_claim_ends(left: Left, came_through: bool) -> None:
    await left.stands_in_slack("unposted")
    stage, task, card = left.stage, await left.task("unposted"), await left.card("unposted")
    (opening,) = stage.messenger.messages
    if came_through:
        ref = replace(opening, ts=Ts("1700000001.000000"))
        stage.messenger.messages[ref] = messenger.Message(
            channel=CHANNEL,
            thread_ts=opening.ts,
            message_id=card.id,
            drawing=FakeDrawing(kind=MessageKind.CARD, words=""),
        )
    await claims.void(stage.storage, ("worker-1", ""))

    stage.clock.advance(CLAIM - SECOND)
    await stage.messages.sync_task(task.id)
    assert stage.messenger.calls == []

    stage.clock.advance(SECOND)
    assert card in await stage.storage.out_of_date(stage.clock.now, 20)
    await stage.messages.sync_task(task.id)

    assert stage.messenger.calls == ["find", "update" if came_through else "post"]
    assert stage.messenger.sought_since == [MORNING]
    (shown,) = stage.messenger.of(MessageKind.CARD)
    assert (shown.thread_ts, shown.message_id) == (opening.ts, card.id)
    card = await left.card("unposted")
    assert card.ref is not None
    assert stage.messenger.messages[card.ref] == shown
    assert not card.attempted
    await stage.approve(await left.request("unposted"))
    assert await stage.outcome(task) == "told True"


async def test_a_claimed_summary_is_searched_for_when_its_claim_ends(left: Left) -> None:
    stage = left.stage
    directory = stage.tasks.directory
    summaries = Summaries(
        storage=stage.storage,
        inboxes=Inboxes(storage=stage.storage, directory=directory),
        directory=directory,
        messenger=stage.messenger,
        posting=stage.messages.posting,
        front=FakeFront(),
        work=stage.work,
        clock=stage.clock,
    )
    await summaries.send(ALICE)
    assert stage.messenger.calls == []

    stage.clock.advance(CLAIM)
    await summaries.send(ALICE)

    assert [call for call in stage.messenger.calls if call != "open_direct"] == ["find", "post"]
    ((_, sent),) = stage.messenger.messages.items()
    assert sent.message_id == MessageId("summary")
    summary = (await stage.storage.inbox(ALICE)).summary
    assert summary is not None
    assert (summary.sending, summary.next_at) == (None, MORNING + DAY)
