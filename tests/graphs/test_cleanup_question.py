"""What the cleanup graph asks, on real files, with real interrupts."""

import errno
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from graphs import cleanup
from tests.graphs.driving import NOT_PERMITTED, Run, shown, trashed, write


class TestAsking:
    def test_only_files_older_than_the_age_are_listed_oldest_first(self, root: Path, run: Run) -> None:
        write(root / "logs" / "new.log", days=1)
        write(root / "logs" / "old.log", days=40, text="12345")
        older = write(root / "logs" / "deep" / "older.log", days=90, text="123")
        write(root / "elsewhere" / "old.log", days=90)

        question = run.start(path="logs", older_than="30d")

        assert question["question"] == "Move 2 files of logs to the trash?"
        assert question["details"]["path"] == "logs"
        assert question["details"]["size"] == "8 bytes"
        assert question["details"]["oldest"] == datetime.fromtimestamp(older.stat().st_mtime, UTC).date().isoformat()
        assert shown(question) == ["logs/deep/older.log", "logs/old.log"]

    @pytest.mark.parametrize(("age", "listed"), [("12h", 4), ("1d", 3), ("2w", 2), ("5w", 1)])
    def test_an_age_is_in_hours_days_or_weeks(self, root: Path, run: Run, age: str, listed: int) -> None:
        for days in (0.6, 2, 20, 40):
            write(root / "logs" / f"{days}.log", days=days)

        question = run.start(path="logs", older_than=age)

        assert len(shown(question)) == listed

    def test_without_an_age_it_is_thirty_days(self, root: Path, run: Run) -> None:
        write(root / "logs" / "29.log", days=29)
        write(root / "logs" / "31.log", days=31)

        question = run.start(path="logs")

        assert shown(question) == ["logs/31.log"]

    def test_what_the_pattern_keeps_is_not_listed(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40)
        write(root / "logs" / "deep" / "b.keep", days=40)

        question = run.start(path="logs", keep="*.keep")

        assert shown(question) == ["logs/a.log"]

    def test_a_long_list_is_asked_whole(self, root: Path, run: Run) -> None:
        for number in range(30):
            write(root / "logs" / f"{number:02}.log", days=40 + number, text="x" * 100)

        question = run.start(path="logs")

        assert len(question["details"]["names"]) == 30
        assert question["details"]["names"][0] == "logs/29.log (100 bytes)"
        assert question["details"]["size"] == "3.0 kB (3,000 bytes)"

    def test_more_than_fit_are_left_for_another_run(
        self, root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cleanup, "MAX_FILES", 2)
        for number in range(5):
            write(root / "logs" / f"{number}.log", days=40 + number)

        question = run.start(path="logs")
        outcome = run.approve()

        assert len(shown(question)) == 2
        assert question["details"]["left for another run"] == 3
        assert trashed(root, run) == ["logs/3.log", "logs/4.log"]
        assert "3 more files are old enough: start the task again for those." in outcome

    def test_the_question_says_what_it_would_do_and_can_be_stored_as_json(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40)

        question = run.start(path="logs")

        assert question["reason"] == "unchanged for 30 days, and can be moved back"
        assert question["details"]["goes to"] == f"{root}/.trash"
        assert set(question["summary"]) <= set(question["details"])
        assert question["risk_level"] == "medium"
        assert question["answer"] == "object"
        assert json.loads(json.dumps(run.state)) == run.state
        assert json.loads(json.dumps(question)) == question

    def test_the_same_question_is_asked_again_after_another_wait(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40)
        first = run.start(path="logs")
        write(root / "logs" / "b.log", days=40)

        run.graph.invoke(None, run.config, durability="sync")

        (again,) = run.graph.get_state(run.config).interrupts
        assert again.value == first

    @pytest.mark.parametrize("make", [lambda folder: None, lambda folder: write(folder / "new.log", days=1)])
    def test_where_there_is_nothing_to_do_nobody_is_asked(
        self, root: Path, run: Run, make: Callable[[Path], object]
    ) -> None:
        (root / "logs").mkdir()
        make(root / "logs")

        run.graph.invoke({"path": "logs"}, run.config)

        assert run.graph.get_state(run.config).interrupts == ()
        assert run.outcome == "Nothing to do: no file in logs was unchanged for 30 days."

    def test_links_and_special_files_are_never_listed(self, root: Path, run: Run, tmp_path: Path) -> None:
        outside = write(tmp_path / "outside" / "secret.log", days=90)
        write(root / "logs" / "a.log", days=40)
        (root / "logs" / "file").symlink_to(outside)
        (root / "logs" / "folder").symlink_to(outside.parent)
        os.mkfifo(root / "logs" / "pipe")
        os.utime(root / "logs" / "pipe", (0, 0))
        os.utime(root / "logs" / "file", (0, 0), follow_symlinks=False)

        question = run.start(path="logs")

        assert shown(question) == ["logs/a.log"]

    def test_the_trash_is_not_cleaned(self, root: Path, run: Run) -> None:
        write(root / ".trash" / "before" / "a.log", days=90)
        write(root / "logs" / ".trash" / "b.log", days=90)

        question = run.start(path=".")

        assert shown(question) == ["logs/.trash/b.log"]

    def test_a_name_that_no_text_can_hold_stays_and_is_told(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40)
        write(Path(os.fsdecode(os.fsencode(root / "logs") + b"/\xff.log")), days=40)

        question = run.start(path="logs")

        assert shown(question) == ["logs/a.log"]
        assert question["details"]["could not be read"] == ["logs/?.log: its name is not UTF-8"]

    def test_a_file_that_cannot_be_looked_at_is_told(
        self, root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(root / "logs" / "a.log", days=40)
        write(root / "logs" / "b.log", days=40)
        look = os.stat

        def refuse(path: Any, **how: Any) -> os.stat_result:
            if path == "b.log":
                raise NOT_PERMITTED
            return look(path, **how)

        monkeypatch.setattr(os, "stat", refuse)

        question = run.start(path="logs")

        assert shown(question) == ["logs/a.log"]
        assert question["details"]["could not be read"] == ["logs/b.log: permission denied"]

    def test_a_folder_that_may_not_be_read_is_told(self, root: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        write(root / "logs" / "a.log", days=40)
        write(root / "logs" / "locked" / "b.log", days=40)
        refuse_to_open(monkeypatch, "locked")

        question = run.start(path="logs")
        outcome = run.approve()

        assert question["details"]["could not be read"] == ["logs/locked: permission denied"]
        assert shown(question) == ["logs/a.log"]
        assert outcome.endswith("Could not be read:\n- logs/locked: permission denied")


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (1, "1 byte"),
        (999, "999 bytes"),
        (1_000, "1.0 kB (1,000 bytes)"),
        (999_949, "999.9 kB (999,949 bytes)"),
        (999_950, "1.0 MB (999,950 bytes)"),
        (5_300_000_000, "5.3 GB (5,300,000,000 bytes)"),
        (7_200_000_000_000, "7.2 TB (7,200,000,000,000 bytes)"),
    ],
)
def test_a_size_is_told_roundly_and_exactly(root: Path, run: Run, size: int, words: str) -> None:
    sparse = write(root / "logs" / "a.log", days=40)
    os.truncate(sparse, size)
    os.utime(sparse, (0, 0))

    question = run.start(path="logs")

    assert question["details"]["size"] == words


def refuse_to_open(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    """Tests may run as root, to whom no folder is closed."""
    open_ = os.open

    def refuse(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == folder:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return open_(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refuse)
