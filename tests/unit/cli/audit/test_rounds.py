"""`audit verify --follow` and `--anchors`, and `audit anchor`: what they say of a real file, from round to round."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from bot.approvals.model.audit import GENESIS, Head
from bot.approvals.model.errors import SettingsError, Unreachable
from bot.approvals.services.audit.proof import Intact, verify
from bot.cli.audit.anchor import Anchor, append, line
from bot.cli.audit.rounds import Source, UntilAsked
from bot.cli.audit.verify import Anchors, Follow, verified
from bot.settings import Store
from bot.storage.sqlite.store import SqliteStorage
from tests.support.builders import NOON, a_task, an_event

T = TypeVar("T")
MINUTE = timedelta(minutes=1)


@dataclass
class Log:
    """A log in a file, and somebody who writes and alters it."""

    file: Path
    storage: SqliteStorage
    now: datetime = NOON
    down: bool = False
    said: list[str] = field(default_factory=list)

    async def opened(self) -> SqliteStorage:
        if self.down:
            raise Unreachable("storage: disk I/O error")
        return self.storage

    async def add(self, count: int = 1) -> None:
        for _ in range(count):
            await self.storage.record(an_event("seen", a_task()))

    async def head(self) -> Head:
        return await self.storage.head()

    async def alter(self, sql: str) -> None:
        with closing(sqlite3.connect(self.file)) as file, file:
            file.execute("DROP TRIGGER IF EXISTS events_stay_as_they_are")
            file.execute(sql)

    def write(self, words: str) -> None:
        self.said.append(words.removesuffix("\n"))


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    storage = await SqliteStorage.open(tmp_path / "countersign.sqlite")
    log = Log(tmp_path / "countersign.sqlite", storage)
    await log.add(3)
    yield log
    await storage.close()


@dataclass
class Script:
    """Rounds between which these things happen; the last one is the last round."""

    log: Log
    happens: list[Callable[[], Awaitable[object]]]
    waits: list[timedelta] = field(default_factory=list)

    async def pause(self, span: timedelta) -> bool:
        self.waits.append(span)
        self.log.now += span
        if not self.happens:
            return False
        await self.happens.pop(0)()
        return True

    async def unless_ended(self, work: Awaitable[T]) -> T | None:
        return await work


def follow(
    log: Log, *happens: Callable[[], Awaitable[object]], reread: timedelta = 60 * MINUTE, **more: object
) -> Follow:
    return Follow(
        opened=log.opened,
        clock=lambda: log.now,
        write=log.write,
        rounds=Script(log, list(happens)),
        every=MINUTE,
        reread=reread,
        **more,  # type: ignore[arg-type]
    )


async def nothing() -> None:
    pass


# --- Following ----------------------------------------------------------------------------------


async def test_new_entries_are_said_with_the_head_and_silence_means_nothing_new(log: Log) -> None:
    code = await follow(log, nothing, lambda: log.add(2)).run()

    head = await log.head()
    assert code == 0
    assert [words.partition(": ")[0] for words in log.said] == [
        "2030-01-02 12:00:00 UTC",
        "2030-01-02 12:02:00 UTC",
        "2030-01-02 12:03:00 UTC",
    ]
    assert [words.partition(": ")[2].partition(" head ")[0] for words in log.said] == [
        "The audit log is intact: 3 entries.",
        "2 new entries are intact.",
        "Stopped. The log is verified up to",
    ]
    assert log.said[1].endswith(f"head {head}")


async def test_the_first_break_ends_it_and_the_entry_is_named(log: Log) -> None:
    async def forged() -> None:
        await log.add()
        await log.alter("UPDATE events SET body = replace(body, 'seen', 'sown') WHERE seq = 4")

    code = await follow(log, forged, nothing).run()

    assert code == 1
    assert log.said[-1].endswith("The audit log is broken at entry 4. Its text, or the hash of it, was altered.")
    assert len(log.said) == 2


async def test_an_old_text_that_is_altered_is_found_when_all_is_read_again(log: Log) -> None:
    async def forged() -> None:
        await log.alter("UPDATE events SET body = replace(body, 'seen', 'sown') WHERE seq = 2")

    script = [forged, *[nothing] * 3]
    code = await follow(log, *script, reread=3 * MINUTE).run()

    assert code == 1
    assert log.now == NOON + 3 * MINUTE
    assert "broken at entry 2" in log.said[-1]


async def test_a_head_that_was_noted_is_asked_for_in_the_first_round(log: Log) -> None:
    code = await follow(log, noted=Head(number=2, link=GENESIS)).run()

    assert code == 1
    assert "broken at entry 2. It is not the entry that was noted" in log.said[0]


async def test_an_outage_is_said_once_and_survived(log: Log) -> None:
    async def down() -> None:
        log.down = True

    async def up() -> None:
        log.down = False
        await log.add()

    code = await follow(log, down, nothing, up, noted=Head()).run()

    assert code == 0
    assert [words.partition(": ")[2].partition(" head ")[0] for words in log.said[1:-1]] == [
        "This does not work now: storage: disk I/O error. It is tried again every 10s.",
        "It works again.",
        "1 new entry is intact.",
    ]


async def test_an_outage_in_the_first_round_forgets_no_noted_head(log: Log) -> None:
    log.down = True

    async def up() -> None:
        log.down = False

    code = await follow(log, up, noted=Head(number=2, link=GENESIS)).run()

    assert code == 1
    assert "It is not the entry that was noted" in log.said[-1]


async def test_a_file_that_takes_the_place_of_the_first_is_the_one_that_is_verified(tmp_path: Path, log: Log) -> None:
    """As after a restore: an old connection would go on to read the file that is no longer there."""
    source = Source(Store.model_construct(redis_url=None, state_dir=tmp_path))

    async def replaced() -> None:
        log.file.rename(tmp_path / "old.sqlite")
        for end in ("-wal", "-shm"):
            (tmp_path / f"countersign.sqlite{end}").unlink(missing_ok=True)
        other = await SqliteStorage.open(log.file)
        await other.record(an_event("other", a_task()))
        await other.close()

    following = follow(log, replaced)
    following.opened = source.storage
    code = await following.run()
    await source.close()

    assert code == 1
    assert log.said[-1].endswith("broken at entry 3. It was the last entry before, and is gone.")


async def test_what_is_written_over_the_file_is_found_when_all_is_read_again(tmp_path: Path, log: Log) -> None:
    """Not through SQLite, which would tell: an open connection remembers the pages that it has read."""
    source = Source(Store.model_construct(redis_url=None, state_dir=tmp_path))
    await log.alter("PRAGMA wal_checkpoint(TRUNCATE)")  # what was written stands in the file itself then

    async def written_over() -> None:
        stored = log.file.read_bytes()
        with log.file.open("r+b") as file:
            file.write(stored.replace(b'"kind":"seen"', b'"kind":"done"'))

    following = follow(log, written_over, reread=MINUTE)
    following.opened, following.close = source.storage, source.close
    code = await following.run()
    await source.close()

    assert code == 1
    assert log.said[-1].endswith("broken at entry 1. Its text, or the hash of it, was altered.")


async def test_the_rounds_end_when_a_signal_comes_even_in_the_middle_of_one() -> None:
    rounds = UntilAsked()

    async def never() -> bool:
        return await asyncio.Event().wait()

    asyncio.get_running_loop().call_soon(rounds.asked.set)

    assert await rounds.unless_ended(never()) is None
    assert not await rounds.pause(60 * MINUTE)


# --- Anchors ------------------------------------------------------------------------------------


def anchor(log: Log, *happens: Callable[[], Awaitable[object]]) -> tuple[Anchor, Script]:
    script = Script(log, list(happens))
    return Anchor(opened=log.opened, clock=lambda: log.now, note=log.write, rounds=script), script


async def test_the_head_is_noted_on_its_schedule_with_the_time(log: Log) -> None:
    noting, script = anchor(log, log.add, nothing)

    code = await noting.run(60 * MINUTE)

    assert code == 0
    assert script.waits == [60 * MINUTE] * 3
    assert [words.split(":")[0] for words in log.said] == ["2030-01-02T12", "2030-01-02T13", "2030-01-02T14"]
    assert [words.split()[1].split(":")[0] for words in log.said] == ["3", "4", "4"]
    assert log.said[-1] == f"2030-01-02T14:00:00Z {await log.head()}"


async def test_what_an_outage_missed_is_noted_afterwards_and_the_schedule_stays(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    async def down() -> None:
        log.down = True

    async def up() -> None:
        log.down = False

    noting, _ = anchor(log, down, up, nothing)

    await noting.run(60 * MINUTE)

    assert [words.split()[0] for words in log.said] == [
        "2030-01-02T12:00:00Z",
        "2030-01-02T13:00:10Z",
        "2030-01-02T14:00:00Z",
    ]
    assert capsys.readouterr().err.count("\n") == 2


async def test_a_log_without_its_newest_entry_is_not_noted(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    await log.alter("DROP TRIGGER IF EXISTS events_stay")
    with closing(sqlite3.connect(log.file)) as file, file:
        for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            file.execute(f"DROP TRIGGER {name}")
        file.execute("DELETE FROM events WHERE seq = 3")
    noting, _ = anchor(log)

    code = await noting.once()

    assert code == 1
    assert log.said == []
    assert "The log was cut" in capsys.readouterr().err


def test_lines_are_added_to_a_file_each_on_its_own(tmp_path: Path) -> None:
    """Also after a line that a full disk has cut."""
    file = tmp_path / "anchors"
    file.write_text("2030-01-02T11:00:00Z 2:ab")

    for _ in range(2):
        append(file, line(NOON, Head(number=3)))

    assert file.read_text().splitlines() == ["2030-01-02T11:00:00Z 2:ab", *[f"2030-01-02T12:00:00Z 3:{GENESIS}"] * 2]
    with pytest.raises(SettingsError, match="cannot be written"):
        append(tmp_path, "x")


async def noted(log: Log, file: Path, count: int) -> None:
    """A file with a head after each of so many entries, as another program keeps it."""
    for _ in range(count):
        await log.add()
        append(file, f"Jan  2 12:00:00 host root: {line(NOON, await log.head())}")


async def test_a_log_that_fits_its_anchors_is_said_to(log: Log, tmp_path: Path) -> None:
    await noted(log, tmp_path / "anchors", 3)
    append(tmp_path / "anchors", "Jan  2 12:00:00 host root: 7:3f0a\n")

    well, said = await verified(log.storage, None, tmp_path / "anchors")

    assert well
    assert said.endswith(f"\nThe log fits 3 anchors of {tmp_path}/anchors. 1 line says no head.")


async def test_anchors_that_do_not_fit_are_named_with_their_lines(log: Log, tmp_path: Path) -> None:
    """The log was written anew from some entry on, with links that fit."""
    await noted(log, tmp_path / "anchors", 2)
    forged = await SqliteStorage.open(tmp_path / "forged.sqlite")
    for kind in ("seen", "seen", "seen", "seen", "other"):
        await forged.record(an_event(kind, a_task()))
    append(tmp_path / "anchors", f"6:{'ab' * 32}\n")

    well, said = await verified(forged, None, tmp_path / "anchors")

    await forged.close()
    assert not well
    assert said.split("\n")[2:] == [
        f"2 of 3 anchors of {tmp_path}/anchors do not fit the log:",
        "  entry 5, noted in line 2, is another one now",
        "  entry 6, noted in line 3, is not in the log any more",
        "The last anchor that fits is that of entry 4.",
    ]


async def test_following_looks_at_the_anchors_whenever_it_reads_everything(log: Log, tmp_path: Path) -> None:
    file = tmp_path / "anchors"
    await noted(log, file, 1)

    async def another() -> None:
        append(file, f"9:{'ab' * 32}\n")

    code = await follow(log, another, nothing, nothing, reread=2 * MINUTE, anchors=file).run()

    assert code == 1
    assert log.now == NOON + 2 * MINUTE
    assert "1 of 2 anchors" in log.said[-1]


async def test_of_many_anchors_that_do_not_fit_some_are_named(log: Log, tmp_path: Path) -> None:
    for number in range(100, 130):
        append(tmp_path / "anchors", f"{number}:{'ab' * 32}\n")

    _, said = await verified(log.storage, None, tmp_path / "anchors")

    assert said.count("is not in the log any more") == 20
    assert said.endswith("  and 10 more\nNone fits.")


def test_a_file_that_holds_no_head_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\nnothing\n")

    with pytest.raises(SettingsError, match="no line of it says a head"):
        Anchors.read(tmp_path / "empty")
    with pytest.raises(SettingsError, match="cannot be read"):
        Anchors.read(tmp_path / "none")


async def test_a_log_of_one_entry_is_said_as_such(tmp_path: Path) -> None:
    storage = await SqliteStorage.open(tmp_path / "one.sqlite")
    await storage.record(an_event("seen", a_task()))

    well, said = await verified(storage, None, None)

    proof = await verify(storage)
    await storage.close()
    assert well
    assert isinstance(proof, Intact)
    assert said == f"The audit log is intact: 1 entry.\nhead {proof.head}"
