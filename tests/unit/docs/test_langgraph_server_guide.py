"""The files of the guide are right as they stand; its output, figures and names are those of the code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bot import policy_file, servers_file
from bot.app.servers import serving
from bot.approvals.model.ids import ThreadId
from bot.cli.check import Findings
from bot.cli.check import servers as check_servers
from bot.engines.server import engine, status
from bot.engines.server.client import STRICT
from bot.engines.server.watching import FoundThread
from bot.http.routes import servers as hints
from bot.servers_file import ServerTerms
from bot.settings import Settings
from tests.support.builders import NOON
from tests.support.fakes.langgraph_server import FakeLangGraphServer
from tests.unit.docs.pages import DOCS, PAGES, codes, fenced

PAGE = "docs/guides/langgraph-server.md"
FILES = [text for text in fenced(PAGE, "yaml") if text.startswith("servers:")]
TEXT = " ".join(PAGES[PAGE].split())


def read(text: str, folder: Path) -> ServerTerms:
    """The server of this servers.yaml, with values for its variables."""
    (folder / "servers.yaml").write_text(text)
    (server,) = servers_file.load(folder / "servers.yaml", lambda name: f"https://{name.lower()}.example.com")
    return server


@pytest.mark.parametrize("text", FILES)
def test_every_servers_file_of_the_guide_is_right(text: str, tmp_path: Path) -> None:
    assert read(text, tmp_path).name == "prod"


def test_the_policies_of_the_guide_are_right(tmp_path: Path) -> None:
    (rules,) = (text for text in fenced(PAGE, "yaml") if text.startswith("rules:"))
    (tmp_path / "policies.yaml").write_text(f'defaults:\n  approvers: ["@ops-leads"]\n{rules}')

    assert [rule.servers for rule in policy_file.load(tmp_path / "policies.yaml").rules] == [("prod",), ("*",)]


async def test_check_prints_what_the_guide_shows(tmp_path: Path) -> None:
    server, terms = FakeLangGraphServer(), read(FILES[0], tmp_path)
    server.assistants["deploy"] = {"type": "object", "properties": {}}
    findings = Findings()

    async with server.served():
        await check_servers.check(ServerTerms(name=terms.name, url=server.url, start=terms.start), findings)

    assert "\n".join(findings.lines) in fenced(PAGE, "text")[0]


@pytest.mark.parametrize("text", fenced(PAGE, "python"))
def test_the_code_of_the_guide_can_be_read(text: str) -> None:
    assert compile(text, PAGE, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_the_names_of_the_guide_are_those_of_the_code() -> None:
    of_deepagents = {"parent_thread_id": "t-1", "subagent_name": "researcher"}
    found = FoundThread(
        id=ThreadId("t-2"), graph="research", updated_at=NOON, status="interrupted", metadata=of_deepagents
    )

    assert set(codes(PAGES[PAGE])) >= {status.TASK, status.INTENT, status.INTERRUPT, *of_deepagents}
    assert found.parent == "t-1 (researcher)"
    assert f'"{STRICT}": True' in TEXT
    assert hints.PATH.format(name="prod") in TEXT


def test_the_figures_of_the_guide_are_those_of_the_code() -> None:
    """In the page and in its picture."""
    assert Settings.model_fields["sweep_interval"].default == 5
    assert "which is every five seconds by default" in TEXT
    assert "looks every 5 s" in (DOCS / "images" / "servers.svg").read_text()
    assert engine.MAX_FOLLOWED.total_seconds() == 60
    assert "**Progress is told for a minute.**" in TEXT
    assert serving.LOOK_AGAIN.total_seconds() == 2
    assert "After that the bot looks at the thread every two seconds" in TEXT
