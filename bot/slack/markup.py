"""Reads a message's markup back into what the person typed.

A Slack client escapes three characters and writes everything that it links as `<target|label>`: addresses, hosts,
files (it takes `deploy.py` for a host), people, channels, groups, dates (Slack: "Formatting text for app surfaces",
"Retrieving messages"). Text from the fields of a modal arrives as it was typed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

_TOKEN: Final = re.compile(r"<([^<>\n]+)>|&(amp|lt|gt);")
_LETTERS: Final = {"amp": "&", "lt": "<", "gt": ">"}
_MARKED: Final = re.compile(r"<(?:@[UW]|#[CG]|![a-z]|[a-z][a-z0-9+.-]*:)[^<>\n]*>", re.IGNORECASE)
_TO_PEOPLE: Final = re.compile(r"mailto:|tel:", re.IGNORECASE)
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://|mailto:|tel:", re.IGNORECASE)


def typed(text: str, names: Mapping[str, str] | None = None) -> str:
    """What was typed. `names` has the names of people, channels and groups whose ids come without a label (`unnamed`);
    an id that is not in it stays an id."""
    known = names or {}

    def read(found: re.Match[str]) -> str:
        return _LETTERS[found[2]] if found[2] else _typed_link(found[1], known)

    return _TOKEN.sub(read, text).strip()


def marked(text: str) -> bool:
    """Whether the text contains Slack's markup. A command's text does in some apps and does not in others
    (Slack: "Slash commands", `should_escape`)."""
    return _MARKED.search(text) is not None


def unnamed(text: str) -> tuple[str, ...]:
    """The ids of people, channels and groups that come without a name, each once."""
    found: list[str] = []
    for token in _TOKEN.finditer(text):
        target, _, label = (token[1] or "").partition("|")
        if label:
            continue
        if target[:1] in ("@", "#"):
            found.append(target[1:])
        elif target.startswith("!subteam^"):
            found.append(target.removeprefix("!subteam^"))
    return tuple(dict.fromkeys(found))


def _typed_link(inside: str, names: Mapping[str, str]) -> str:
    target, _, label = inside.partition("|")
    label = _letters(label)
    match target[:1]:
        case "@" | "#" as mark:
            return mark + (label.removeprefix(mark) or names.get(target[1:]) or target[1:])
        case "!":
            return _special(target[1:], label, names)
        case _:
            return _address(_letters(target), label)


def _special(target: str, label: str, names: Mapping[str, str]) -> str:
    kind, _, rest = target.partition("^")
    match kind:
        case "subteam":
            return "@" + (label.removeprefix("@") or names.get(rest) or rest)
        case "here" | "channel" | "everyone":
            return f"@{kind}"
        case _:
            return label or f"@{kind}"


def _address(target: str, label: str) -> str:
    """The label if that was typed and the client linked it. The target if somebody put a link on other words."""
    typed_so = _bare(target) == _bare(label) or _TO_PEOPLE.match(target)
    return label if label and typed_so else target


def _bare(address: str) -> str:
    """An address without what a client may have added to it."""
    rest = unquote(_SCHEME.sub("", address, count=1)).rstrip("/").casefold()
    host, slash, path = rest.partition("/")
    try:
        return host.encode().decode("idna") + slash + path
    except UnicodeError:
        return rest


def _letters(text: str) -> str:
    return re.sub("&(amp|lt|gt);", lambda found: _LETTERS[found[1]], text)
