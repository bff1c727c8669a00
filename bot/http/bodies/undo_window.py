"""An offer to undo what a program has done, as a question: what is wrong with one.

Whatever a graph says about its window is read somehow, because a graph cannot correct itself. A program can.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from pydantic import JsonValue

from bot.durations import MAX_DURATION, duration
from bot.http.problems import Fault

TYPE: Final = "undo_window"
EXAMPLE_OF_TIME: Final = "2027-03-01T09:12:00+00:00"


def faults_of(question: JsonValue, *, has_schema: bool) -> list[Fault]:
    """What is wrong with the offer, and where. Empty if nothing is, or if the question is no such offer. `has_schema`
    says whether a `response_schema` came with it."""
    if not isinstance(question, dict) or question.get("type") != TYPE:
        return []
    faults = [
        *_of_action(question.get("action")),
        *_of_window(question.get("window")),
        *_of_moment(question.get("at")),
    ]
    if has_schema:
        problem = "does not go with an undo window: the answer is to undo or to keep what was done"
        faults.append(Fault(path="body.response_schema", problem=problem))
    return faults


def _of_action(action: JsonValue) -> Iterator[Fault]:
    path = "body.question.action"
    match action:
        case str() if action.strip():
            return
        case {"name": str(name), **more} if name.strip():
            for key in ("arguments", "args"):
                if key in more and not isinstance(more[key], dict):
                    yield Fault(path=f"{path}.{key}", problem="should be an object: `{...}`")
        case _:
            yield Fault(path=path, problem="should say what was done: a text, or `{name, arguments}`")


def _of_window(window: JsonValue) -> Iterator[Fault]:
    path, longest = "body.question.window", MAX_DURATION
    match window:
        case None:
            return
        case str():
            try:
                duration(window)
            except ValueError:
                problem = f"should be a span such as 30s, 10m, 2h or 1d, and no longer than {longest.days}d"
                yield Fault(path=path, problem=problem)
        case bool():
            yield Fault(path=path, problem="should be a span such as `10m`, or a number of seconds")
        case int() | float() if not 1 <= window <= longest.total_seconds():
            problem = f"should be at least 1 second, and at most {longest.total_seconds():.0f}"
            yield Fault(path=path, problem=problem)
        case int() | float():
            return
        case _:
            yield Fault(path=path, problem="should be a span such as `10m`, or a number of seconds")


def _of_moment(at: JsonValue) -> Iterator[Fault]:
    if at is None:
        return
    try:
        moment = datetime.fromisoformat(at.strip()) if isinstance(at, str) else None
        right = moment is not None and moment.tzinfo is not None and bool(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        right = False
    if not right:
        yield Fault(path="body.question.at", problem=f"should be a time with its zone, such as {EXAMPLE_OF_TIME}")
