"""What a page tells its reader to do, read out of its Markdown: blocks to run or type, and sentences to follow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import TypeAlias

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block."""

    language: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A paragraph, or an item of a list, on one line."""

    text: str

    @property
    def told(self) -> str:
        """What the reader is told to do: its bold words, without the full stops."""
        return " ".join(re.findall(r"\*\*(.+?)\*\*", self.text)).replace('."', '"\0').replace(".", "").replace("\0", "")

    @property
    def rest(self) -> str:
        """What the reader is told to see, and why; without code, whose quotes are its own."""
        return re.sub(r"\*\*.+?\*\*|`[^`]+`", "", self.text)


Step: TypeAlias = Block | Sentence


def steps(page: str, sections: Sequence[str]) -> list[Step]:
    """The steps of these sections of a page, in the order of the page; fails if it lacks one of them."""
    text = (ROOT / page).read_text()
    found: list[Step] = []
    for name in sections:
        section = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        assert section is not None, f"{page} has no section {name}"
        found += _steps(section[1])
    return found


def headings(page: str) -> list[str]:
    """The sections of a page."""
    return re.findall(r"^## (.+)$", (ROOT / page).read_text(), re.MULTILINE)


def _steps(section: str) -> Iterator[Step]:
    """A new sentence begins at an empty line and at each item of a list."""
    blocks = r"^(?P<indent> *)```(?P<language>\w*)\n(?P<block>.*?)^(?P=indent)```$"
    position = 0
    for match in re.finditer(blocks, section, re.MULTILINE | re.DOTALL):
        yield from _sentences(section[position : match.start()])
        yield Block(language=match["language"], text=dedent(match["block"]).strip())
        position = match.end()
    yield from _sentences(section[position:])


def _sentences(text: str) -> Iterator[Sentence]:
    for paragraph in re.split(r"\n\s*\n|\n(?=\d+\. |- )", text):
        words = re.sub(r"^(\d+\.|-) ", "", " ".join(paragraph.split()))
        if words and not words.startswith(("|", "!", "#")):
            yield Sentence(text=words)
