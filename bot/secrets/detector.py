"""Finds secrets in a text: by their form, after a telling name, in an address, a header or a command, or by their
randomness.

Every pattern is bounded or begins at a word's edge, so that a text takes time in proportion to its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from bot.approvals.model.ids import JSON
from bot.approvals.rules.masking import Found
from bot.secrets import formats, names
from bot.secrets.randomness import LEAST, is_random

_TAIL: Final = 4
_ENOUGH: Final = 20
"""Unknown characters from which on the last four say nothing that helps to guess the rest."""

_KEY_BLOCK: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----")
_USER_INFO: Final = re.compile(r"://[^\s/?#@:\"'<>]{0,200}:([^\s/@\"'<>]{1,500})@")
_SCHEME: Final = re.compile(r"\b(?:bearer|basic|token|apikey|negotiate|bot)\s{1,3}([\w.~+/=-]{8,8192})", re.I)
_ASSIGNED: Final = re.compile(
    r"(?<![\w.-])([\w.-]{2,80})[\"'`\]\\]{0,20}(>|\s{0,3}(?:=>|:=|={1,3}|:|%3[Dd])\s{0,3})\[?(\\{0,15}[\"'`])?"
)
_SIGN: Final = re.compile("[:=>%]")
"""One of them is in every assignment."""
_FLAG: Final = re.compile(r"(?<![\w-])--?([A-Za-z][\w-]{1,60})[ \t]{1,3}([\"'])?(?!-)")
_SAID: Final = re.compile(
    r"(?:password|passwd|passcode|passphrase|passwort|kennwort|secret|token|pin|key)\b"
    r"[^\n:=]{0,20}?\b(?:is|ist|lautet|was|will be)[ :]\s{0,2}[\"'`]?([^\s\"'`]{4,200})",
    re.I,
)
_SECRETS: Final = ("pass", "kennwort", "secret", "token", "pin", "key")
_VERBS: Final = ("is", "lautet", "was", "will be")
_SCHEMES: Final = ("bearer", "basic", "token", "apikey", "negotiate", "bot")
"""Words of which one is in every match of `_SAID`, of `_SAID` too, and of `_SCHEME`."""
_COMMANDS: Final = (
    (
        ("curl", "wget", "http"),
        re.compile(r"(?:^|\s)(?:-u|--user|--proxy-user)[ =]?[\"']?[^\s:\"']{1,80}:([^\s\"']{1,500})"),
    ),
    (("sshpass",), re.compile(r"sshpass\s+-p\s{0,2}[\"']?([^\s\"']{1,200})")),
    (("redis-cli",), re.compile(r"redis-cli\b[^\n|;]{0,200}?\s-a\s+[\"']?([^\s\"']{1,200})")),
    (("mysql", "mariadb"), re.compile(r"(?:mysql\w{0,8}|mariadb)\b[^\n|;]{0,200}?\s-p[\"']?([^\s\"']{1,200})")),
)
_BARE: Final = re.compile(r"[^\s,;&\"'`<>\])}|\\]{1,8192}")
_LINE: Final = re.compile(r"[^\r\n\"'`]{1,8192}")
_TOKEN: Final = re.compile(rf"[A-Za-z0-9+/_=-]{{{LEAST},}}")
_PART: Final = re.compile(r"[/=]+")
_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s\"'<>?#]*")
_DIGEST: Final = re.compile(r"sha(?:1|224|256|384|512)[-:]$", re.I)
_ELSEWHERE: Final = re.compile(
    r"\$|%\w+%$|\{\{|<[\w -]+>?$|(?:env|vault|secret|ssm|op|file|ref|aws|gcp|projects|arn)[:/]|process\.env|os\.environ"
    r"|\(|(?:\*|•|x|\.|-|…|#)+$|\[?(?:redacted|hidden|masked|filtered|removed|omitted|none|null|nil|true|false|yes|no|undefined"
    r"|unset|empty|required|optional|missing|changed|expired|unknown|n/a|string|str|int|number|bool|boolean|object)\b\]?[.,;!?]*$",
    re.I,
)
"""Text in place of a secret: where it is kept, that it was removed, or what kind of value it would be."""
_HEADERS: Final = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie"})
_CACHED: Final = 512
_CACHED_LONG: Final = 16
_LONG: Final = 2000
"""Characters of a text from which on few are remembered, because they would take up memory for good."""


class Detector:
    """Finds secrets; `bot.approvals.rules.masking.Secrets` of the real bot."""

    def __init__(self) -> None:
        self._formats = formats.known()
        self._hints = [(hint, number) for number, each in enumerate(self._formats) for hint in each.hints]
        self._found = lru_cache(maxsize=_CACHED)(self._look)
        self._found_in_long = lru_cache(maxsize=_CACHED_LONG)(self._look)

    def found(self, text: str) -> Sequence[Found]:
        """The places of secrets, in order and without overlaps."""
        if len(text) < 4:
            return ()
        return self._found(text) if len(text) < _LONG else self._found_in_long(text)

    def is_telling(self, name: str, value: JSON) -> bool:
        """Whether a value with this name is a secret. A number of tokens is not, nor is text that says where one is
        kept."""
        match value:
            case None | bool() | "" | [] | {}:
                return False
            case str() if _ELSEWHERE.match(value):
                return False
            case int() | float() if "token" in name.lower():
                return False
            case _:
                return names.is_telling(name)

    def _look(self, text: str) -> tuple[Found, ...]:
        found = [*self._formed(text), *_blocks(text), *_named(text), *_addressed(text), *_random(text)]
        return tuple(_merged(found)) if found else ()

    def _formed(self, text: str) -> Iterator[Found]:
        if not formats.may_stand_in(text):
            return
        for number in dict.fromkeys([number for hint, number in self._hints if hint in text]):
            each = self._formats[number]
            for match in each.pattern.finditer(text):
                head = len(match[1]) if each.keeps else 0
                yield _of(match.start(), match.end(), head)


def _of(start: int, end: int, head: int = 0, *, tail: bool = True) -> Found:
    unknown = end - start - head
    return Found(start=start, end=end, head=head, tail=_TAIL if tail and unknown >= _ENOUGH else 0)


def _whole(start: int, end: int) -> Found:
    """A secret that a person may have chosen, so none of it is shown: every letter would help to guess the rest."""
    return Found(start=start, end=end)


def _blocks(text: str) -> Iterator[Found]:
    """The content of each private key, up to its last line or to the end of the text."""
    at = 0
    while "PRIVATE KEY" in text and (begun := _KEY_BLOCK.search(text, at)):
        end = text.find("-----END", begun.end())
        at = end if end >= 0 else len(text)
        yield _whole(begun.end(), at)
    if (putty := text.find("PuTTY-User-Key-File-")) >= 0:
        yield _whole(putty, len(text))


def _has(text: str, words: tuple[str, ...]) -> bool:
    """Whether the text has one of the words."""
    for word in words:  # noqa: SIM110  every text comes by here, and `any` takes thrice the time
        if word in text:
            return True
    return False


def _may_say(text: str, words: tuple[str, ...]) -> bool:
    """Whether the text has one of the words, in small letters or capitals. Of a text with other letters than ASCII it
    is not known, as some of those are taken for i, k or s."""
    return _has(text.lower(), words) if text.isascii() else True


# --- After a name ---------------------------------------------------------------------------------


def _named(text: str) -> Iterator[Found]:
    end = 0
    for match in _ASSIGNED.finditer(text) if _SIGN.search(text) else ():
        whole = match[1]
        if text[match.start() - 1 : match.start()] == "\\" and whole[0] in "nrt":
            whole = whole[1:]  # behind a line end that is written out
        name = whole.rpartition(".")[2] or whole
        if match.start() >= end and (names.is_telling(name) or names.is_telling(whole)):
            for found in _assigned(text, match, name.lower()):
                end = found.end
                yield found
    for match in _FLAG.finditer(text) if "-" in text else ():
        if names.is_telling(match[1]):
            end = text.find(match[2], match.end()) if match[2] else -1
            yield from _value(text, match.end(), end)
    for match in _SAID.finditer(text) if _may_say(text, _SECRETS) and _may_say(text, _VERBS) else ():
        value = match[1].rstrip(".,;!?)")
        if re.search(r"[^A-Za-z]", value) and not value.startswith(("http", "/")):
            yield _whole(match.start(1), match.start(1) + len(value))


def _assigned(text: str, match: re.Match[str], name: str) -> Iterator[Found]:
    start, quote = match.end(), match[3]
    if quote:
        end = _closing(text, quote, start)
        return (yield from _value(text, start, end))
    if name in _HEADERS and ":" in match[2]:
        return (yield from _header(text, start))
    bare = _BARE.match(text, start)
    if bare is None:
        return
    prose = ":" in match[2] and bare[0].isalpha() and re.match(r" [^\W\d_]", text[bare.end() : bare.end() + 2])
    counted = "token" in name and re.fullmatch(r"[\d.,]+", bare[0])
    if not prose and not counted:
        yield from _value(text, start, bare.end())


def _closing(text: str, quote: str, start: int) -> int:
    """Where the quoted value ends. A quote with one more backslash than the opening one is part of the value."""
    at = text.find(quote, start)
    while at > start and text[at - 1] == "\\":
        at = text.find(quote, at + 1)
    return at


def _header(text: str, start: int) -> Iterator[Found]:
    line = _LINE.match(text, start)
    if line is not None and not _ELSEWHERE.match(line[0]):
        scheme = re.match(r"\w+\s+(?=\S)", line[0])
        yield _whole(start + (scheme.end() if scheme else 0), line.end())


def _value(text: str, start: int, end: int) -> Iterator[Found]:
    """The assigned value, up to `end`, or as far as a value without quotes goes. Nothing if it only says where a secret
    is kept."""
    if end < 0:
        bare = _BARE.match(text, start)
        end = bare.end() if bare else start
    value = text[start:end]
    if value.strip() and not _ELSEWHERE.match(value):
        yield _whole(start, end)


# --- In addresses, headers and commands -----------------------------------------------------------


def _addressed(text: str) -> Iterator[Found]:
    for match in _USER_INFO.finditer(text) if "://" in text else ():
        yield from _value(text, match.start(1), match.end(1))
    for match in _SCHEME.finditer(text) if _may_say(text, _SCHEMES) else ():
        word = match[1]
        if re.search(r"\d|=$|[a-z][A-Z]", word) and not _ELSEWHERE.match(word):
            yield _of(match.start(1), match.end(1))
    for hints, pattern in _COMMANDS:
        if _has(text, hints):
            for match in pattern.finditer(text):
                yield from _value(text, match.start(1), match.end(1))


# --- By randomness --------------------------------------------------------------------------------


def _random(text: str) -> Iterator[Found]:
    tokens = list(_TOKEN.finditer(text)) if len(text) >= LEAST else []
    if not tokens:
        return
    addresses = [match.span() for match in _ADDRESS.finditer(text)] if "://" in text else []
    for match in tokens:
        if any(start <= match.start() < end for start, end in addresses) or _is_named_otherwise(text, match):
            continue
        if is_random(match[0]):
            yield _of(match.start(), match.end())
            continue
        at = match.start()
        for part in _PART.split(match[0]):
            at = text.index(part, at)
            if is_random(part):
                yield _of(at, at + len(part))


def _is_named_otherwise(text: str, match: re.Match[str]) -> bool:
    """Whether the match is part of an email address, or a digest."""
    return text[match.end() : match.end() + 1] == "@" or bool(
        _DIGEST.search(text, max(match.start() - 8, 0), match.start()) or _DIGEST.match(match[0][:7])
    )


def _merged(found: list[Found]) -> Iterator[Found]:
    """The finds without overlaps. Of two at the same place, the one that shows more stays; if one contains the other,
    the larger."""
    last: Found | None = None
    for each in sorted(found, key=lambda one: (one.start, -one.end, -one.head - one.tail)):
        if last is None or each.start >= last.end:
            if last is not None:
                yield last
            last = each
        elif each.end > last.end:
            last = Found(start=last.start, end=each.end)
    if last is not None:
        yield last
