"""What plain dictionaries have in common: who asks what, why, at which risk, and the rest as arguments."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Risk
from bot.approvals.rules.names import matches_exactly
from bot.engines.questions import conventions

UNTITLED: Final = "A question"

_ASKING: Final = ("question", "prompt", "title", "message", "instruction", "instructions", "description")
"""Keys that may hold the question itself, the first that does being its title."""
_TELLING: Final = ("error", "reason")
"""Keys that say why it is asked; an answer that was refused before is the first thing to know."""
_RISKS: Final = ("risk_level", "risk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A plain dictionary, taken apart. Every key of it is in one of the parts, or among those that were named."""

    title: str
    text: str
    arguments: dict[str, JSON]
    risk: Risk | None


def taken_apart(value: Mapping[str, JSON], named: Collection[str] = (), untitled: str = UNTITLED) -> Asking:
    """The dictionary's parts. `named` are the keys that the shape itself has a place for."""
    asking = [key for key in _ASKING if key not in named and _is_text(value.get(key))]
    telling = [key for key in _TELLING if key not in named and _is_text(value.get(key))]
    used = {*named, *asking, *telling, *_named_risk(value)}
    if conventions.named(value.get("answer")):
        used.add("answer")
    rest = {key: each for key, each in value.items() if key not in used}
    return Asking(
        title=text_of(value[asking[0]]) if asking else untitled,
        text="\n\n".join(text_of(value[key]) for key in [*telling, *asking[1:]]),
        arguments=_arguments(rest),
        risk=risk_of(value),
    )


def risk_of(value: Mapping[str, JSON]) -> Risk | None:
    """The highest risk that the graph names; one that is unknown counts as high, never as none."""
    known = _named_risk(value)
    said = [known.get(key, Risk.HIGH) for key in _RISKS if value.get(key) is not None]
    return max(said, key=list(Risk).index, default=None)


def text_of(value: JSON) -> str:
    """The value where it is a text, else nothing."""
    return value if isinstance(value, str) else ""


def is_edited(item: Item, proposed: Item) -> bool:
    """Whether somebody changed the arguments."""
    return bool(changed(item.arguments, proposed.arguments)) or len(item.arguments) != len(proposed.arguments)


def changed(arguments: Mapping[str, JSON], before: Mapping[str, JSON]) -> dict[str, JSON]:
    """The arguments that differ, to the letter: true, 1 and 1.0 are equal to Python, and not to every graph."""
    return {
        name: value
        for name, value in arguments.items()
        if name not in before or _canonical(value) != _canonical(before[name])
    }


def _canonical(value: JSON) -> str:
    return json.dumps(value, sort_keys=True)


def _named_risk(value: Mapping[str, JSON]) -> dict[str, Risk]:
    """The keys that say a risk which is known, with it; one that says anything else is shown as it is, too."""
    return {key: risk for key in _RISKS for risk in Risk if matches_exactly(text_of(value.get(key)), risk)}


def _is_text(value: JSON) -> bool:
    return bool(text_of(value).strip())


def _arguments(rest: Mapping[str, JSON]) -> dict[str, JSON]:
    """What is shown below the question: the details first, each under its own name, then all that is left."""
    details = rest.get("details")
    arguments: dict[str, JSON] = dict(details) if isinstance(details, dict) else {}
    for key, each in rest.items():
        if key != "details" or (each is not None and not isinstance(each, dict)):
            arguments[_free(key, arguments)] = each
    return arguments


def _free(key: str, arguments: Mapping[str, JSON]) -> str:
    """The key, or one like it where the details have theirs: neither hides the other."""
    while key in arguments:
        key += "'"
    return key
