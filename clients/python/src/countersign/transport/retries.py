"""Which answers are worth another try, and when. Every error that ends the tries is made here."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from countersign import reading
from countersign.errors import (
    AlreadyConsumed,
    CountersignError,
    DecisionStale,
    FieldError,
    Forbidden,
    InvalidRequest,
    KeyAlreadyUsed,
    NotFound,
    NotSettled,
    Problem,
    Refused,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from countersign.transport.wire import Call, Flow, NoAnswer, Pause, Reply

_log = logging.getLogger("countersign")

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 15.0
LONGEST_ASKED_SECONDS = 300.0
"""How long the client lets a server or a proxy make it pause. A later hour is tried earlier, which costs one call."""
_LATER = (408, 429, 500, 502, 503, 504)
_NOT_TAKEN = (408, 429, 503)
"""The server says that it did nothing with the call."""
_CONFLICT = "conflict"
"""It did nothing, because others changed the same record at the same moment."""
_BY_SLUG: Mapping[str, type[Problem]] = {
    "already-consumed": AlreadyConsumed,
    "not-settled": NotSettled,
    "stale-decision": DecisionStale,
    "key-reused": KeyAlreadyUsed,
}
_BY_STATUS: Mapping[int, type[Problem]] = {
    400: InvalidRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Refused,
    408: Unavailable,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
    429: Unavailable,
}


def answered(call: Call, *, until: float | None, repeatable: bool = True) -> Flow[Reply]:
    """The server's answer to this call, sent again until the clock (`time.monotonic`) says `until`; for ever if that
    is None. A call that is not repeatable is sent again only if the server did nothing with it.

    Raises a Problem, UnexpectedAnswer or Unreachable.
    """
    tries = 0
    while True:
        answer = (yield call) or NoAnswer(why="nothing was sent", sent=False)
        if isinstance(answer, Reply) and 200 <= answer.status < 300:
            return answer
        error = error_of(answer)
        if not worth_another(answer, repeatable):
            raise error
        seconds = pause(tries, asked_for(answer))
        if until is not None and time.monotonic() + seconds > until:
            raise error
        tries += 1
        _log.log(
            logging.WARNING if tries > 2 else logging.INFO,
            "%s %s: %s. Trying again in %.1f s.",
            call.method,
            call.path.partition("?")[0],
            answer.why if isinstance(answer, NoAnswer) else f"status {answer.status}",
            seconds,
        )
        yield Pause(seconds=seconds)


def pause(tries: int, least: float | None = None) -> float:
    """Seconds until the next try: what the server asked for and a little more, or a random part of a growing time."""
    longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** min(tries, 10))
    spread = random.uniform(longest / 2, longest)  # noqa: S311
    return spread if least is None else min(least, LONGEST_ASKED_SECONDS) + spread * 0.1


def worth_another(answer: Reply | NoAnswer, repeatable: bool = True) -> bool:
    """Whether the same call may get another answer, and repeats nothing that was done."""
    if isinstance(answer, NoAnswer):
        return not answer.final and (repeatable or not answer.sent)
    if answer.status == 409:
        error = error_of(answer)
        return isinstance(error, Problem) and error.slug == _CONFLICT
    return answer.status in (_LATER if repeatable else _NOT_TAKEN)


def error_of(answer: Reply | NoAnswer) -> CountersignError:
    """What this answer means, if it is no success."""
    if isinstance(answer, NoAnswer):
        return Unreachable(
            f"Countersign did not answer: {answer.why}. Call again with the same key or id: nothing is asked twice."
        )
    if 300 <= answer.status < 400:
        return UnexpectedAnswer(
            f"The server sent a redirect ({answer.status}), which is never followed, as it could carry the token "
            "elsewhere. Use the address that it redirects to."
        )
    try:
        return problem_of(answer.status, reading.json_object(answer.body))
    except UnexpectedAnswer:
        return problem_of(answer.status, {})


def problem_of(status: int, data: Mapping[str, Any]) -> Problem:
    """The error for a problem document, or for a status alone."""
    slug = str(data.get("type") or "").rpartition("#")[2].removeprefix("problem-")
    kind = _BY_SLUG.get(slug) or _BY_STATUS.get(status) or (Unavailable if status >= 500 else Problem)
    listed = data.get("errors")
    return kind(
        status=status,
        title=str(data.get("title") or "The server refused"),
        detail=str(data.get("detail") or ("" if data else "It does not say why. Is this the address of the bot?")),
        slug="" if slug == "about:blank" else slug,
        errors=[
            FieldError(path=str(each.get("path", "")), problem=str(each.get("problem", "")))
            for each in (listed if isinstance(listed, list) else [])
            if isinstance(each, dict)
        ],
    )


def asked_for(answer: Reply | NoAnswer) -> float | None:
    """Seconds, as `Retry-After` says them: a number or a date, however far away. None if it does not."""
    said = answer.headers.get("retry-after", "").strip() if isinstance(answer, Reply) else ""
    if said.isascii() and said.isdigit():
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except (ValueError, OverflowError):  # a number of the date may be too large even to be refused
        return None
    at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    return max(0.0, (at - datetime.now(timezone.utc)).total_seconds())
