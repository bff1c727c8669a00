"""What has changed in a request since somebody saw it, according to the audit log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bot.approvals.model.actor import Shown
from bot.approvals.model.errors import Alike, Difference
from bot.approvals.model.fingerprint import fingerprint
from bot.approvals.model.ids import JSON
from bot.approvals.model.request import Request
from bot.approvals.ports.storage import Storage
from bot.approvals.services.audit.snapshot import plain

_ANY: Final = datetime(2000, 1, 1, tzinfo=UTC)


async def since(storage: Storage, request: Request, shown: Shown) -> tuple[Difference, ...] | Alike:
    """What is different from what this person was shown. Empty if nothing says what they were shown, or if the request
    is private: whoever clicks may not be one of those who may read it."""
    if request.policy.private:
        return ()
    for event in reversed(await storage.history(request.task_id, request.id)):
        asked = event.data.get("question")
        if isinstance(asked, dict) and event.data.get("version") == shown.version:
            unbound = request.fingerprint.unbound if request.fingerprint is not None else ()
            return differences(asked, plain(request.question), {path.rpartition(".")[2] for path in unbound})
    return ()


def differences(before: Mapping[str, Any], now: Mapping[str, Any], unbound: set[str]) -> tuple[Difference, ...] | Alike:
    """How two versions of a question differ, each as the audit log holds it. `unbound` are the names of the values that
    may differ each time it is asked. If arguments differ, the words around them are left out, as they tend to repeat
    them."""
    old, new = _parts(before), _parts(now)
    differing = [place for place in dict.fromkeys([*old, *new]) if _written(old, place) != _written(new, place)]
    telling = [place for place in differing if _timeless(old, place) != _timeless(new, place)]
    telling = [place for place in telling if place[1] not in unbound]
    if telling:
        arguments = [place for place in telling if place[0] >= 0]
        return tuple(_difference(old, new, place, before, now) for place in arguments or telling)
    if differing:
        return Alike.BUT_TIMES
    return Alike.IN_ALL if before.get("payload") == now.get("payload") else ()


def _parts(question: Mapping[str, Any]) -> dict[tuple[int, str], JSON]:
    """All that a question shows, by the number of its item, or -1, and by name."""
    parts: dict[tuple[int, str], JSON] = {}
    for number, item in enumerate(question["items"]):
        parts |= {(number, name): value for name, value in item["arguments"].items()}
    around = {"question": question["title"], "text": question["text"], "choices": list(question["choices"])}
    return parts | {(-1, name): value for name, value in around.items() if value}


def _difference(
    old: Mapping[tuple[int, str], JSON],
    new: Mapping[tuple[int, str], JSON],
    place: tuple[int, str],
    before: Mapping[str, Any],
    now: Mapping[str, Any],
) -> Difference:
    number, name = place
    items = now["items"] if number < len(now["items"]) else before["items"]
    item = items[number]["name"] if number >= 0 and len(items) > 1 else ""
    return Difference(name=name, item=item, before=old.get(place), now=new.get(place))


def _written(parts: Mapping[tuple[int, str], JSON], place: tuple[int, str]) -> str | None:
    """A value to the letter, so that true, 1 and 1.0 differ."""
    return json.dumps(parts[place], sort_keys=True) if place in parts else None


def _timeless(parts: Mapping[tuple[int, str], JSON], place: tuple[int, str]) -> str | None:
    """A value without its times of the clock."""
    return fingerprint(parts[place], None, _ANY).digest if place in parts else None
