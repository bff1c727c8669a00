"""Files under a root: no path and no link leads out of it, and nobody sees half a file."""

import os
from pathlib import Path, PurePosixPath

import pytest

from graphs import folder


class TestPaths:
    @pytest.mark.parametrize("path", ["a.md", " notes/today.md ", "a/b/c.txt", "./a"])
    def test_a_path_below_is_taken(self, path: str) -> None:
        assert folder.inside(path) == PurePosixPath(path.strip())

    @pytest.mark.parametrize(
        "path",
        [
            "",
            " ",
            ".",
            "/etc/passwd",
            "../a",
            "a/../../b",
            "a/..",
            "..\\a",
            ".ssh/key",
            "a/.b",
            "a\0b",
            "a\nb",
            "x" * 121,
            "ü" * 61,
            "/".join("a" * 11),
            "a\u202eb",
        ],
    )
    def test_any_other_is_refused(self, path: str) -> None:
        with pytest.raises(folder.PathError, match=r"^The path "):
            folder.inside(path)

    @pytest.mark.parametrize(
        ("text", "slug"),
        [("Grüße, Öl!", "grusse-ol"), ("  a  B ", "a-b"), ("../..", ""), ("x" * 80, "x" * 60), ("日本", "")],
    )
    def test_a_slug_is_plain(self, text: str, slug: str) -> None:
        assert folder.slug(text) == slug


class TestFiles:
    def test_a_file_is_written_and_read(self, tmp_path: Path) -> None:
        root = tmp_path / "new" / "root"

        assert folder.write(root, PurePosixPath("a/b.txt"), b"x")
        assert folder.write(root, PurePosixPath("a/b.txt"), b"x"), "the same again"
        assert not folder.write(root, PurePosixPath("a/b.txt"), b"y"), "another is kept"
        assert folder.read(root, PurePosixPath("a/b.txt")) == b"x"
        assert folder.write(root, PurePosixPath("a/b.txt"), b"z", replace=True)
        assert folder.read(root, PurePosixPath("a/b.txt")) == b"z"
        assert folder.read(root, PurePosixPath("a/none")) is None
        assert [path.name for path in (root / "a").iterdir()] == ["b.txt"], "nothing partial stays"

    def test_files_are_listed_without_hidden_ones_and_links(self, tmp_path: Path) -> None:
        folder.write(tmp_path, PurePosixPath("b/c.txt"), b"123")
        folder.write(tmp_path, PurePosixPath("a.txt"), b"1")
        (tmp_path / ".hidden").mkdir()
        (tmp_path / ".hidden" / "x").write_text("x")
        (tmp_path / ".y").write_text("y")
        (tmp_path / "link").symlink_to(tmp_path / "a.txt")
        os.mkfifo(tmp_path / "pipe")

        assert folder.files(tmp_path) == [("a.txt", 1), ("b/c.txt", 3)]
        assert folder.files(tmp_path, "b") == [("b/c.txt", 3)]
        assert folder.files(tmp_path, ".") == folder.files(tmp_path)

    def test_no_link_is_followed(self, tmp_path: Path) -> None:
        root, outside = tmp_path / "root", tmp_path / "outside"
        root.mkdir()
        outside.mkdir()
        (outside / "secret").write_text("s")
        (root / "folder").symlink_to(outside)
        (root / "file").symlink_to(outside / "secret")

        for attempt in (
            lambda: folder.read(root, PurePosixPath("folder/secret")),
            lambda: folder.read(root, PurePosixPath("file")),
            lambda: folder.write(root, PurePosixPath("folder/new"), b"x"),
            lambda: folder.write(root, PurePosixPath("file"), b"x", replace=True),
            lambda: folder.files(root, "folder"),
        ):
            with pytest.raises(OSError, match=r"folder|file"):
                attempt()

        assert (outside / "secret").read_text() == "s"
        assert [path.name for path in outside.iterdir()] == ["secret"]
