"""The folder in which the processes of one `countersign run` keep their figures.

Each run has a folder of its own, because several may share STATE_DIR, even from different machines. It holds a lock on
it, so that the next run to start can tell which folders are left over.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bot.telemetry.names import FOLDER_VARIABLE

METRICS: Final = "metrics"
"""Holds the folders of all runs, in STATE_DIR."""
_NEW: Final = ".new-"
_LOCK: Final = "lock"
_SECONDS_TO_LOCK: Final = 60.0
"""A folder that was not locked for so long after it was made never will be."""


@contextmanager
def own_folder(state_dir: Path) -> Iterator[Path]:
    """An empty folder for this process and those that it forks while the block runs. Removes what earlier runs left."""
    within = state_dir.absolute() / METRICS
    within.mkdir(mode=0o700, exist_ok=True)
    for each in within.iterdir():
        if _is_left_over(each):
            shutil.rmtree(each, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=_NEW, dir=within))
    with (made / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = made.rename(within / f"{socket.gethostname()}-{os.getpid()}-{made.name.removeprefix(_NEW)}")
        before = os.environ.get(FOLDER_VARIABLE)
        os.environ[FOLDER_VARIABLE] = str(folder)
        try:
            yield folder
        finally:
            if before is None:
                os.environ.pop(FOLDER_VARIABLE, None)
            else:
                os.environ[FOLDER_VARIABLE] = before
            shutil.rmtree(folder, ignore_errors=True)


def _is_left_over(folder: Path) -> bool:
    """Whether the run that this folder is of has ended."""
    try:
        if folder.name.startswith(_NEW):
            return time.time() - folder.stat().st_mtime > _SECONDS_TO_LOCK
        with (folder / _LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except FileNotFoundError:  # another one that starts has just removed it, or somebody has put something else here
        return folder.is_dir()
    except OSError:
        return False
    return True
