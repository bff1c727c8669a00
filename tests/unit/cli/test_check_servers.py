"""What `check` says of LangGraph Servers: a sentence for each thing that is well, and for each that is not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.approvals.rules.matching import Policies, Rule
from bot.cli.check import findings
from bot.cli.check import servers as check_servers
from bot.servers_file import ServerTerms, WatchTerms
from bot.settings import Settings
from tests.support.fakes.directory import FakeDirectory
from tests.support.fakes.langgraph_server import FakeLangGraphServer
from tests.support.fakes.world import CHANNEL, policy

SERVERS = "servers:\n  - {name: prod, url: http://127.0.0.1:2024, start: [deploy]}\n"


class Findings(findings.Findings):
    """What is found, one line each."""

    @property
    def lines(self) -> list[str]:
        return [f"{each.level} {each.text}" for each in self.found]


@pytest.fixture(name="findings")
def no_findings() -> Findings:
    return Findings()


@pytest.fixture
async def server() -> AsyncIterator[FakeLangGraphServer]:
    server = FakeLangGraphServer()
    async with server.served():
        yield server


async def checked(server: FakeLangGraphServer, **terms: Any) -> list[str]:
    """What is found, with the server's address left out."""
    found = Findings()
    await check_servers.check(ServerTerms(**{"name": "prod", "url": server.url, **terms}), found)
    return [line.replace(server.url, "URL") for line in found.lines]


async def test_it_says_which_version_answers_and_what_may_be_started(server: FakeLangGraphServer) -> None:
    server.assistants["deploy"] = {"type": "object", "properties": {}}

    assert await checked(server, start=("deploy", "refund")) == [
        "ok server prod: LangGraph Server 0.16.7",
        "ok server prod: deploy can be started",
        "wrong server prod: refund cannot be started: the server prod has no assistant of this name.",
    ]


async def test_it_says_how_many_threads_the_watch_finds(server: FakeLangGraphServer) -> None:
    for status in ("interrupted", "error", "idle", "busy"):
        server.thread(status=status, team="payments")
    server.thread(graph="other", team="payments")
    server.thread(team="growth")
    watch = WatchTerms(channel="#ops", graphs=("dep*",), metadata={"team": "payments"})

    assert await checked(server, watch=watch) == [
        "ok server prod: LangGraph Server 0.16.7",
        "ok server prod: the watch finds 2 threads that may ask something now",
    ]


async def test_aegra_is_refused_in_words(server: FakeLangGraphServer) -> None:
    server.info = None

    (line,) = await checked(server, start=("deploy",))

    assert line.startswith("wrong server prod at URL: this is no LangGraph Server, as it has no /info. Aegra is not ")


async def test_a_server_that_does_not_answer_is_wrong(server: FakeLangGraphServer) -> None:
    server.down = True

    assert await checked(server, start=("deploy",)) == ["wrong server prod at URL: it answers with the error 503."]


async def test_a_wrong_key_is_told_as_such(server: FakeLangGraphServer) -> None:
    server.key = "right"

    assert await checked(server, start=("deploy",), api_key="wrong") == [
        "wrong server prod at URL: it does not take the bot's api_key."
    ]
    assert (await checked(server, start=(), api_key="right"))[0].startswith("ok ")


@pytest.mark.parametrize(
    ("url", "risky"),
    [
        ("http://127.0.0.1:1", False),
        ("http://localhost:1", False),
        ("http://192.0.2.1:1", True),
        ("http://agents.invalid", True),
        ("https://agents.invalid", False),
    ],
)
def test_a_key_in_the_clear_is_a_risk(url: str, *, risky: bool) -> None:
    terms = ServerTerms(name="prod", url=url, api_key="key", start=("deploy",))

    assert check_servers.shows_its_key(terms) is risky
    assert not check_servers.shows_its_key(ServerTerms(name="prod", url=url, start=("deploy",)))


# --- The file ---------------------------------------------------------------------------------------


def settings(**more: Any) -> Settings:
    return Settings(
        **{"_env_file": None, "slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1", "http_bind": None, **more}
    )


def configured(text: str, findings: Findings, policies: Policies | None = None) -> list[str]:
    Path("servers.yaml").write_text(text)
    return [each.name for each in check_servers.configured(settings(), policies, findings)]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_without_servers_it_says_so(findings: Findings) -> None:
    assert check_servers.configured(settings(), None, findings) == ()
    assert findings.lines == ["ok no LangGraph Servers: there is no servers.yaml"]


def test_a_wrong_file_is_told_with_its_line(findings: Findings) -> None:
    assert configured("servers: []", findings) == []
    assert findings.lines[0].startswith('wrong servers.yaml, line 1, key "servers"')


def test_a_rule_for_a_server_that_does_not_exist_is_wrong(findings: Findings) -> None:
    policies = Policies(rules=(Rule(policy=policy(), servers=("prdo",)),), otherwise=policy())

    assert configured(SERVERS, findings, policies) == []
    assert 'no server is "prdo". Did you mean "prod"?' in findings.lines[0]


def test_hints_need_the_http_server(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "0123456789abcdef")
    keyed = SERVERS.replace("start:", "webhook_key: '${HOOK}', start:")

    assert configured(keyed, findings) == ["prod"]
    assert findings.lines == [
        "wrong server prod: it cannot say that something has changed, because HTTP_BIND is not set. Set it, or leave "
        "out webhook_key."
    ]


# --- Channels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "member", "down", "line"),
    [
        (True, True, False, "ok server prod: its threads are asked about in #ops"),
        (True, False, False, "wrong server prod: the bot is in no channel #ops, so nobody could be asked there."),
        (False, True, False, "wrong server prod: the bot is in no channel #ops, so nobody could be asked there."),
        (True, True, True, "wrong server prod: Slack could not look up #ops (timeout). Try again."),
    ],
)
async def test_the_bot_must_be_in_the_channel_that_the_watch_names(
    findings: Findings, line: str, *, known: bool, member: bool, down: bool
) -> None:
    directory = FakeDirectory()
    directory.down = down
    directory.channels = {"#ops": CHANNEL} if known else {}
    directory.elsewhere = set() if member else {CHANNEL}
    servers = [
        ServerTerms(name="prod", url="http://a", watch=WatchTerms(channel="#ops")),
        ServerTerms(name="stage", url="http://b", start=("deploy",)),
    ]

    await check_servers.check_channels(servers, directory, findings)

    (found,) = findings.lines
    assert found.startswith(line)
