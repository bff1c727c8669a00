"""How large a policy file may be. This is checked before the file is built, so that no file can exhaust the bot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from bot.approvals.model.errors import SettingsError

MAX_FILE_CHARACTERS: Final = 300_000
MAX_DEPTH: Final = 50
"""How many lists and mappings may be nested in each other."""
MAX_NODES: Final = 20_000
"""How many keys and values the file may have. What an alias repeats is counted again."""


@dataclass(slots=True)
class _Open:
    """A list or mapping that the parser is still inside."""

    anchor: str | None
    nodes: int = 1


def refuse_large(path: Path, text: str) -> None:
    """Returns if the file is small enough to read safely.

    Raises `SettingsError` with the line if it is not, and `yaml.YAMLError` if the file is not YAML. It reads the
    parser's events one by one, so a deeply nested file cannot overflow the stack.
    """
    if len(text) > MAX_FILE_CHARACTERS:
        raise SettingsError(
            f"{path}: this is too large: it has {len(text):,} characters, and at most {MAX_FILE_CHARACTERS:,} are "
            "allowed."
        )
    outer: list[_Open] = [_Open(None)]
    sizes: dict[str, int] = {}
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        where = f"{path}, line {line}"
        match event:
            case yaml.CollectionStartEvent():
                if len(outer) > MAX_DEPTH:
                    raise SettingsError(f"{where}: lists and mappings are nested more than {MAX_DEPTH} deep here.")
                outer.append(_Open(event.anchor))
                continue
            case yaml.CollectionEndEvent():
                closed = outer.pop()
                anchor, nodes = closed.anchor, closed.nodes
            case yaml.ScalarEvent():
                anchor, nodes = event.anchor, 1
            case yaml.AliasEvent():
                anchor, nodes = None, sizes.get(str(event.anchor), 1)  # 1 if the alias stands inside its own anchor
            case _:
                continue
        if anchor is not None:
            sizes[anchor] = nodes
        outer[-1].nodes += nodes
        if outer[-1].nodes > MAX_NODES:
            raise SettingsError(f"{where}: this has more than {MAX_NODES:,} entries, with what its aliases repeat.")
