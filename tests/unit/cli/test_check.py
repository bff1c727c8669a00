"""`python -m bot check`, against an address that answers as Slack would: a line for each thing looked at."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot import __version__, stores
from bot.approvals.model.token import Scope
from bot.cli.check import Options, check, main
from bot.engines import questions
from bot.settings import Settings
from bot.storage.sqlite.store import SqliteStorage
from tests.support.builders import NOON, a_request, a_task, a_token, a_token_event, an_event

WHSEC = f"whsec_{'c' * 32}"
SCOPES = "chat:write,commands, im:write"
GRAPH = """
from langgraph.graph import START, StateGraph

graph = StateGraph(dict)
graph.add_node("node", lambda state: state)
graph.add_edge(START, "node")
"""


SAID = {
    "ok": True,
    "url": "wss://nowhere",
    "team_id": "T1",
    "user": {"id": "U0BOB", "name": "bob", "team_id": "T1"},
    "usergroups": [],
}


@dataclass
class Slack:
    """The two methods that are asked, and what they answer."""

    url: str = ""
    scopes: str = SCOPES
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    limited: set[str] = field(default_factory=set)
    """Methods that are refused once, because there were too many calls."""

    async def answer(self, request: web.Request) -> web.Response:
        if request.match_info["method"] in self.limited:
            self.limited.remove(request.match_info["method"])
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "1"})
        said = self.answers.get(request.match_info["method"], SAID)
        return web.json_response(said, headers={"x-oauth-scopes": self.scopes})


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    slack = Slack()
    application = web.Application()
    application.router.add_route("*", "/api/{method}", slack.answer)
    async with TestServer(application) as server:
        slack.url = str(server.make_url("/api/"))
        yield slack


@dataclass
class Desk:
    """A folder with all that a bot is started from."""

    folder: Path
    slack: Slack
    capsys: pytest.CaptureFixture[str]

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    async def check(self) -> tuple[int, list[str]]:
        code = await check(self.folder / ".env")
        return code, self.capsys.readouterr().out.splitlines()


@pytest.fixture
def desk(
    tmp_path: Path, slack: Slack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    for name in [name for name in os.environ if name.lower() in Settings.model_fields]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    path, modules = list(sys.path), set(sys.modules)
    desk = Desk(tmp_path, slack, capsys)
    desk.write(".env", f"SLACK_BOT_TOKEN=xoxb-1\nSLACK_APP_TOKEN=xapp-1\nSLACK_API_URL={slack.url}\n")
    desk.write("policies.yaml", "defaults: {approvers: [U0BOB]}")
    desk.write("langgraph.json", json.dumps({"graphs": {"good": "./good.py:graph"}}))
    desk.write("good.py", GRAPH)
    desk.write("manifest.yml", "oauth_config: {scopes: {bot: [chat:write, commands]}}")
    yield desk
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def about(lines: list[str], what: str) -> str:
    (line,) = [line for line in lines if what in line]
    return line


async def test_where_all_is_well_each_line_says_so(desk: Desk) -> None:
    code, lines = await desk.check()

    assert code == 0
    assert {line.split(maxsplit=1)[0] for line in lines} == {"ok"}
    for what in ("settings", "policies in policies.yaml", "graph good", f"Slack at {desk.slack.url} takes both tokens"):
        assert about(lines, what) == f"ok     {what}"


async def test_with_wrong_settings_nothing_else_is_looked_at(desk: Desk) -> None:
    desk.write(".env", "LOG_LEVEL=loud\n")

    code, lines = await desk.check()

    assert code == 1
    assert [line.split(":")[0].split(" is ")[0] for line in lines] == [
        "wrong  SLACK_BOT_TOKEN",
        "wrong  LOG_LEVEL",
        "wrong  SLACK_APP_TOKEN",
    ]


async def test_programs_get_the_same_findings_as_one_object(desk: Desk) -> None:
    """Its keys are documented, and stay."""
    desk.write("langgraph.json", json.dumps({"graphs": {"bad": "./bad.py:graph"}}))

    code = await main(Options(env_file=desk.folder / ".env", json=True))

    told = json.loads(desk.capsys.readouterr().out)
    assert (code, told["ok"], told["version"]) == (1, False, __version__)
    assert {"level": "ok", "area": "settings", "text": "settings"} in told["findings"]
    (wrong,) = [each for each in told["findings"] if each["level"] == "wrong"]
    assert wrong.keys() == {"level", "area", "text"}
    assert wrong["area"] == "graphs"
    assert wrong["text"].startswith("graph bad cannot be started: ")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", ["ok     no HTTP API: HTTP_BIND is not set", "ok     no webhooks: "]),
        ("HTTP_BIND=127.0.0.1:8420\n", ["ok     HTTP API at 127.0.0.1:8420", "ok     no webhooks: "]),
        ("HTTP_BIND=0.0.0.0:8420\n", ["risky  HTTP_BIND 0.0.0.0:8420: other machines", "ok     no webhooks: "]),
        (
            "WEBHOOK_ALLOW=a.example\n",
            ["ok     no HTTP API: ", "wrong  WEBHOOK_ALLOW is set, but WEBHOOK_SECRET is not"],
        ),
        (
            f"WEBHOOK_SECRET={WHSEC}\n",
            ["ok     no HTTP API: ", "wrong  WEBHOOK_SECRET is set, but WEBHOOK_ALLOW is not"],
        ),
        (
            f"WEBHOOK_ALLOW=a.example\nWEBHOOK_SECRET={WHSEC}\n",
            ["ok     no HTTP API: ", "wrong  webhooks: nothing can ask for any"],
        ),
        (
            f"WEBHOOK_ALLOW=a.example\nWEBHOOK_SECRET={WHSEC}\nHTTP_BIND=[::1]:8420\n",
            ["ok     HTTP API at [::1]:8420", "ok     webhooks"],
        ),
    ],
)
async def test_it_says_whether_programs_can_ask_and_be_told(desk: Desk, lines: str, said: list[str]) -> None:
    env = desk.folder / ".env"
    desk.write(".env", env.read_text() + lines)

    code, found = await desk.check()

    assert code == any(line.startswith("wrong") for line in said)
    told = [line for line in found if "HTTP" in line or "webhooks" in line]
    assert [line[: len(expected)] for line, expected in zip(told, said, strict=True)] == said


async def test_wrong_policies_do_not_keep_the_rest_from_being_looked_at(desk: Desk) -> None:
    desk.write("policies.yaml", "defaults: {approvers: []}")

    code, lines = await desk.check()

    assert code == 1
    assert about(lines, "policies.yaml").startswith("wrong  policies.yaml, line 1, key ")
    assert about(lines, "graph good") == "ok     graph good"


async def test_a_policy_that_names_nobody_and_one_that_wants_more_than_there_are_is_wrong(desk: Desk) -> None:
    desk.write(
        "policies.yaml",
        "defaults: {approvers: [U0BOB, '@ops-leads'], quorum: 2}\n",
    )

    code, lines = await desk.check()

    assert code == 1
    assert "wrong  policy defaults: @ops-leads is nobody in this workspace. Correct it in the policy file." in lines
    assert "wrong  policy defaults: 2 have to agree, and 1 of its approvers may answer." in lines


async def test_a_rule_for_a_graph_that_is_not_there_is_wrong(desk: Desk) -> None:
    desk.write(
        "policies.yaml",
        "defaults: {approvers: [U0BOB]}\nrules: [{name: strict, match: {graph: goood}, quorum: 1}]\n",
    )

    code, lines = await desk.check()

    assert code == 1
    assert any('no graph is "goood". Did you mean "good"?' in line for line in lines)


async def test_a_graph_that_cannot_be_loaded_is_wrong_and_the_others_are_looked_at(desk: Desk) -> None:
    desk.write("langgraph.json", json.dumps({"graphs": {"good": "./good.py:graph", "bad": "./bad.py:graph"}}))

    code, lines = await desk.check()

    assert code == 1
    assert about(lines, "graph bad").startswith(
        "wrong  graph bad cannot be started: ./bad.py:graph could not be loaded ("
    )
    assert about(lines, "graph good") == "ok     graph good"


@pytest.mark.parametrize("text", ["{", '{"graphs": {"good": "./good.py:graph"}, "env": ".env.graphs"}'])
async def test_a_wrong_list_of_graphs_is_said(desk: Desk, text: str) -> None:
    desk.write("langgraph.json", text)

    code, lines = await desk.check()

    assert code == 1
    assert about(lines, "langgraph.json").startswith("wrong  langgraph.json, ")


async def test_scopes_that_the_manifest_asks_for_and_the_token_lacks_are_named(desk: Desk) -> None:
    desk.write("manifest.yml", "oauth_config: {scopes: {bot: [users:read, chat:write, groups:read]}}")

    code, lines = await desk.check()

    assert code == 1
    assert "wrong  SLACK_BOT_TOKEN: the app lacks the scopes groups:read, users:read. " in about(lines, "lacks")


async def test_without_a_manifest_no_scope_is_missed(desk: Desk) -> None:
    (desk.folder / "manifest.yml").unlink()

    assert (await desk.check())[0] == 0


@pytest.mark.parametrize(
    ("method", "name"), [("auth.test", "SLACK_BOT_TOKEN"), ("apps.connections.open", "SLACK_APP_TOKEN")]
)
async def test_a_token_that_slack_refuses_is_named_with_slacks_reason(desk: Desk, method: str, name: str) -> None:
    desk.slack.answers[method] = {"ok": False, "error": "invalid_auth"}

    code, lines = await desk.check()

    assert code == 1
    assert about(lines, "invalid_auth").startswith(f"wrong  {name}: Slack refuses it (invalid_auth). Copy it again")


@pytest.mark.parametrize("method", ["auth.test", "users.info"])
async def test_a_call_that_slack_refuses_for_a_while_is_waited_for_and_said(desk: Desk, method: str) -> None:
    """Nothing is wrong then. Whoever waits is told why, beside what is found."""
    desk.slack.limited.add(method)

    code = await check(desk.folder / ".env")

    said = desk.capsys.readouterr()
    assert (code, desk.slack.limited) == (0, set())
    assert said.err == f"Slack allows no more calls of {method} for 1 s. Waiting.\n"
    assert "Waiting" not in said.out


async def test_over_http_no_token_for_socket_mode_is_wanted(desk: Desk) -> None:
    desk.slack.answers["apps.connections.open"] = {"ok": False, "error": "invalid_auth"}
    secret = f"SLACK_SIGNING_SECRET={'c' * 32}\nHTTP_BIND=127.0.0.1:8420"
    desk.write(".env", f"SLACK_BOT_TOKEN=xoxb-1\n{secret}\nSLACK_API_URL={desk.slack.url}\n")

    code, lines = await desk.check()

    assert code == 0
    assert about(lines, "Slack at") == f"ok     Slack at {desk.slack.url} takes the token"


async def test_an_address_that_does_not_answer_is_named(desk: Desk, unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}/api/"
    desk.write(".env", f"SLACK_BOT_TOKEN=xoxb-1\nSLACK_APP_TOKEN=xapp-1\nSLACK_API_URL={url}\n")

    code, lines = await desk.check()

    assert code == 1
    assert about(lines, "does not answer").startswith(f"wrong  SLACK_API_URL: {url} does not answer (")


async def test_looking_changes_nothing(desk: Desk) -> None:
    before = sorted(file.name for file in desk.folder.iterdir() if file.name != "__pycache__")

    await desk.check()

    assert sorted(file.name for file in desk.folder.iterdir() if file.name != "__pycache__") == before


# --- How graphs ask -------------------------------------------------------------------------------


async def asked_before(desk: Desk, value: Any, convention: str = "") -> None:
    """The bot has run here, and its graph `good` has asked this."""
    (desk.folder / "state").mkdir()
    desk.write(".env", (desk.folder / ".env").read_text() + "STATE_DIR=state\n")
    question = questions.read(value, None, convention)
    task = a_task(graph="good")
    request = a_request(task=task, graph="good", question=question, proposed=question)
    storage = await SqliteStorage.open(desk.folder / "state" / stores.RECORDS)
    await storage.create_task(task, an_event("started", task))
    await storage.open_request(request, an_event("opened", request))
    await storage.close()


async def test_a_graph_that_asks_without_a_known_convention_is_named_with_the_line_that_declares_one(
    desk: Desk,
) -> None:
    await asked_before(desk, "Do you approve this action?")

    code, lines = await desk.check()

    line = about(lines, "without a known convention")
    assert code == 0
    assert line.startswith("risky  by the newest records, graph good asks")
    assert line.endswith("approvals: {good: {answer: boolean}}")


@pytest.mark.parametrize(
    ("value", "convention"), [({"question": "Go?", "answer": "text"}, ""), ("Go?", "go/stop"), ({"details": 1}, "")]
)
async def test_a_graph_that_says_how_it_wants_its_answer_is_not_named(desk: Desk, value: Any, convention: str) -> None:
    await asked_before(desk, value, convention)

    _, lines = await desk.check()

    assert not [line for line in lines if "convention" in line]


async def test_a_graph_whose_convention_is_declared_by_now_is_not_named(desk: Desk) -> None:
    await asked_before(desk, "Do you approve this action?")
    desk.write("policies.yaml", "{defaults: {approvers: [U0BOB]}, approvals: {good: {answer: boolean}}}")

    _, lines = await desk.check()

    assert not [line for line in lines if "convention" in line]


async def test_a_page_that_nobody_can_vote_through_is_named(desk: Desk) -> None:
    (desk.folder / "state").mkdir()
    desk.write(".env", (desk.folder / ".env").read_text() + "STATE_DIR=state\n")
    storage = await SqliteStorage.open(desk.folder / "state" / stores.RECORDS)
    for token in (
        a_token("portal", scopes=frozenset({Scope.VOTES})),
        a_token("reader"),
        a_token("past", scopes=frozenset({Scope.VOTES}), expires_at=NOON.replace(year=2000)),
    ):
        await storage.add_token(token, a_token_event("token_added", token))
    await storage.close()
    desk.write("policies.yaml", "defaults: {approvers: [U0BOB], via: [portal, reader, past, porter]}")

    _, lines = await desk.check()

    assert [line for line in lines if " via " in line] == [
        "wrong  policies: via names reader, but nobody can vote through it: the token lacks the scope votes.",
        "wrong  policies: via names past, but nobody can vote through it: the token is expired or revoked.",
        "wrong  policies: via names porter, but nobody can vote through it: there is no token of that name.",
    ]


async def test_records_of_an_earlier_version_are_left_as_they_are(desk: Desk) -> None:
    await asked_before(desk, "Do you approve this action?")
    file = desk.folder / "state" / stores.RECORDS
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 1")

    _, lines = await desk.check()

    assert about(lines, "how graphs ask").endswith("the records are from an earlier version")
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
