"""Who runs a command, as the audit log names them."""

from __future__ import annotations

import getpass
import os


def operator() -> str:
    """The name of the user who runs the command, on this machine."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"user {os.getuid()}"
    return f"{name}, by command"
