"""The standard output of a command: it takes every text, whoever reads it, and a full disk is said in words."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from pathlib import Path

from bot.approvals.model.errors import SettingsError


def take_everything() -> None:
    """Has the standard output write out what its encoding does not have, as in `\\u2026`. If it was closed, what is
    written to it is dropped."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process lives
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def finish() -> None:
    """Writes what has not been written yet. If that cannot be, it is dropped, or Python complains when it exits."""
    try:
        sys.stdout.flush()
    except OSError:
        drop_the_rest()


def to_stderr(words: str) -> None:
    """Says it to a person if it can be said: what is done does not depend on it."""
    with suppress(OSError):
        sys.stderr.write(words)


def drop_the_rest() -> None:
    """Drops what has not been written yet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def unwritable(where: str, error: OSError) -> SettingsError:
    """What to raise if something could not be written there."""
    return SettingsError(f"{where}: cannot be written ({error.strerror or error}).")
