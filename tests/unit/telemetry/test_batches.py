"""Facts that wait for a moment: none is lost, none comes out of order, and warnings do not wait."""

from __future__ import annotations

import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator

import pytest

from bot.approvals.model.facts import Fact, LeaseLost, RuleChosen, ServerReached, StorageAnswered
from bot.approvals.model.ids import TaskId, ThreadId
from bot.approvals.model.trace import Trace
from bot.runtime import logs
from bot.telemetry import batches
from bot.telemetry.stream import Stream

CALM = RuleChosen(task_id=TaskId("t"), rule="r")
GRAVE = LeaseLost(task_id=TaskId("t"), thread_id=ThreadId("h"))
PATIENCE = 10.0


class Kept:
    """Keeps what it is told, and says so."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.times: list[float | None] = []
        self.came = threading.Event()

    def take(self, fact: Fact, at: float | None = None, trace: Trace | None = None) -> None:
        self.facts.append(fact)
        self.times.append(at)
        self.came.set()


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread waits for longer than any test."""
    monkeypatch.setattr(batches, "SECONDS", 3600)


@pytest.fixture
def stream(kept: Kept) -> Iterator[Stream]:
    stream = Stream(sinks=[kept])
    stream.batch()
    yield stream
    stream.unbatch()


def test_the_thread_shows_what_waits(stream: Stream, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the time at which it was told."""
    monkeypatch.setattr(batches, "SECONDS", 0)

    stream.tell(CALM)

    assert kept.came.wait(PATIENCE)
    assert kept.facts == [CALM]
    assert kept.times[0]


@pytest.mark.usefixtures("never")
def test_a_warning_does_not_wait_and_neither_does_what_came_before(stream: Stream, kept: Kept) -> None:
    """All of it is shown in the order in which it was told."""
    stream.tell(CALM)
    stream.tell(StorageAnswered(verb="read", seconds=0.1))
    assert kept.facts == []

    stream.tell(GRAVE)

    assert kept.facts == [CALM, StorageAnswered(verb="read", seconds=0.1), GRAVE]


@pytest.mark.usefixtures("never")
def test_nothing_waits_once_it_is_over(stream: Stream, kept: Kept) -> None:
    """What has waited is shown, and what follows is shown at once."""
    stream.tell(CALM)
    stream.unbatch()
    assert kept.facts == [CALM]

    stream.tell(CALM)

    assert kept.facts == [CALM, CALM]


@pytest.mark.usefixtures("never")
def test_many_facts_do_not_pile_up(stream: Stream, kept: Kept) -> None:
    """If the thread does not get its turn, whoever tells shows them."""
    for _ in range(batches.MOST + 2):
        stream.tell(CALM)

    assert len(kept.facts) > batches.MOST


@pytest.fixture
def handler() -> Iterator[logging.Handler]:
    """The only handler of the log."""
    root = logging.getLogger()
    before, root.handlers[:] = root.handlers[:], [logging.NullHandler()]
    yield root.handlers[0]
    root.handlers[:] = before


@pytest.mark.usefixtures("never", "handler")
def test_an_entry_of_the_log_comes_after_the_facts_before_it(stream: Stream, kept: Kept) -> None:
    """An error in words stands below what led to it."""
    logs.before_others(stream.flush)
    stream.tell(ServerReached(server="far"))

    logging.getLogger("bot.any").error("it fails")

    assert kept.facts == [ServerReached(server="far")]


def test_what_a_graph_forks_shows_nothing_twice(stream: Stream, kept: Kept, never: None) -> None:
    """The forked process leaves what waits to its parent, waits for no lock of it, and tells its own at once."""
    stream.tell(CALM)
    with stream._batches._showing, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12: this process has threads
        child = os.fork()
    if child == 0:
        signal.alarm(int(PATIENCE))  # ends it, if it waits for the lock
        stream.tell(GRAVE)
        os._exit(0 if kept.facts == [GRAVE] else 1)

    _, status = os.waitpid(child, 0)
    stream.flush()

    assert status == 0
    assert kept.facts == [CALM]
