"""`python -m bot tokens`: what it prints and stores, beside a store that another process has open."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bot.__main__ import main
from bot.approvals.model.token import TOKENS, Token, digest_of
from bot.approvals.ports.storage import Storage
from bot.storage.redis.store import RedisStorage, client
from bot.storage.sqlite.store import SqliteStorage
from tests.support.redis_server import RedisServer

T = TypeVar("T")


@dataclass
class Desk:
    """A terminal beside the bot's store."""

    env_file: Path
    opened: Callable[[], Awaitable[Any]]
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: str) -> tuple[int, str, str]:
        """The exit code, and what was printed to the output and to the error output."""
        code = main(["tokens", *words, "--env-file", str(self.env_file)])
        printed = self.capsys.readouterr()
        return code, printed.out, printed.err

    def refusal(self, *words: str) -> str:
        """The last line of what is said of words that are not understood."""
        with pytest.raises(SystemExit) as ended:
            self.run(*words)
        assert ended.value.code == 2
        return self.capsys.readouterr().err.splitlines()[-1].partition("error: ")[2]

    def stored(self, work: Callable[[Storage], Awaitable[T]]) -> T:
        """What a bot finds in the store."""

        async def there() -> T:
            storage = await self.opened()
            try:
                return await work(storage)
            finally:
                await storage.close()

        return asyncio.run(there())

    def tokens(self) -> tuple[Token, ...]:
        return self.stored(lambda storage: storage.tokens())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("REDIS_URL", "STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def desk(folder: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """On SQLite, with the file open in another process's stead."""
    file = folder / "countersign.sqlite"
    (folder / ".env").write_text(f"STATE_DIR={folder}\n")
    desk = Desk(folder / ".env", lambda: SqliteStorage.open(file), capsys)
    desk.tokens()
    with closing(sqlite3.connect(file)):
        yield desk


def test_a_token_is_printed_once_and_stored_as_its_hash(desk: Desk, folder: Path) -> None:
    code, out, err = desk.run("add", "billing", "--source", "billing-service")

    (token,) = desk.tokens()
    assert code == 0
    assert re.fullmatch(r"csk_[\w-]{43}\n", out)
    assert token.digest == digest_of(out.strip())
    assert (token.name, token.sources, token.channels) == ("billing", ("billing-service",), ())
    assert sorted(token.scopes) == ["requests:read", "requests:write"]
    assert "It speaks for billing-service. Give it to your program as COUNTERSIGN_TOKEN" in err
    assert "in every channel that the bot is in, and does not expire" in err
    assert out.strip() not in err
    assert all(out.strip().encode() not in file.read_bytes() for file in folder.iterdir())


def test_it_is_bound_to_what_was_typed(desk: Desk) -> None:
    words = [
        "--source",
        "cron, nightly",
        "--source",
        "cron",
        "--scope",
        "votes,tasks:write",
        "--channel",
        "#ops,C012AB3CD",
    ]

    _, _, err = desk.run("add", "portal", *words, "--expires", "90d")

    (token,) = desk.tokens()
    assert token.sources == ("cron", "nightly")
    assert token.channels == ("#ops", "C012AB3CD")
    assert sorted(token.scopes) == ["tasks:write", "votes"]
    assert token.expires_at == token.created_at + timedelta(days=90)
    assert "It speaks for cron and nightly." in err
    assert f"in #ops and C012AB3CD, and expires on {token.expires_at:%Y-%m-%d}" in err
    assert "only under policies that list portal under `via`" in err


def test_a_name_that_was_ever_used_is_refused(desk: Desk) -> None:
    desk.run("add", "billing", "--source", "a")
    desk.run("revoke", "billing")

    code, out, err = desk.run("add", "billing", "--source", "b")

    assert (code, out) == (2, "")
    assert err.startswith("There is, or was, a token named billing. ")
    assert len(desk.tokens()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["add", "Billing", "--source", "a"],
            "argument NAME: 'Billing' is no name for a token: write at most 63 small",
        ),
        (["add", "b", "--source", "a b"], "argument --source: 'a b' is no name for a source: write at most 63 letters"),
        (["add", "b", "--source", " , "], "argument --source: is empty"),
        (["add", "b"], "the following arguments are required: --source"),
        (["add", "b", "--source", "a", "--scope", "vote"], "argument --scope: 'vote' is no scope: did you mean votes?"),
        (
            ["add", "b", "--source", "a", "--scope", "zzz"],
            "argument --scope: 'zzz' is no scope: there are requests:write, requests:read, tasks:write and votes",
        ),
        (
            ["add", "b", "--source", "a", "--channel", "ops"],
            "argument --channel: 'ops' is no channel: write '#ops', in",
        ),
        (
            ["add", "b", "--source", "a", "--expires", "90"],
            "argument --expires: '90' is not a duration: write a number",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(desk: Desk, words: list[str], said: str) -> None:
    assert desk.refusal(*words).startswith(said)
    assert desk.tokens() == ()


def test_a_token_is_revoked_and_stays_revoked(desk: Desk) -> None:
    desk.run("add", "billing", "--source", "a")

    assert desk.run("revoke", "billing") == (
        0,
        "billing is revoked. From now on it opens nothing, on any replica.\n",
        "",
    )

    (token,) = desk.tokens()
    assert token.revoked_at is not None
    assert desk.run("revoke", "billing")[1] == f"billing was revoked already, on {token.revoked_at:%Y-%m-%d}.\n"
    assert desk.tokens() == (token,)


def test_a_token_that_does_not_exist_cannot_be_revoked(desk: Desk) -> None:
    desk.run("add", "billing", "--source", "a")

    assert desk.run("revoke", "biling") == (2, "", "There is no token named biling. Did you mean billing?\n")
    assert desk.run("revoke", "x")[2] == "There is no token named x. `countersign tokens list` shows which there are.\n"


def test_the_list_shows_each_token_and_when_it_was_last_used(desk: Desk) -> None:
    assert desk.run("list")[1].startswith("There are no tokens. Make one: ")
    text = desk.run("add", "billing", "--source", "billing-service")[1].strip()
    desk.run("add", "old", "--source", "a,b", "--scope", "votes", "--channel", "#ops", "--expires", "1s")
    desk.run("add", "gone", "--source", "a")
    desk.run("revoke", "gone")
    billing, old, _ = desk.tokens()
    used = replace(billing, used_at=billing.created_at.replace(second=0, microsecond=0))
    past = old.created_at - timedelta(days=1)
    desk.stored(lambda storage: storage.save_token(used))
    desk.stored(lambda storage: storage.save_token(replace(old, expires_at=past)))

    code, table, _ = desk.run("list")
    told = json.loads(desk.run("list", "--json")[1])

    assert code == 0
    both = "requests:read,requests:write"
    assert [re.split(r" {2,}", line) for line in table.splitlines()] == [
        ["NAME", "STATE", "SOURCES", "SCOPES", "CHANNELS", "EXPIRES", "LAST USED"],
        ["billing", "valid", "billing-service", both, "any", "never", f"{used.used_at:%Y-%m-%d %H:%M} UTC"],
        ["old", "expired", "a,b", "votes", "#ops", f"{past:%Y-%m-%d}", "never"],
        ["gone", "revoked", "a", both, "any", "never", "never"],
    ]
    assert [(each["name"], each["state"], each["scopes"]) for each in told] == [
        ("billing", "valid", both.split(",")),
        ("old", "expired", ["votes"]),
        ("gone", "revoked", both.split(",")),
    ]
    assert text not in table + str(told)
    assert billing.digest not in table + str(told)


def test_everything_is_in_the_audit_log(desk: Desk) -> None:
    desk.run("add", "billing", "--source", "a")
    desk.run("revoke", "billing")

    events = desk.stored(lambda storage: storage.history(TOKENS))

    assert [event.kind for event in events] == ["token_added", "token_revoked"]
    assert all(str(event.data["by"]).endswith(", by command") for event in events)
    assert main(["audit", "verify", "--env-file", str(desk.env_file)]) == 0


def test_before_the_first_start_there_is_nowhere_to_keep_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ".env").write_text(f"STATE_DIR={folder / 'var'}\n")

    assert main(["tokens", "list", "--env-file", str(folder / ".env")]) == 2
    assert "there are no records in it, and REDIS_URL is not set" in capsys.readouterr().err


def test_it_works_on_redis(folder: Path, capsys: pytest.CaptureFixture[str], redis_server: RedisServer) -> None:
    redis_server.start()
    (folder / ".env").write_text(f"REDIS_URL={redis_server.url}\n")

    async def opened() -> RedisStorage:
        return RedisStorage(client(redis_server.url))

    desk = Desk(folder / ".env", opened, capsys)

    text = desk.run("add", "billing", "--source", "a")[1].strip()
    assert desk.run("revoke", "billing")[0] == 0

    (token,) = desk.tokens()
    assert token.digest == digest_of(text)
    assert token.revoked_at is not None
    assert "revoked" in desk.run("list")[1]
