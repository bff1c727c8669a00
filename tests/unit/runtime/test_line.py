"""A process says that it lives: to storage, whatever its event loop does, and to its parent, if the loop runs."""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from bot.approvals.model.errors import Unreachable
from bot.approvals.model.facts import StorageUnreachable
from bot.runtime import line as lines
from bot.runtime.children import Channel, Words
from bot.runtime.line import Line
from tests.support.fakes.telemetry import Heard
from tests.unit.runtime.running import printed

TTL = 0.3
PATIENCE = 30.0


@dataclass
class Storage:
    """Keeps whom it was told of, and first fails as a test wants."""

    told: queue.Queue[list[str]] = field(default_factory=queue.Queue)
    away: list[Unreachable] = field(default_factory=list)

    def beat(self, owners: Collection[str]) -> None:
        if self.away:
            raise self.away.pop()
        self.told.put(list(owners))

    async def next(self) -> list[str]:
        return await asyncio.to_thread(self.told.get, timeout=PATIENCE)


@asynccontextmanager
async def parented(storage: Storage, heard: object = None) -> AsyncIterator[Channel]:
    """A line that is held, and the parent's end of its channel."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    line = Line(owner="me", beat=storage.beat, ttl=TTL, channel=Channel(theirs))
    if callable(heard):
        line.heard = heard
    async with line.held():
        yield Channel(ours)
    for thread in threading.enumerate():
        if thread.name == "the line":
            await asyncio.to_thread(thread.join)
    ours.close()
    theirs.close()


async def test_storage_is_told_at_once_and_again_and_again() -> None:
    storage = Storage()

    async with Line(owner="me", beat=storage.beat, ttl=TTL).held():
        assert storage.told.get_nowait() == ["me"]
        assert [await storage.next(), await storage.next()] == [["me"], ["me"]]


async def test_storage_is_told_while_the_event_loop_is_blocked() -> None:
    storage = Storage()

    async with Line(owner="me", beat=storage.beat, ttl=TTL).held():
        told = [storage.told.get(timeout=PATIENCE) for _ in range(3)]  # blocks the loop

    assert told == [["me"]] * 3


async def test_siblings_are_told_of_together_with_their_own_name() -> None:
    storage = Storage()

    async with parented(storage) as parent:
        parent.send(owners=["me", "another", "a third"])

        async with asyncio.timeout(PATIENCE):
            while await storage.next() != ["me", "a third", "another"]:
                pass


async def test_a_start_without_storage_fails() -> None:
    storage = Storage(away=[Unreachable("storage")])

    with pytest.raises(Unreachable):
        async with Line(owner="me", beat=storage.beat, ttl=TTL).held():
            pass


async def test_an_outage_is_outlived() -> None:
    """Each beat that storage does not take is told of, and the next one is tried."""
    storage, heard = Storage(), Heard()

    async with Line(owner="me", beat=storage.beat, ttl=TTL, telemetry=heard).held():
        storage.told.get_nowait()
        storage.away = [Unreachable("storage"), Unreachable("storage")]
        assert await storage.next() == ["me"]

    assert storage.away == []
    assert heard.facts == [StorageUnreachable(verb="change", error="Unreachable")] * 2


async def test_after_the_end_storage_is_told_no_more() -> None:
    """It is about to be closed."""
    storage = Storage()
    line = Line(owner="me", beat=storage.beat, ttl=0.003)
    async with line.held():
        await storage.next()
    told = storage.told.qsize()

    for thread in threading.enumerate():
        if thread.name == "the line":
            await asyncio.to_thread(thread.join)

    assert storage.told.qsize() == told


async def test_the_parent_hears_that_the_loop_runs_and_what_else_is_said() -> None:
    async with parented(Storage()) as parent:
        async with asyncio.timeout(PATIENCE):
            assert await asyncio.to_thread(parent.received, PATIENCE) == {"alive": True}
            assert await asyncio.to_thread(parent.received, PATIENCE) == {"alive": True}


async def test_what_the_parent_says_is_heard_in_the_event_loop() -> None:
    heard: asyncio.Queue[tuple[Words, int]] = asyncio.Queue()

    def hear(words: Words) -> None:
        heard.put_nowait((words, threading.get_ident()))

    async with parented(Storage(), hear) as parent:
        parent.send(retire=True)

        async with asyncio.timeout(PATIENCE):
            assert await heard.get() == ({"retire": True}, threading.get_ident())


async def test_without_a_parent_there_is_nobody_to_tell() -> None:
    line = Line(owner="me", beat=lambda _: None, ttl=TTL)

    line.say(alive=True)

    assert not line.beats


def test_a_process_whose_parent_is_gone_ends() -> None:
    assert printed("line")[-1] == "1"


# --- Whether leases may have run out ------------------------------------------------------------


@dataclass
class Watch:
    """A clock that a test turns."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    made = Watch()
    monkeypatch.setattr(lines, "_clock", made)
    return made


def test_leases_are_sure_for_half_of_their_length_after_a_beat(watch: Watch) -> None:
    line = Line(owner="me", beat=lambda _: None, ttl=9)
    line._tell()

    sure = []
    for seconds in (4.4, 0.2):
        watch.now += seconds
        sure.append(line.beats)
    line._tell()
    sure.append(line.beats)

    assert sure == [True, False, True]


def test_a_beat_after_the_length_of_a_lease_is_a_lapse(watch: Watch) -> None:
    """Whether the process was starved, or its machine slept: others may have taken what it held."""
    line = Line(owner="me", beat=lambda _: None, ttl=9)
    line._tell()
    before = line.lapses

    watch.now += 8.9
    line._tell()
    assert line.lapses == before

    watch.now += 9
    line._tell()
    assert line.lapses == before + 1


def test_a_lapse_is_known_before_its_beat_reaches_storage(watch: Watch) -> None:
    """Whoever asks in between must not trust a lease that has run out."""
    seen: list[int] = []
    line = Line(owner="me", beat=lambda _: seen.append(line.lapses), ttl=9)
    line._tell()
    watch.now += 100

    line._tell()

    assert seen[1] == seen[0] + 1


def test_a_beat_that_took_too_long_is_a_lapse(watch: Watch) -> None:
    """It counts from its beginning, and what it extended may have run out on its way."""

    def slow(_: Collection[str]) -> None:
        watch.now += 4.5

    line = Line(owner="me", beat=lambda _: None, ttl=9)
    line._tell()
    before = line.lapses
    line.beat = slow

    line._tell()

    assert line.lapses == before + 1
    assert not line.beats
