"""Titles for proposed actions, in words: `send_email` to ada@example.org is "Send email to ada@example.org?".

The title of a single action names its most telling argument. So it has to be made again whenever the arguments change,
or are hidden (`question.retitled`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from bot.approvals.model.ids import JSON

MAX_VALUE_CHARACTERS: Final = 60
"""A longer value is not named in a title. Cut, it might be taken for another one."""
MAX_NAMED: Final = 3
"""How many actions, or entries of a list, a title names before it counts the others."""

_TELLING: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("to", ("to", "recipient", "recipients", "to_email", "email", "email_address", "to_address", "addressee")),
    ("", ("payee", "customer", "path", "file_path", "filepath", "file", "filename", "folder", "directory")),
    ("", ("url", "uri", "command", "cmd", "query", "sql", "name", "title", "service", "host", "branch", "repo")),
    ("in", ("channel", "channel_id")),
    ("for", ("user", "username", "user_id", "account")),
    ("to", ("environment", "env", "target", "destination")),
    ("", ("id", "ticket", "issue", "key")),
)
"""The arguments that say most about an action, most telling first, each after the word that comes before its value.
After the first of these comes what the action is named after: the `order` of `refund_order`."""
_ASKING: Final = ("question", "message", "prompt", "content", "text")
"""The arguments in which an action that only takes an answer may hold the question."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9 _./:-]*[A-Za-z][A-Za-z0-9 _./:-]*")
_ENDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where a word ends in camelCase."""


def of_one(name: str, arguments: Mapping[str, JSON], *, approvable: bool) -> str:
    """The title of a question about one action. Empty if the action has no name. `approvable` says whether people may
    approve the action; if not, the title is the question that its arguments hold, if they do."""
    asked = [value for key in _ASKING if isinstance(value := arguments.get(key), str) and value.strip()]
    if not approvable and asked:
        return asked[0]
    words = in_words(name)
    if not _PLAIN.fullmatch(name):
        title = f"Run {name}" if name else ""
    else:
        title = " ".join((words[:1].upper() + words[1:], *_telling(words, arguments)))
    return f"{title}?" if approvable and title else title


def of_several(names: Iterable[str], noun: str) -> str:
    """The title of a question about several actions: how many there are, and what they do. `noun` is what they are, in
    the plural: "Run 3 tools: delete files and send email (2 times)?" is of three tools."""
    counted = Counter(names)
    said = [in_words(name) + (f" ({times} times)" if times > 1 else "") for name, times in counted.items()]
    return f"Run {counted.total()} {noun}: {_listed(said)}?"


def in_words(name: str) -> str:
    """An action's name as words: `sendEmail` and `send_email` are both "send email". A name with any character that
    might mislead, or that is no Latin letter, stays as it is."""
    if not _PLAIN.fullmatch(name):
        return name
    spaced = re.sub(r"[\s_./:-]+", " ", _ENDS.sub(" ", name)).strip()
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in spaced.split())


def _telling(words: str, arguments: Mapping[str, JSON]) -> tuple[str, ...]:
    """The most telling argument, after its preposition. Empty if there is none, or if it does not fit: a lesser one in
    its place would mislead."""
    own = words.rpartition(" ")[2]
    first, *others = _TELLING
    for preposition, keys in (first, ("", (own, f"{own}_id", f"{own}_number")), *others):
        for key in keys:
            if arguments.get(key) in (None, "", []):
                continue
            value = _value(arguments[key])
            leading = preposition if value and not words.endswith(f" {preposition}") else ""
            return tuple(filter(None, (leading, value)))
    only = _value(next(iter(arguments.values()))) if len(arguments) == 1 else ""
    return (only,) if only else ()


def _value(value: JSON) -> str:
    """A value as it stands in a title. Empty if it is not a short text, a whole number, or a list of such texts."""
    if isinstance(value, list):
        texts = [each for each in value if isinstance(each, str) and each.strip()]
        value = _listed(texts) if texts and len(texts) == len(value) else ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    fits = isinstance(value, str) and value.isprintable() and len(value.strip()) <= MAX_VALUE_CHARACTERS
    return str(value).strip() if fits else ""


def _listed(words: list[str]) -> str:
    """Words with commas, and "and" before the last: the first `MAX_NAMED`, and the number of the others."""
    more = len(words) - MAX_NAMED
    named = [*words[:MAX_NAMED], f"{more} more"] if more > 0 else words
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
