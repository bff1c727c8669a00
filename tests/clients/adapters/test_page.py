"""The guide shows parts of the examples, which other tests run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

import countersign.adapters
from tests.clients.adapters.environments import ROOT

_PAGE: Final = (ROOT / "docs" / "guides" / "frameworks.md").read_text()
_BLOCKS: Final = re.findall(r"^```python\n(.*?)^```", _PAGE, re.MULTILINE | re.DOTALL)
_EXAMPLES: Final = {
    path.name: [line.strip() for line in path.read_text().splitlines()]
    for path in sorted(Path(ROOT / "clients" / "python" / "examples").glob("*.py"))
}


ADAPTERS = sorted(each.stem for each in Path(countersign.adapters.__file__).parent.glob("[!_]*.py"))


@pytest.mark.parametrize("block", _BLOCKS, ids=lambda block: block.splitlines()[0])
def test_the_page_shows_what_runs(block: str) -> None:
    """The lines of a block stand one after the other in an example."""
    shown = [line.strip() for line in block.splitlines()]

    found = [
        name
        for name, lines in _EXAMPLES.items()
        if any(lines[start : start + len(shown)] == shown for start in range(len(lines)))
    ]

    assert len(found) == 1


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_every_adapter_has_an_example_and_a_section(adapter: str) -> None:
    """Nobody has to read an adapter's code to use it."""
    assert f"countersign.adapters.{adapter}" in _PAGE
    assert any(name.startswith(adapter) for name in _EXAMPLES)
