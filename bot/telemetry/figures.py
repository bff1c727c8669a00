"""The files in which processes keep their figures.

prometheus_client makes them with holes and writes into memory that stands for them. On a full disk, the system kills a
process that writes into a hole (SIGBUS), so here the space is taken before anything is written.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from prometheus_client import mmap_dict, values
from prometheus_client.mmap_dict import MmapedDict

from bot.telemetry.names import FOLDER_VARIABLE

FIRST_BYTES: Final = mmap_dict._INITIAL_MMAP_SIZE
_ENTRY_BYTES: Final = 64
"""What a figure takes besides its key, and a little more."""


class Figures(MmapedDict):
    """Figures of one process by their keys. Raises OSError if there is no space for a new one, or no folder."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode:
            _reserve(filename)
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        needed, capacity = self._used + len(key.encode()) + _ENTRY_BYTES, self._capacity
        while needed > capacity:
            capacity *= 2
        if capacity > self._capacity:
            _allocate(self._f.fileno(), capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]


def share() -> None:
    """Has figures be written where the process finds them that serves those of all. The library decides that when it is
    imported, which may have been before there was a folder."""
    values.MmapedDict = Figures  # type: ignore[attr-defined]
    if FOLDER_VARIABLE in os.environ and not values.ValueClass._multiprocess:
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


def read(file: Path) -> dict[str, float]:
    """The figures in a file. Raises struct.error or RuntimeError if its process could not finish it."""
    found = MmapedDict.read_all_values_from_file(str(file))  # type: ignore[no-untyped-call]
    return {key: value for key, value, _, _ in found}


def replace(file: Path, figures: dict[str, float]) -> None:
    """Makes the file hold these figures, all of them or, if that raises OSError, what it held before."""
    made = file.with_suffix(".new")
    made.unlink(missing_ok=True)
    try:
        writing: Any = Figures(str(made))
        try:
            for key, value in figures.items():
                writing.write_value(key, value, 0.0)
        finally:
            writing.close()
        made.replace(file)
    except OSError:
        made.unlink(missing_ok=True)
        raise


def _reserve(filename: str) -> None:
    file = os.open(filename, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(file).st_size == 0:
            _allocate(file, FIRST_BYTES)
    except OSError:
        with suppress(OSError):
            Path(filename).unlink()  # nobody could read it
        raise
    finally:
        os.close(file)


def _allocate(file: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):  # macOS has none
        os.posix_fallocate(file, 0, size)
