"""Moves that nearly went wrong: another file system, and a swap in the last instant. And the way back."""

import errno
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from graphs import cleanup, trash
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


class Trash:
    """A root with one file in the trash, as `move` left it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.place = write(root / "logs" / "a.log", days=40, text="whole")
        self.place.chmod(0o640)
        self.before = self.place.stat()
        with trash.open_root(root) as opened:
            (self.file,), _ = trash.find(opened, "logs", datetime.now(UTC), lambda _: False)
            assert trash.move(opened, self.file, "t") is None
        self.kept = root / ".trash" / "t" / "logs" / "a.log"

    def put_back(self) -> str:
        """Why it stays in the trash; empty if it is back."""
        with trash.open_root(self.root) as opened:
            stays = trash.put_back(opened, self.file, "t")
        return "" if stays is None else stays["reason"]

    @property
    def beside(self) -> list[str]:
        """All names in the folder that the file came from."""
        return [path.name for path in self.place.parent.iterdir()]

    def is_back(self) -> bool:
        """Whether the file is at its place, whole, and nowhere else."""
        now = self.place.stat()
        same = (now.st_mtime_ns, now.st_mode) == (self.before.st_mtime_ns, self.before.st_mode)
        return same and self.place.read_text() == "whole" and self.beside == ["a.log"]


@pytest.fixture
def kept(root: Path) -> Trash:
    return Trash(root)


def refuse_links(monkeypatch: pytest.MonkeyPatch, error: int, *, everywhere: bool = True) -> None:
    """No file may have two names, or none in two folders."""
    link = os.link

    def refuse(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int, follow_symlinks: bool) -> None:
        if everywhere or src_dir_fd != dst_dir_fd:
            raise OSError(error, os.strerror(error))
        link(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "link", refuse)


def across(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trash is on another file system: neither links nor renames lead there."""
    rename = os.rename

    def refuse(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if src_dir_fd != dst_dir_fd:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    refuse_links(monkeypatch, errno.EXDEV, everywhere=False)
    monkeypatch.setattr(os, "rename", refuse)


class TestPuttingBack:
    """How a file gets its place back, which is never taken from another."""

    def test_it_is_the_very_file(self, kept: Trash) -> None:
        """With its inode."""
        assert kept.put_back() == ""

        assert kept.is_back()
        assert kept.place.stat().st_ino == kept.before.st_ino
        assert not kept.kept.exists()

    def test_across_file_systems_it_is_copied_whole(self, kept: Trash, monkeypatch: pytest.MonkeyPatch) -> None:
        """With its time and mode, and the one in the trash is deleted."""
        across(monkeypatch)

        assert kept.put_back() == ""
        assert kept.is_back()
        assert not kept.kept.exists()
        assert kept.put_back() == ""

    @pytest.mark.parametrize("error", [errno.EPERM, errno.EOPNOTSUPP])
    def test_a_file_that_may_not_be_linked_is_renamed(
        self, kept: Trash, monkeypatch: pytest.MonkeyPatch, error: int
    ) -> None:
        """One of somebody else, or on a file system without links."""
        refuse_links(monkeypatch, error)

        assert kept.put_back() == ""
        assert kept.is_back()

    @pytest.mark.parametrize("error", [0, errno.EPERM, errno.EXDEV])
    def test_a_place_that_is_taken_at_the_last_moment_is_not_overwritten(
        self, kept: Trash, monkeypatch: pytest.MonkeyPatch, error: int
    ) -> None:
        """Whichever way the file goes, and no half of it is left behind."""
        if error == errno.EXDEV:
            across(monkeypatch)
        elif error:
            refuse_links(monkeypatch, error)
        link = os.link

        def taken(source: str, target: str, **folders: Any) -> None:
            kept.place.write_text("new")
            link(source, target, **folders)

        monkeypatch.setattr(os, "link", taken)

        assert kept.put_back() == "another file is in its place"
        assert kept.place.read_text() == "new"
        assert kept.kept.read_text() == "whole"
        assert kept.beside == ["a.log"]

    @pytest.mark.parametrize("error", [0, errno.EPERM])
    def test_a_file_that_is_swapped_at_the_last_moment_goes_back_to_the_trash(
        self, kept: Trash, monkeypatch: pytest.MonkeyPatch, error: int
    ) -> None:
        """It is not what was moved."""
        if error:
            refuse_links(monkeypatch, error)
        link = os.link

        def swapped(source: str, target: str, **folders: Any) -> None:
            if kept.kept.exists() and kept.kept.read_text() == "whole":
                kept.kept.unlink()
                kept.kept.write_text("another")
            link(source, target, **folders)

        monkeypatch.setattr(os, "link", swapped)

        assert kept.put_back() == "it was changed in the trash"
        assert kept.kept.read_text() == "another"
        assert not kept.place.exists()

    def test_a_file_that_changes_while_it_is_copied_stays(self, kept: Trash, monkeypatch: pytest.MonkeyPatch) -> None:
        """And no half of it is left behind."""
        across(monkeypatch)
        fsync = os.fsync

        def grow(descriptor: int) -> None:
            fsync(descriptor)
            kept.kept.write_text("grown")

        monkeypatch.setattr(os, "fsync", grow)

        assert kept.put_back() == "it was changed in the trash"
        assert kept.kept.read_text() == "grown"
        assert kept.beside == []

    def test_a_crash_between_its_two_names_is_finished(self, kept: Trash) -> None:
        """The file has its place back, and the trash has it still."""
        os.link(kept.kept, kept.place)

        assert kept.put_back() == ""
        assert kept.is_back()
        assert not kept.kept.exists()

    def test_a_copy_that_somebody_put_back_counts_and_the_trash_keeps_its_own(self, kept: Trash) -> None:
        """It has the size and the time of the file, and nothing is lost if it is another."""
        shutil.copy2(kept.kept, kept.place)

        assert kept.put_back() == ""
        assert kept.kept.read_text() == "whole"

    def test_a_link_in_the_trash_is_not_put_back(self, kept: Trash, tmp_path: Path) -> None:
        """Even if it looks as old and as large as the file."""
        kept.kept.unlink()
        kept.kept.symlink_to("/etcx")
        os.utime(kept.kept, ns=(0, kept.before.st_mtime_ns), follow_symlinks=False)

        assert kept.put_back() == "it was changed in the trash"
        assert not kept.place.exists()

    @pytest.mark.parametrize("make", [lambda place: place.mkdir(), lambda place: place.symlink_to("nowhere")])
    def test_a_place_that_a_folder_or_a_link_has_is_taken(self, kept: Trash, make: Callable[[Path], object]) -> None:
        """A link that leads nowhere as well."""
        make(kept.place)

        assert kept.put_back() == "another file is in its place"
        assert kept.kept.read_text() == "whole"

    def test_what_the_system_refuses_is_told(self, kept: Trash, monkeypatch: pytest.MonkeyPatch) -> None:
        """And the claim on its place is given up."""
        refuse_links(monkeypatch, errno.EPERM)

        def refuse(*given: Any, **folders: Any) -> None:
            raise NOT_PERMITTED

        monkeypatch.setattr(os, "rename", refuse)

        assert kept.put_back() == "permission denied"
        assert not kept.place.exists()
        assert kept.kept.read_text() == "whole"
