"""What is read of a call: a body of limited size, as JSON that means the same to every reader."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, Never

from starlette.requests import ClientDisconnect, Request

from bot.approvals.model.ids import JSON
from bot.http import problems
from bot.http.problems import Refused

MAX_BYTES: Final = 200_000
"""As large as what an agent may ask people."""
MAX_IGNORED_BYTES: Final = 2_000_000
"""How much more is read and thrown away, so that a caller who is still sending reads the refusal."""
MAX_LEVELS: Final = 64
"""How deep a body may be nested. Whatever reads it later may call itself for each level."""
MAX_DIGITS: Final = 400
"""Of a number. The largest finite float has 309."""
SECONDS: Final = 30.0
"""In which a body has to arrive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What was sent, and what it says. Both are empty if nothing was sent."""

    text: bytes = b""
    json: JSON = None


async def body_of(request: Request) -> Body:
    """The body of the call. Raises `Refused`."""
    text = await _bytes_of(request)
    if not text:
        return Body()
    if not _is_json(request.headers.get("content-type", "")):
        raise Refused(
            problems.MEDIA,
            "The header Content-Type does not say application/json, so the body was not read. Send "
            "`Content-Type: application/json`.",
        )
    return Body(text=text, json=parsed(text))


def parsed(text: bytes) -> JSON:
    """The JSON of this text. Raises `Refused`, which says what is wrong with it."""
    _refuse_depth(text)
    try:
        found: JSON = json.loads(
            text.decode(),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_integer,
        )
        json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise _bad(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise _bad(f"byte {error.start} is not UTF-8") from None
    except UnicodeEncodeError:
        raise _bad(r"a text has half of a surrogate pair, such as \ud800, which no text can hold") from None
    except RecursionError:
        raise _too_deep() from None
    return found


async def _bytes_of(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    taken, size = bytearray(), 0
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size <= MAX_BYTES:
                    taken += chunk
                elif size > MAX_IGNORED_BYTES:
                    break
    except TimeoutError:
        raise Refused(
            problems.TOO_SLOW,
            f"The body did not arrive within {SECONDS:.0f} seconds, so nothing was done. Send the call again.",
            headers={"Connection": "close"},
        ) from None
    except ClientDisconnect:
        raise Refused(problems.TOO_SLOW, "The connection was closed before the body arrived.") from None
    if size > MAX_BYTES:
        told = f"{int(declared):,}" if declared.isdecimal() and len(declared) < 20 else f"more than {MAX_BYTES:,}"
        raise Refused(
            problems.TOO_LARGE,
            f"The body has {told} bytes, and {MAX_BYTES:,} are allowed, so nothing was done. Send less: a summary, and "
            "a link to the rest.",
            headers={"Connection": "close"} if size > MAX_IGNORED_BYTES else {},
        )
    return bytes(taken)


def _is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _refuse_depth(text: bytes) -> None:
    """Raises `Refused` if brackets are nested too deep. Nothing that calls itself has seen the text by then."""
    if text.count(b"[") + text.count(b"{") <= MAX_LEVELS:
        return
    level = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", text)):
        level += 1 if bracket in b"[{" else -1
        if level > MAX_LEVELS:
            raise _too_deep()


_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
"""A string of JSON, or what stands behind a quotation mark that is never closed: so it takes linear time."""
_BRACKET: Final = re.compile(rb"[\[{\]}]")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
        raise _bad(f"the key {_shown(twice)} stands twice in one object, and readers would disagree which one counts")
    return found


def _constant(name: str) -> Never:
    raise _bad(f"{name} is not a number of JSON: send null or a text")


def _float(digits: str) -> float:
    if not math.isfinite(found := float(digits)):
        raise _bad(f"the number {_shown(digits)} is too large: send it as a text")
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise _bad(f"a number has {len(digits):,} digits: send it as a text")
    return int(digits)


def _shown(text: str) -> str:
    return json.dumps(text if len(text) <= 40 else f"{text[:39]}…", ensure_ascii=True)


def _bad(why: str) -> Refused:
    return Refused(problems.BAD_JSON, f"The body cannot be read, so nothing was done: {why}.")


def _too_deep() -> Refused:
    return _bad(f"it is nested more than {MAX_LEVELS} levels deep")
