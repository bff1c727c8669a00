"""Folders and files of the bot's own: nobody else on the machine may read them."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

from bot.approvals.model.errors import SettingsError

log = logging.getLogger(__name__)

_BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file; it gives them the file's own mode (sqlite.org: WAL, findCreateFileMode)."""


def private_folder(folder: Path) -> None:
    """Make the folder, or tighten it, to 0700; `SettingsError` if it cannot be used.

    A folder that everybody may write to, such as /tmp, is refused: it is not the bot's to close.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = folder.stat().st_mode
    except OSError as error:
        raise SettingsError(
            f"STATE_DIR {folder}: cannot be used ({error}). Name a folder that the bot may write to."
        ) from None
    if mode & stat.S_ISVTX and mode & stat.S_IWOTH:
        raise SettingsError(
            f"STATE_DIR {folder}: everybody may write to this folder, so the records would not be safe in it. Name a "
            "folder of the bot's own."
        )
    _tighten(folder, mode, 0o700)


def private_file(path: Path) -> None:
    """Make the file empty, or tighten it and what SQLite keeps beside it, to 0600. It is never readable for others, not
    even while it is made. `OSError` if it cannot be opened."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for each in (path, *(path.with_name(path.name + end) for end in _BESIDE)):
        if each.exists():
            _tighten(each, each.stat().st_mode, 0o600)


def _tighten(path: Path, mode: int, wanted: int) -> None:
    """Take from others what they may do; a volume that belongs to somebody else is left, and the log says so."""
    if stat.S_IMODE(mode) & ~wanted == 0:
        return
    try:
        path.chmod(stat.S_IMODE(mode) & wanted)
    except OSError as error:
        log.warning("others on this machine may read %s, which cannot be changed: %s", path, error.strerror)
