"""A backup that was made while the bot ran is restored, as the guide "Back up and restore" says, on both stores."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Protocol

import pytest
from redis import Redis

from bot import stores
from tests.support.redis_server import RedisServer
from tests.support.stage import Bot, Room
from tests.support.starter import ran

GRAPHS = ("action",)


class Kept(Protocol):
    """Where the records are, as an operator looks after them."""

    settings: dict[str, str]

    def back_up(self, bot: Bot) -> None: ...

    def restore(self, bot: Bot) -> None:
        """Put the backup back. The bot is stopped."""
        ...


class InSqlite:
    def __init__(self, folder: Path) -> None:
        self.settings: dict[str, str] = {}
        self.folder = folder / "backup"

    def back_up(self, bot: Bot) -> None:
        said(bot, "backup", str(self.folder))

    def restore(self, bot: Bot) -> None:
        state = bot.folder / "state"
        for path in state.glob("*.sqlite*"):
            path.unlink()
        for path in self.folder.iterdir():
            shutil.copy(path, state)


class InRedis:
    def __init__(self, server: RedisServer, folder: Path) -> None:
        server.start()
        self.settings = {"REDIS_URL": server.url}
        self.server = server
        self.file = folder / "backup.rdb"

    def back_up(self, bot: Bot) -> None:
        with Redis.from_url(self.server.url) as redis:
            redis.save()
        shutil.copy(self.server.folder / "dump.rdb", self.file)

    def restore(self, bot: Bot) -> None:
        self.server.stop()
        shutil.rmtree(self.server.folder / "appendonlydir")
        shutil.copy(self.file, self.server.folder / "dump.rdb")
        self.server.appends = False
        self.server.start()
        with Redis.from_url(self.server.url) as redis:
            redis.config_set("appendonly", "yes")
            while redis.info("persistence")["aof_rewrite_in_progress"]:
                pass
        self.server.appends = True
        self.server.restart()


def said(bot: Bot, *words: str, code: int = 0) -> str:
    """What a command says to an operator."""
    done = ran(["bot", *words, "--env-file", "/dev/null"], cwd=bot.folder, env=bot.environment)
    assert done.returncode == code, done
    return done.stdout + done.stderr


@pytest.fixture(params=["sqlite", "redis"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    if request.param == "redis":
        return InRedis(request.getfixturevalue("redis_server"), tmp_path)
    return InSqlite(tmp_path)


async def test_what_was_open_at_the_backup_is_open_again_and_goes_on(
    own_bot: Bot, room: Room, kept: Kept, tmp_path: Path
) -> None:
    """It is decided and delivered once. The log verifies, and the head of after the backup tells what is gone."""
    bot = Bot(own_bot.folder, {**own_bot.environment, **kept.settings})
    first, second = tmp_path / "first", tmp_path / "second"
    try:
        await asyncio.to_thread(bot.start)
        thread = await room.start(f"/task action journal={first}")
        card = await thread.card("Act on first?")
        await asyncio.to_thread(kept.back_up, bot)
        other = await room.start(f"/task action journal={second}")
        await room.seat("bob").press(await other.card("Act on second?"), "approve")
        await other.ended_well()
        later = await asyncio.to_thread(said, bot, "audit", "verify")
        head = later.split("head ")[1].split()[0]

        assert await asyncio.to_thread(bot.stop) == 0
        await asyncio.to_thread(kept.restore, bot)
        await asyncio.to_thread(bot.start)
        missing = await asyncio.to_thread(said, bot, "audit", "verify", "--head", head, code=1)
        await room.seat("bob").press(card, "approve")
        await thread.ended_well()
        proof = await asyncio.to_thread(said, bot, "audit", "verify")
    finally:
        await asyncio.to_thread(bot.kill)

    assert first.read_text() == second.read_text() == "begun\ndone\n"
    assert "The audit log is intact" in proof
    assert f"entry {head.partition(':')[0]}" in missing.lower()
    if not kept.settings:
        assert not list((tmp_path / "backup").glob("*-wal")), "a copy is one file"
        assert {path.name for path in (tmp_path / "backup").iterdir()} == {stores.RECORDS, stores.CHECKPOINTS}
