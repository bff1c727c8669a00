"""What the shapes of plain dictionaries share: the question, its reason, its risk, and the rest as arguments."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Risk
from bot.approvals.rules.names import matches_exactly
from bot.engines.questions import conventions

SUMMARY: Final = "summary"
"""The key with which a question names the arguments that people should see first."""

_ASKING: Final = ("question", "prompt", "title", "message", "instruction", "instructions", "description")
"""Keys that may hold the question. The first that does gives the title."""
_TELLING: Final = ("error", "reason")
"""Keys that say why it is asked. They come first, because they may say why an earlier answer was refused."""
_RISKS: Final = ("risk_level", "risk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """The parts of a plain dictionary. Every key is in one of the parts, or among the `named` ones."""

    title: str
    """Empty if the dictionary says no question."""
    text: str
    arguments: dict[str, JSON]
    risk: Risk | None
    summary: tuple[str, ...]


def taken_apart(value: Mapping[str, JSON], named: Collection[str] = (), shown: Collection[str] = ()) -> Asking:
    """The dictionary's parts. `named` are the keys that the shape handles itself, and `shown` are those of them that it
    shows as arguments."""
    asking = [key for key in _ASKING if key not in named and _is_text(value.get(key))]
    telling = [key for key in _TELLING if key not in named and _is_text(value.get(key))]
    used = {*named, *asking, *telling, *_named_risk(value)}
    if conventions.named(value.get("answer")):
        used.add("answer")
    rest = {key: each for key, each in value.items() if key not in used}
    others = {key: each for key, each in rest.items() if key != SUMMARY}
    summary = summary_of(rest.get(SUMMARY), {**_arguments(others), **dict.fromkeys(shown)})
    return Asking(
        title=text_of(value[asking[0]]) if asking else "",
        text="\n\n".join(text_of(value[key]) for key in [*telling, *asking[1:]]),
        arguments=_arguments(others if summary else rest),
        risk=risk_of(value),
        summary=summary,
    )


def summary_of(named: JSON, arguments: Collection[str]) -> tuple[str, ...]:
    """The names of arguments in a question's `summary`, without any that are none. Empty if it is no list of names, or
    names no argument: then `summary` is an argument like any other."""
    listed = named if isinstance(named, list) and all(isinstance(each, str) for each in named) else []
    return tuple(dict.fromkeys(str(each) for each in listed if each in arguments))


def side_by_side(*parts: Mapping[str, JSON]) -> dict[str, JSON]:
    """All of these arguments. If two have the same name, the later one gets a similar one, so that neither hides the
    other."""
    arguments: dict[str, JSON] = {}
    for part in parts:
        for key, each in part.items():
            arguments[_free(key, arguments)] = each
    return arguments


def risk_of(value: Mapping[str, JSON]) -> Risk | None:
    """The highest risk that the graph names. An unknown word counts as high."""
    known = _named_risk(value)
    said = [known.get(key, Risk.HIGH) for key in _RISKS if value.get(key) is not None]
    return max(said, key=list(Risk).index, default=None)


def text_of(value: JSON) -> str:
    """The value if it is a text, else an empty text."""
    return value if isinstance(value, str) else ""


def is_edited(item: Item, proposed: Item) -> bool:
    """Whether somebody changed the arguments."""
    return bool(changed(item.arguments, proposed.arguments)) or len(item.arguments) != len(proposed.arguments)


def changed(arguments: Mapping[str, JSON], before: Mapping[str, JSON]) -> dict[str, JSON]:
    """The arguments that differ, compared to the letter: Python takes true, 1 and 1.0 for equal, many graphs do not."""
    return {
        name: value
        for name, value in arguments.items()
        if name not in before or _canonical(value) != _canonical(before[name])
    }


def _canonical(value: JSON) -> str:
    return json.dumps(value, sort_keys=True)


def _named_risk(value: Mapping[str, JSON]) -> dict[str, Risk]:
    """The keys that name a known risk, with that risk. A key with any other value is also shown as an argument."""
    said = {key: words for key in _RISKS if (words := text_of(value.get(key)))}
    return {key: risk for key, words in said.items() for risk in Risk if matches_exactly(words, risk)}


def _is_text(value: JSON) -> bool:
    return bool(text_of(value).strip())


def _arguments(rest: Mapping[str, JSON]) -> dict[str, JSON]:
    """What is shown below the question: the details first, each under its own name, then everything else."""
    details = rest.get("details")
    others = {key: each for key, each in rest.items() if key != "details" or not isinstance(each, dict | None)}
    return side_by_side(details if isinstance(details, dict) else {}, others)


def _free(key: str, arguments: Mapping[str, JSON]) -> str:
    """The key, or a similar one if there is such an argument."""
    while key in arguments:
        key += "'"
    return key
