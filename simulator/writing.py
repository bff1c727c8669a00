"""Converts typed text as Slack's clients do.

Three characters are escaped. What looks like an address, a host, a person or a channel becomes `<target|label>`, except
in code. Source: Slack, "Formatting text for app surfaces" and "Retrieving messages". Slack takes a file name such as
`deploy.py` for a host, because .py is a country.
"""

import html
import re
from collections.abc import Callable
from typing import Final

_DOMAINS: Final = (
    "ai|app|at|be|biz|br|ca|cc|ch|cn|co|com|cz|de|dev|dk|edu|es|eu|fi|fr|gov|in|info|int|io|it|jp|kr|me|mil|mx|net|nl|"
    "no|nu|nz|org|page|pl|pt|py|rs|ru|se|sh|so|st|tv|uk|us|xyz|zip"
)
"""The top-level domains that the simulator recognizes. Slack recognizes all of them."""
_CODE: Final = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_TYPED: Final = re.compile(
    r"(?P<url>\b(?:https?|ftp|slack)://[^\s<>]*[^\s<>.,;:!?)\]}'\"“”„«»])"
    r"|(?P<mail>\b(?:mailto:)?[\w.+-]+@(?:[\w-]+\.)+[a-z]{2,}\b)"
    rf"|(?P<host>(?<![\w@./:-])(?:[\w-]+\.)+(?:{_DOMAINS})\b(?![\w@-]|\.\w)(?::\d+)?"
    r"(?:[/?#](?:[^\s<>]*[^\s<>.,;:!?)\]}'\"“”„«»])?)?)"
    r"|(?<![\w.])@(?P<name>[\w-]+)"
    r"|(?<![\w&/])\#(?P<channel>[\w-]+)",
    re.IGNORECASE,
)


def as_sent(text: str, mention: Callable[[str], str | None], channel: Callable[[str], str | None]) -> str:
    """The text that the app receives.

    `mention` converts a name after an `@`, and `channel` one after a `#`. They return None if there is no such name.
    """

    def linked(found: re.Match[str]) -> str:
        match found.lastgroup:
            case "url":
                return _url(found[0])
            case "mail":
                return f"<mailto:{found[0].removeprefix('mailto:')}|{found[0]}>"
            case "host":
                return f"<http://{_target(found[0])}|{_escaped(found[0])}>"
            case "name":
                return mention(found["name"]) or found[0]
            case _:
                return channel(found["channel"]) or found[0]

    def plain(part: str) -> str:
        written, at = "", 0
        for found in _TYPED.finditer(part):
            written += _escaped(part[at : found.start()]) + linked(found)
            at = found.end()
        return written + _escaped(part[at:])

    return "".join(_escaped(part) if at % 2 else plain(part) for at, part in enumerate(_CODE.split(text)))


def _url(url: str) -> str:
    return f"<{_escaped(url)}>" if "|" not in url else f"<{_target(url)}|{_escaped(url)}>"


def _target(address: str) -> str:
    return _escaped(address).replace("|", "%7C")


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)
