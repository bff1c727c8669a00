"""The look before the move, on real files: what changed since it was approved is asked about again."""

import os
from pathlib import Path

import pytest

from graphs import trash
from tests.graphs.driving import YES, Run, shown, trashed, write
from tests.graphs.test_look_again import digest


@pytest.fixture
def asked(root: Path, run: Run) -> Run:
    """Two old files are listed, and nobody has answered yet."""
    write(root / "logs" / "a.log", days=40)
    write(root / "logs" / "b.log", days=50)
    run.start(path="logs")
    return run


def grow(path: Path) -> None:
    """Makes the file larger, and changed on a known day."""
    path.write_text("grown")
    os.utime(path, (1_700_000_000, 1_700_000_000))


def test_files_that_are_as_they_were_are_moved_without_a_question(root: Path, asked: Run) -> None:
    """A new file is no difference, because it was not approved."""
    write(root / "logs" / "late.log", days=40)

    asked.approve()

    assert trashed(root, asked) == ["logs/a.log", "logs/b.log"]


def test_a_file_that_grew_is_asked_about_as_it_is_now(root: Path, asked: Run) -> None:
    """With what changed, in place of the reason of before, and as a version of the approved question."""
    approved = asked.asked
    grow(root / "logs" / "a.log")

    again = asked.reply(YES)

    assert again["look_again"] == digest(approved)
    assert again["question"] == "Move 2 files of logs to the trash?"
    assert again["details"]["changed since"] == [
        "logs/a.log: grew from 1 byte to 5 bytes, last changed 2023-11-14 22:13:20 UTC"
    ]
    assert again["details"]["names"] == ["logs/b.log (1 byte)", "logs/a.log (5 bytes)"]
    assert again["details"]["size"] == "6 bytes"
    assert again["details"]["oldest"] == "2023-11-14"
    assert again["reason"] == "1 file changed after this was approved. What is moved can be moved back."
    assert again["summary"] == ["changed since", "names", "size"]
    assert trashed(root, asked) == []


def test_a_yes_moves_the_new_list(root: Path, asked: Run) -> None:
    """The changed file as well."""
    grow(root / "logs" / "a.log")
    asked.reply(YES)

    outcome = asked.approve()

    assert outcome == f"Moved 2 files, 6 bytes, to {root}/.trash/{asked.thread_id}."
    assert (root / ".trash" / asked.thread_id / "logs" / "a.log").read_text() == "grown"


@pytest.mark.parametrize("answer", [False, {"approved": False, "feedback": "Wait"}, "go", None])
def test_what_is_no_yes_moves_nothing(root: Path, asked: Run, answer: object) -> None:
    """Not even what did not change."""
    grow(root / "logs" / "a.log")
    asked.reply(YES)

    outcome = asked.answer(answer)

    assert outcome == "Nothing was moved."
    assert not (root / ".trash").exists()


def test_a_file_that_is_gone_leaves_the_list(root: Path, asked: Run) -> None:
    """And the outcome names it among the skipped."""
    (root / "logs" / "a.log").unlink()

    again = asked.reply(YES)
    outcome = asked.approve()

    assert shown(again) == ["logs/b.log"]
    assert again["details"]["changed since"] == ["logs/a.log: it is gone"]
    assert outcome.splitlines() == [
        f"Moved 1 file, 1 byte, to {root}/.trash/{asked.thread_id}.",
        "Skipped 1 file:",
        "- logs/a.log: it is gone",
    ]


def test_if_no_file_is_left_nobody_is_asked(root: Path, asked: Run) -> None:
    """There is nothing to approve."""
    (root / "logs" / "a.log").unlink()
    (root / "logs" / "b.log").unlink()

    outcome = asked.approve()

    assert outcome.splitlines()[:2] == ["Nothing was moved.", "Skipped 2 files:"]


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "shrank from 1 byte to 0 bytes, last changed 2023-11-14 22:13:20 UTC"),
        (1, "of the same size, last changed 2023-11-14 22:13:20 UTC"),
    ],
)
def test_the_difference_is_told_in_words(root: Path, asked: Run, size: int, words: str) -> None:
    """Also if its size is the same."""
    (root / "logs" / "a.log").write_text("y" * size)
    os.utime(root / "logs" / "a.log", (1_700_000_000, 1_700_000_000))

    again = asked.reply(YES)

    assert again["details"]["changed since"] == [f"logs/a.log: {words}"]


def test_a_file_that_was_replaced_is_asked_about(root: Path, asked: Run) -> None:
    """Even by one of the same size and time."""
    then = (root / "logs" / "a.log").stat()
    other = write(root / "other", days=0, text="y")
    os.utime(other, ns=(then.st_atime_ns, then.st_mtime_ns))
    other.rename(root / "logs" / "a.log")

    again = asked.reply(YES)

    assert again["details"]["changed since"] == ["logs/a.log: replaced by another file"]


def test_each_state_of_the_files_is_another_question(root: Path, asked: Run) -> None:
    """Even if its size and all printed times are the same: an answer binds exactly what was seen."""
    grow(root / "logs" / "a.log")
    first = asked.reply(YES)
    grow(root / "logs" / "a.log")
    os.utime(root / "logs" / "a.log", ns=(0, 1_700_000_000_000_000_001))

    asked.proceed()

    again = asked.asked
    assert again is not None
    assert again["details"].pop("as seen") != first["details"].pop("as seen")
    assert again["details"] == first["details"]


def test_once_it_asked_it_asks_what_is_true_when_it_is_answered(root: Path, asked: Run) -> None:
    """Also if everything is gone by then, because a node that is answered has to take the answer by a question."""
    grow(root / "logs" / "a.log")
    asked.reply(YES)
    (root / "logs" / "a.log").unlink()
    (root / "logs" / "b.log").unlink()

    outcome = asked.approve()

    assert outcome.splitlines()[:2] == ["Nothing was moved.", "Skipped 2 files:"]
    assert asked.state["approved"] is True
    assert asked.state["files"] == []


def test_a_look_after_the_move_sees_no_difference(root: Path, asked: Run) -> None:
    """A lost checkpoint may bring the look back after the move. What it moved itself is not gone."""
    asked.approve()

    with trash.open_root(root) as opened:
        seen = [trash.look(opened, file, asked.thread_id) for file in asked.state["files"]]

    assert seen == asked.state["files"]
