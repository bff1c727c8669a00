"""How large a policy file may be: looked at before anything is built of it, so that no file can exhaust the bot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from bot.approvals.model.errors import SettingsError

LONGEST: Final = 300_000
"""Characters of the file."""
DEEPEST: Final = 50
"""Lists and mappings within each other."""
MOST_NODES: Final = 20_000
"""Keys and values, each counted as often as an alias repeats it."""


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    anchor: str | None
    nodes: int = 1


def refuse_large(path: Path, text: str) -> None:
    """Return if the file can be read safely; else `SettingsError`, with the line. `yaml.YAMLError` if it is no YAML.

    Its events come one after the other, without recursion.
    """
    if len(text) > LONGEST:
        raise SettingsError(f"{path}: this is too large: {len(text):,} characters, and {LONGEST:,} is the most.")
    outer: list[_Open] = [_Open(None)]
    sizes: dict[str, int] = {}
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        where = f"{path}, line {line}"
        match event:
            case yaml.CollectionStartEvent():
                if len(outer) > DEEPEST:
                    raise SettingsError(f"{where}: lists and mappings are nested here more than {DEEPEST} deep.")
                outer.append(_Open(event.anchor))
                continue
            case yaml.CollectionEndEvent():
                closed = outer.pop()
                anchor, nodes = closed.anchor, closed.nodes
            case yaml.ScalarEvent():
                anchor, nodes = event.anchor, 1
            case yaml.AliasEvent():
                anchor, nodes = None, sizes.get(str(event.anchor), 1)  # 1 if it stands within itself
            case _:
                continue
        if anchor is not None:
            sizes[anchor] = nodes
        outer[-1].nodes += nodes
        if outer[-1].nodes > MOST_NODES:
            raise SettingsError(f"{where}: with what its aliases repeat, this has more than {MOST_NODES:,} entries.")
