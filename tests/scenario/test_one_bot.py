"""Several bots are started on one folder of SQLite files: one runs, and the others say so and end, or wait."""

from __future__ import annotations

import os
import select
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.runtime import health
from bot.runtime.hints import GATEWAY
from tests.support.stage import Bot
from tests.support.starter import WAIT


class Silence:
    """A Slack that takes connections and never answers: a gateway asks it who it is as soon as it has its files."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(WAIT)
        self._taken: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/api/"

    def asked(self) -> None:
        """Returns when somebody connects."""
        self._taken.append(self._listening.accept()[0])

    def is_asked(self) -> bool:
        """Whether anybody has connected since."""
        self._listening.setblocking(False)
        try:
            self.asked()
        except BlockingIOError:
            return False
        finally:
            self._listening.settimeout(WAIT)
        return True

    def close(self) -> None:
        for each in (*self._taken, self._listening):
            each.close()


@pytest.fixture
def silence() -> Iterator[Silence]:
    slack = Silence()
    yield slack
    slack.close()


class Bots:
    """Bots on one folder."""

    def __init__(self, folder: Path, slack: Silence) -> None:
        self._folder, self._slack = folder, slack
        self.started: list[Bot] = []

    @property
    def state(self) -> Path:
        return self._folder / "state"

    def launch(self, *options: str) -> Bot:
        tokens = {"SLACK_BOT_TOKEN": "xoxb-1-2-abc", "SLACK_APP_TOKEN": "xapp-1-A-abc"}
        folder, state = self._folder / f"bot{len(self.started)}", str(self.state)
        bot = Bot.prepare(folder, tokens, SLACK_API_URL=self._slack.url, STATE_DIR=state, SHUTDOWN_GRACE="0")
        bot.module = ("bot", "run", *options)
        self.started.append(bot)
        bot.launch()
        return bot

    def first_said(self, bot: Bot) -> str:
        """Returns the first line of its log, when it is there."""
        file = bot.folder / "bot.log"
        while not (said := file.read_text()).endswith("\n"):
            assert bot.process is not None
            assert bot.process.poll() is None, said
        return said


@pytest.fixture
def bots(tmp_path: Path, silence: Silence) -> Iterator[Bots]:
    bots = Bots(tmp_path, silence)
    yield bots
    for bot in bots.started:
        bot.kill()


def pid(bot: Bot) -> int:
    assert bot.process is not None
    return bot.process.pid


@pytest.mark.parametrize("options", [(), ("--role", "gateway")], ids=["both roles", "one role"])
def test_a_second_bot_says_who_works_there_and_ends_before_it_does_anything(
    bots: Bots, silence: Silence, options: tuple[str, ...]
) -> None:
    """It asks Slack nothing, and the first one stays well."""
    first = bots.launch("--role", "gateway")
    silence.asked()
    health.beat(bots.state, 60, GATEWAY, "this")

    second = bots.launch(*options)

    assert second.wait() == 2
    assert not silence.is_asked()
    assert health.problem(bots.state, "this") == ""
    assert second.log.count("\n") == 1
    assert f"another gateway works with these files (process {pid(first)} on this machine, since 20" in second.log


def test_a_gateway_and_a_worker_share_a_folder(bots: Bots, silence: Silence) -> None:
    bots.launch("--role", "gateway")
    silence.asked()

    worker = bots.launch("--role", "worker")

    assert worker.process is not None
    assert worker.process.stdout is not None
    assert worker.process.stdout.readline() == "The worker is ready.\n"


def test_a_bot_that_waits_says_so_and_starts_when_the_first_was_killed(bots: Bots, silence: Silence) -> None:
    first = bots.launch("--role", "gateway")
    silence.asked()
    second = bots.launch("--role", "gateway", "--wait")
    said = bots.first_said(second)

    first.kill()
    silence.asked()

    assert f"(process {pid(first)} on this machine" in said
    assert "This bot waits, and starts when that one has ended." in said
    assert second.log.startswith(said)


def test_a_bot_that_waits_ends_at_once_and_well_if_it_is_asked_to(bots: Bots, silence: Silence) -> None:
    bots.launch("--role", "gateway")
    silence.asked()
    second = bots.launch("--wait")
    said = bots.first_said(second)

    code = second.stop()

    assert code == 0
    assert second.log == said
    assert not silence.is_asked()


def test_of_two_that_start_at_the_same_moment_one_runs(bots: Bots, silence: Silence) -> None:
    both = {os.pidfd_open(pid(bot)): bot for bot in (bots.launch("--role", "gateway") for _ in range(2))}

    (ended,), _, _ = select.select(list(both), [], [], WAIT)
    silence.asked()

    refused, runner = both.pop(ended), *both.values()
    os.close(ended)
    assert refused.wait() == 2
    assert "another gateway works with these files" in refused.log
    assert runner.process is not None
    assert runner.process.poll() is None
    assert not silence.is_asked()
    os.close(*both)


def test_a_bot_that_waits_goes_on_waiting_when_it_is_to_read_its_policies_again(bots: Bots, silence: Silence) -> None:
    """It reads them when its turn comes."""
    first = bots.launch("--role", "gateway")
    silence.asked()
    second = bots.launch("--role", "gateway", "--wait")
    bots.first_said(second)

    os.kill(pid(second), signal.SIGHUP)
    first.kill()

    silence.asked()
