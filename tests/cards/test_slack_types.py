"""Every drawing by the types that Slack publishes for it: TypeScript's compiler reads them, where there is Node.

The types come from npm, once, into a folder of their own in node_modules, which git ignores.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest

from bot.cli.standard_cards.drawings import Drawing, Place, drawings
from tests.support import npm
from tools.cards.standard import standard

pytestmark = pytest.mark.heavy

PREFIX: Final = Path(__file__).parents[2] / "node_modules" / ".cache" / "slack-types"
PACKAGES: Final = ("@slack/types@2", "typescript@5")
OPTIONS: Final = ("--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck")

# What the compiler knows of a literal is more than of a value of the same shape: it refuses properties that the type
# does not have. So all is written as literals. A view's blocks are `AnyBlock`, which is anything with a `type`, so they
# are narrowed to the blocks that Slack knows. The types say nothing of lengths and numbers: the simulator checks those.
HEAD: Final = """import type { HomeView, KnownBlock, ModalView } from "@slack/types";

type Message = KnownBlock[];
type Modal = Omit<ModalView, "blocks"> & { blocks: KnownBlock[] };
type Home = Omit<HomeView, "blocks"> & { blocks: KnownBlock[] };
"""
Typed: TypeAlias = tuple[str, Any]
"""The name of a type in `HEAD`, and a value that should be of it."""
TYPES: Final = {Place.MESSAGE: "Message", Place.MODAL: "Modal", Place.HOME: "Home"}
WRONG: Final[dict[str, dict[str, Any]]] = {
    "a property that Slack does not know": {"type": "divider", "colour": "red"},
    "a style that Slack does not know": {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "a", "style": "warning", "text": {"type": "plain_text", "text": "Go"}}
        ],
    },
    "markup in a header": {"type": "header", "text": {"type": "mrkdwn", "text": "*Title*"}},
    "a block that Slack does not know": {"type": "footer", "text": "The end"},
    "rich text without its parts": {"type": "rich_text"},
}


@pytest.fixture(scope="module")
def drawn() -> dict[str, Typed]:
    """All drawings that have blocks, by their names."""
    every = (each for card in standard() for each in drawings(card) if each.place in TYPES)
    return {f"{each.card}: {each.name}": _typed(each) for each in every}


@pytest.fixture(scope="module")
def wrong() -> dict[str, Typed]:
    """Messages and views that Slack would refuse."""
    title, divider = {"type": "plain_text", "text": "Details"}, {"type": "divider"}
    modal = {"type": "modal", "title": title, "blocks": [divider]}
    return {
        **{f"message: {what}": ("Message", [divider, block]) for what, block in WRONG.items()},
        "modal: without a title": ("Modal", {"type": "modal", "blocks": [divider]}),
        "modal: a property that Slack does not know": ("Modal", {**modal, "colour": "red"}),
        "home: of another type": ("Home", {**modal, "type": "modal"}),
    }


@pytest.fixture(scope="module")
def complaints(
    drawn: dict[str, Typed], wrong: dict[str, Typed], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    """What the compiler says, by the names of what it is about. Skips, and says why, if there is no compiler."""
    try:
        node = npm.installed(PACKAGES, PREFIX)
    except npm.NoPackages as error:
        pytest.skip(f"NOT TESTED BY SLACK'S TYPES: {error}")
    folder = tmp_path_factory.mktemp("types")
    source, first_lines = _source({**drawn, **wrong})
    (folder / "drawings.ts").write_text(source, encoding="utf-8")
    (folder / "node_modules").symlink_to(PREFIX / "node_modules")
    compiler = PREFIX / "node_modules" / "typescript" / "bin" / "tsc"
    ran = subprocess.run(
        [node, str(compiler), *OPTIONS, "drawings.ts"], cwd=folder, capture_output=True, text=True, check=False
    )
    return _named([*ran.stdout.splitlines(), *ran.stderr.splitlines()], first_lines)


def test_every_drawing_has_slacks_types(
    drawn: dict[str, Typed], wrong: dict[str, Typed], complaints: dict[str, list[str]]
) -> None:
    """There are messages, modals and Homes among them."""
    assert {type_ for type_, _ in drawn.values()} == set(TYPES.values())
    assert {name: said for name, said in complaints.items() if name not in wrong} == {}


def test_the_types_tell_what_slack_would_refuse(wrong: dict[str, Typed], complaints: dict[str, list[str]]) -> None:
    """Otherwise the compiler's silence would say nothing."""
    assert wrong.keys() - complaints.keys() == set()


def _typed(drawing: Drawing) -> Typed:
    return TYPES[drawing.place], drawing.blocks if drawing.view is None else drawing.view


def _source(typed: dict[str, Typed]) -> tuple[str, dict[int, str]]:
    """The program, and whose each line is from there on, counted from 1. Many drawings share a block: the compiler
    reads it once, for the first of them."""
    lines, first_lines = HEAD.split("\n"), dict[int, str]()
    known: dict[str, str] = {}

    def declare(name: str, constant: str, type_: str, literal: str) -> None:
        first_lines[len(lines) + 1] = name
        lines.extend(f"export const {constant}: {type_} = {literal};".split("\n"))

    for number, (name, (type_, value)) in enumerate(typed.items()):
        blocks = [json.dumps(block, indent=1) for block in (value if type_ == "Message" else value["blocks"])]
        for literal in blocks:
            if literal not in known:
                known[literal] = f"block{len(known)}"
                declare(name, known[literal], "KnownBlock", literal)
        listed = f"[{', '.join(known[literal] for literal in blocks)}]"
        rest = {} if type_ == "Message" else {key: each for key, each in value.items() if key != "blocks"}
        fields = "".join(f"{json.dumps(key)}: {json.dumps(each)}, " for key, each in rest.items())
        declare(name, f"drawing{number}", type_, f"{{ {fields}blocks: {listed} }}" if rest else listed)
    return "\n".join(lines), first_lines


def _named(output: Sequence[str], first_lines: dict[int, str]) -> dict[str, list[str]]:
    """The compiler's lines by the name of what they are about; by `the program` if it names no line of a value."""
    told: dict[str, list[str]] = {}
    name = "the program"
    for line in output:
        if not line.startswith(" "):
            found = re.match(r"drawings\.ts\((\d+),", line)
            first = max((at for at in first_lines if found and at <= int(found[1])), default=0)
            name = first_lines.get(first, "the program")
        told.setdefault(name, []).append(line)
    return told
