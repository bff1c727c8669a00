"""`python -m bot audit`: what it says and writes of a log, with which exit code, and without Slack's tokens."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import re
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.approvals.model.audit import GENESIS, PURGED, Entry, digest_of, link_of
from bot.approvals.model.ids import JSON
from bot.approvals.model.task import Ended
from bot.approvals.ports.storage import Storage
from bot.approvals.rules.masking import Masker
from bot.approvals.services.audit.proof import MAX_PAGE_ENTRIES, entries, verify
from bot.cli.audit import rows
from bot.storage.redis.store import RedisStorage, client
from bot.storage.sqlite.store import SqliteStorage
from tests.support.builders import NOON, a_person, a_policy, a_question, a_request, a_task, an_event, an_item
from tests.support.fakes.secrets import Marked
from tests.support.redis_server import RedisServer

DAY = timedelta(days=1)
BARE = Masker(Marked())
TOKEN = "ghp" + "_" + "Zk4" * 12
"""Made up."""


class Log:
    """A store as the bot has it, and the command's words about it."""

    def __init__(self, env_file: Path, opened: Callable[[], Awaitable[Any]]) -> None:
        self._env_file = env_file
        self._opened = opened

    def filled(self, fill: Callable[[Storage], Awaitable[None]]) -> None:
        """With what the bot wrote."""

        async def there() -> None:
            storage = await self._opened()
            await fill(storage)
            await storage.close()

        asyncio.run(there())

    def run(self, *words: str) -> int:
        return main(["audit", *words, "--env-file", str(self._env_file)])


@pytest.fixture(params=["sqlite", "redis"])
def log(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Log:
    for name in ("REDIS_URL", "STATE_DIR", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    env_file = tmp_path / ".env"
    if request.param == "sqlite":
        env_file.write_text(f"STATE_DIR={tmp_path}\n")
        return Log(env_file, lambda: SqliteStorage.open(tmp_path / "countersign.sqlite"))
    server: RedisServer = request.getfixturevalue("redis_server")
    server.start()
    env_file.write_text(f"REDIS_URL={server.url}\n")

    async def opened() -> RedisStorage:
        return RedisStorage(client(server.url))

    return Log(env_file, opened)


async def three_days(storage: Storage) -> None:
    """Of one task an event a day, of another one whose records are past their retention."""
    task, ended = a_task(), a_task("ended", state=Ended(outcome="done", at=NOON))
    request = a_request(task=task)
    await storage.create_task(ended, an_event("started", ended, data={"secret": "swordfish"}))
    await storage.create_task(task, an_event("started", task, person=a_person()))
    await storage.open_request(request, an_event("opened", request, at=NOON + DAY, digest=request.digest, rule="=1+1"))
    data: JSON = {"why": "ü, “nö”"}
    refused = an_event("refused", request, at=NOON + 2 * DAY, person=a_person("U9"), surface="+x", data=data)
    await storage.record(replace(refused, through="portal"))
    await storage.purge(ended.id, an_event(PURGED, ended, at=NOON + 2 * DAY))


def table(written: str) -> list[dict[str, str]]:
    """The rows of a table, read as the guide says: as UTF-8 with a mark, and without an apostrophe that begins a
    cell."""
    text = written.encode().decode("utf-8-sig")
    return [{name: cell.removeprefix("'") for name, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]


def test_an_intact_log_is_said_to_be_with_its_head(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    log.filled(three_days)

    code = log.run("verify")

    said = capsys.readouterr().out
    assert code == 0
    assert said.startswith("The audit log is intact: 5 entries, 1 of them without their text")
    assert "\nhead 5:" in said


def test_a_head_that_was_kept_is_asked_for(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    log.filled(three_days)
    log.run("verify")
    head = capsys.readouterr().out.rpartition("head ")[2].strip()
    log.filled(lambda storage: storage.record(an_event("later", a_task())))

    kept = log.run("verify", "--head", head)
    forged = log.run("verify", "--head", f"5:{GENESIS}")

    assert (kept, forged) == (0, 1)
    assert "broken at entry 5. It is not the entry that was noted" in capsys.readouterr().out


@pytest.mark.parametrize("log", ["sqlite"], indirect=True)
def test_a_log_that_was_tampered_with_is_broken_and_the_entry_named(
    tmp_path: Path, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    log.filled(three_days)
    with closing(sqlite3.connect(tmp_path / "countersign.sqlite")) as file, file:
        file.execute("DROP TRIGGER events_stay_as_they_are")
        file.execute("UPDATE events SET body = replace(body, 'U9', 'U8') WHERE seq = 4")

    code = log.run("verify")

    assert code == 1
    assert capsys.readouterr().out == (
        "The audit log is broken at entry 4. Its text, or the hash of it, was altered.\n"
    )


def test_json_lines_hold_each_event_to_the_letter_with_what_proves_it(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    log.filled(three_days)

    code = log.run("export")

    lines = capsys.readouterr().out.splitlines()
    link = GENESIS
    for number, line in enumerate(lines, start=1):
        read = json.loads(line)
        text = line.partition('"event":')[2][:-1]
        link = link_of(link, read["digest"])
        assert (read["number"], read["link"]) == (number, link)
        assert text == "null" or digest_of(text.encode()) == read["digest"]
    assert code == 0
    assert len(lines) == 5
    assert json.loads(lines[0])["event"] is None
    assert json.loads(lines[3])["event"]["through"] == "portal"
    assert "swordfish" not in "".join(lines)


def test_a_table_has_a_row_for_each_entry_and_no_cell_is_a_formula(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    log.filled(three_days)

    code = log.run("export", "--format", "csv")

    written = capsys.readouterr().out
    rows = table(written)
    assert code == 0
    assert [row["kind"] for row in rows] == ["", "started", "opened", "refused", PURGED]
    assert [row["task"] for row in rows] == ["ended", "task-1", "task-1", "task-1", "ended"]
    assert (rows[2]["rule"], rows[3]["surface"]) == ("=1+1", "+x")
    assert (rows[3]["team"], rows[3]["user"], json.loads(rows[3]["data"])) == ("T1", "U9", {"why": "ü, “nö”"})
    assert [row["through"] for row in rows] == ["", "", "", "portal", ""]
    raw = csv.reader(io.StringIO(written))
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in raw for cell in row)


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (("--since", "2030-01-03"), [3, 4, 5]),
        (("--since", "2030-01-03T14:00+02:00"), [3, 4, 5]),
        (("--since", "2030-01-03T12:00:01"), [4, 5]),
        (("--until", "2030-01-03T12:00"), [2]),
        (("--since", "2030-01-03", "--until", "2030-01-04"), [3]),
        (("--since", "1d"), [2, 3, 4, 5]),
        (("--task", "task-1"), [2, 3, 4]),
        (("--task", "ended"), [1, 5]),
        (("--task", "task-1", "--until", "2030-01-03"), [2]),
        (("--task", "nobody"), []),
    ],
)
def test_only_what_is_asked_for_is_written(
    log: Log, words: tuple[str, ...], numbers: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.filled(three_days)

    code = log.run("export", *words, "--output", str(tmp_path / "out.jsonl"))

    assert code == 0
    assert capsys.readouterr().out == ""
    written = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["number"] for line in written] == numbers


def test_a_store_without_records_and_a_file_that_cannot_be_written_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "none"))
    nothing = main(["audit", "verify", "--env-file", str(tmp_path / ".env")])
    said = capsys.readouterr().err

    log = Log(tmp_path / ".env", lambda: SqliteStorage.open(tmp_path / "none" / "countersign.sqlite"))
    log.filled(three_days)
    unwritable = log.run("export", "--output", str(tmp_path / "no" / "where"))

    assert nothing == unwritable == 2
    assert "there are no records in it, and REDIS_URL is not set" in said
    assert "cannot be written" in capsys.readouterr().err
    assert not (tmp_path / "none").joinpath("checkpoints.sqlite").exists()


@pytest.mark.parametrize("words", [("verify", "--head", "latest"), ("export", "--since", "yesterday")])
def test_words_that_mean_nothing_are_refused_with_right_ones(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["audit", *words])

    assert "as in 17:3f0a" in (said := capsys.readouterr().err) or "such as 30d" in said


def test_an_entry_that_is_no_event_is_named_and_ends_the_export() -> None:
    entry = Entry(number=7, task_id="t", body=b'{"kind":', digest="", link="")

    for broken in (entry, replace(entry, body=None), replace(entry, body=b"[]"), replace(entry, body=b"\xff")):
        with pytest.raises(rows.Unreadable, match="Entry 7 cannot be read"):
            rows.jsonl(broken, BARE)
        with pytest.raises(rows.Unreadable):
            rows.csv_line(broken, BARE)


def test_numbers_that_json_does_not_have_are_words_in_the_lines() -> None:
    body = b'{"kind":"voted","at":"2030-01-02T12:00:00+00:00","task_id":"t","data":{"a":NaN,"b":-Infinity}}'

    line = rows.jsonl(Entry(number=1, task_id="t", body=body, digest="", link=""), BARE)

    assert json.loads(line)["event"]["data"] == {"a": "NaN", "b": "-Infinity"}


async def test_no_more_than_a_page_is_held_however_long_the_log_is(tmp_path: Path) -> None:
    storage = await SqliteStorage.open(tmp_path / "records.db")
    for _ in range(2 * MAX_PAGE_ENTRIES + 1):
        await storage.record(an_event("seen", a_task()))
    asked: list[int] = []

    class Counted:
        """The store, which notes how many entries are asked for at once."""

        def __getattr__(self, name: str) -> object:
            return getattr(storage, name)

        async def trail(self, after: int, limit: int) -> tuple[Entry, ...]:
            asked.append(limit)
            return await storage.trail(after, limit)

    counted: Any = Counted()
    held = [entry.number async for entry in _one_by_one(counted)]
    await verify(counted)
    await storage.close()

    assert held == list(range(1, 2 * MAX_PAGE_ENTRIES + 2))
    assert asked == [MAX_PAGE_ENTRIES] * 8


async def _one_by_one(storage: Storage) -> AsyncIterator[Entry]:
    async for entry in entries(storage):
        yield entry


async def with_secrets(storage: Storage) -> None:
    """A task started with a password, whose agent asked with a token and an IBAN that its policy masks."""
    task = a_task(inputs={"password": "swordfish", "bucket": "logs"})
    question = a_question(items=(an_item(arguments={"token": TOKEN, "iban": "DE89370400440532013000"}),))
    request = a_request(task=task, question=question, policy=a_policy(mask=("iban",)))
    arguments = dict(question.items[0].arguments)
    await storage.create_task(task, an_event("started", task, data={"inputs": dict(task.inputs)}))
    await storage.open_request(request, an_event("opened", request, data={"arguments": arguments}))
    await storage.record(an_event("voted", request, data={"said": [{"reason": f"swordfish for {TOKEN}"}]}))
    await storage.record(an_event("reminded", request, data={"step": 1}))


def test_the_text_tells_all_entries_in_order_and_ends_with_the_head(
    log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    log.filled(three_days)

    code = log.run("export", "--format", "text")

    said = capsys.readouterr().out
    assert code == 0
    assert re.findall(r"(?m)^.*, entry (\d), task (\S+)$", said) == [("1", "ended"), ("2", "task-1"), ("5", "ended")]
    assert "\n    The text of this entry is past its retention.\n" in said
    assert "\n    UREQ (T1) started .\n" in said
    assert "\n    U9 (T1), on a page with the token portal, was refused (ü, “nö”).\n" in said
    assert re.search(r"The whole log was verified and is intact: 5 entries\.\nhead 5:[0-9a-f]{64}\n$", said)
    assert "swordfish" not in said


def test_the_text_may_be_of_one_task_and_of_some_days(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    log.filled(three_days)

    code = log.run("export", "--format", "text", "--task", "task-1", "--since", "2030-01-03", "--until", "2030-01-04")

    said = capsys.readouterr().out
    assert code == 0
    assert "entry 3, task task-1, request request-1" in said
    assert said.count(", entry ") == 1
    assert (
        "for the task task-1, entries from 2030-01-03 00:00:00 UTC on, entries before 2030-01-04 00:00:00 UTC." in said
    )


@pytest.mark.parametrize("log", ["sqlite"], indirect=True)
def test_the_text_of_a_log_that_was_tampered_with_says_so_and_shows_all_of_it(
    tmp_path: Path, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    log.filled(three_days)
    with closing(sqlite3.connect(tmp_path / "countersign.sqlite")) as file, file:
        file.execute("DROP TRIGGER events_stay_as_they_are")
        file.execute("UPDATE events SET body = '{' WHERE seq = 3")

    code = log.run("export", "--format", "text", "--since", "2030-01-03")

    said = capsys.readouterr().out
    assert code == 1
    assert "entry 3, task task-1\n    This entry cannot be read." in said
    assert "entry 5, task ended" in said
    assert "THE LOG IS BROKEN at entry 3." in said


def test_an_anchor_is_one_line_that_verify_takes(log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.filled(three_days)
    file = tmp_path / "anchors"

    codes = [log.run("anchor"), log.run("anchor", "--output", str(file))]
    codes.append(log.run("verify", "--anchors", str(file)))

    line, *verified = capsys.readouterr().out.splitlines()
    assert codes == [0, 0, 0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ 5:[0-9a-f]{64}", line)
    assert file.read_text().split()[1] == line.split()[1]
    assert verified[-1] == f"The log fits 1 anchor of {file}."


def test_a_noted_number_that_no_store_can_hold_does_not_fit(
    log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.filled(three_days)
    file = tmp_path / "anchors"
    file.write_text(f"{10**30}:{'0' * 64}\n")

    code = log.run("verify", "--anchors", str(file))

    assert code == 1
    assert f"entry {10**30}, noted in line 1, is not in the log any more" in capsys.readouterr().out


def test_a_reader_that_goes_away_ends_an_anchor_with_one(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody notes the heads then."""
    log.filled(three_days)
    read, write = os.pipe()
    os.close(read)

    with os.fdopen(write, "w") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        code = log.run("anchor")

    assert code == 1


@pytest.mark.parametrize("words", [["verify"], ["verify", "--follow"], ["export"], ["anchor"]], ids=" ".join)
@pytest.mark.parametrize("log", ["sqlite"], indirect=True)
def test_a_log_whose_table_is_gone_is_said_in_words(
    log: Log, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever may write the file may drop the table, too."""
    log.filled(three_days)
    with closing(sqlite3.connect(tmp_path / "countersign.sqlite")) as file, file:
        file.execute("DROP TABLE events")

    code = log.run(*words)

    assert code == 1
    assert "The audit log cannot be read: no such table" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--every", "--reread"])
def test_an_option_of_following_is_refused_without_it(
    log: Log, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log.filled(three_days)

    code = log.run("verify", option, "1h")

    assert code == 2
    assert f"{option} is for `verify --follow`" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["jsonl", "csv", "text"])
def test_an_export_masks_secrets_and_says_where(log: Log, capsys: pytest.CaptureFixture[str], form: str) -> None:
    """What looks like a secret, what is called one, what the policy names, and whatever repeats them."""
    log.filled(with_secrets)

    assert log.run("export", "--format", form) == 0

    written = capsys.readouterr().out
    for secret in (TOKEN, "swordfish", "DE89370400440532013000"):
        assert secret not in written
    if form == "jsonl":
        marked = ["masked" in json.loads(line) for line in written.splitlines()]
    elif form == "text":
        assert "\nIn 3 of them values are hidden.\n" in written
        return
    else:
        marked = [row["masked"] == "yes" for row in table(written)]
    assert marked == [True, True, True, False]


def test_the_stored_chain_is_none_the_worse_for_a_masked_export(log: Log, capsys: pytest.CaptureFixture[str]) -> None:
    """Digests and links in the export are those of the true entries."""
    log.filled(with_secrets)
    log.run("export")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert log.run("verify") == 0
    assert "intact: 4 entries" in capsys.readouterr().out
    link = GENESIS
    for line in lines:
        link = link_of(link, line["digest"])
        assert line["link"] == link
