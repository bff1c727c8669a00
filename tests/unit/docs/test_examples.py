"""The examples in the documents are executed as they stand, and the shipped configuration loads."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from bot import policy_file
from bot.approvals.model.decision import Answered, Approve, Reject
from bot.engines import questions
from bot.engines.langgraph.loading import registry
from tests.shapes.agents import calls, model, results
from tests.support.builders import NOON
from tests.unit.docs.pages import PAGES, ROOT, fenced

TUTORIAL = PAGES["docs/tutorial.md"]
GUIDE = PAGES["docs/guides/your-own-agent.md"]
OTHERS = ("servers:", "features:", "scrape_configs:", "livenessProbe:")
"""How the files of servers begin, the manifest, and what other programs read."""
POLICIES = [(page, text) for page in PAGES for text in fenced(page, "yaml") if not text.lstrip().startswith(OTHERS)]


@pytest.mark.parametrize(("page", "text"), POLICIES)
def test_every_policy_that_a_document_shows_is_right(page: str, text: str, tmp_path: Path) -> None:
    """What an example leaves out is said here, and nothing else is."""
    shown = yaml.safe_load(text)
    file = tmp_path / "policies.yaml"
    file.write_text(text if "defaults" in shown else f'defaults: {{approvers: ["@ops-leads"], deadline: 24h}}\n{text}')

    policy_file.load(file)


async def test_every_graph_of_the_shipped_configuration_loads_or_says_that_it_needs_a_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MODEL", raising=False)

    graphs = await registry.listed(ROOT / "langgraph.json", ROOT)

    unavailable = {graph.name: graph.unavailable for graph in graphs if graph.unavailable}
    assert {name: reason for name, reason in unavailable.items() if "MODEL is not set" not in reason} == {}
    assert [graph.name for graph in graphs if not graph.description] == []


async def test_the_graph_of_the_tutorial_asks_and_takes_its_answer(tmp_path: Path) -> None:
    """The example is executed as it stands."""
    (example,) = re.findall(r"```python\n(# graphs/deploy\.py\n.*?)```", TUTORIAL, re.DOTALL)
    (tmp_path / "deploy.py").write_text(example)
    (tmp_path / "langgraph.json").write_text('{"graphs": {"deploy": "./deploy.py:graph"}}')
    config = RunnableConfig(configurable={"thread_id": "1"})

    async with registry.loaded(tmp_path / "langgraph.json", tmp_path, InMemorySaver()) as loaded:
        graph, form = loaded.compiled("deploy"), loaded.get("deploy").form
    await graph.ainvoke(dict(form.parse("deploy", {"version": "1.4.2"})), config)
    (asked,) = (await graph.aget_state(config)).interrupts
    question = questions.read(asked.value)
    said = Answered(verdicts=(Reject(reason="Not on a Friday."),), voters=(), edited=False, at=NOON)
    ended = await graph.ainvoke(Command(resume={asked.id: questions.answer(question, question, said)}), config)

    assert question.title == "Deploy 1.4.2 to production?"
    assert ended["outcome"] == "Not deployed. Not on a Friday."


async def test_the_agent_of_the_guide_asks_before_it_deletes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example is executed as it stands, with a scripted model and tools of the names that it imports."""
    (example,) = re.findall(r"```python\n(# graphs/helper\.py\n.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "helper.py").write_text(example)
    (tmp_path / "my_tools.py").write_text(TOOLS)
    (tmp_path / "langgraph.json").write_text('{"graphs": {"helper": "./helper.py:graph"}}')
    scripted = model(calls(("delete_file", {"path": "a.log"})))
    monkeypatch.setattr("langchain.agents.factory.init_chat_model", lambda name: scripted)
    monkeypatch.setattr(sys, "path", [*sys.path])
    config = RunnableConfig(configurable={"thread_id": "1"})

    async with registry.loaded(tmp_path / "langgraph.json", tmp_path, InMemorySaver()) as loaded:
        graph, form = loaded.compiled("helper"), loaded.get("helper").form
    await graph.ainvoke(form.given(form.parse("helper", {"messages": "please tidy up the logs"})), config)
    (asked,) = (await graph.aget_state(config)).interrupts
    question = questions.read(asked.value)
    said = Answered(verdicts=(Approve(),), voters=(), edited=False, at=NOON)
    ended = await graph.ainvoke(Command(resume={asked.id: questions.answer(question, question, said)}), config)

    assert question.title == "Delete file a.log?"
    assert results(ended["messages"]) == ["deleted a.log"]


TOOLS = """
from langchain_core.tools import tool

@tool
def list_files() -> str:
    \"\"\"List the files.\"\"\"
    return "a.log"

@tool
def delete_file(path: str) -> str:
    \"\"\"Delete a file.\"\"\"
    return f"deleted {path}"
"""
