"""What each store tells of its work: every event once it is stored, and no event that is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.model.errors import Conflict
from bot.approvals.model.facts import Recorded, StorageAnswered
from bot.approvals.model.task import Running
from bot.approvals.ports.storage import Change, Storage
from tests.conformance.stores import Store
from tests.support.builders import a_message, a_request, a_task, a_token, an_event, decided
from tests.support.fakes.telemetry import Heard


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def telling(store: Store, heard: Heard) -> Storage:
    """A handle that tells what it does."""
    return await store.open(heard)


def kinds(heard: Heard) -> list[str]:
    return [fact.entry.kind for fact in heard.of(Recorded)]


async def test_every_event_is_told_once_it_is_stored(telling: Storage, heard: Heard) -> None:
    """Whichever method stores an event, it is told once, in the order of the log."""
    task, token = a_task(), a_token()
    request = a_request(task=task)
    card = a_message("card", request)

    await telling.create_task(task, an_event("started", task))
    await telling.open_request(request, an_event("opened", request), [card])
    await telling.save_message(replace(card, shown=0), an_event("shown", request))
    await telling.record(an_event("refused", request))
    await telling.add_token(token, an_event("token_added", task))
    await telling.save_token(token, an_event("token_revoked", task))
    await telling.save_all([Change(record=replace(task, state=Running()), event=an_event("running", task))])

    assert kinds(heard) == ["started", "opened", "shown", "refused", "token_added", "token_revoked", "running"]
    assert [entry.task_id for entry in await telling.trail(0, 99)] == [task.id] * 7


async def test_a_told_event_comes_with_its_record(telling: Storage, heard: Heard) -> None:
    """What the change stored is told with the event, so that nobody has to read it again."""
    task = a_task()
    request = a_request(task=task)

    await telling.create_task(task, an_event("started", task))
    opened = await telling.open_request(request, an_event("opened", request))
    await telling.save_request(replace(opened, state=decided()), an_event("voted", opened))

    told = [fact.about for fact in heard.of(Recorded)]
    assert told == [task, request, replace(opened, state=decided())]


async def test_nothing_is_told_that_is_not_stored(telling: Storage, heard: Heard) -> None:
    """A change that loses a race, or that was made before, is not told of."""
    task = a_task()
    await telling.create_task(task, an_event("started", task))
    await telling.save_task(replace(task, state=Running()), an_event("running", task))

    await telling.create_task(task, an_event("started", task))
    with pytest.raises(Conflict):
        await telling.save_task(replace(task, state=Running()), an_event("running", task))
    await telling.forget(task.id, an_event("checkpoints_deleted", task))
    await telling.purge(task.id, an_event("records_deleted", task))

    assert kinds(heard) == ["started", "running"]


async def test_each_answer_is_timed(telling: Storage, heard: Heard) -> None:
    """Changes, and reads that may take long, are told with the seconds that they took."""
    task = a_task()

    await telling.create_task(task, an_event("started", task))
    await telling.records_of(task.id)
    await telling.trail(0, 9)

    told = heard.of(StorageAnswered)
    assert {"read", "change"} == {fact.verb for fact in told}
    assert all(fact.seconds >= 0 for fact in told)
