"""A file that is read again while the bot runs is used by every role, or by none."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.runtime.control import Peer, supervisors
from tests.unit.runtime.running import PATIENCE, ROOT, Program

ROLES = ("gateway", "worker")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "text"


@contextmanager
def supervised(file: Path) -> Iterator[Program]:
    """A supervisor with two roles, once both are ready."""
    command = [sys.executable, "-m", "tests.unit.runtime.reload_program", str(file), *ROLES]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        running = Program(process)
        try:
            assert set(running.lines(2)) == {f"{role} starts with the first" for role in ROLES}
            running.until("started")
            yield running
        finally:
            process.kill()


def hang_up(running: Program) -> None:
    running.send(signal.SIGHUP)


def test_a_signal_has_every_role_use_what_the_file_says(file: Path) -> None:
    with supervised(file) as running:
        file.write_text("the second")

        hang_up(running)

        assert set(running.lines(2)) == {"gateway uses it", "worker uses it"}
        assert running.line() == "log the policies are read again: the second"


def test_a_role_that_is_started_later_has_what_is_in_use(file: Path) -> None:
    """It does not read the file, which may say something else by then."""
    with supervised(file) as running:
        file.write_text("the second")
        hang_up(running)
        running.until("log the policies are read again")
        file.write_text("the third")
        (child, *_) = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()

        os.kill(int(child), signal.SIGKILL)

        running.until("log role.ended")
        assert running.line().endswith("starts with the second")


@pytest.mark.parametrize(
    ("text", "problem", "dropped"),
    [
        ("wrong", "line 1: wrong", set()),
        ("not for the gateway", "gateway cannot", {"gateway drops it", "worker drops it"}),
        ("not for the worker", "worker cannot", {"gateway drops it", "worker drops it"}),
        ("the worker dies", "the worker ended before it had answered. Try again.", {"gateway drops it"}),
    ],
)
def test_if_one_cannot_use_it_nobody_does_and_the_log_says_why_in_one_line(
    file: Path, text: str, problem: str, dropped: set[str]
) -> None:
    with supervised(file) as running:
        file.write_text(text)

        hang_up(running)

        said = running.until("log the policies stay as they were, because what the file says now is not used: ")
        assert said == problem
        file.write_text("the last")
        if "dies" in text:
            assert running.until("worker starts with") == "the first"
        hang_up(running)
        rest = [running.line()]
        while not rest[-1].startswith("log the policies are read again"):
            rest.append(running.line())
        assert not any(line.endswith("uses it") for line in rest[: -1 - len(ROLES)])
        assert list(file.parent.glob("copy-1")) == [], "what nobody uses is not kept"
        assert dropped <= {*rest, "gateway drops it", "worker drops it"}


def commanded(file: Path) -> Iterator[Peer]:
    with supervisors(file.parent) as found:
        ((peer, about),) = found
        assert about == {"bot": "this"}
        yield peer


def test_a_command_hears_what_is_about_to_be_used_and_decides(file: Path) -> None:
    """It may speak with several supervisors, of which another one may refuse."""
    with supervised(file) as running, contextmanager(commanded)(file) as peer:
        file.write_text("the second")
        peer.say(reload=True)
        assert peer.heard(PATIENCE) == {"fits": True, "changes": ["the second"]}

        peer.say(use=True)

        assert set(running.lines(2)) == {"gateway uses it", "worker uses it"}
        assert peer.heard(PATIENCE) == {"used": True, "late": ""}


@pytest.mark.parametrize("decision", ["drop", "gone"])
def test_what_a_command_does_not_want_after_all_is_used_by_nobody(file: Path, decision: str) -> None:
    with supervised(file) as running:
        file.write_text("the second")
        with contextmanager(commanded)(file) as peer:
            peer.say(reload=True)
            assert peer.heard(PATIENCE) is not None
            if decision == "drop":
                peer.say(drop=True)
                assert "problem" in (peer.heard(PATIENCE) or {})

        assert set(running.lines(3)) >= {"gateway drops it", "worker drops it"}


def test_a_command_is_told_what_is_wrong(file: Path) -> None:
    with supervised(file), contextmanager(commanded)(file) as peer:
        file.write_text("wrong")

        peer.say(reload=True)

        assert peer.heard(PATIENCE) == {"problem": "line 1: wrong"}


def test_a_second_command_waits_for_its_turn(file: Path) -> None:
    with supervised(file), contextmanager(commanded)(file) as one, contextmanager(commanded)(file) as other:
        file.write_text("the second")
        one.say(reload=True)
        assert one.heard(PATIENCE) is not None
        other.say(reload=True)

        one.say(use=True)

        assert one.heard(PATIENCE) == {"used": True, "late": ""}
        assert other.heard(PATIENCE) == {"fits": True, "changes": ["the second"]}


def test_a_terminal_that_goes_away_still_ends_the_bot(file: Path) -> None:
    """The system says that by the same signal."""
    file.write_text("the second")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-m", "tests.unit.runtime.reload_program", str(file), *ROLES])  # noqa: S606
    said = b""
    while b"started" not in said:
        said += os.read(terminal, 1024)

    os.close(terminal)

    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_supervisor_that_was_killed_leaves_nothing_to_the_next_one(file: Path) -> None:
    with supervised(file) as running:
        (left,) = file.parent.glob("run-*.socket")
        left.with_name(f"{left.stem}-policies-1.yaml").write_text("a copy")
        running.process.kill()
        running.code()
        with supervisors(file.parent) as found:
            assert found == []

        with supervised(file):
            pass

    assert not list(file.parent.glob(f"{left.stem}*"))
