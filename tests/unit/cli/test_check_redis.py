"""`check` says of the storage what is well, risky and wrong; and the start says the same, in a sentence."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import stores
from bot.approvals.model.errors import SettingsError
from bot.cli.check import check
from bot.settings import Settings
from bot.storage.redis.store import client
from tests.support.redis_server import RedisServer
from tests.support.starter import ran

NOBODY = "http://127.0.0.1:9/api/"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Settings that suffice, with a Slack that does not answer; only the storage's lines are looked at."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"BOT_TOKEN": "xoxb-1", "APP_TOKEN": "xapp-1", "API_URL": NOBODY}.items():
        monkeypatch.setenv(f"SLACK_{name}", value)
    monkeypatch.delenv("REDIS_URL", raising=False)
    return monkeypatch


async def checked(capsys: pytest.CaptureFixture[str], word: str) -> list[str]:
    """The lines with this word that `check` prints."""
    await check(Path(".env"))
    return [line for line in capsys.readouterr().out.splitlines() if word in line]


async def test_without_redis_the_state_folder_is_looked_at(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    environment.setenv("STATE_DIR", "deep/down")

    said = await checked(capsys, "STATE_DIR")

    assert said == ["ok     SQLite in STATE_DIR deep/down, for one machine"]
    assert not (tmp_path / "deep").exists()


async def test_a_state_folder_that_cannot_be_one_is_wrong(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    environment.setenv("STATE_DIR", "file/state")

    (said,) = await checked(capsys, "STATE_DIR")

    assert said.startswith("wrong  STATE_DIR file/state: ")
    assert "is not a folder" in said


async def test_a_redis_as_it_should_be_is_ok_line_by_line(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], redis_server: RedisServer
) -> None:
    redis_server.start()
    environment.setenv("REDIS_URL", redis_server.url)

    said = await checked(capsys, "Redis")

    for good in ("database 0", "search and JSON modules", "append-only file on", "noeviction"):
        assert f"ok     Redis: {good}" in said
    assert all(line.startswith("ok ") for line in said)
    assert "ok     Redis: takes writes" in said
    async with client(redis_server.url) as redis:
        assert await redis.dbsize() == 0, "what was written is removed again"


async def test_a_redis_that_answers_and_takes_no_writes_is_wrong(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], redis_server: RedisServer
) -> None:
    """Such as one that is full, one that copies another, or one whose copies are gone."""
    redis_server.start()
    async with client(redis_server.url) as redis:
        await redis.config_set("min-replicas-to-write", "1")
    environment.setenv("REDIS_URL", redis_server.url)

    (said,) = await checked(capsys, "takes no writes")

    assert said.startswith("wrong  REDIS_URL: Redis takes no writes (")


async def test_what_may_cost_approvals_is_risky_and_not_wrong(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], redis_server: RedisServer
) -> None:
    redis_server.start()
    async with client(redis_server.url) as redis:
        await redis.config_set("appendonly", "no")
        await redis.config_set("maxmemory-policy", "volatile-ttl")
    environment.setenv("REDIS_URL", redis_server.url)

    said = await checked(capsys, "risky")

    assert [line.partition("Set ")[2] for line in said] == [
        "appendonly yes (CONFIG SET appendonly yes, and in redis.conf).",
        "maxmemory-policy noeviction.",
    ]


async def test_a_redis_that_cannot_be_used_is_wrong_and_fails_the_check(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], redis_server: RedisServer
) -> None:
    redis_server.modules = False
    redis_server.start()
    environment.setenv("REDIS_URL", redis_server.url)

    code = await check(Path(".env"))

    assert code == 1
    assert "wrong  REDIS_URL: this server lacks the search and the JSON module" in capsys.readouterr().out


@pytest.mark.parametrize("url", ["redis://localhost:port/0", "localhost:6379"])
async def test_an_address_that_is_none_is_a_wrong_setting(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    environment.setenv("REDIS_URL", url)

    (said,) = await checked(capsys, "REDIS_URL")

    assert said.startswith("wrong  REDIS_URL: ")


# --- At the start -------------------------------------------------------------------------------


def settings(url: str) -> Settings:
    return Settings(slack_bot_token=SecretStr("xoxb-1"), slack_app_token=SecretStr("xapp-1"), redis_url=SecretStr(url))


async def test_a_start_warns_of_what_is_risky(redis_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    redis_server.start()
    async with client(redis_server.url) as redis:
        await redis.config_set("maxmemory-policy", "allkeys-random")

    with caplog.at_level(logging.WARNING, logger="bot.stores"):
        async with stores.opened(settings(redis_server.url)):
            pass

    (warning,) = [record for record in caplog.records if record.name == "bot.stores"]
    assert "allkeys-random" in warning.getMessage()


async def test_a_start_stops_at_another_database(redis_server: RedisServer) -> None:
    redis_server.start()

    with pytest.raises(SettingsError, match="names database 1"):
        async with stores.opened(settings(redis_server.url.replace("/0", "/1"))):
            pass


def test_a_start_without_its_redis_ends_with_one_sentence(tmp_path: Path, redis_server: RedisServer) -> None:
    redis_server.start()
    redis_server.kill()
    (tmp_path / "policies.yaml").write_text('defaults:\n  approvers: ["@ops-leads"]\n')
    environment = {
        "PYTHONPATH": str(ROOT),
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "SLACK_API_URL": NOBODY,
        "REDIS_URL": redis_server.url,
    }

    ended = ran(["bot", "run"], cwd=tmp_path, env=environment)

    assert ended.returncode == 2
    (sentence,) = ended.stderr.splitlines()
    assert sentence.startswith(f"REDIS_URL: no Redis answers at 127.0.0.1:{redis_server.port}")
