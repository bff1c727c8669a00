"""The bot's own folders and files, which nobody else on the machine may read."""

from __future__ import annotations

import logging
import os
import stat
from contextlib import suppress
from pathlib import Path

from bot.approvals.model.errors import SettingsError

log = logging.getLogger(__name__)

_BESIDE = ("-wal", "-shm", "-journal")
"""Suffixes of the files that SQLite keeps beside a database, in its mode (sqlite.org: WAL, findCreateFileMode)."""


def private_folder(folder: Path) -> None:
    """Makes the folder with mode 0700, or sets that mode. Raises SettingsError if the folder cannot be used.

    A folder that everybody may write to, such as /tmp, is refused, because others use it too.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = folder.stat().st_mode
    except OSError as error:
        raise SettingsError(
            f"STATE_DIR {folder}: cannot be used ({error}). Name a folder that the bot may write to."
        ) from None
    if is_shared(folder):
        raise SettingsError(
            f"STATE_DIR {folder}: everybody may write to this folder, so the records would not be safe in it. Name a "
            "folder of the bot's own."
        )
    _tighten(folder, mode, 0o700)


def is_shared(folder: Path) -> bool:
    """Whether it is a folder such as /tmp, in which everybody may have files."""
    mode = folder.stat().st_mode
    return bool(mode & stat.S_ISVTX and mode & stat.S_IWOTH)


def private_file(path: Path) -> None:
    """Makes an empty file with mode 0600, or sets that mode on the file and on those that SQLite keeps beside it.
    Nobody else can ever read the file, not even while it is made. Raises OSError if it cannot be opened."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for each in (path, *(path.with_name(path.name + end) for end in _BESIDE)):
        with suppress(FileNotFoundError):  # SQLite has none at the moment, or another process has just removed it
            _tighten(each, each.stat().st_mode, 0o600)


def _tighten(path: Path, mode: int, wanted: int) -> None:
    """Takes all rights from others. If the file belongs to somebody else, it stays as it is and the log says so."""
    if stat.S_IMODE(mode) & ~wanted == 0:
        return
    try:
        path.chmod(stat.S_IMODE(mode) & wanted)
    except FileNotFoundError:
        raise
    except OSError as error:
        log.warning("others on this machine may read %s, which cannot be changed: %s", path, error.strerror)
