"""What a person typed, out of what Slack's clients make of it in a message.

A client escapes three letters and writes everything that it makes a link of as `<target|label>`: addresses, hosts,
files (`deploy.py` is a host to it), people, channels, groups, dates (Slack: "Formatting text for app surfaces",
"Retrieving messages"). Text in the fields of a modal comes as it was typed.
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
    """What was typed. `names` says what people, channels and groups are called whose ids come without a label
    (`unnamed`); one that it does not have keeps its id."""
    known = names or {}

    def read(found: re.Match[str]) -> str:
        return _LETTERS[found[2]] if found[2] else _typed_link(found[1], known)

    return _TOKEN.sub(read, text).strip()


def marked(text: str) -> bool:
    """Whether there is a link of Slack's in it: what comes with a command is marked up in some apps, and not in
    others (Slack: "Slash commands", `should_escape`)."""
    return _MARKED.search(text) is not None


def unnamed(text: str) -> tuple[str, ...]:
    """The ids of people, channels and groups that stand in it without their names, each once."""
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
    """The label if it is what was typed and made a link of; of words that somebody put a link on, the link."""
    typed_so = _bare(target) == _bare(label) or _TO_PEOPLE.match(target)
    return label if label and typed_so else target


def _bare(address: str) -> str:
    """An address without what a client may add to what was typed."""
    rest = unquote(_SCHEME.sub("", address, count=1)).rstrip("/").casefold()
    host, slash, path = rest.partition("/")
    try:
        return host.encode().decode("idna") + slash + path
    except UnicodeError:
        return rest


def _letters(text: str) -> str:
    return re.sub("&(amp|lt|gt);", lambda found: _LETTERS[found[1]], text)
