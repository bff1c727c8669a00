"""An operator changes the policy file while the bot runs: new requests are under it at once, and a wrong file changes
nothing."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.__main__ import main
from tests.support.redis_server import RedisServer
from tests.support.stage import WAIT, Bot, Room, Slack

BEFORE = """
defaults: {approvers: ["@ops-leads"], deadline: 1h}
rules:
  - {name: payments, match: {action: pay}, approvers: ["@on-call"]}
"""
GRAPHS, POLICY = ("proposal",), BEFORE
AFTER = """
defaults: {approvers: ["@ops-leads"], deadline: 1h}
rules:
  - {name: payments, match: {action: pay}, approvers: ["@finance"], quorum: 2}
  - {name: reading, match: {graph: proposal, action: "read_*"}, auto: {approve: Reading changes nothing}}
"""


@pytest.fixture(params=["sqlite", "redis"])
def bot(slack: Slack, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bot]:
    """A bot with the rules of before, on either store."""
    redis = RedisServer(folder=tmp_path / "redis") if request.param == "redis" else None
    if redis is not None:
        redis.start()
    settings = {"REDIS_URL": redis.url} if redis is not None else {}
    bot = Bot.prepare(tmp_path / "bot", slack.environment, policy=BEFORE, graphs=("proposal",), **settings).start()
    yield bot
    bot.kill()
    if redis is not None:
        redis.stop()


async def logged(bot: Bot, words: str, times: int = 1) -> None:
    """Returns once the bot has logged these words so many times. Nothing in Slack tells of it."""
    async with asyncio.timeout(WAIT):
        while bot.log.count(words) < times:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)


def kill_roles(supervisor: int) -> None:
    """Both roles die at once; the supervisor starts them again."""
    for role in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
        os.kill(int(role), signal.SIGKILL)


def write(bot: Bot, policy: str) -> None:
    (bot.folder / "policies.yaml").write_text(policy)


@dataclass(frozen=True, slots=True)
class Operator:
    """Types `policy reload` where a bot's settings are."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def reload(self, bot: Bot) -> tuple[int, str, str]:
        """The exit code, and what it says on standard output and on standard error."""
        with self.monkeypatch.context() as here:
            here.chdir(bot.folder)
            for name, value in bot.environment.items():
                here.setenv(name, value)
            code = main(["policy", "reload"])
        said = self.capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(monkeypatch, capsys)


async def test_a_command_puts_new_requests_under_the_changed_file_and_a_wrong_file_changes_nothing(
    bot: Bot, room: Room, operator: Operator
) -> None:
    """Each wrong file is found by another process: the supervisor, a worker, and the gateway."""
    open_before = await room.start("/task proposal action=pay")
    card = await open_before.card("@on-call")
    for wrong, said in (
        (AFTER.replace("quorum: 2", "quorum: two"), "policies.yaml, line 4, key"),
        (AFTER.replace("graph: proposal", "graph: proposals"), 'no graph is "proposals"'),
        (AFTER.replace("action: pay", "server: nowhere"), 'no server is "nowhere"'),
    ):
        write(bot, wrong)
        code, out, error = operator.reload(bot)
        assert (code, out) == (1, "")
        assert said in error
        assert error.endswith("Nothing was changed.\n")
    still = await room.start("/task proposal action=pay")
    await still.card("@on-call")

    write(bot, AFTER)
    code, out, error = operator.reload(bot)

    assert (code, error) == (0, "")
    assert out.splitlines()[:3] == [
        f"{bot.folder / 'policies.yaml'} is in use.",
        "  added: reading",
        "  changed: payments",
    ]
    changed = await room.start("/task proposal action=pay")
    await changed.card("Needs 2 of @finance")
    read = await room.start("/task proposal action=read_file")
    await read.settled("told approve")
    await room.press("carol", card, "approve")
    await open_before.settled("told approve")
    assert not [line for line in bot.log.splitlines() if " ERROR " in line and "policies stay" not in line]
    assert len([line for line in bot.log.splitlines() if "the policies stay as they were" in line]) == 3


async def test_a_signal_does_the_same_and_roles_that_start_later_have_what_is_in_use(own_bot: Bot, room: Room) -> None:
    """They do not read the file: it may be wrong by then."""
    process = own_bot.start().process
    assert process is not None
    write(own_bot, AFTER)
    process.send_signal(signal.SIGHUP)
    await logged(own_bot, "the policies are read again: added: reading; changed: payments")
    write(own_bot, "defaults: {}")
    process.send_signal(signal.SIGHUP)
    await logged(own_bot, "the policies stay as they were, because what the file says now is not used: ")

    kill_roles(process.pid)
    await logged(own_bot, "process.started role=gateway", times=2)

    later = await room.start("/task proposal action=pay")
    await later.card("Needs 2 of @finance")


def test_without_a_bot_the_command_says_that_none_runs(slack: Slack, tmp_path: Path, operator: Operator) -> None:
    bot = Bot.prepare(tmp_path / "bot", slack.environment, policy=BEFORE)

    code, _, error = operator.reload(bot)

    assert code == 1
    assert "No bot of these settings runs on this machine" in error
