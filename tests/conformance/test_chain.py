"""What `Storage` promises of the chain over the audit log: the same entries have the same links, on every store."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bot.approvals.model.audit import GENESIS, PURGED, AuditEvent, Entry, Head, digest_of, link_of
from bot.approvals.model.errors import Conflict
from bot.approvals.model.task import Ended, Running
from bot.approvals.ports.storage import Storage
from bot.approvals.services.audit.proof import MAX_PAGE_ENTRIES, Intact, entries, verify
from bot.storage.codec import decode, encode
from bot.storage.redis.store import client
from tests.conformance.stores import Store
from tests.support.builders import NOON, a_message, a_person, a_request, a_task, an_event

ROOT = Path(__file__).resolve().parents[2]


async def whole(storage: Storage) -> list[Entry]:
    return [entry async for entry in entries(storage)]


async def test_each_entry_is_linked_to_the_one_before_it_whatever_task_it_is_of(storage: Storage) -> None:
    task, other = a_task(), a_task("other")
    await storage.create_task(task, an_event("started", task))
    await storage.create_task(other, an_event("started", other, data={"ü": [1.5, None]}))
    await storage.record(an_event("refused", task, person=a_person("U9")))

    log = await whole(storage)

    assert [entry.number for entry in log] == [1, 2, 3]
    assert [entry.task_id for entry in log] == [task.id, other.id, task.id]
    link = GENESIS
    for entry in log:
        assert entry.body is not None
        assert entry.digest == digest_of(entry.body)
        link = link_of(link, entry.digest)
        assert entry.link == link
    assert await storage.head() == Head(number=3, link=link)


async def test_the_same_entries_have_the_same_links_on_every_store(storage: Storage) -> None:
    task = a_task()
    request = a_request(task=task)
    events = (
        an_event("started", task, person=a_person(), data={"ü": [1.5, None]}),
        an_event("opened", request, digest=request.digest, rule="two hours"),
        an_event("viewed", request, person=a_person("UAPP"), surface="card"),
    )
    await storage.create_task(task, events[0])
    await storage.open_request(request, events[1])
    await storage.record(events[2])

    head = await storage.head()

    link = GENESIS
    for event in events:
        link = link_of(link, digest_of(encode(event).encode()))
    assert head == Head(number=3, link=link)


async def test_every_change_adds_its_entry_and_one_that_is_refused_adds_none(storage: Storage) -> None:
    task = a_task(state=Ended(outcome="done", at=NOON))
    request = a_request(task=task)
    card = a_message("card", request)
    await storage.create_task(task, an_event("started", task))
    await storage.open_request(request, an_event("opened", request), [card])
    await storage.save_request(request, an_event("voted", request))
    saved = await storage.save_message(card, an_event("shown", request))
    await storage.save_message(saved)
    await storage.save_task(task, an_event("running", task))
    await storage.forget(task.id, an_event("forgotten", task))

    with pytest.raises(Conflict):
        await storage.save_request(request, an_event("late", request))
    with pytest.raises(Conflict):
        await storage.save_message(card, an_event("late", request))
    with pytest.raises(Conflict):
        await storage.save_task(replace(task, state=Running()), an_event("late", task))
    await storage.open_request(request, an_event("late", request))
    await storage.create_task(task, an_event("late", task))

    kinds = [decode(AuditEvent, (entry.body or b"").decode()).kind for entry in await whole(storage)]
    assert kinds == ["started", "opened", "voted", "shown", "running", "forgotten"]
    assert isinstance(await verify(storage), Intact)


async def test_the_log_comes_in_pages(storage: Storage) -> None:
    task = a_task()
    for number in range(5):
        await storage.record(an_event(str(number), task))
    log = await whole(storage)

    assert await storage.trail(0, 2) == (log[0], log[1])
    assert await storage.trail(log[1].number, 2) == (log[2], log[3])
    assert await storage.trail(log[3].number, 2) == (log[4],)
    assert await storage.trail(log[4].number, 2) == ()


async def test_a_log_without_entries_is_intact(storage: Storage) -> None:
    assert await storage.head() == Head()
    assert await verify(storage) == Intact(entries=0, purged=0, head=Head())


async def test_the_text_of_what_is_past_its_retention_goes_and_its_digest_and_link_stay(storage: Storage) -> None:
    task, other = a_task("ended", state=Ended(outcome="done", at=NOON)), a_task("other")
    for each in (task, other, task):
        await storage.record(an_event("seen", each, data={"secret": each.id}))
    await storage.create_task(task, an_event("started", task))
    before = await whole(storage)

    for _ in range(2):
        await storage.purge(task.id, an_event(PURGED, task))

    after = await whole(storage)
    assert [replace(entry, body=b"") for entry in before if entry.task_id == task.id] == [
        entry for entry in after[:4] if entry.task_id == task.id
    ]
    assert after[1] == before[1]
    assert [entry.task_id for entry in after[4:]] == [task.id]
    assert await storage.history(task.id) == (an_event(PURGED, task),)
    assert await storage.is_purged(task.id)
    assert not await storage.is_purged(other.id)
    assert await verify(storage) == Intact(entries=5, purged=3, head=await storage.head())


async def test_the_chain_goes_on_after_every_process_has_ended(store: Store) -> None:
    task = a_task()
    storage = await store.open()
    await storage.record(an_event("before", task))
    noted = await storage.head()

    after = await store.reopen()
    await after.record(an_event("after", task))

    assert await verify(after, noted) == Intact(entries=2, purged=0, head=await after.head())


async def test_a_log_that_is_longer_than_a_page_is_followed_while_it_grows(store: Store) -> None:
    storage, writer = await store.open(), await store.open()
    task = a_task()
    for _ in range(MAX_PAGE_ENTRIES + 1):
        await storage.record(an_event("seen", task))

    class Growing:
        """The store, to which somebody adds an entry whenever a page is read."""

        def __getattr__(self, name: str) -> object:
            return getattr(storage, name)

        async def trail(self, after: int, limit: int) -> tuple[Entry, ...]:
            found = await storage.trail(after, limit)
            if after <= MAX_PAGE_ENTRIES + 1:
                await writer.record(an_event("meanwhile", task))
            return found

    proof = await verify(Growing())  # type: ignore[arg-type]

    assert isinstance(proof, Intact)
    assert proof.entries > MAX_PAGE_ENTRIES + 1


async def test_processes_that_write_at_once_make_one_chain(store: Store, request: pytest.FixtureRequest) -> None:
    storage = await store.open()
    command = (sys.executable, "-m", "tests.conformance.writer", *_address(request))
    writers = [await asyncio.create_subprocess_exec(*command, f"task-{number}", cwd=ROOT) for number in range(3)]
    codes = [await writer.wait() for writer in writers]

    assert codes == [0, 0, 0]
    proof = await verify(storage)
    assert isinstance(proof, Intact)
    assert proof.entries == 3 * 60
    for number in range(3):
        kinds = [event.kind for event in await storage.history(a_task(f"task-{number}").id)]
        assert kinds == [str(written) for written in range(60)]


def _address(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Where another process finds the store of this test."""
    if request.node.callspec.params["store"] == "sqlite":
        folder: Path = request.getfixturevalue("tmp_path")
        return ("sqlite", str(folder / "records.db"))
    prefix = "{" + request.getfixturevalue("redis_prefix") + "}:"
    return (request.getfixturevalue("redis_url"), prefix)


@pytest.mark.parametrize("store", ["redis"], indirect=True)
async def test_histories_from_before_the_chain_are_read_and_it_begins_with_what_comes(
    store: Store, redis_url: str, redis_prefix: str
) -> None:
    task = a_task()
    storage = await store.open()
    async with client(redis_url) as redis:
        await redis.execute_command("RPUSH", f"{{{redis_prefix}}}:history:{task.id}", encode(an_event("started", task)))

    await storage.record(an_event("seen", task))

    assert [event.kind for event in await storage.history(task.id)] == ["started", "seen"]
    assert await verify(storage) == Intact(entries=1, purged=0, head=await storage.head())


async def test_everybody_who_writes_at_once_gets_through_and_there_is_one_chain(store: Store) -> None:
    """Eight handles save, record and lose races at the same time: each change is made or refused, and none is lost."""
    handles = [await store.open() for _ in range(8)]
    task = a_task()
    await handles[0].create_task(task, an_event("started", task))

    async def write(number: int) -> int:
        saved = 0
        for turn in range(10):
            await handles[number].record(an_event(f"seen {number} {turn}", task))
            try:
                await handles[number].save_task(await handles[number].task(task.id), an_event("saved", task))
            except Conflict:
                continue
            saved += 1
        return saved

    saved = sum(await asyncio.gather(*(write(number) for number in range(8)), *(write(number) for number in range(8))))

    kinds = [event.kind for event in await handles[0].history(task.id)]
    assert kinds.count("saved") == saved == (await handles[0].task(task.id)).revision
    assert sorted(kind for kind in kinds if kind.startswith("seen")) == sorted(
        f"seen {number} {turn}" for number in range(8) for turn in range(10) for _ in range(2)
    )
    assert isinstance(await verify(handles[0]), Intact)
