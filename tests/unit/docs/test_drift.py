"""Documents, the manifest and the examples say what the code does."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp

from bot import __main__, crash_points
from bot.approvals.model.decision import Answered, Approve, Reject
from bot.engines import questions
from bot.engines.langgraph.loading import registry
from bot.settings import COMPOSITION, Settings
from bot.slack.inbox import task_list
from bot.slack.listeners import approvals_command, register, task_command
from bot.slack.listeners.context import Parts
from tests.builders import NOON
from tests.shapes.agents import calls, model, results

ROOT = Path(__file__).parents[3]
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
DOCUMENTS = {"README.md": README, "ARCHITECTURE.md": ARCHITECTURE}
MAKEFILE = (ROOT / "Makefile").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()

SCOPES: dict[str, frozenset[str]] = {
    "auth_test": frozenset(),
    "apps_connections_open": frozenset(),
    "views_open": frozenset(),
    "views_push": frozenset(),
    "views_update": frozenset(),
    "views_publish": frozenset(),
    "chat_postMessage": frozenset({"chat:write"}),
    "chat_update": frozenset({"chat:write"}),
    "chat_delete": frozenset({"chat:write"}),
    "chat_postEphemeral": frozenset({"chat:write"}),
    "conversations_open": frozenset({"im:write"}),
    "conversations_info": frozenset({"channels:read", "groups:read"}),
    "conversations_list": frozenset({"channels:read", "groups:read"}),
    "conversations_members": frozenset({"channels:read", "groups:read"}),
    "conversations_history": frozenset({"channels:history", "groups:history", "im:history"}),
    "conversations_replies": frozenset({"channels:history", "groups:history", "im:history"}),
    "users_info": frozenset({"users:read"}),
    "users_lookupByEmail": frozenset({"users:read.email"}),
    "files_getUploadURLExternal": frozenset({"files:write"}),
    "files_completeUploadExternal": frozenset({"files:write"}),
    "usergroups_list": frozenset({"usergroups:read"}),
    "usergroups_users_list": frozenset({"usergroups:read"}),
}
"""The bot scopes that each method needs where the bot calls it, from Slack's reference of its methods."""

COMMAND_SCOPE = "commands"
EVENTS: list[str] = MANIFEST["settings"]["event_subscriptions"]["bot_events"]
EVENT_SCOPES: dict[str, frozenset[str]] = {
    "app_home_opened": frozenset(),
    "app_mention": frozenset({"app_mentions:read"}),
    "message.channels": frozenset({"channels:history"}),
    "message.groups": frozenset({"groups:history"}),
    "message.im": frozenset({"im:history"}),
}
"""The bot scope that each event needs, from Slack's reference of its events."""


# --- The manifest ---------------------------------------------------------------------------------------


def called() -> set[str]:
    """The Web API methods that the code calls, on anything that is a client."""
    source = "\n".join(file.read_text() for file in (ROOT / "bot" / "slack").rglob("*.py"))
    return set(re.findall(r"(?:client|web_client\([^()]*\))\.([a-z]\w+)\(", source))


def test_every_method_that_the_bot_calls_is_known_with_its_scopes() -> None:
    assert called() == set(SCOPES)


def test_the_manifest_asks_for_the_scopes_that_the_calls_need_and_for_no_other() -> None:
    methods = (SCOPES[method] for method in called() & set(SCOPES))
    needed = frozenset({COMMAND_SCOPE}).union(*methods, *(EVENT_SCOPES[event] for event in EVENTS))

    assert set(MANIFEST["oauth_config"]["scopes"]["bot"]) == needed


class Recorder:
    """Stands for Bolt's app: what is registered with it, by kind."""

    def __init__(self) -> None:
        self.registered: dict[str, set[object]] = {}

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        def register(constraint: object = None, *more: object, **named: object) -> Callable[[Any], Any]:
            self.registered.setdefault(kind, set()).add(constraint)
            return lambda listener: listener

        return register


def registered(kind: str) -> set[object]:
    recorder = Recorder()
    register.register(cast("AsyncApp", recorder), cast("Parts", None))
    return recorder.registered.get(kind, set())


def test_the_commands_of_the_manifest_are_those_that_are_listened_to() -> None:
    assert registered("command") == {command["command"] for command in MANIFEST["features"]["slash_commands"]}


def test_the_events_of_the_manifest_are_those_that_are_listened_to() -> None:
    assert registered("event") == {event.partition(".")[0] for event in EVENTS}


def test_the_bot_listens_to_nothing_that_the_manifest_does_not_switch_on() -> None:
    assert registered("shortcut") == {each["callback_id"] for each in MANIFEST["features"]["shortcuts"]}
    assert registered("global_shortcut") | registered("message_shortcut") == set()
    assert registered("options") == set()


@pytest.mark.parametrize(
    ("name", "subcommands"),
    [(task_command.COMMAND, task_list.SUBCOMMANDS), (approvals_command.COMMAND, approvals_command.SUBCOMMANDS)],
)
def test_a_commands_hint_names_every_subcommand(name: str, subcommands: Sequence[str]) -> None:
    (hint,) = (each["usage_hint"] for each in MANIFEST["features"]["slash_commands"] if each["command"] == name)

    assert [word for word in subcommands if word not in hint] == []


def test_the_bot_connects_as_the_manifest_says() -> None:
    assert MANIFEST["settings"]["socket_mode_enabled"] is True
    assert MANIFEST["settings"]["interactivity"]["is_enabled"] is True
    assert MANIFEST["settings"]["token_rotation_enabled"] is False


# --- Settings -------------------------------------------------------------------------------------------


def test_the_example_names_every_setting_and_no_other() -> None:
    named = re.findall(r"^#?([A-Z][A-Z_]+)=", EXAMPLE, re.MULTILINE)

    assert len(named) == len(set(named))
    assert set(named) == {name.upper() for name in Settings.model_fields} | COMPOSITION


def shown(default: object) -> str:
    """A default, as the example writes it."""
    if isinstance(default, timedelta):
        return f"{default.days}d"
    return f"{default:g}" if isinstance(default, float) else str(default)


@pytest.mark.parametrize("name", [name for name, field in Settings.model_fields.items() if not field.is_required()])
def test_the_example_states_the_default_of_each_setting_that_has_one(name: str) -> None:
    default = Settings.model_fields[name].default
    (value,) = re.findall(rf"^#{name.upper()}=(.+)$", EXAMPLE, re.MULTILINE)

    if default is None:
        paragraph = EXAMPLE.partition(f"#{name.upper()}=")[0].rpartition("\n\n")[2]
        assert "Unset: " in paragraph, "what holds without it is said in words"
    else:
        assert value == shown(default)


def test_the_example_is_a_right_file_once_its_tokens_are_filled_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    file = tmp_path / ".env"
    file.write_text(re.sub(r"^#(?=[A-Z_]+=)", "", EXAMPLE, flags=re.MULTILINE))

    loaded = Settings(_env_file=file)

    assert isinstance(loaded.slack_bot_token, SecretStr)


def variables(text: str) -> set[str]:
    """What looks like an environment variable: capitals with an underscore, in code."""
    code = " ".join(re.findall(r"`([^`\n]+)`", text)) + " ".join(re.findall(r"^    .*$", text, re.MULTILINE))
    return set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", code))


def known_variables() -> set[str]:
    """Settings, what langgraph.json gives the graphs, and what any of our own code reads."""
    source = "\n".join(file.read_text() for folder in ("bot", "graphs") for file in (ROOT / folder).rglob("*.py"))
    read = set(re.findall(r"environ(?:\.get\(|\[)\s*\"([A-Z_]+)\"", source))
    given = set(json.loads((ROOT / "langgraph.json").read_text()).get("env", {}))
    return {name.upper() for name in Settings.model_fields} | read | given | {crash_points.VARIABLE}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_variable_that_a_document_names_exists(document: str) -> None:
    source = "\n".join(file.read_text() for file in (ROOT / "bot").rglob("*.py"))
    constants = set(re.findall(r"^([A-Z][A-Z0-9_]+)\b", source, re.MULTILINE))

    assert variables(DOCUMENTS[document]) - known_variables() - constants == set()


# --- Commands -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_target_that_a_document_names_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    named = set(re.findall(r"(?:^    |`)make ([a-z]+)", DOCUMENTS[document], re.MULTILINE))

    assert named - targets == set()
    assert named or document != "README.md"


def command_lines(text: str) -> list[tuple[str, list[str]]]:
    """The subcommands of `python -m bot` in a document, each with what follows it on its line."""
    lines = re.findall(r"python -m bot ([a-z]+)([^`\n]*)", text)
    return [(command, options.split()) for command, options in lines]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_line_that_a_document_names_is_understood(document: str) -> None:
    for command, options in command_lines(DOCUMENTS[document]):
        parsed = __main__._parser().parse_args([command, *options])

        assert parsed.command == command
    assert command_lines(README)


def test_every_option_that_the_readme_names_exists(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["demo"], ["audit", "verify"], ["audit", "export"]):
        with pytest.raises(SystemExit):
            __main__._parser().parse_args([*command, "--help"])
    known = capsys.readouterr().out

    options = re.findall(r"`(--[a-z-]+)`", README)
    assert [option for option in options if option not in known] == []


def test_every_task_line_of_the_readme_starts_with_a_graph_or_a_subcommand() -> None:
    shown = set(re.findall(r"^# graphs/(\w+)\.py$", README, re.MULTILINE))
    graphs = set(json.loads((ROOT / "langgraph.json").read_text())["graphs"]) | shown
    named = set(re.findall(r"/task ([a-z-]+)", README))

    assert named - graphs - set(task_list.SUBCOMMANDS) == set()
    assert set(task_list.SUBCOMMANDS) - named == set(), "the README shows each"


# --- Files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_links_to_exists(document: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", DOCUMENTS[document])

    assert [link for link in links if not (ROOT / link).exists()] == []


def map_of_the_architecture() -> list[str]:
    """The paths of ARCHITECTURE's map: indented names, a folder's ending in a slash."""
    drawn = ARCHITECTURE.partition("## The map")[2].partition("\n\nA new")[0]
    folders: list[tuple[int, str]] = []
    paths: list[str] = []
    for line in drawn.splitlines():
        found = re.match(r"( +)([\w.]+/?)( |$)", line)
        if found is None:
            continue
        indent, name = len(found[1]), found[2]
        while folders and folders[-1][0] >= indent:
            folders.pop()
        path = "".join(folder for _, folder in folders) + name
        paths.append(path)
        if name.endswith("/"):
            folders.append((indent, name))
            beside = line[found.end(2) :]
            if path == "tests/":
                paths += [path + folder for folder in re.findall(r"\b(\w+/)", beside)]
    return paths


@pytest.mark.parametrize("path", map_of_the_architecture())
def test_everything_on_the_map_exists(path: str) -> None:
    assert (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file()


def test_the_map_shows_every_module_and_package_of_the_bot() -> None:
    drawn = ARCHITECTURE.partition("## The map")[2]
    shipped = [*(ROOT / "bot").glob("[a-z]*.py"), *(each for each in (ROOT / "bot").iterdir() if each.is_dir())]
    names = [path.name for path in shipped if path.name != "__pycache__"]

    assert [name for name in names if not re.search(rf"^ +{re.escape(name)}/? ", drawn, re.MULTILINE)] == []


def test_every_test_that_the_promises_name_exists() -> None:
    table = ARCHITECTURE.partition("## The promises")[2].partition("\n## ")[0]
    rows = [row for row in table.splitlines() if re.match(r"\| \d+ \|", row)]
    named = [path for row in rows for path in re.findall(r"`([\w/]+)`", row.split("|")[-2])]
    tests = ROOT / "tests"

    assert len(named) >= len(rows) > 0
    assert [path for path in named if not (tests / path).is_dir() and not (tests / f"{path}.py").is_file()] == []


async def test_every_graph_of_the_shipped_configuration_loads_or_says_that_it_needs_a_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MODEL", raising=False)

    graphs = await registry.listed(ROOT / "langgraph.json", ROOT)

    unavailable = {graph.name: graph.unavailable for graph in graphs if graph.unavailable}
    assert {name: reason for name, reason in unavailable.items() if "MODEL is not set" not in reason} == {}
    assert [graph.name for graph in graphs if not graph.description] == []


async def test_the_graph_of_the_readme_asks_and_takes_its_answer(tmp_path: Path) -> None:
    """The example is executed as it stands."""
    (example,) = re.findall(r"```python\n(# graphs/deploy\.py\n.*?)```", README, re.DOTALL)
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


async def test_the_agent_of_the_readme_asks_before_it_deletes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example is executed as it stands, with a scripted model and tools of the names that it imports."""
    (example,) = re.findall(r"```python\n(# graphs/helper\.py\n.*?)```", README, re.DOTALL)
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

    assert question.title == "Run delete_file?"
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
