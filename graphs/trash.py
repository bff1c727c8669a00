"""Finds old files below one root, moves them to the root's trash and back, never through a link.

Folders are opened one by one, starting from the root's descriptor. If somebody puts a link in the way, even between
`find` and `move`, the operation fails instead of reaching files outside the root.
"""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from typing_extensions import TypedDict

TRASH = ".trash"

_CHANGED = "it was changed in the trash"
_TAKEN = "another file is in its place"

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)  # a file of somebody else, or a file system without links


class File(TypedDict):
    """A regular file, as `find` saw it."""

    path: str  # relative to the root, with slashes
    size: int
    modified: str  # ISO 8601, UTC
    identity: str  # size, mtime in ns and inode; as text, because JSON numbers are exact only up to 2 ** 53


class Skipped(TypedDict):
    """A file that stays where it is, and why."""

    path: str
    reason: str


@contextmanager
def open_root(root: Path) -> Iterator[int]:
    """Opens the root. The other functions here take the descriptor that this returns."""
    descriptor = os.open(root, _FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def find(
    root: int, folder: str, modified_before: datetime, keeps: Callable[[str], bool]
) -> tuple[list[File], list[Skipped]]:
    """The regular files below a folder that were last changed before a time, oldest first, and what could not be read.

    Links are neither followed nor listed. The trash is left out.
    """
    limit = int(modified_before.timestamp() * 1_000_000_000)
    found: list[tuple[int, File]] = []
    skipped: list[Skipped] = []

    def unreadable(error: OSError) -> None:
        name = PurePosixPath(folder, os.fsdecode(error.filename or "."))
        skipped.append(Skipped(path=_printable(str(name)), reason=_words(error)))

    with _open_folder(root, PurePosixPath(folder).parts) as top:
        for where, folders, names, descriptor in os.fwalk(".", dir_fd=top, onerror=unreadable):
            place = PurePosixPath(folder, where)
            if place == PurePosixPath("."):
                folders[:] = [name for name in folders if name != TRASH]
            for name in names:
                path = str(place / name)
                try:
                    seen = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                except OSError as error:
                    skipped.append(Skipped(path=_printable(path), reason=_words(error)))
                    continue
                if not stat.S_ISREG(seen.st_mode) or seen.st_mtime_ns >= limit or keeps(path):
                    continue
                if path != _printable(path):
                    skipped.append(Skipped(path=_printable(path), reason="its name is not UTF-8"))
                    continue
                found.append((seen.st_mtime_ns, _file(path, seen)))

    found.sort(key=lambda entry: (entry[0], entry[1]["path"]))
    return [file for _, file in found], skipped


def move(root: int, file: File, batch: str) -> Skipped | None:
    """Moves one file to `.trash/<batch>/<path>`. Returns None if it moved, else the reason why it stays.

    Moves only the file that `find` saw, and overwrites nothing. Safe to call again: a file that is already in the
    trash counts as moved.
    """
    *folders, name = PurePosixPath(file["path"]).parts
    target_folders = [TRASH, batch, *folders]
    try:
        there = _stat(root, folders, name)
        in_trash = _stat(root, target_folders, name)
        if in_trash is not None:
            reason = _reason_beside(file, there, in_trash)
        elif there is None:
            reason = "it is gone"
        elif _identity(there) != file["identity"]:
            reason = "it changed since it was listed"
        else:
            with (
                _open_folder(root, folders) as source,
                _open_folder(root, target_folders, make=0o700) as target,
            ):
                reason = _rename(source, target, name, file["identity"])
    except OSError as error:
        reason = _words(error)
    return None if reason is None else _stays(file, reason)


def look(root: int, file: File, batch: str) -> File | str:
    """The file as it is now, or the reason why it cannot be moved any more.

    A file that is already in this batch of the trash is as it was.
    """
    *folders, name = PurePosixPath(file["path"]).parts
    try:
        there = _stat(root, folders, name)
        if there is None:
            in_trash = _stat(root, [TRASH, batch, *folders], name)
            return file if in_trash is not None and _is_content(in_trash, file) else "it is gone"
    except OSError as error:
        return _words(error)
    return _file(file["path"], there) if stat.S_ISREG(there.st_mode) else "it is no longer a file"


def put_back(root: int, file: File, batch: str) -> Skipped | None:
    """Moves one file from the trash to where `move` took it. Returns None if it is there, else why it is not.

    Moves only the file that `move` left in the trash, and overwrites nothing. Makes its folder again if that is gone.
    Safe to call again: a file that is back already counts.
    """
    *folders, name = PurePosixPath(file["path"]).parts
    trash_folders = [TRASH, batch, *folders]
    try:
        in_trash = _stat(root, trash_folders, name)
        there = _stat(root, folders, name)
        if in_trash is None:
            reason = None if there is not None and _is_content(there, file) else "it is no longer in the trash"
        elif not _is_content(in_trash, file):
            reason = _CHANGED
        elif there is not None and not _is_content(there, file):
            reason = _TAKEN
        else:
            with (
                _open_folder(root, trash_folders) as source,
                _open_folder(root, folders, make=0o777) as target,
            ):
                reason = _return(source, target, name, file) if there is None else None
                _drop(source, target, name)
    except FileExistsError:
        reason = _TAKEN
    except OSError as error:
        reason = _words(error)
    return None if reason is None else _stays(file, reason)


def _reason_beside(file: File, there: os.stat_result | None, in_trash: os.stat_result) -> str | None:
    """Why a file stays if the trash has one of its name. None if the one in the trash is this file."""
    if not _is_content(in_trash, file):
        return "another file of that name is in the trash"
    if there is not None and _identity(there) == file["identity"]:
        return "a copy is already in the trash"
    return None


def _rename(source: int, target: int, name: str, identity: str) -> str | None:
    """Moves a file between two open folders. If somebody replaced it at the last moment, moves it back."""
    try:
        os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return _copy(source, target, name, identity)
    moved = os.stat(name, dir_fd=target, follow_symlinks=False)
    if _identity(moved) == identity:
        return None
    try:
        os.link(name, name, src_dir_fd=target, dst_dir_fd=source, follow_symlinks=False)
    except OSError:
        return "it was replaced while it was moved, and the replacement is in the trash"
    os.unlink(name, dir_fd=target)
    return "it was replaced while it was moved"


def _copy(source: int, target: int, name: str, identity: str) -> str | None:
    """Moves a file to another file system: copies it, renames the complete copy, then deletes the original."""
    partial = _partial(source, target, name, identity)
    if partial is None:
        return "it changed while it was copied"
    os.rename(partial, name, src_dir_fd=target, dst_dir_fd=target)
    os.unlink(name, dir_fd=source)
    return None


def _partial(source: int, target: int, name: str, identity: str) -> str | None:
    """Copies a file under another name, with its mode and time, and returns that name. None if the file changed."""
    partial = f".partial-{identity}"
    with suppress(FileNotFoundError):
        os.unlink(partial, dir_fd=target)
    source_file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=source)
    with os.fdopen(source_file, "rb") as original:
        target_file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=target)
        with os.fdopen(target_file, "wb") as copy:
            seen = os.fstat(original.fileno())
            shutil.copyfileobj(original, copy)
            copy.flush()
            os.fchmod(copy.fileno(), stat.S_IMODE(seen.st_mode))
            os.utime(copy.fileno(), ns=(seen.st_atime_ns, seen.st_mtime_ns))
            os.fsync(copy.fileno())
        unchanged = _identity(os.fstat(original.fileno())) == identity
    if unchanged and _identity(os.stat(name, dir_fd=source, follow_symlinks=False)) == identity:
        return partial
    os.unlink(partial, dir_fd=target)
    return None


def _return(source: int, target: int, name: str, file: File) -> str | None:
    """Moves a file between two open folders. Raises FileExistsError if its name is taken there.

    It gets its second name by a link, because a rename would overwrite what somebody puts there at the last moment.
    """
    try:
        _name(source, name, target, name)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return _copy_back(source, target, name, file)
    if not _is_content(os.stat(name, dir_fd=target, follow_symlinks=False), file):
        with suppress(FileExistsError):
            _name(target, name, source, name)
        _drop(target, source, name)
        return _CHANGED
    return None


def _copy_back(source: int, target: int, name: str, file: File) -> str | None:
    """As `_return`, to another file system: copies it, names the complete copy, then deletes the one in the trash."""
    seen = os.stat(name, dir_fd=source, follow_symlinks=False)
    partial = _partial(source, target, name, _identity(seen)) if _is_content(seen, file) else None
    if partial is None:
        return _CHANGED
    try:
        _name(target, partial, target, name)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(partial, dir_fd=target)
    os.unlink(name, dir_fd=source)
    return None


def _name(source: int, name: str, target: int, new: str) -> None:
    """Gives a file a second name, or if it may not have two, a new one. Raises FileExistsError if that is taken."""
    try:
        os.link(name, new, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    claim = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0, dir_fd=target)  # nobody can open it
    try:
        os.rename(name, new, src_dir_fd=source, dst_dir_fd=target)
    except OSError:
        os.unlink(new, dir_fd=target)
        raise
    finally:
        os.close(claim)


def _drop(folder: int, other: int, name: str) -> None:
    """Removes a file from one folder if the other has the very same file, under the same name."""
    with suppress(FileNotFoundError):
        here, there = (os.stat(name, dir_fd=each, follow_symlinks=False) for each in (folder, other))
        if os.path.samestat(here, there):
            os.unlink(name, dir_fd=folder)


@contextmanager
def _open_folder(root: int, parts: Sequence[str], *, make: int | None = None) -> Iterator[int]:
    """Opens a folder below the root, name by name. Makes those that are missing if `make` says with which mode."""
    descriptor = os.dup(root)
    try:
        for part in parts:
            if make is not None:
                with suppress(FileExistsError):
                    os.mkdir(part, make, dir_fd=descriptor)
            inner = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _stat(root: int, folders: Sequence[str], name: str) -> os.stat_result | None:
    try:
        with _open_folder(root, folders) as folder:
            return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _file(path: str, seen: os.stat_result) -> File:
    return File(
        path=path,
        size=seen.st_size,
        modified=datetime.fromtimestamp(seen.st_mtime, UTC).isoformat(timespec="seconds"),
        identity=_identity(seen),
    )


def _identity(seen: os.stat_result) -> str:
    return f"{seen.st_size}-{seen.st_mtime_ns}-{seen.st_ino}"


def _is_content(seen: os.stat_result, file: File) -> bool:
    """Whether this is a regular file of the same size and time. Its inode is another after a copy."""
    same = _identity(seen).rpartition("-")[0] == file["identity"].rpartition("-")[0]
    return same and stat.S_ISREG(seen.st_mode)


def _stays(file: File, reason: str) -> Skipped:
    return Skipped(path=file["path"], reason=reason)


def _printable(path: str) -> str:
    """The name with ? in place of each byte that is not valid text and could not be stored."""
    return path.encode(errors="replace").decode()


def _words(error: OSError) -> str:
    if error.errno in (errno.ENOTDIR, errno.ELOOP):
        return "a folder in its path is no longer a folder"
    return (error.strerror or str(error)).lower()
