"""Who runs a command, as the audit log and cards name them."""

from __future__ import annotations

import getpass
import os


def login() -> str:
    """The name of the user who runs the command, on this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def operator() -> str:
    """Who did it, as the audit log says it: `alice, by command`."""
    return f"{login()}, by command"
