"""Lists, reads and writes files below one root, and never outside it, whatever a path or a link says.

Folders are opened one by one, starting from the root's descriptor, and never through a link.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from uuid import uuid4

MAX_NAME_BYTES = 120  # file systems allow 255, but people have to read the name

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class PathError(ValueError):
    """The path is not allowed. The message says why."""


def slug(text: str) -> str:
    """The text as a file name: at most 60 characters from a-z, 0-9 and hyphen. '' if nothing is left."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].rstrip("-")


def inside(path: str) -> PurePosixPath:
    """The path relative to a root. Raises `PathError` if it leads out of the root or has a hidden name."""
    text = path.strip()
    parts = PurePosixPath(text).parts
    if not parts:
        raise PathError("The path is empty.")
    if text.startswith("/") or ".." in parts or "\\" in text:
        raise PathError(f"The path {path!r} leads out of the folder: write one such as notes/today.md.")
    if any(part.startswith(".") for part in parts) or not text.isprintable():
        raise PathError(f"The path {path!r} has a hidden or unprintable name.")
    if any(len(part.encode(errors="replace")) > MAX_NAME_BYTES for part in parts) or len(parts) > 10:
        raise PathError(f"The path {path[:40]!r}… is too long.")
    return PurePosixPath(*parts)


def files(root: Path, folder: str = "") -> list[tuple[str, int]]:
    """The regular files below a folder with their sizes in bytes, by name, without hidden files and links."""
    start = inside(folder) if folder.strip() not in ("", ".") else PurePosixPath()
    found: list[tuple[str, int]] = []
    with _opened(root, start.parts) as top:
        for where, folders, names, descriptor in os.fwalk(".", dir_fd=top):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in names:
                with suppress(FileNotFoundError):  # deleted since the folder was read
                    seen = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                    if stat.S_ISREG(seen.st_mode) and not name.startswith("."):
                        found.append((str(start / where / name), seen.st_size))
    return sorted(found)


def read(root: Path, path: PurePosixPath) -> bytes | None:
    """The content of a file, or None if it does not exist. Raises `OSError` if it is a link, or behind one."""
    with suppress(FileNotFoundError), _opened(root, path.parent.parts) as folder:
        # without O_NONBLOCK this would wait for a writer if the name is a pipe
        descriptor = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
        with os.fdopen(descriptor, "rb") as file:
            return file.read()
    return None


def write(root: Path, path: PurePosixPath, content: bytes, *, replace: bool = False) -> bool:
    """Writes a file in one step, so that nobody sees half of it. Returns False if it exists with other content.

    With `replace` it overwrites that content instead. A file that has this content already counts as written, so it is
    safe to call again.
    """
    root.mkdir(parents=True, exist_ok=True)
    if read(root, path) == content:
        return True
    with _opened(root, path.parent.parts, make=True) as folder:
        partial = f".{uuid4().hex}.partial"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                os.rename(partial, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            else:
                os.link(partial, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            return False
        finally:
            with suppress(FileNotFoundError):
                os.unlink(partial, dir_fd=folder)
    return True


@contextmanager
def _opened(root: Path, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=descriptor)
            inner = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)
