"""What the SQLite file may have lost together with the machine's power, and what follows from that.

The claim of a post does not wait for the disk. If the process dies, the claim is still there. If the machine dies, the
claim may be gone although the post came through, and the message would be posted a second time. So the file holds an id
of the machine's start. If that has changed, each message that is not known to stand in Slack is taken for attempted: it
is searched for by its id before it is posted.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Final

from bot.approvals.model.message import Message
from bot.storage.codec import decode, encode
from bot.storage.sqlite import schema

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str | None:
    """An id of this machine's start, which Linux makes anew each time. None if the system has none."""
    try:
        return BOOT_ID.read_text().strip() or None
    except OSError:
        return None


def doubt_posts(connection: sqlite3.Connection, boot: str | None) -> None:
    """Take messages for attempted if the machine was started since the file was last opened, or if nobody can tell. To
    be called in a transaction, when the file is opened."""
    known = connection.execute("SELECT boot FROM machine").fetchone()
    if boot is not None and known == (boot,):
        return
    for id, body in connection.execute(schema.UNPOSTED).fetchall():
        attempted = replace(decode(Message, body), attempted=True)
        connection.execute("UPDATE surfaces SET body = :body WHERE id = :id", {"id": id, "body": encode(attempted)})
    connection.execute("DELETE FROM machine")
    connection.execute("INSERT INTO machine (boot) VALUES (:boot)", {"boot": boot or ""})
