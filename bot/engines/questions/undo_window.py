"""`{"type": "undo_window", "action": ..., "result": ..., "undo": {...}, "window": "10m"}`: the agent has acted, and
people may have that undone for a while.

`action` says what was done: a text, or a name with arguments. `undo` is the way back, which the agent gets again if
somebody wants it undone; its `how` tells people how. If `undo` is null or false, it cannot be undone, and nobody is
offered that. `at` is when the agent acted, in ISO 8601; if it is missing, the moment at which the agent asked.

The agent gets `{"type": "undo", "undo": <the way back>, "key": "<64 hex digits>"}` or `{"type": "keep"}`. The key is
the same whenever the same decision is delivered, so an agent that keeps it never undoes anything twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeGuard

from bot.approvals.model.decision import Answered, Cancelled, Decision, Expired, Keep, Undo, WindowClosed
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question, Verdict, Window
from bot.durations import MAX_DURATION, duration
from bot.engines.questions import plain

NAME = "undo_window"
DEFAULT_LENGTH: Final = timedelta(minutes=10)
"""The window if the agent gives none, or none that can be read."""
_UNREADABLE: Final = "The agent gave no window that can be read, so it is 10 minutes"

_OWN: Final = ("type", "action", "result", "undo", "window", "at")
_ARGUMENTS: Final = ("arguments", "args")
_HOW: Final = ("how", "description")
"""The keys of the way back that may tell people how it is undone."""
_KEEP: Final[JSON] = {"type": "keep"}


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """The offer to undo, if the value has this shape."""
    if not isinstance(value, dict) or value.get("type") != NAME:
        return None
    name, told = _action(value.get("action"))
    undo = value.get("undo")
    undoable = not ("undo" in value and (undo is None or undo is False))
    told = plain.side_by_side(told, _result(value.get("result")), _way_back(undo))
    asking = plain.taken_apart(value, named=_OWN, shown=told)
    item = Item(
        name=name,
        arguments=plain.side_by_side(told, asking.arguments),
        verdicts=(Verdict.UNDO, Verdict.KEEP) if undoable else (Verdict.KEEP,),
    )
    length, problem = _length(value.get("window"))
    return Question(
        shape=NAME,
        title=asking.title or name or "The agent has done something",
        text=asking.text,
        items=(item,),
        risk=asking.risk,
        summary=asking.summary,
        payload=value,
        window=Window(length=length, at=_moment(value.get("at")), how=_how(undo), problem=problem),
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """The way back with its key, or that the result stays. Silence never undoes anything."""
    match decision:
        case Answered(verdicts=(Undo(),)) if Verdict.UNDO in question.items[0].verdicts:
            way_back = question.payload.get("undo") if isinstance(question.payload, dict) else None
            return {"type": "undo", "undo": way_back, "key": _key(question, decision.at)}
        case Answered(verdicts=(Keep(),)) | WindowClosed() | Expired():
            return _KEEP
        case Cancelled():
            raise InvalidAnswer("A cancelled request is not delivered to its graph.")
        case Answered():
            offered = ", ".join(question.items[0].verdicts)
            raise InvalidAnswer(f"Answer this question with one of these: {offered}.")


# --- Within -------------------------------------------------------------------------------------


def _key(question: Question, at: datetime) -> str:
    """Names one decision: no other question is decided in the same words at the same microsecond."""
    return hashlib.sha256(f"{question.digest} {at.astimezone(UTC).isoformat()}".encode()).hexdigest()


def _action(action: JSON) -> tuple[str, dict[str, JSON]]:
    """What was done, and with which arguments. Whatever else the action says is an argument too."""
    if isinstance(action, dict) and isinstance(action.get("name"), str):
        rest = {key: each for key, each in action.items() if key != "name"}
        given = next((rest.pop(key) for key in _ARGUMENTS if isinstance(rest.get(key), dict)), {})
        arguments = dict(given) if isinstance(given, dict) else {}
        said = {key: each for key, each in rest.items() if not (key in _ARGUMENTS and each is None)}
        return plain.text_of(action["name"]).strip(), plain.side_by_side(arguments, said)
    if action is None or isinstance(action, str):
        return plain.text_of(action).strip(), {}
    return "", {"action": action}


def _result(result: JSON) -> dict[str, JSON]:
    return {} if result is None else {"result": result}


def _way_back(undo: JSON) -> Mapping[str, JSON]:
    """What else the way back holds: people see what they would have done."""
    if not isinstance(undo, dict):
        return {} if undo is None or isinstance(undo, bool | str) else {"undo": undo}
    rest = {key: each for key, each in undo.items() if key != _told_by(undo)}
    return {"undo": rest} if rest else {}


def _how(undo: JSON) -> str:
    if isinstance(undo, str):
        return undo.strip()
    return plain.text_of(undo.get(_told_by(undo))).strip() if isinstance(undo, dict) else ""


def _told_by(undo: Mapping[str, JSON]) -> str:
    """The key of the way back that tells people how it is undone. Empty if none does."""
    return next((key for key in _HOW if plain.text_of(undo.get(key)).strip()), "")


def _length(window: JSON) -> tuple[timedelta, str]:
    """The window, and what is wrong with it if the default takes its place."""
    if window is None:
        return DEFAULT_LENGTH, ""
    try:
        length = timedelta(seconds=window) if _is_number(window) else duration(window)
    except (ValueError, OverflowError):
        length = timedelta()
    if timedelta() < length <= MAX_DURATION:
        return length, ""
    return DEFAULT_LENGTH, _UNREADABLE


def _is_number(value: JSON) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _moment(at: JSON) -> datetime | None:
    """When the agent acted. None if it does not say so, or not in a way that can be read. Without a zone nobody can
    tell: taken for the wrong one, it could close the window hours too early."""
    if not isinstance(at, str):
        return None
    try:
        moment = datetime.fromisoformat(at.strip())
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
