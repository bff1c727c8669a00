"""Hints between processes of one machine: each comes to one, or is lost without a word."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.runtime.hints import GATEWAY, MAX_HINT_BYTES, WORKER, Hint, UnixHints, bound, folder_of, listening
from tests.unit.runtime.running import program


@pytest.fixture
def folder() -> Iterator[Path]:
    """STATE_DIR, with a path that is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="hints-") as made:
        yield Path(made)


@pytest.fixture
def deep(folder: Path) -> Iterator[Path]:
    """STATE_DIR with a path that is too long."""
    made = folder / ("x" * 120)
    made.mkdir()
    yield made
    elsewhere = folder_of(made)
    if elsewhere != made:
        shutil.rmtree(elsewhere)


def waiting(own: socket.socket) -> Iterator[bytes]:
    """What lies in the socket."""
    with contextlib.suppress(BlockingIOError):
        while True:
            yield own.recv(MAX_HINT_BYTES)


async def taken(own: socket.socket, count: int = 1) -> list[Hint]:
    """The next hints that come."""
    found: list[Hint] = []
    enough = asyncio.Event()

    def take(hint: Hint) -> None:
        found.append(hint)
        if len(found) == count:
            enough.set()

    with listening(own, take):
        async with asyncio.timeout(30):
            await enough.wait()
    return found


async def test_a_hint_comes_to_the_one_it_is_for(folder: Path) -> None:
    with bound(folder, WORKER) as worker, bound(folder, GATEWAY) as gateway:
        hints = UnixHints.to(folder)
        hints.send(WORKER, deliver="t1", of="gateway-1")
        hints.send(GATEWAY, show="t2")

        assert await taken(worker) == [{"deliver": "t1", "of": "gateway-1"}]
        assert await taken(gateway) == [{"show": "t2"}]
        hints.socket.close()


def test_of_several_processes_that_share_a_socket_exactly_one_takes_each_hint(folder: Path) -> None:
    with program("takers", str(folder), "3", "30") as running:
        numbers = [int(line.split()[0]) for line in running.lines(30)]
        running.send(signal.SIGTERM)

        assert sorted(numbers) == list(range(30))
        assert running.rest() == []


async def test_hints_are_kept_while_those_who_listen_are_busy(folder: Path) -> None:
    """There are more of them than the system keeps for a socket, which is ten on many."""
    with bound(folder, WORKER) as worker:
        hints = UnixHints.to(folder)
        for number in range(1000):
            hints.send(WORKER, number=number)

        assert await taken(worker, 1000) == [{"number": number} for number in range(1000)]
        hints.socket.close()


async def test_what_is_no_hint_is_passed_over(folder: Path) -> None:
    with bound(folder, WORKER) as worker:
        hints = UnixHints.to(folder)
        hints.socket.sendto(b"\xff no JSON", str(folder / "worker.socket"))
        hints.send(WORKER, deliver="t1")

        assert await taken(worker) == [{"deliver": "t1"}]
        hints.socket.close()


async def test_a_socket_that_an_earlier_process_left_is_replaced(folder: Path) -> None:
    bound(folder, WORKER).close()
    assert (folder / "worker.socket").exists()

    with bound(folder, WORKER) as worker:
        hints = UnixHints.to(folder)
        hints.send(WORKER, deliver="t1")

        assert await taken(worker) == [{"deliver": "t1"}]
        assert (folder / "worker.socket").stat().st_mode & 0o777 == 0o600
        hints.socket.close()


def test_a_hint_that_nobody_can_take_is_lost_without_a_word(folder: Path) -> None:
    hints = UnixHints.to(folder)
    hints.send(WORKER, deliver="nobody was ever here")
    bound(folder, WORKER).close()
    hints.send(WORKER, deliver="nobody is here any more")

    with bound(folder, WORKER) as worker:
        hints.send(WORKER, large="x" * MAX_HINT_BYTES)
        for _ in range(2000):  # they are behind, and at last there is no room
            hints.send(WORKER, deliver="x" * 2000)

        came = list(waiting(worker))
        assert 0 < len(came) < 2000
        assert not any(b"large" in each for each in came)
    hints.socket.close()


async def test_with_a_long_path_the_sockets_lie_in_a_private_folder_elsewhere(deep: Path) -> None:
    with bound(deep, WORKER) as worker:
        hints = UnixHints.to(deep)
        hints.send(WORKER, deliver="t1")

        assert await taken(worker) == [{"deliver": "t1"}]
        hints.socket.close()
    assert folder_of(deep).stat().st_mode & 0o777 == 0o700
    assert not (deep / "worker.socket").exists()


def test_a_folder_that_somebody_else_has_put_there_is_not_used(
    deep: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Then no hint arrives, and the sweep does it all."""
    private = folder_of(deep)
    private.rmdir()
    private.symlink_to(folder)
    try:
        with bound(deep, WORKER):
            hints = UnixHints.to(deep)
            hints.send(WORKER, deliver="t1")
            hints.socket.close()
    finally:
        private.unlink()

    assert [each.name for each in folder.iterdir()] == [deep.name]
    assert "no hints can be taken" in caplog.text
