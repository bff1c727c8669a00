"""The cleanup graph on real files, with real interrupts and a real checkpointer."""

import asyncio
import errno
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from graphs import cleanup, trash

DAY = 24 * 60 * 60
NOT_PERMITTED = PermissionError(errno.EACCES, "Permission denied")


class Run:
    """One thread of the graph, driven as the bot drives it."""

    def __init__(self, saver: BaseCheckpointSaver[Any]) -> None:
        self.thread_id = str(uuid4())
        self.config: RunnableConfig = {"configurable": {"thread_id": self.thread_id, "__pregel_strict_resume": True}}
        self.graph = cleanup.graph.compile(checkpointer=saver)

    def start(self, **inputs: str) -> dict[str, Any]:
        """Runs until the graph asks; what it asks."""
        self.graph.invoke(cast(cleanup.Inputs, inputs), self.config, durability="sync")
        (question,) = self.graph.get_state(self.config).interrupts
        value: dict[str, Any] = question.value
        return value

    def answer(self, value: object) -> str:
        """Answers the open question; the outcome."""
        (question,) = self.graph.get_state(self.config).interrupts
        self.graph.invoke(Command(resume={question.id: value}), self.config, durability="sync")
        return self.outcome

    def approve(self) -> str:
        return self.answer({"approved": True, "feedback": ""})

    @property
    def state(self) -> cleanup.State:
        return cast(cleanup.State, self.graph.get_state(self.config).values)

    @property
    def outcome(self) -> str:
        return self.state["outcome"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    monkeypatch.setenv("CLEANUP_ROOT", str(root))
    return root


@pytest.fixture(params=["memory", "sqlite"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Run]:
    if request.param == "memory":
        yield Run(InMemorySaver())
    else:
        with SqliteSaver.from_conn_string(str(tmp_path / "checkpoints.db")) as saver:
            yield Run(saver)


def write(path: Path, *, days: float, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    then = time.time() - days * DAY
    os.utime(path, (then, then))
    return path


def trashed(root: Path, run: Run) -> list[str]:
    batch = root / ".trash" / run.thread_id
    return sorted(path.relative_to(batch).as_posix() for path in batch.rglob("*") if path.is_file())


class TestAsking:
    def test_only_files_older_than_the_age_are_listed_oldest_first(self, root: Path, run: Run) -> None:
        write(root / "logs" / "new.log", days=1)
        write(root / "logs" / "old.log", days=40, text="12345")
        write(root / "logs" / "deep" / "older.log", days=90, text="123")
        write(root / "elsewhere" / "old.log", days=90)

        question = run.start(path="logs", older_than="30d")

        assert question["question"] == "Move 2 files of logs to the trash?"
        assert question["details"]["path"] == "logs"
        assert question["details"]["files"] == 2
        assert question["details"]["size"] == "8 bytes"
        assert question["details"]["oldest"].startswith("logs/deep/older.log, ")
        assert question["details"]["sample"] == ["logs/deep/older.log", "logs/old.log"]

    @pytest.mark.parametrize(("age", "listed"), [("12h", 4), ("1d", 3), ("2w", 2), ("5w", 1)])
    def test_an_age_is_in_hours_days_or_weeks(self, root: Path, run: Run, age: str, listed: int) -> None:
        for days in (0.6, 2, 20, 40):
            write(root / "logs" / f"{days}.log", days=days)

        question = run.start(path="logs", older_than=age)

        assert question["details"]["files"] == listed

    def test_without_an_age_it_is_thirty_days(self, root: Path, run: Run) -> None:
        write(root / "logs" / "29.log", days=29)
        write(root / "logs" / "31.log", days=31)

        question = run.start(path="logs")

        assert question["details"]["sample"] == ["logs/31.log"]

    def test_what_the_pattern_keeps_is_not_listed(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40)
        write(root / "logs" / "deep" / "b.keep", days=40)

        question = run.start(path="logs", keep="*.keep")

        assert question["details"]["sample"] == ["logs/a.log"]

    def test_a_long_list_has_a_short_sample_and_the_whole_beside_it(self, root: Path, run: Run) -> None:
        for number in range(30):
            write(root / "logs" / f"{number:02}.log", days=40 + number, text="x" * 100)

        question = run.start(path="logs")

        assert len(question["details"]["sample"]) == 5
        assert len(question["details"]["all files"]) == 30
        assert question["details"]["all files"][0].startswith("logs/29.log (100 bytes, 20")
        assert question["details"]["size"] == "3.0 kB (3,000 bytes)"

    def test_more_than_fit_are_left_for_another_run(
        self, root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(cleanup, "MOST_FILES", 2)
        for number in range(5):
            write(root / "logs" / f"{number}.log", days=40 + number)

        question = run.start(path="logs")
        outcome = run.approve()

        assert question["details"]["files"] == 2
        assert question["details"]["left for another run"] == 3
        assert trashed(root, run) == ["logs/3.log", "logs/4.log"]
        assert "3 files more are old enough: start the task again for those." in outcome

    def test_the_question_says_what_it_would_do_and_can_be_stored_as_json(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40)

        question = run.start(path="logs")

        assert question["reason"] == (
            f"They were not changed for 30d. They go to .trash/{run.thread_id}, "
            "keep their names, and can be moved back from there."
        )
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
        assert run.outcome == "Nothing to do: no file in logs was unchanged for 30d."

    def test_links_and_special_files_are_never_listed(self, root: Path, run: Run, tmp_path: Path) -> None:
        outside = write(tmp_path / "outside" / "secret.log", days=90)
        write(root / "logs" / "a.log", days=40)
        (root / "logs" / "file").symlink_to(outside)
        (root / "logs" / "folder").symlink_to(outside.parent)
        os.mkfifo(root / "logs" / "pipe")
        os.utime(root / "logs" / "pipe", (0, 0))
        os.utime(root / "logs" / "file", (0, 0), follow_symlinks=False)

        question = run.start(path="logs")

        assert question["details"]["sample"] == ["logs/a.log"]

    def test_the_trash_is_not_cleaned(self, root: Path, run: Run) -> None:
        write(root / ".trash" / "before" / "a.log", days=90)
        write(root / "logs" / ".trash" / "b.log", days=90)

        question = run.start(path=".")

        assert question["details"]["sample"] == ["logs/.trash/b.log"]

    def test_a_name_that_no_text_can_hold_stays_and_is_told(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40)
        write(Path(os.fsdecode(os.fsencode(root / "logs") + b"/\xff.log")), days=40)

        question = run.start(path="logs")

        assert question["details"]["sample"] == ["logs/a.log"]
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

        assert question["details"]["sample"] == ["logs/a.log"]
        assert question["details"]["could not be read"] == ["logs/b.log: permission denied"]

    def test_a_folder_that_may_not_be_read_is_told(self, root: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        write(root / "logs" / "a.log", days=40)
        write(root / "logs" / "locked" / "b.log", days=40)
        refuse_to_open(monkeypatch, "locked")

        question = run.start(path="logs")
        outcome = run.approve()

        assert question["details"]["could not be read"] == ["logs/locked: permission denied"]
        assert question["details"]["files"] == 1
        assert outcome.endswith("Could not be read:\n- logs/locked: permission denied")


class TestMoving:
    def test_what_was_approved_moves_to_the_trash_and_keeps_its_path(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40, text="a")
        write(root / "logs" / "deep" / "a.log", days=40, text="deep")
        new = write(root / "logs" / "new.log", days=1)
        run.start(path="logs")

        outcome = run.approve()

        assert outcome == f"Moved 2 files, 5 bytes, to .trash/{run.thread_id}."
        assert trashed(root, run) == ["logs/a.log", "logs/deep/a.log"]
        assert (root / ".trash" / run.thread_id / "logs" / "deep" / "a.log").read_text() == "deep"
        assert [path for path in (root / "logs").rglob("*") if path.is_file()] == [new]

    def test_names_of_any_script_survive(self, root: Path, run: Run) -> None:
        names = ["größe.log", "отчёт 2024.log", "日誌.log", "🗑.log", "two\nlines.log", "-rf *.log"]
        for name in names:
            write(root / "logs" / name, days=40)
        run.start(path="logs")

        run.approve()

        assert trashed(root, run) == sorted(f"logs/{name}" for name in names)

    def test_a_rejection_moves_nothing_and_says_why(self, root: Path, run: Run) -> None:
        old = write(root / "logs" / "a.log", days=40)
        run.start(path="logs")

        outcome = run.answer({"approved": False, "feedback": "The audit needs them."})

        assert outcome == "Nothing was moved: 1 file of logs stay.\nFeedback: The audit needs them."
        assert old.exists()
        assert not (root / ".trash").exists()

    @pytest.mark.parametrize("answer", ["yes", None, {}, {"approved": "true"}, {"approved": 1}, ["approved"]])
    def test_an_answer_that_is_no_clear_yes_moves_nothing(self, root: Path, run: Run, answer: object) -> None:
        old = write(root / "logs" / "a.log", days=40)
        run.start(path="logs")

        outcome = run.answer(answer)

        assert outcome.endswith("Feedback: The answer was neither yes nor no.")
        assert old.exists()

    @pytest.mark.parametrize(("answer", "stays"), [(True, False), (False, True)])
    def test_a_bare_yes_or_no_is_understood(self, root: Path, run: Run, answer: bool, stays: bool) -> None:
        old = write(root / "logs" / "a.log", days=40)
        run.start(path="logs")

        run.answer(answer)

        assert old.exists() is stays

    def test_a_file_that_changed_since_the_scan_stays(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40)
        touched = write(root / "logs" / "touched.log", days=40)
        rewritten = write(root / "logs" / "rewritten.log", days=40, text="one")
        replaced = write(root / "logs" / "replaced.log", days=40)
        gone = write(root / "logs" / "gone.log", days=40)
        run.start(path="logs")
        os.utime(touched)
        then = rewritten.stat()
        rewritten.write_text("three")
        os.utime(rewritten, ns=(then.st_atime_ns, then.st_mtime_ns))
        then = replaced.stat()
        other = write(root / "logs" / "other", days=40)
        os.utime(other, ns=(then.st_atime_ns, then.st_mtime_ns))
        other.rename(replaced)
        gone.unlink()
        write(root / "logs" / "late.log", days=40)

        outcome = run.approve()

        assert trashed(root, run) == ["logs/a.log"]
        assert sorted(outcome.splitlines()) == sorted(
            [
                f"Moved 1 file, 1 byte, to .trash/{run.thread_id}.",
                "Skipped 4 files:",
                "- logs/gone.log: it is gone",
                "- logs/replaced.log: it changed since it was listed",
                "- logs/rewritten.log: it changed since it was listed",
                "- logs/touched.log: it changed since it was listed",
            ]
        )

    def test_of_many_that_stay_the_first_ten_are_told(self, root: Path, run: Run) -> None:
        for number in range(12):
            write(root / "logs" / f"{number:02}.log", days=40)
        run.start(path="logs")
        for path in (root / "logs").iterdir():
            path.unlink()

        outcome = run.approve()

        assert outcome.splitlines()[:2] == ["Nothing was moved.", "Skipped 12 files:"]
        assert outcome.splitlines()[-1] == "- and 2 more"
        assert len(run.state["skipped"]) == 12

    def test_a_file_that_became_a_link_stays(self, root: Path, run: Run, tmp_path: Path) -> None:
        secret = write(tmp_path / "outside" / "secret.log", days=40)
        old = write(root / "logs" / "a.log", days=40)
        run.start(path="logs")
        old.unlink()
        old.symlink_to(secret)

        outcome = run.approve()

        assert "- logs/a.log: it changed since it was listed" in outcome
        assert secret.exists()
        assert old.is_symlink()

    def test_a_folder_that_became_a_link_leads_nowhere(self, root: Path, run: Run, tmp_path: Path) -> None:
        write(root / "logs" / "deep" / "a.log", days=40)
        run.start(path="logs")
        elsewhere = (root / "logs" / "deep").rename(tmp_path / "elsewhere")
        (root / "logs" / "deep").symlink_to(elsewhere)

        outcome = run.approve()

        assert "- logs/deep/a.log: a folder on its way is no folder any more" in outcome
        assert (elsewhere / "a.log").exists()

    def test_a_trash_that_became_a_link_receives_nothing(self, root: Path, run: Run, tmp_path: Path) -> None:
        old = write(root / "logs" / "a.log", days=40)
        run.start(path="logs")
        (tmp_path / "elsewhere").mkdir()
        (root / ".trash").symlink_to(tmp_path / "elsewhere")

        outcome = run.approve()

        assert outcome.startswith("Nothing was moved.")
        assert old.exists()
        assert list((tmp_path / "elsewhere").iterdir()) == []

    def test_nothing_in_the_trash_is_overwritten(self, root: Path, run: Run) -> None:
        old = write(root / "logs" / "a.log", days=40)
        run.start(path="logs")
        there = write(root / ".trash" / run.thread_id / "logs" / "a.log", days=0, text="another")

        outcome = run.approve()

        assert "- logs/a.log: another file of that name is in the trash" in outcome
        assert there.read_text() == "another"
        assert old.exists()

    def test_a_second_task_has_a_trash_of_its_own(self, root: Path, run: Run) -> None:
        second = Run(InMemorySaver())
        for one in (run, second):
            write(root / "logs" / "a.log", days=40)
            one.start(path="logs")
            one.approve()

        assert trashed(root, run) == trashed(root, second) == ["logs/a.log"]

    def test_a_file_that_may_not_be_moved_is_skipped_with_the_reason(
        self, root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        locked = write(root / "logs" / "locked.log", days=40)
        write(root / "logs" / "a.log", days=40)
        run.start(path="logs")
        rename = os.rename

        def refuse(source: str, target: str, **folders: int) -> None:
            if source == "locked.log":
                raise NOT_PERMITTED
            rename(source, target, **folders)

        monkeypatch.setattr(os, "rename", refuse)

        outcome = run.approve()

        assert "- logs/locked.log: permission denied" in outcome
        assert trashed(root, run) == ["logs/a.log"]
        assert locked.exists()

    @pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
    def test_a_folder_that_may_not_be_written_keeps_its_files(self, root: Path, run: Run) -> None:
        old = write(root / "logs" / "a.log", days=40)
        run.start(path="logs")
        old.parent.chmod(0o500)

        try:
            outcome = run.approve()
        finally:
            old.parent.chmod(0o700)

        assert "- logs/a.log: permission denied" in outcome
        assert old.exists()

    def test_the_nodes_run_under_ainvoke_too(self, root: Path) -> None:
        write(root / "logs" / "a.log", days=40)
        run = Run(InMemorySaver())

        async def drive() -> None:
            await run.graph.ainvoke({"path": "logs"}, run.config, durability="sync")
            (question,) = (await run.graph.aget_state(run.config)).interrupts
            await run.graph.ainvoke(
                Command(resume={question.id: {"approved": True, "feedback": ""}}), run.config, durability="sync"
            )

        asyncio.run(drive())

        assert trashed(root, run) == ["logs/a.log"]


class TestMovingAgain:
    """A node that is killed runs again: LangGraph promises at least once."""

    def test_a_second_run_of_the_node_says_the_same(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40)
        write(root / "logs" / "b.log", days=40)
        run.start(path="logs")
        run.approve()
        first = run.state

        again = cleanup.move(first, run.config)

        assert again == {"moved": first["moved"], "skipped": []}
        assert trashed(root, run) == ["logs/a.log", "logs/b.log"]

    def test_a_node_that_died_half_way_is_finished_by_going_on(
        self, root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in "abc":
            write(root / "logs" / f"{name}.log", days=40)
        run.start(path="logs")
        move = trash.move

        def die_at_b(root: int, file: trash.File, batch: str) -> trash.Skipped | None:
            if file["path"] == "logs/b.log":
                raise KeyboardInterrupt
            return move(root, file, batch)

        monkeypatch.setattr(trash, "move", die_at_b)
        with pytest.raises(KeyboardInterrupt):
            run.approve()
        monkeypatch.setattr(trash, "move", move)

        run.graph.invoke(None, run.config, durability="sync")

        assert run.outcome == f"Moved 3 files, 3 bytes, to .trash/{run.thread_id}."
        assert trashed(root, run) == ["logs/a.log", "logs/b.log", "logs/c.log"]

    def test_a_new_file_at_the_old_place_is_not_touched(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40)
        run.start(path="logs")
        run.approve()
        new = write(root / "logs" / "a.log", days=0, text="new")

        again = cleanup.move(run.state, run.config)

        assert again["skipped"] == []
        assert new.read_text() == "new"

    def test_a_file_that_was_taken_away_is_gone(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40)
        run.start(path="logs")
        run.approve()
        (root / ".trash" / run.thread_id / "logs" / "a.log").unlink()

        again = cleanup.move(run.state, run.config)

        assert again["skipped"] == [{"path": "logs/a.log", "reason": "it is gone"}]


class TestOtherFileSystem:
    """A mount below the root: rename fails, and the file is copied whole before the original goes."""

    @pytest.fixture(autouse=True)
    def _mount(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rename = os.rename

        def across(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
            if src_dir_fd != dst_dir_fd:
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

        monkeypatch.setattr(os, "rename", across)

    def test_the_file_is_copied_with_its_time_and_mode(self, root: Path, run: Run) -> None:
        old = write(root / "logs" / "a.log", days=40, text="whole")
        old.chmod(0o640)
        before = old.stat()
        run.start(path="logs")

        run.approve()

        copy = root / ".trash" / run.thread_id / "logs" / "a.log"
        assert trashed(root, run) == ["logs/a.log"]
        assert copy.read_text() == "whole"
        assert (copy.stat().st_mtime_ns, copy.stat().st_mode) == (before.st_mtime_ns, before.st_mode)
        assert not old.exists()

    def test_a_second_run_of_the_node_says_the_same(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40)
        run.start(path="logs")
        run.approve()

        again = cleanup.move(run.state, run.config)

        assert again == {"moved": run.state["moved"], "skipped": []}

    def test_a_copy_without_its_original_removed_is_told(
        self, root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = write(root / "logs" / "a.log", days=40)
        run.start(path="logs")
        unlink = os.unlink

        def refuse(name: str, *, dir_fd: int) -> None:
            if name == "a.log":
                raise NOT_PERMITTED
            unlink(name, dir_fd=dir_fd)

        monkeypatch.setattr(os, "unlink", refuse)

        outcome = run.approve()
        again = cleanup.move(run.state, run.config)

        assert "- logs/a.log: permission denied" in outcome
        assert again["skipped"] == [{"path": "logs/a.log", "reason": "a copy is in the trash already"}]
        assert old.exists()

    def test_a_file_that_grows_while_it_is_copied_stays(
        self, root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = write(root / "logs" / "a.log", days=40)
        run.start(path="logs")
        fsync = os.fsync

        def grow(descriptor: int) -> None:
            fsync(descriptor)
            if old.read_text() == "x":
                old.write_text("grown")

        monkeypatch.setattr(os, "fsync", grow)

        outcome = run.approve()

        assert "- logs/a.log: it changed while it was copied" in outcome
        assert old.read_text() == "grown"
        assert trashed(root, run) == []


class TestSwapInTheLastInstant:
    """Between the last look and the rename, which no call makes one."""

    @pytest.fixture
    def swap(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, bool], None]:
        rename = os.rename

        def arrange(old: Path, again: bool) -> None:
            def swapped(source: str, target: str, **folders: int) -> None:
                old.unlink()
                old.write_text("another")
                rename(source, target, **folders)
                if again:
                    old.write_text("a third")

            monkeypatch.setattr(os, "rename", swapped)

        return arrange

    def test_the_other_file_is_put_back(self, root: Path, run: Run, swap: Callable[[Path, bool], None]) -> None:
        old = write(root / "logs" / "a.log", days=40)
        run.start(path="logs")
        swap(old, False)

        outcome = run.approve()

        assert "- logs/a.log: it was replaced while it was moved" in outcome
        assert old.read_text() == "another"
        assert trashed(root, run) == []

    def test_where_the_place_is_taken_it_is_told_to_be_in_the_trash(
        self, root: Path, run: Run, swap: Callable[[Path, bool], None]
    ) -> None:
        old = write(root / "logs" / "a.log", days=40)
        run.start(path="logs")
        swap(old, True)

        outcome = run.approve()

        assert "it was replaced while it was moved, and what replaced it is in the trash" in outcome
        assert old.read_text() == "a third"
        assert (root / ".trash" / run.thread_id / "logs" / "a.log").read_text() == "another"


class TestInputs:
    def test_good_inputs_pass(self, root: Path) -> None:
        (root / "logs" / "app").mkdir(parents=True)

        cleanup.check_inputs({"path": "logs"})
        cleanup.check_inputs({"path": "./logs/../logs/app", "older_than": " 2w ", "keep": "*.keep"})
        cleanup.check_inputs({"path": str(root / "logs"), "older_than": "", "keep": ""})
        cleanup.check_inputs({"path": "."})

    @pytest.mark.parametrize("path", ["..", "../outside", "logs/../../outside", "/", "/etc", "link", "link/deep"])
    def test_a_path_that_leads_out_of_the_root_is_refused(
        self, root: Path, run: Run, tmp_path: Path, path: str
    ) -> None:
        (root / "logs").mkdir()
        secret = write(tmp_path / "outside" / "deep" / "secret.log", days=90)
        (root / "link").symlink_to(tmp_path / "outside")

        with pytest.raises(cleanup.InputError, match=r"leads out of .* A right line: path=logs older_than=30d"):
            cleanup.check_inputs({"path": path})
        with pytest.raises(cleanup.InputError):
            run.graph.invoke({"path": path}, run.config)

        assert secret.exists()

    def test_a_link_that_stays_inside_is_followed_once_and_named_by_its_target(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40)
        (root / "link").symlink_to("logs")

        question = run.start(path="link")

        assert question["details"]["path"] == "logs"
        assert question["details"]["sample"] == ["logs/a.log"]

    @pytest.mark.parametrize(
        ("inputs", "sentence"),
        [
            ({}, "path is missing: which folder in"),
            ({"path": "  "}, "path is missing: which folder in"),
            ({"path": 7}, "path is missing: which folder in"),
            ({"path": "nowhere"}, "path 'nowhere' is no folder in"),
            ({"path": "file"}, "path 'file' is no folder in"),
            ({"path": "a\0b"}, "cannot be read"),
            ({"path": "x" * 5000}, "cannot be read"),
            ({"path": ".trash"}, "is the trash itself"),
            ({"path": ".trash/deep"}, "is the trash itself"),
            ({"path": "logs", "older_than": "soon"}, "older_than 'soon' is no age"),
            ({"path": "logs", "older_than": "30"}, "older_than '30' is no age"),
            ({"path": "logs", "older_than": "0d"}, "older_than '0d' is no age"),
            ({"path": "logs", "older_than": "-3d"}, "older_than '-3d' is no age"),
            ({"path": "logs", "older_than": "٣d"}, "is no age"),
            ({"path": "logs", "older_than": "999999w"}, "is no age"),
            ({"path": "logs", "older_than": 30}, "older_than 30 is no age"),
            ({"path": "logs", "keep": ["*.keep"]}, "is no pattern"),
        ],
    )
    def test_wrong_inputs_are_told_with_a_right_line(self, root: Path, inputs: dict[str, Any], sentence: str) -> None:
        (root / "logs").mkdir()
        (root / "file").touch()
        (root / ".trash" / "deep").mkdir(parents=True)

        with pytest.raises(ValueError, match="A right line: path=logs older_than=30d keep=") as refusal:
            cleanup.check_inputs(inputs)

        assert sentence in str(refusal.value)

    def test_a_loop_of_links_is_told(self, root: Path) -> None:
        (root / "one").symlink_to("two")
        (root / "two").symlink_to("one")

        with pytest.raises(cleanup.InputError, match="A right line"):
            cleanup.check_inputs({"path": "one"})

    def test_a_missing_root_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CLEANUP_ROOT", str(tmp_path / "nowhere"))

        with pytest.raises(cleanup.InputError, match=r"does not exist\. Make it, or set CLEANUP_ROOT"):
            cleanup.check_inputs({"path": "logs"})

    def test_without_a_setting_the_root_is_below_var(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CLEANUP_ROOT", raising=False)
        monkeypatch.chdir(tmp_path)
        (tmp_path / "var" / "files" / "logs").mkdir(parents=True)

        cleanup.check_inputs({"path": "logs"})
        with pytest.raises(cleanup.InputError, match="leads out of var/files"):
            cleanup.check_inputs({"path": ".."})

    def test_the_schema_is_enough_for_a_form(self) -> None:
        schema = cleanup.graph.compile().get_input_jsonschema()

        assert schema["required"] == ["path"]
        assert list(schema["properties"]) == ["path", "older_than", "keep"]
        assert all(field["description"] and field["title"] for field in schema["properties"].values())
        assert schema["properties"]["older_than"]["default"] == "30d"

    def test_a_thread_id_cannot_lead_out_of_the_trash(self, root: Path) -> None:
        write(root / "logs" / "a.log", days=40)
        run = Run(InMemorySaver())
        run.config["configurable"]["thread_id"] = "../../outside"
        run.start(path="logs")

        run.approve()

        (batch,) = (root / ".trash").iterdir()
        assert (batch / "logs" / "a.log").exists()


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
