"""The log is written whole or not at all, and never gets in the way of what it tells of."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bot.runtime.outlet import Outlet

ROOT = Path(__file__).parents[3]
PROGRAM = """
import logging, os, sys
from bot.runtime import logs, outlet
from bot.runtime.children import Children
logs.to_stderr("text")
log = logging.getLogger("bot.app")
log.info("one")
log.info("%d", "no number")
logs.say("It cannot start.")
outlet.say("Connected.")
opened = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
log.info("two")
child = Children().fork("role", lambda channel: log.info("three") or 7)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1]))
"""


def test_what_cannot_be_written_is_lost() -> None:
    """Nothing is raised, and nothing is left over."""
    with Path("/dev/full").open("wb") as full:
        Outlet(full.fileno()).write("an entry\n")

    read, write = os.pipe()
    os.close(read)
    Outlet(write).write("an entry\n")
    os.close(write)
    Outlet(write).write("an entry\n")


def test_after_half_an_entry_the_next_one_begins_a_line() -> None:
    """A pipe that does not block, and that nobody reads for a while."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    half = Outlet(write)
    half.write("x" * 200_000 + "\n")
    before = len(os.read(read, 200_000))

    half.write("the next\n")

    assert before < 200_000
    assert os.read(read, 100) == b"\nthe next\n"
    os.close(read)
    os.close(write)


def test_an_entry_is_written_whole_while_somebody_reads_slowly() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    writer = threading.Thread(target=_write_and_close, args=[write])
    writer.start()
    with os.fdopen(read, "rb") as reader:
        found = reader.read()
    writer.join()

    assert found == b"y" * 200_000 + b"\\ud800\n"


@pytest.mark.parametrize("how", ["1>/dev/full 2>/dev/full", "0<&- 1>&- 2>&-"])
def test_a_process_whose_log_has_no_place_works_all_the_same(how: str, tmp_path: Path) -> None:
    """And so do those that it forks. What it opens later gets no line of the log."""
    file = tmp_path / "records.db"
    command = f'exec "{sys.executable}" -c "$1" "$2" {how}'

    ran = subprocess.run(["sh", "-c", command, "sh", PROGRAM, str(file)], check=False, cwd=ROOT, timeout=60)

    assert ran.returncode == 7
    assert file.read_bytes() == b""


WRITERS = """
import logging, os
from bot.runtime import logs
logs.to_stderr("json")
log = logging.getLogger("bot.app")
children = []
for length in (10, 3_000, 3_001):
    if (pid := os.fork()) == 0:
        for _ in range(20):
            log.info("%s", "words " * length)
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
"""


def test_long_entries_of_several_processes_are_not_mixed() -> None:
    """Although the pipe is full most of the time, and the system would let each write what there is room for."""
    writing = subprocess.Popen([sys.executable, "-c", WRITERS], stderr=subprocess.PIPE, cwd=ROOT, bufsize=0)
    assert writing.stderr is not None
    read = bytearray()
    with writing.stderr as reader:
        while part := os.read(reader.fileno(), 3_000):
            read += part
    assert writing.wait(60) == 0

    told = [json.loads(line) for line in read.decode().splitlines()]
    assert sorted({len(each["message"]) for each in told}) == [60, 18_000, 18_006]
    assert len(told) == 60


def test_an_error_that_nobody_can_catch_is_an_entry() -> None:
    """Python would print it in a form of its own."""
    program = """
from bot.runtime import logs
logs.to_stderr("json")
class Leaves:
    def __del__(self):
        raise ValueError("password=hunter22")
Leaves()
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    (told,) = map(json.loads, ran.stderr.splitlines())
    assert told["message"] == "an error in Leaves.__del__ had nowhere to go"
    assert "ValueError" in told["exception"]
    assert "hunter22" not in ran.stderr


def _write_and_close(descriptor: int) -> None:
    Outlet(descriptor).write("y" * 200_000 + "\ud800\n")
    os.close(descriptor)
