"""JSON of the server -> records. What is absent has a default, and what is unknown is ignored."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from countersign.errors import UnexpectedAnswer
from countersign.records import (
    AskedItem,
    AuditEntry,
    Callback,
    Decision,
    Failure,
    Item,
    Page,
    Request,
    Source,
    Task,
    Window,
)

T = TypeVar("T")
Json = Mapping[str, Any]

_APPROVING = ("approve", "edit")
_UNANSWERED = ("expired", "cancelled", "superseded")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))")


def json_object(body: bytes) -> Json:
    """The JSON object in a body. Raises UnexpectedAnswer if there is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UnexpectedAnswer(
            "The answer is not a JSON object, so it is not from Countersign's API. Check the address."
        )
    return found


def request(data: Json) -> Request:
    """A request. Raises UnexpectedAnswer if it has no id or no status."""
    id, status = _required(data, "id"), _required(data, "status")
    return Request(
        id=id,
        status=status,
        source=_source(data.get("source")),
        question=data.get("question"),
        items=tuple(
            AskedItem(name=_text(each, "name") or "", arguments=_object(each, "arguments"))
            for each in _objects(data, "items")
        ),
        requester=_text(data, "requester"),
        digest=_text(data, "digest"),
        version=_number(data, "version", 1),
        created_at=_time(data, "created_at"),
        deadline=_time(data, "deadline"),
        settled_at=_time(data, "settled_at"),
        consumed_at=_time(data, "consumed_at"),
        asked=_texts(data, "asked"),
        votes=_number(data, "votes", 0),
        metadata=_object(data, "metadata"),
        permalink=_text(data, "permalink"),
        window=_window(data.get("window")),
        held_until=_time(_object(data, "hold"), "until"),
        decision=_decision_of(id, status, data),
        callback=_callback(data.get("callback")),
        failure=_failure(data),
    )


def decision(request_id: str, data: Json) -> Decision:
    """A decision. It is an approval only if the server says so, by a known verdict, and no item says otherwise."""
    verdict = _text(data, "verdict") or "unknown"
    given = data.get("items")
    items = tuple(_item(each if isinstance(each, dict) else {}) for each in given) if isinstance(given, list) else ()
    approving = verdict in _APPROVING and all(each.verdict == "approve" for each in items)
    return Decision(
        request_id=request_id,
        verdict=verdict,
        approved=data.get("approved") is True and approving,
        items=items,
        answer=data.get("answer"),
        reason=_text(data, "reason") or "",
        by=_texts(data, "by"),
        through=_texts(data, "through"),
        at=_time(data, "at"),
        digest=_text(data, "digest"),
        version=_number(data, "version", 1),
        edited=data.get("edited") is True,
        ruled=_text(data, "ruled") or None,
        valid_until=_time(data, "valid_until"),
    )


def task(data: Json) -> Task:
    """A task. Raises UnexpectedAnswer if it has no id or no status."""
    return Task(
        id=_required(data, "id"),
        graph=_text(data, "graph") or "",
        status=_required(data, "status"),
        inputs=_object(data, "inputs"),
        requester=_text(data, "requester"),
        source=_source(data.get("source")),
        created_at=_time(data, "created_at"),
        ended_at=_time(data, "ended_at"),
        outcome=_text(data, "outcome"),
        failure=_failure(data),
        requests=tuple(request(each) for each in _objects(data, "requests")),
        metadata=_object(data, "metadata"),
        permalink=_text(data, "permalink"),
    )


def page(read: Callable[[Json], T]) -> Callable[[Json], Page[T]]:
    """The reader of a list of what `read` reads."""

    def read_page(data: Json) -> Page[T]:
        return Page(data=tuple(read(each) for each in _objects(data, "data")), next_cursor=_text(data, "next_cursor"))

    return read_page


def audit(data: Json) -> tuple[AuditEntry, ...]:
    return tuple(_audit_entry(each) for each in _objects(data, "data"))


def moment(written: str) -> datetime | None:
    """A time as RFC 3339 writes it, aware. None if it is no such time."""
    found = _TIME.fullmatch(written)
    if found is None:
        return None
    day, clock, fraction, sign, hours, minutes = found.groups()
    try:
        naive = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '')[:6]:0<6}")
    except ValueError:
        return None
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    if offset >= timedelta(days=1):
        return None
    return naive.replace(tzinfo=timezone(-offset if sign == "-" else offset))


def _decision_of(id: str, status: str, data: Json) -> Decision | None:
    given = data.get("decision")
    if isinstance(given, dict):
        return decision(id, given)
    if status in _UNANSWERED:
        return Decision(request_id=id, verdict=status, approved=False, at=_time(data, "settled_at"))
    return None


def _item(data: Json) -> Item:
    return Item(
        name=_text(data, "name") or "",
        verdict=_text(data, "verdict") or "unknown",
        arguments=_object(data, "arguments"),
        reason=_text(data, "reason") or "",
        value=data.get("value"),
    )


def _audit_entry(data: Json) -> AuditEntry:
    return AuditEntry(
        kind=_text(data, "kind") or "unknown",
        at=_time(data, "at"),
        person=_text(data, "person"),
        through=_text(data, "through") or None,
        digest=_text(data, "digest") or None,
        version=_number(data, "version", None),
        number=_number(data, "number", None),
        data=_object(data, "data"),
    )


def _source(data: object) -> Source:
    known = data if isinstance(data, dict) else {}
    return Source(name=_text(known, "name"), url=_text(known, "url"), run=_text(known, "run"))


def _failure(data: Json) -> Failure | None:
    failure = _object(data, "failure")
    if not failure:
        return None
    return Failure(error_id=_text(failure, "error_id") or "", summary=_text(failure, "summary") or "")


def _window(data: object) -> Window | None:
    if not isinstance(data, dict):
        return None
    return Window(
        acted_at=_time(data, "acted_at"),
        closes_at=_time(data, "closes_at"),
        reversible=data.get("reversible") is True,
    )


def _callback(data: object) -> Callback | None:
    if not isinstance(data, dict):
        return None
    return Callback(
        status=_text(data, "status") or "unknown",
        attempts=_number(data, "attempts", 0),
        failure=_text(data, "failure") or "",
    )


def _required(data: Json, name: str) -> str:
    found = _text(data, name)
    if not found:
        raise UnexpectedAnswer(f"The answer has no `{name}`, so it is not from Countersign's API. Check the address.")
    return found


def _text(data: Json, name: str) -> str | None:
    found = data.get(name)
    return found if isinstance(found, str) else None


def _number(data: Json, name: str, default: T) -> int | T:
    found = data.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else default


def _time(data: Json, name: str) -> datetime | None:
    return moment(_text(data, name) or "")


def _texts(data: Json, name: str) -> tuple[str, ...]:
    found = data.get(name)
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def _object(data: Json, name: str) -> Json:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _objects(data: Json, name: str) -> tuple[Json, ...]:
    found = data.get(name)
    return tuple(each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()
