"""What the cleanup graph does with an answer, on real files, with real interrupts."""

import asyncio
import os
from pathlib import Path

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from graphs import cleanup, trash
from tests.graphs.driving import NOT_PERMITTED, YES, Run, trashed, write


class TestMoving:
    def test_what_was_approved_moves_to_the_trash_and_keeps_its_path(self, root: Path, run: Run) -> None:
        write(root / "logs" / "a.log", days=40, text="a")
        write(root / "logs" / "deep" / "a.log", days=40, text="deep")
        new = write(root / "logs" / "new.log", days=1)
        run.start(path="logs")

        outcome = run.approve()

        assert outcome == f"Moved 2 files, 5 bytes, to {root}/.trash/{run.thread_id}."
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

        assert outcome == "Nothing was moved."
        assert old.exists()
        assert not (root / ".trash").exists()

    @pytest.mark.parametrize("answer", ["yes", None, {}, {"approved": "true"}, {"approved": 1}, ["approved"]])
    def test_an_answer_that_is_no_clear_yes_moves_nothing(self, root: Path, run: Run, answer: object) -> None:
        old = write(root / "logs" / "a.log", days=40)
        run.start(path="logs")

        outcome = run.answer(answer)

        assert outcome == "Nothing was moved."
        assert old.exists()

    @pytest.mark.parametrize(("answer", "stays"), [(True, False), (False, True)])
    def test_a_bare_yes_or_no_is_understood(self, root: Path, run: Run, answer: bool, stays: bool) -> None:
        old = write(root / "logs" / "a.log", days=40)
        run.start(path="logs")

        run.answer(answer)

        assert old.exists() is stays

    def test_a_file_that_changes_after_the_last_look_stays(self, root: Path, run: Run) -> None:
        """`look` is the step before, and nobody can look and move at the same instant."""
        run.stops_before("move")
        write(root / "logs" / "a.log", days=40)
        touched = write(root / "logs" / "touched.log", days=40)
        rewritten = write(root / "logs" / "rewritten.log", days=40, text="one")
        replaced = write(root / "logs" / "replaced.log", days=40)
        gone = write(root / "logs" / "gone.log", days=40)
        run.start(path="logs")
        run.resume(YES)
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

        run.proceed()
        outcome = run.keep()

        assert trashed(root, run) == ["logs/a.log"]
        assert sorted(outcome.splitlines()) == sorted(
            [
                f"Moved 1 file, 1 byte, to {root}/.trash/{run.thread_id}.",
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

        assert "- logs/a.log: it is no longer a file" in outcome
        assert secret.exists()
        assert old.is_symlink()

    def test_a_folder_that_became_a_link_leads_nowhere(self, root: Path, run: Run, tmp_path: Path) -> None:
        write(root / "logs" / "deep" / "a.log", days=40)
        run.start(path="logs")
        elsewhere = (root / "logs" / "deep").rename(tmp_path / "elsewhere")
        (root / "logs" / "deep").symlink_to(elsewhere)

        outcome = run.approve()

        assert "- logs/deep/a.log: a folder in its path is no longer a folder" in outcome
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

        assert (again["moved"], again["skipped"]) == (first["moved"], [])
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

        run.proceed()
        outcome = run.keep()

        assert outcome == f"Moved 3 files, 3 bytes, to {root}/.trash/{run.thread_id}."
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
