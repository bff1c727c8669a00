"""The page of commands names every command and option, and no document names another."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator

import pytest

from bot import __main__
from bot.slack.inbox import task_list
from bot.slack.listeners import approvals_command
from simulator import __main__ as simulator
from tests.unit.docs.pages import PAGES, ROOT, codes, rows, section

PAGE = "docs/reference/commands.md"
TARGETS = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))


def parsers(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The commands of the command line, such as `policy explain`, each with what reads its options."""
    inner = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield name.strip(), parser
    for action in inner:
        for word, each in action.choices.items():
            yield from parsers(each, f"{name} {word}")


def options(parser: argparse.ArgumentParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings} - {"-h", "--help"}


COMMANDS = {
    name: parser
    for word in dict(parsers(__main__._parser([])))
    for name, parser in parsers(__main__._parser([word]))
    if name.split()[0] == word
}
"""Such as `policy explain` -> what reads its options."""


HEAD = f"17:{'3f' * 32}"
"""What stands for the head of a chain."""
NEEDED = {
    "policy explain": ["payload.json"],
    "audit": ["verify"],
    "tasks show": ["1a2b3c4d"],
    "tasks cancel": ["1a2b3c4d"],
    "tasks retry": ["1a2b3c4d"],
    "requests show": ["6e7c4db1"],
    "requests repolicy": ["6e7c4db1"],
    "tokens add": ["billing", "--source", "billing-service"],
}
"""What a command that is named without it needs to be complete."""


# --- The page -------------------------------------------------------------------------------------------


def terminal() -> list[list[str]]:
    return rows(section(PAGE, "## In a terminal"))


def test_the_page_names_every_command_of_the_command_line() -> None:
    lines = [code.removeprefix("python -m bot ") for row in terminal() for code in codes(row[0]) if " -m bot " in code]
    named = {name for name in COMMANDS for line in lines if line == name or line.startswith(f"{name} ")}

    assert named == set(COMMANDS)
    assert len(lines) == len(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_names_every_option_of_a_command(command: str) -> None:
    stated = {
        option for row in terminal() for option in codes(row[0]) if option.startswith("--") and command in codes(row[1])
    }
    if command not in ("demo", "mcp"):
        stated |= {"--env-file"}

    assert stated == options(COMMANDS[command])


def test_the_page_names_every_make_target() -> None:
    named = {code.removeprefix("make ") for row in rows(section(PAGE, "## In a clone")) for code in codes(row[0])}

    assert named - {"make"} == TARGETS - {"help"}


def test_the_page_names_every_subcommand_in_slack() -> None:
    for heading, subcommands in (
        ("### `/task`", task_list.SUBCOMMANDS),
        ("### `/approvals`", approvals_command.SUBCOMMANDS),
    ):
        named = {code.split()[1] for row in rows(section(PAGE, heading)) for code in codes(row[0]) if " " in code}

        assert set(subcommands) <= named


def test_the_page_of_the_local_slack_names_every_option() -> None:
    stated = {
        option for row in rows(section("docs/reference/local-slack.md", "## Options")) for option in codes(row[0])
    }

    assert stated == options(simulator._parser())


# --- All documents --------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_a_document_names_exists(page: str) -> None:
    named = set(re.findall(r"(?:^ *|`)make ([a-z]+)", PAGES[page], re.MULTILINE))

    assert named - TARGETS == set()


def command_lines(text: str) -> list[list[str]]:
    """What follows `python -m bot` or `countersign` in code, up to a pipe, word by word."""
    named = re.findall(r"(?:python -m bot|^ *countersign|`countersign) ([a-z][^`\n#|]*)", text)
    return [line.split() for line in named]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_line_that_a_document_names_is_understood(page: str) -> None:
    for words in command_lines(PAGES[page]):
        given = [HEAD if word.startswith(("17:", "NUMBER:")) else word for word in words]
        needed = NEEDED.get(" ".join(given), [])

        assert __main__._parser(given).parse_args([*given, *needed]).command == words[0]


@pytest.mark.parametrize("page", PAGES)
def test_every_option_that_a_document_names_exists(page: str) -> None:
    ours = {option for parser in (*COMMANDS.values(), simulator._parser()) for option in options(parser)}
    named = {code.split()[0] for code in codes(PAGES[page]) if code.startswith("--")}

    assert named - ours - {"--version", "--strict"} == set()


def test_the_readme_names_commands() -> None:
    assert command_lines(PAGES["README.md"])


@pytest.mark.parametrize("page", PAGES)
def test_every_task_line_starts_with_a_graph_or_a_subcommand(page: str) -> None:
    shown = {name for text in PAGES.values() for name in re.findall(r"^# graphs/(\w+)\.py$", text, re.MULTILINE)}
    graphs = set(json.loads((ROOT / "langgraph.json").read_text())["graphs"]) | shown
    named = set(re.findall(r"(?:^ *|`)/task ([a-z-]+)", PAGES[page], re.MULTILINE))

    assert named - graphs - set(task_list.SUBCOMMANDS) == set()
