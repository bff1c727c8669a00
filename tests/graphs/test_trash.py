"""Moves that nearly went wrong: another file system, and a swap in the last instant."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from graphs import cleanup
from tests.graphs.driving import NOT_PERMITTED, Run, trashed, write


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

        assert (again["moved"], again["skipped"]) == (run.state["moved"], [])

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
        assert again["skipped"] == [{"path": "logs/a.log", "reason": "a copy is already in the trash"}]
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

        assert "it was replaced while it was moved, and the replacement is in the trash" in outcome
        assert old.read_text() == "a third"
        assert (root / ".trash" / run.thread_id / "logs" / "a.log").read_text() == "another"
