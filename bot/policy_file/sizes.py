"""Limits on the size of a policy file, checked before anything is built, so that no file can exhaust the bot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from bot.approvals.model.errors import SettingsError

MAX_CHARACTERS: Final = 300_000
MAX_LEVELS: Final = 50
"""Of lists and mappings inside each other."""
MAX_NODES: Final = 20_000
"""Keys and values, counted as often as aliases repeat them."""


@dataclass(slots=True)
class _Open:
    """A list or mapping that has not ended yet."""

    anchor: str | None
    nodes: int = 1


def refuse_large(path: Path, text: str) -> None:
    """Raises SettingsError, with the line, if the file is too large, and yaml.YAMLError if it is not YAML.

    It reads YAML's events one after the other, without recursion.
    """
    if len(text) > MAX_CHARACTERS:
        raise SettingsError(
            f"{path}: this is too large: {len(text):,} characters, at most {MAX_CHARACTERS:,} are allowed."
        )
    outer: list[_Open] = [_Open(None)]
    sizes: dict[str, int] = {}
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        where = f"{path}, line {line}"
        match event:
            case yaml.CollectionStartEvent():
                if len(outer) > MAX_LEVELS:
                    raise SettingsError(f"{where}: lists and mappings are nested more than {MAX_LEVELS} deep here.")
                outer.append(_Open(event.anchor))
                continue
            case yaml.CollectionEndEvent():
                closed = outer.pop()
                anchor, nodes = closed.anchor, closed.nodes
            case yaml.ScalarEvent():
                anchor, nodes = event.anchor, 1
            case yaml.AliasEvent():
                anchor, nodes = None, sizes.get(str(event.anchor), 1)  # 1 if it contains itself
            case _:
                continue
        if anchor is not None:
            sizes[anchor] = nodes
        outer[-1].nodes += nodes
        if outer[-1].nodes > MAX_NODES:
            raise SettingsError(
                f"{where}: counting what its aliases repeat, the file has more than {MAX_NODES:,} entries."
            )
