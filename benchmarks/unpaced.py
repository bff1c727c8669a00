"""The bot as it is, but for Slack's pace: a post a second in a channel, 50 updates a minute. With it every number here
would be Slack's. It is lifted in this process and those that it forks alone; no setting of the bot can do it.

With BENCH_COMMITS, the path of a file, every SQLite transaction that changes something is noted there.
"""

import functools
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any, cast

LIFTED = ("POSTS", "TIER_3", "TIER_4", "the rates of look-ups")
COMMITS = "BENCH_COMMITS"
"""Each line of that file is `durable` or `other`, and the name of the database's file."""
DURABLE = ("FULL", "EXTRA", "2", "3")


def lift() -> None:
    """Let calls to Slack go at once."""
    from bot.slack.api import lookups, messenger
    from bot.slack.api.rate_limit import Rate

    at_once = Rate(calls=10**9, burst=10**9)
    for name in LIFTED[:-1]:
        assert isinstance(getattr(messenger, name), Rate), name
        setattr(messenger, name, at_once)
    lookups.RATES = dict.fromkeys(lookups.RATES, at_once)  # type: ignore[misc]


def note_commits(path: str) -> None:
    """Every connection that is opened from now on, here or in a forked process, notes its commits. A line is written
    with one call to a file that is opened for appending, so that processes do not disturb each other."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    class Statements(sqlite3.Cursor):
        """Python's own; the connection hears of each statement."""

        def execute(self, *statement: Any) -> Any:
            done = super().execute(*statement)
            cast("Noting", self.connection).said(statement[0])
            return done

    class Noting(sqlite3.Connection):
        """Python's own, and `synchronous` as it was last set. SQLite's default is FULL."""

        def __init__(self, database: Any, *args: Any, **kwargs: Any) -> None:
            super().__init__(database, *args, **kwargs)
            self.name, self.durable, self.noted = Path(str(database)).name, True, 0

        def cursor(self, factory: Any = Statements) -> Any:
            return super().cursor(factory)

        def execute(self, *statement: Any) -> Any:
            return self.cursor().execute(*statement)

        def executemany(self, *statement: Any) -> Any:
            return super().cursor().executemany(*statement)  # its end is noted by the commit

        def said(self, sql: str) -> None:
            pragma, _, value = sql.partition("=")
            if pragma.split() == ["PRAGMA", "synchronous"]:
                self.durable = value.strip().upper() in DURABLE
            elif sql.lstrip()[:8].upper() == "ROLLBACK":
                self.noted = self.total_changes
            self._note()

        def commit(self) -> None:
            super().commit()
            self._note()

        def rollback(self) -> None:
            super().rollback()
            self.noted = self.total_changes

        def _note(self) -> None:
            if not self.in_transaction and self.total_changes != self.noted:
                self.noted = self.total_changes
                os.write(file, f"{'durable' if self.durable else 'other'} {self.name}\n".encode())

    sqlite3.connect = functools.partial(sqlite3.connect, factory=Noting)  # type: ignore[assignment]


if __name__ == "__main__":
    if path := os.environ.get(COMMITS):
        note_commits(path)
    lift()
    from bot.__main__ import main

    sys.exit(main(["run", "--env-file", os.devnull]))
