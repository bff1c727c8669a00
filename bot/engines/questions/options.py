"""`{"question": ..., "options": [...]}` or `choices`: the answer is one of them, as the graph gave it.

An option may be a text, or an object with a label and a value.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from bot.approvals.model.decision import (
    Answered,
    Cancelled,
    Choose,
    Decision,
    Expired,
    WindowClosed,
)
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Option, Question, Verdict
from bot.engines.questions import conventions, plain

NAME = "options"

_KEYS: Final = ("options", "choices")
_LABELS: Final = ("label", "title", "name", "text", "value", "id")
_VALUES: Final = ("value", "id", "key")
_DESCRIPTION: Final = "description"
_REFUSALS: Final = frozenset(("decline", "deny", "disapprove", "no", "reject"))
"""Words that say no to any question. "Cancel", "stop" and "skip" are not among them, because they may be what the
question is about. A policy can name such an option: `on_timeout: {choose: cancel}`."""


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """A question with its choices."""
    if not isinstance(value, dict):
        return None
    key = next((key for key in _KEYS if isinstance(value.get(key), list) and value[key]), "")
    if not key:
        return None
    listed = _listed(value)
    asking = plain.taken_apart(value, named=(key,))
    return Question(
        shape=NAME,
        title=asking.title,
        text=asking.text,
        items=(Item(name="", arguments=asking.arguments, verdicts=(Verdict.CHOOSE,)),),
        choices=tuple(labels(listed)),
        options=described(listed),
        risk=asking.risk,
        summary=asking.summary,
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """The chosen option. If nobody answered, the option that says no."""
    listed = _listed(proposed.payload)
    match decision:
        case Answered(verdicts=(Choose(choice=choice),)):
            return chosen(listed, choice)
        case Expired():
            if not (declined := refusals(listed)):
                raise conventions.unsaid()
            return declined[0]
        case Answered() | Cancelled() | WindowClosed():
            raise InvalidAnswer("Answer this question with one of its choices.")


def labels(listed: Sequence[JSON]) -> list[str]:
    """The label of each option. No two are the same."""
    names: dict[str, None] = {}
    tried: dict[str, int] = {}
    for option in listed:
        name = plain_name = _label(option)
        number = tried.get(name, 2)
        while name in names:
            name, number = f"{plain_name} ({number})", number + 1
        names[name], tried[plain_name] = None, number
    return [*names]


def described(listed: Sequence[JSON]) -> tuple[Option, ...]:
    """The options in full. Empty if the labels already say everything."""
    pairs = list(zip(listed, labels(listed), strict=True))
    if all(name == (option if isinstance(option, str) else _written(option)) for option, name in pairs):
        return ()
    return tuple(Option(label=name, value=_value(option), description=_description(option)) for option, name in pairs)


def chosen(listed: Sequence[JSON], choice: str) -> JSON:
    """The option's own value. Raises InvalidAnswer if there is no such option."""
    for option, name in zip(listed, labels(listed), strict=True):
        if name == choice:
            return _value(option)
    raise InvalidAnswer(f"{choice} is not among its choices.")


def refusals(listed: Sequence[JSON]) -> list[JSON]:
    """The values of the options whose label and value both say no. In `{"label": "No", "value": "delete_all"}`, the
    value is what would run, so that one does not count."""
    found = [(_label(option), _value(option)) for option in listed]
    return [value for label, value in found if _says_no(label) and (value in (None, False) or _says_no(value))]


def _says_no(value: JSON) -> bool:
    return isinstance(value, str) and value.strip(" .!").casefold() in _REFUSALS


def _listed(payload: JSON) -> list[JSON]:
    found = [payload.get(key) for key in _KEYS] if isinstance(payload, dict) else []
    return next((each for each in found if isinstance(each, list) and each), [])


def _label(option: JSON) -> str:
    if isinstance(option, str) and option.strip():
        return option
    if isinstance(option, dict):
        named = next((option[key] for key in _LABELS if plain.text_of(option.get(key)).strip()), None)
        if isinstance(named, str):
            return named
    return _written(option)


def _written(option: JSON) -> str:
    return json.dumps(option, ensure_ascii=False)


def _description(option: JSON) -> str:
    """What the graph says about an option apart from its label and its value. Empty if the option itself is the value,
    which is shown in full anyway."""
    if not isinstance(option, dict) or _value(option) is option:
        return ""
    used = next((key for key in _LABELS if plain.text_of(option.get(key)).strip()), "")
    valued = next(key for key in _VALUES if key in option)
    said = plain.text_of(option.get(_DESCRIPTION)).strip()
    rest = {key: each for key, each in option.items() if key not in (used, valued, _DESCRIPTION if said else "")}
    others = (f"{key}: {each if isinstance(each, str) else json.dumps(each)}" for key, each in rest.items())
    return "\n".join(filter(None, (said, *others)))


def _value(option: JSON) -> JSON:
    if isinstance(option, dict):
        return next((option[key] for key in _VALUES if key in option), option)
    return option
