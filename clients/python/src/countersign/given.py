"""What the caller gives: checked before it is sent, and put into bodies."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal, TypeVar

from countersign.errors import UnexpectedAnswer
from countersign.records import Decision, Source

F = TypeVar("F", bound=Callable[..., Any])

MAX_LEVELS = 60
_VISIBLE = re.compile(r"[\x21-\x7e]{1,200}")
KEY_EXAMPLE = '`key=lambda order, amount: f"refund-order-{order}"`'
HOW = (
    "It names what you ask for: it is the same if your program is run again after a crash, and different for a new "
    "wish. Good keys are an order number with the action (`refund-order-4711`), or the id of a flow with its step "
    "(`nightly-2026-11-29/delete-logs`). A random key would ask people twice."
)


def keyed(method: F) -> F:
    """For a method that takes a key: it says how to choose one if the key is missing."""

    @functools.wraps(method)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if "key" not in kwargs:
            raise TypeError(f"{method.__name__}() needs a key. {HOW}")
        check_key(kwargs["key"])
        return method(*args, **kwargs)

    return checked  # type: ignore[return-value]


def check_key(key: object) -> str:
    """The key. Raises TypeError or ValueError, with how to choose one, if it cannot be one."""
    if not isinstance(key, str):
        raise TypeError(f"The key is a text, not {_kind(key)}. {HOW}")
    if not key.strip():
        raise ValueError(f"The key is empty. {HOW}")
    if not _VISIBLE.fullmatch(key):
        raise ValueError(f"The key {key[:60]!r} has spaces, letters outside ASCII, or more than 200 characters. {HOW}")
    return key


def check_id(id: object) -> str:
    """The id of a request or task, safe to put in a path."""
    if not isinstance(id, str):
        raise TypeError(f"The id is a text, such as `request.id`, not {_kind(id)}.")
    if not re.fullmatch(r"[A-Za-z0-9_.:-]{1,200}", id) or not id.strip("."):
        raise ValueError(f"{id[:60]!r} is not the id of a request or task.")
    return id


def check_execution(execution: object) -> str:
    if not isinstance(execution, str):
        raise TypeError(f"The execution is a text, not {_kind(execution)}.")
    if not 1 <= len(execution) <= 200 or not execution.isprintable() or execution != execution.strip():
        raise ValueError("The execution is one line of 1 to 200 characters, without spaces around it.")
    return execution


def check_json(value: object, path: str, levels: int = MAX_LEVELS) -> None:
    """Raises TypeError or ValueError, with the place, if the value would not arrive as it is."""
    if levels == 0:
        raise ValueError(f"{path[:60]}... is nested too deep.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{path} is {value}, which JSON cannot hold.")
    if value is None or isinstance(value, (bool, int, float)):
        return
    if isinstance(value, str):
        check_text(value, path)
        return
    if isinstance(value, Mapping):
        for name, each in value.items():
            if not isinstance(name, str):
                raise TypeError(f"{path} has the key {name!r}: the keys of JSON are texts.")
            check_text(name, path)
            check_json(each, f"{path}.{name}", levels - 1)
    elif isinstance(value, (list, tuple)):
        for number, each in enumerate(value):
            check_json(each, f"{path}[{number}]", levels - 1)
    else:
        raise TypeError(
            f"{path} is {_kind(value)}, which JSON cannot hold. People approve what they read, so pass texts, numbers, "
            "true, false, null, lists and dictionaries; an amount of money, for example, as a text."
        )


def check_text(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{path} has half a character (a lone surrogate), which cannot be sent.") from None


def check_approved(decision: Decision, action: str, arguments: Mapping[str, object], *, edit: bool) -> None:
    """Raises UnexpectedAnswer if something else was approved than what was asked."""
    asked = [item.name for item in decision.items] == [action]
    if not asked or (not edit and decision.items[0].arguments != _plain(arguments)):
        raise UnexpectedAnswer(
            f"{decision.request_id} was approved, but not for what was asked: {action} with these arguments. Nothing "
            "was done. Report this with the request's id."
        )


def encoded(body: Mapping[str, object]) -> bytes:
    return json.dumps(_plain(body), ensure_ascii=False, allow_nan=False).encode()


def question_of(
    action: object,
    arguments: Mapping[str, object],
    *,
    description: str | None,
    edit: bool,
    schema: Mapping[str, object] | None,
) -> Mapping[str, object]:
    """The question about one action, in the shape of LangChain's human-in-the-loop middleware, which has room for a
    description and says which verdicts are offered."""
    if not isinstance(action, str) or not action.strip():
        raise ValueError("The action is a name, such as `refund_order`.")
    asked: dict[str, object] = {"name": action, "args": object_of(arguments, "arguments")}
    if description:
        asked["description"] = description
    allowed = ["approve", "edit", "reject"] if edit else ["approve", "reject"]
    config: dict[str, object] = {"action_name": action, "allowed_decisions": allowed}
    if schema is not None:
        config["args_schema"] = schema
    return {"action_requests": [asked], "review_configs": [config]}


def undo_window(
    action: str | Mapping[str, object],
    *,
    result: object = None,
    undo: Mapping[str, object] | str | Literal[False] | None = None,
    window: str | float = "10m",
    at: datetime | str | None = None,
    description: str | None = None,
) -> Mapping[str, object]:
    """The question that says what was done and how it is undone: for `request`, which does not wait. `offer_undo` has
    the parameters."""
    if not (isinstance(action, str) and action.strip()) and not isinstance(action, Mapping):
        raise ValueError("The action says what was done: a text, or a dictionary with `name` and `arguments`.")
    if isinstance(at, datetime):
        if at.utcoffset() is None:
            raise ValueError("`at` needs its zone: use datetime.now(timezone.utc) when you act, and store it.")
        at = at.isoformat()
    said = {"result": result, "undo": undo, "at": at, "description": description}
    asked: dict[str, object] = {"type": "undo_window", "action": action, "window": window}
    asked |= {name: value for name, value in said.items() if value is not None}
    check_json(asked, "undo_window")
    return asked


def object_of(value: object, what: str) -> Mapping[str, object]:
    """The value, which is a dictionary of JSON."""
    if not isinstance(value, Mapping):
        raise TypeError(f"The {what} are a dictionary, not {_kind(value)}.")
    check_json(value, what)
    return value


def source_of(default: Source, given: Source | str | None) -> Mapping[str, object] | None:
    """The fields of the source that are known; those of the call count before those of the client."""
    named = Source(name=given) if isinstance(given, str) else given or Source()
    found = {
        "name": named.name or default.name,
        "url": named.url or default.url,
        "run": named.run or default.run,
    }
    said = {name: value for name, value in found.items() if value is not None}
    if said and found["name"] is None:
        raise ValueError("A source with a url or run needs its name too, such as Source(name='billing-service', ...).")
    return said or None


def body_of(**fields: object) -> dict[str, object]:
    """A body with the fields that are given. Raises TypeError or ValueError if one is not JSON."""
    body = {name: value for name, value in fields.items() if value is not None}
    for name, value in body.items():
        check_json(value, name)
    return body


def _plain(value: object) -> object:
    """Mappings and tuples as what `json` takes."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


def _kind(value: object) -> str:
    return type(value).__name__
