"""Undoing a cleanup, on real files: what is offered, what is moved back, and what is said if it cannot be."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from graphs import cleanup, trash
from tests.graphs.driving import YES, Run, trashed, write


@pytest.fixture
def moved(root: Path, run: Run) -> Run:
    """Two files are in the trash, and the undo is offered."""
    write(root / "logs" / "a.log", days=40, text="a")
    write(root / "logs" / "deep" / "b.log", days=50, text="deep")
    run.start(path="logs")
    run.reply(YES)
    return run


class TestOffering:
    def test_says_what_was_done_how_it_is_undone_and_since_when(self, root: Path, run: Run) -> None:
        """The window counts from the action."""
        write(root / "logs" / "a.log", days=40)
        run.start(path="logs")
        before = datetime.now(UTC)

        asked = run.reply(YES)

        place = f"{root}/.trash/{run.thread_id}"
        at = asked.pop("at")
        assert asked == {
            "type": "undo_window",
            "action": "Moved 1 file of logs to the trash",
            "result": {"size": "1 byte", "moved to": place},
            "undo": {
                "how": "Moves the files back. One that was changed in the trash, or whose place is taken, stays there.",
            },
            "window": "10m",
        }
        assert before <= datetime.fromisoformat(at) <= datetime.now(UTC)
        assert at == run.state["acted_at"]

    def test_names_what_was_skipped(self, root: Path, run: Run) -> None:
        """It is no part of what can be undone."""
        write(root / "logs" / "a.log", days=40)
        write(root / "logs" / "b.log", days=40)
        write(root / ".trash" / run.thread_id / "logs" / "b.log", days=0, text="another")
        run.start(path="logs")

        asked = run.reply(YES)

        assert asked["result"]["skipped"] == ["logs/b.log: another file of that name is in the trash"]
        assert asked["action"] == "Moved 1 file of logs to the trash"

    @pytest.mark.parametrize("answer", [{"type": "keep"}, {"type": "undo"}, True, "undo", {"approved": True}, None])
    def test_what_is_no_undo_leaves_the_files_in_the_trash(self, root: Path, moved: Run, answer: object) -> None:
        """The outcome is that of the move."""
        outcome = moved.answer(answer)

        assert outcome == f"Moved 2 files, 5 bytes, to {root}/.trash/{moved.thread_id}."
        assert trashed(root, moved) == ["logs/a.log", "logs/deep/b.log"]

    def test_nothing_is_offered_if_nothing_was_moved(self, root: Path, run: Run) -> None:
        """There is nothing to undo."""
        write(root / "logs" / "a.log", days=40)
        write(root / ".trash" / run.thread_id / "logs" / "a.log", days=0, text="another")
        run.start(path="logs")

        run.resume(YES)

        assert run.asked is None
        assert run.outcome.startswith("Nothing was moved.")

    def test_a_crash_after_the_move_offers_it_with_the_moment_of_the_move(self, root: Path, run: Run) -> None:
        """The process died between the two nodes."""
        write(root / "logs" / "a.log", days=40)
        run.start(path="logs")
        run.stops_before("offer")
        run.resume(YES)
        acted_at = run.state["acted_at"]

        run.proceed()

        asked = run.asked
        assert asked is not None
        assert asked["at"] == acted_at
        assert run.undo() == f"Undone: moved 1 file, 1 byte, back from {root}/.trash/{run.thread_id}."

    def test_the_question_stays_the_same_if_its_node_runs_again(
        self, moved: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever the operator has set meanwhile."""
        first = moved.asked
        monkeypatch.setenv("CLEANUP_UNDO", "2h")

        moved.proceed()

        assert moved.asked == first


class TestTheSetting:
    def test_the_operator_sets_the_window(self, root: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        """As a span."""
        monkeypatch.setenv("CLEANUP_UNDO", " 2h ")
        write(root / "logs" / "a.log", days=40)
        run.start(path="logs")

        assert run.reply(YES)["window"] == "2h"

    def test_zero_offers_no_undo(self, root: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        """The task then ends with the move."""
        monkeypatch.setenv("CLEANUP_UNDO", "0")
        write(root / "logs" / "a.log", days=40)
        run.start(path="logs")

        run.resume(YES)

        assert run.asked is None
        assert run.outcome == f"Moved 1 file, 1 byte, to {root}/.trash/{run.thread_id}."

    @pytest.mark.parametrize("span", ["30s", "10m", "2h", "1d", "1w", "3650d", ""])
    def test_a_span_is_taken(self, root: Path, monkeypatch: pytest.MonkeyPatch, span: str) -> None:
        """In seconds, minutes, hours, days or weeks; empty is the default."""
        monkeypatch.setenv("CLEANUP_UNDO", span)

        cleanup.check_inputs({"path": "."})

    @pytest.mark.parametrize("span", ["soon", "10", "-10m", "0m", "10 minutes", "3651d", "99999999w", "no", "٣m"])
    def test_anything_else_is_refused_in_a_sentence(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, span: str
    ) -> None:
        """Before anything is moved."""
        monkeypatch.setenv("CLEANUP_UNDO", span)

        with pytest.raises(cleanup.InputError) as refused:
            cleanup.check_inputs({"path": "."})

        assert str(refused.value) == (
            f"The operator's CLEANUP_UNDO {span!r} is not a span: set it to one such as 10m, 2h or 1d, "
            "or to 0 to offer no undo."
        )


class TestUndoing:
    def test_all_files_are_where_they_were(self, root: Path, moved: Run) -> None:
        """With their content and time, and nothing is left in the trash."""
        outcome = moved.undo()

        assert outcome == f"Undone: moved 2 files, 5 bytes, back from {root}/.trash/{moved.thread_id}."
        assert (root / "logs" / "a.log").read_text() == "a"
        assert (root / "logs" / "deep" / "b.log").read_text() == "deep"
        assert trashed(root, moved) == []
        assert [trash_file["path"] for trash_file in moved.state["back"]] == ["logs/deep/b.log", "logs/a.log"]

    def test_undoing_twice_is_harmless(self, root: Path, moved: Run) -> None:
        """The second time finds the files back, and says the same."""
        moved.undo()
        first = {"back": moved.state["back"], "stayed": moved.state["stayed"]}

        again = cleanup.put_back(moved.state, moved.config)

        assert again == first
        assert (root / "logs" / "a.log").read_text() == "a"

    def test_a_node_that_died_half_way_is_finished_by_going_on(
        self, root: Path, moved: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without another question."""
        put_back = trash.put_back

        def die_at_a(root: int, file: trash.File, batch: str) -> trash.Skipped | None:
            if file["path"] == "logs/a.log":
                raise KeyboardInterrupt
            return put_back(root, file, batch)

        with monkeypatch.context() as patched:
            patched.setattr(trash, "put_back", die_at_a)
            with pytest.raises(KeyboardInterrupt):
                moved.undo()

        moved.proceed()

        assert moved.outcome == f"Undone: moved 2 files, 5 bytes, back from {root}/.trash/{moved.thread_id}."
        assert trashed(root, moved) == []

    def test_a_file_whose_place_is_taken_stays_in_the_trash(self, root: Path, moved: Run) -> None:
        """The outcome says so before anything else, and nothing is overwritten."""
        new = write(root / "logs" / "a.log", days=0, text="new")

        outcome = moved.undo()

        assert outcome.splitlines() == [
            f"Not undone: 1 file could not be moved back from {root}/.trash/{moved.thread_id}.",
            "- logs/a.log: another file is in its place",
            "Moved back 1 file, 4 bytes.",
        ]
        assert new.read_text() == "new"
        assert trashed(root, moved) == ["logs/a.log"]

    def test_a_file_that_was_changed_in_the_trash_stays_there(self, root: Path, moved: Run) -> None:
        """It is not what was moved."""
        (root / ".trash" / moved.thread_id / "logs" / "a.log").write_text("changed")

        outcome = moved.undo()

        assert "- logs/a.log: it was changed in the trash" in outcome
        assert trashed(root, moved) == ["logs/a.log"]
        assert not (root / "logs" / "a.log").exists()

    def test_if_the_trash_was_emptied_nothing_comes_back(self, root: Path, moved: Run) -> None:
        """And the outcome says it of each file."""
        shutil.rmtree(root / ".trash")

        outcome = moved.undo()

        assert outcome.splitlines() == [
            f"Not undone: 2 files could not be moved back from {root}/.trash/{moved.thread_id}.",
            "- logs/deep/b.log: it is no longer in the trash",
            "- logs/a.log: it is no longer in the trash",
        ]

    def test_a_folder_that_is_gone_is_made_again(self, root: Path, moved: Run) -> None:
        """The files are where they were."""
        shutil.rmtree(root / "logs")

        moved.undo()

        assert (root / "logs" / "deep" / "b.log").read_text() == "deep"

    @pytest.mark.parametrize("linked", ["logs", ".trash"])
    def test_a_folder_that_became_a_link_leads_nowhere(
        self, root: Path, moved: Run, tmp_path: Path, linked: str
    ) -> None:
        """Neither out of the root nor into it."""
        elsewhere = (root / linked).rename(tmp_path / "elsewhere")
        (root / linked).symlink_to(elsewhere)
        before = sorted(path.relative_to(elsewhere) for path in elsewhere.rglob("*"))

        outcome = moved.undo()

        assert "- logs/a.log: a folder in its path is no longer a folder" in outcome
        assert sorted(path.relative_to(elsewhere) for path in elsewhere.rglob("*")) == before

    def test_what_was_skipped_is_still_told(self, root: Path, run: Run) -> None:
        """Undoing is no reason to leave it out."""
        write(root / "logs" / "a.log", days=40)
        write(root / "logs" / "b.log", days=40)
        write(root / ".trash" / run.thread_id / "logs" / "b.log", days=0, text="another")
        run.start(path="logs")
        run.reply(YES)

        outcome = run.undo()

        assert outcome.splitlines() == [
            f"Undone: moved 1 file, 1 byte, back from {root}/.trash/{run.thread_id}.",
            "Skipped 1 file:",
            "- logs/b.log: another file of that name is in the trash",
        ]
