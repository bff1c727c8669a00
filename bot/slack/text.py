"""Text that is safe in Slack's messages: escaped, visibly cut, and without characters that mislead.

Text from a graph or a person goes through `visible` and stands in plain_text or rich_text, where Slack parses nothing.
In mrkdwn it goes through `escape` as well.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from bot.approvals.model.ids import JSON, ChannelId, Operator, Person, Program
from bot.approvals.model.server import server_of_thread

_PLAIN = re.compile(r"[\n\t\x20-\x7e]*")
_NOT_PLAIN = re.compile(r"[^\n\t\x20-\x7e]+")
_KEPT = frozenset("\n\t")
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINED = frozenset({"Lo", "Mn", "Mc"})
_PICTURE = frozenset({"So", "Sk"})
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_SELECTOR = "\ufe0f"
_JOINERS = "\u200c\u200d"
_KEYCAPS = frozenset("0123456789#*")
_MAX_STACKED_ACCENTS = 4
_MAX_PARAGRAPH_CHARACTERS = 3000
MAX_NAME_CHARACTERS = 63
"""Of a program or a token: as many as their names may have."""
_REMEMBERED = 60
"""Characters of the longest labels that are remembered."""
_SPARED = 20
"""Characters beyond a limit for which nothing is cut."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Text within a limit, and whether it was cut."""

    text: str
    cut: bool


def escape(text: str) -> str:
    """Text that mrkdwn shows as it is, so that it cannot become a mention, link or ping (Slack: escaping text)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def literal(words: str) -> str:
    """Words that somebody else wrote, as part of a mrkdwn sentence: one line that mentions nobody and links nowhere."""
    return " ".join(escape(words).split())


def visible(text: str) -> str:
    """The text with every character that hides or reorders others written out, as in ⟨U+202E⟩.

    Joiners stay if scripts or emoji need them. Right-to-left letters are isolated from what follows. No letter has
    more than a few accents.
    """
    if _PLAIN.fullmatch(text):
        return text
    reordering = False

    def spelled(run: re.Match[str]) -> str:
        nonlocal reordering
        marks = 0
        written: list[str] = []
        for at in range(run.start(), run.end()):
            character = text[at]
            marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
            written.append(_named(character) if marks > _MAX_STACKED_ACCENTS or _misleads(text, at) else character)
            reordering = reordering or unicodedata.bidirectional(character) in _RIGHT_TO_LEFT
        return "".join(written)

    shown = _NOT_PLAIN.sub(spelled, text)
    return "\n".join(f"\u2068{line}\u2069" for line in shown.split("\n")) if reordering else shown


def shown(text: str, limit: int) -> Cut:
    """Untrusted text, visible, in at most `limit` characters."""
    if len(text) <= limit:
        whole = visible(text)
        if len(whole) <= limit:
            return Cut(whole, False)
    return Cut(_noted(visible(text[:limit]), limit, len(text)), True)


def folded(text: str, limit: int) -> Cut:
    """Untrusted text, visible, in about `limit` characters. It ends in `…` if it was cut, which is for places beside
    which the whole can be opened. A text that is hardly longer stays whole."""
    if len(text) <= limit + _SPARED:
        whole = visible(text)
        if len(whole) <= limit + _SPARED:
            return Cut(whole, False)
    begun = _whole(visible(text[:limit])[: limit - 1])
    words, space, _ = begun.rpartition(" ")
    return Cut(f"{(words if space and len(words) > limit // 2 else begun).rstrip(' ,;:')}…", True)


def unseen(text: str) -> tuple[str, ...]:
    """The names of the characters that `visible` would write out, each once."""
    misleading = (character for at, character in enumerate(text) if _misleads(text, at))
    return tuple(dict.fromkeys(f"U+{ord(character):04X}" for character in misleading))


def cut(text: str, limit: int) -> str:
    """The text in at most `limit` characters. If it was cut, a note at its end says so."""
    return text if len(text) <= limit else _noted(text, limit, len(text))


def label(text: str, limit: int) -> str:
    """One line of plain text within a limit: for headers, buttons and options, which have no room for a note."""
    return _remembered_line(text, limit) if len(text) <= _REMEMBERED else _line(text, limit)


def _line(text: str, limit: int) -> str:
    line = " ".join(visible(text[: _reach(limit)]).split())
    if len(line) <= limit and len(text) <= _reach(limit):
        return line
    return _whole(line[: limit - 1]).rstrip() + "…"


_remembered_line = lru_cache(maxsize=512)(_line)
"""Most short labels are the bot's own words and the names of arguments, which come again on each card."""


def fits(text: str, limit: int) -> bool:
    """Whether `label` shows the text to the letter. It does not if there are line ends or several spaces in a row."""
    return len(text) <= limit and label(text, limit) == visible(text)


def sentence(text: str, limit: int) -> str:
    """Untrusted text as part of a mrkdwn sentence: one line, cut, escaped, and without formatting characters."""
    return escape(label(re.sub(r"[`*~]", "", text), limit))


def spoken(words: str) -> str:
    """A mrkdwn line of ours as a sentence for screen readers: without bold, with a full stop."""
    plain = re.sub(r"(?<=[.?!…]) · (\w?)", lambda found: f" {found[1].upper()}", words.replace("*", ""))
    plain = plain.replace(" · ", ", ")
    return plain if not plain or plain[-1] in ".?!…:" else f"{plain}."


def paragraph(sentences: Iterable[str]) -> str:
    """Finished mrkdwn sentences as a message's `text`. Sentences that do not fit are left out."""
    whole = ""
    for each in sentences:
        longer = f"{whole} {each}".strip()
        if len(longer) > _MAX_PARAGRAPH_CHARACTERS:
            break
        whole = longer
    return whole


def pretty(value: JSON) -> str:
    """The value as indented JSON. The caller makes it `visible`."""
    try:
        return json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:  # the indenting encoder is written in Python and gives up earlier
        return json.dumps(value, ensure_ascii=False)


def moment(at: datetime, *, seconds: bool = False) -> str:
    """A moment in the reader's own time zone, as Slack writes it (Slack: date formatting)."""
    form, fallback = ("{time_secs}", f"{at:%Y-%m-%d %H:%M:%S}") if seconds else ("{time}", f"{at:%Y-%m-%d %H:%M}")
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {form}|{fallback} UTC>"


def mention(who: Person | Program | Operator) -> str:
    """A person as Slack mentions them, a program by its name in bold, a thread as `a thread on *prod*`, an operator as
    `an operator (alice)`."""
    if isinstance(who, Person):
        return f"<@{who.user_id}>"
    if isinstance(who, Operator):
        return f"an operator ({sentence(who.login, MAX_NAME_CHARACTERS)})"
    server = server_of_thread(who)
    return f"*{program(who.name)}*" if server is None else f"a thread on *{program(server)}*"


def program(name: str) -> str:
    """The name of a program or a token as part of a mrkdwn sentence."""
    return sentence(name, MAX_NAME_CHARACTERS)


def channel(id: ChannelId) -> str:
    return f"<#{id}>"


def mentions(people: Sequence[Person | Program | Operator], limit: int = 10) -> str:
    """People in a sentence, and how many more there are."""
    return listed([mention(person) for person in people], limit)


def approver(name: str) -> str:
    """A policy's name for approvers as mrkdwn: ids of people, groups and channels as mentions, others as words."""
    if re.fullmatch(r"[UW][A-Z0-9]{2,}", name):
        return f"<@{name}>"
    if re.fullmatch(r"S[A-Z0-9]{2,}", name):
        return f"<!subteam^{name}>"
    if re.fullmatch(r"[CG][A-Z0-9]{2,}", name):
        return f"<#{name}>"
    return escape(label(name, 80))


def approvers(names: Sequence[str], limit: int = 10) -> str:
    return listed([approver(name) for name in names], limit)


def listed(words: Sequence[str], limit: int = 10) -> str:
    """`a, b and c`, or if there are more than `limit`, `a, b and 3 more`."""
    shown = list(words[:limit])
    if rest := len(words) - len(shown):
        shown.append(f"{rest:,} more")
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def either(words: Iterable[str], limit: int = 10) -> str:
    """`a, b or c`, or if there are more than `limit`, `a, b or 3 more`."""
    named = list(words)
    shown = named[:limit]
    if rest := len(named) - len(shown):
        shown.append(f"{rest:,} more")
    return f"{', '.join(shown[:-1])} or {shown[-1]}" if len(shown) > 1 else "".join(shown)


def lower(words: str) -> str:
    """The words as part of a sentence."""
    return words[:1].lower() + words[1:]


def upper(words: str) -> str:
    """The words as the beginning of a sentence."""
    return words[:1].upper() + words[1:]


def counted(number: int, thing: str) -> str:
    """`1 action`, `1,200 actions`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def span(measure: timedelta) -> str:
    """A duration in words: `4 hours`, `1 day and 12 hours`."""
    seconds = int(measure.total_seconds())
    units = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
    parts: list[str] = []
    for unit, size in units:
        count, seconds = divmod(seconds, size)
        parts += [counted(count, unit)] if count else []
    return " and ".join(parts[:2])


def _noted(text: str, limit: int, total: int) -> str:
    note = f"… cut, {total:,} characters in all"
    if len(note) >= limit:
        return _whole(text[: max(limit - 1, 0)]).rstrip() + "…"
    return f"{_whole(text[: limit - len(note) - 1])} {note}"


def _reach(limit: int) -> int:
    """How many characters of a text `label` reads to find its words."""
    return limit * 4 + 100


def _named(character: str) -> str:
    return f"⟨U+{ord(character):04X}⟩"


def _misleads(text: str, at: int) -> bool:
    character = text[at]
    if character in _KEPT:
        return False
    before = text[at - 1] if at else ""
    after = text[at + 1 : at + 2]
    if character == _SELECTOR:
        return not (_pictured(before) or before in _KEYCAPS)
    if "\ufe00" <= character < _SELECTOR or "\U000e0100" <= character <= "\U000e01ef":
        return True
    if character in _JOINERS and before and after:
        scripted = {unicodedata.category(before), unicodedata.category(after)} <= _JOINED
        return not (scripted or (_pictured(before) and _pictured(after)))
    return character in _BLANK or unicodedata.category(character) in _UNSEEN


def _pictured(character: str) -> bool:
    return character == _SELECTOR or (character != "" and unicodedata.category(character) in _PICTURE)


def _whole(text: str) -> str:
    """The text without a written-out character that was cut in half at its end."""
    start = text.rfind("⟨")
    return text[:start] if start >= 0 and "⟩" not in text[start:] and len(text) - start < 10 else text
