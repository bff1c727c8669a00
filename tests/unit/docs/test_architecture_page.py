"""The map shows the tree, and the promises name tests that there are."""

from __future__ import annotations

import re

import pytest

from tests.unit.docs.pages import DOCS, PAGES, ROOT, rows, section

PAGE = "docs/explanation/architecture.md"
DEEPEST_NAME = 12
"""Columns that a name may be indented by; what stands further right explains one."""


def drawn() -> list[str]:
    """The paths of the map: indented names, a folder's ending in a slash."""
    text = section(PAGE, "## The map").partition("\n\nA new")[0]
    folders: list[tuple[int, str]] = []
    paths: list[str] = []
    for line in text.splitlines():
        found = re.match(r"( +)([\w.]+/?)( |$)", line)
        if found is None:
            continue
        indent, name = len(found[1]), found[2]
        if indent > DEEPEST_NAME:
            paths += [f"tests/{folder}" for folder in re.findall(r"\b(\w+/)", line)]
            continue
        while folders and folders[-1][0] >= indent:
            folders.pop()
        path = "".join(folder for _, folder in folders) + name
        paths.append(path)
        if name.endswith("/"):
            folders.append((indent, name))
        if path == "tests/":
            paths += [path + folder for folder in re.findall(r"\b(\w+/)", line[found.end(2) :])]
    return paths


@pytest.mark.parametrize("path", drawn())
def test_everything_on_the_map_exists(path: str) -> None:
    assert (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file()


def test_the_map_shows_every_module_and_package_of_the_bot() -> None:
    shipped = [*(ROOT / "bot").glob("[a-z]*.py"), *(each for each in (ROOT / "bot").iterdir() if each.is_dir())]
    names = [f"bot/{each.name}{'/' if each.is_dir() else ''}" for each in shipped if each.name != "__pycache__"]

    assert set(names) - set(drawn()) == set()


@pytest.mark.parametrize("room", ["approvals", "engines", "slack"])
def test_the_map_shows_every_room_of_a_part(room: str) -> None:
    folders = [each for each in (ROOT / "bot" / room).iterdir() if each.is_dir() and each.name != "__pycache__"]

    assert {f"bot/{room}/{each.name}/" for each in folders} - set(drawn()) == set()


def test_every_test_that_the_promises_name_exists() -> None:
    promises = rows(section(PAGE, "## The promises"))
    named = [path for row in promises for path in re.findall(r"`([\w/]+)`", row[-1])]
    tests = ROOT / "tests"

    assert [row[0] for row in promises] == [str(number) for number in range(1, 11)]
    assert [row[0] for row in promises if "`" not in row[-1]] == []
    assert [path for path in named if not (tests / path).is_dir() and not (tests / f"{path}.py").is_file()] == []


def test_every_path_that_a_page_names_exists() -> None:
    named = {
        (page, path)
        for page, text in PAGES.items()
        for path in re.findall(r"`((?:bot|graphs|simulator|tests|benchmarks|tools|docs)/[\w./-]*)`", text)
    }

    assert [(page, path) for page, path in named if not (ROOT / path).exists() and path != "graphs/deploy.py"] == []


def test_every_module_that_the_page_names_exists() -> None:
    """Also those that stand for themselves, such as `services.votes`."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / "bot").rglob("*") if path.suffix in ("", ".py")]
    modules = [f".{'.'.join(path.parts)}" for path in paths]
    named = set(re.findall(r"(?<![\w/.])[a-z_]+(?:\.[a-z_]+)+(?![\w.])", PAGES[PAGE]))
    files = {name for name in named if name.rpartition(".")[2] in ("py", "yaml", "json", "md")}

    assert [name for name in named - files if not any(module.endswith(f".{name}") for module in modules)] == []
    assert {"services.votes", "messages.sync", "delivery.drive"} <= named


def test_each_decision_is_dated_and_listed() -> None:
    listed = {row[1]: row[2] for row in rows(PAGES["docs/decisions/index.md"])}
    pages = [file for file in (DOCS / "decisions").glob("*.md") if file.name != "index.md"]
    written = {}
    for file in pages:
        title, _, text = file.read_text().partition("\n")
        written[f"[{title.removeprefix('# ')}]({file.name})"] = re.findall(r"^Decided on (.+)\.$", text, re.MULTILINE)

    assert {title: [date] for title, date in listed.items()} == written
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", date) for date in listed.values())
