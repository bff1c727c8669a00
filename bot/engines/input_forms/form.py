"""The form of a graph's inputs: reads words as values, checks them against its JSON Schema, and gives an example."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import jsonschema

from bot.approvals.model.agent import Input, as_typed
from bot.approvals.model.ids import JSON
from bot.engines.input_forms import samples, typed

WHOLE: Final = "input"
"""The name of an input without a name of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputForm:
    """The inputs of one graph, as far as their schema describes them."""

    inputs: tuple[Input, ...]
    schema: Mapping[str, JSON]
    """JSON Schema of all inputs together."""
    open: bool = False
    """Whether any names may be given in place of the one input. They then make up the graph's argument."""
    suggested: frozenset[str] = frozenset()
    """Inputs that are not required, but that an example should have."""

    def read(self, words: Mapping[str, str]) -> tuple[dict[str, JSON], dict[str, str]]:
        """The words as values of the right types, and everything that is wrong with them, by the input's name."""
        known = {given.name: given for given in self.inputs}
        problems: dict[str, str] = {}
        values: dict[str, JSON] = {}
        if self.open and words and WHOLE not in words:
            words = {WHOLE: json.dumps({name: typed.loose(word) for name, word in words.items()})}
        for name, word in words.items():
            if name not in known:
                problems[name] = self._unknown()
                continue
            try:
                values[name] = typed.value_of(word, known[name].schema)
            except ValueError as error:
                problems[name] = str(error)
        problems |= self._missing(words)
        return values, problems or self._mismatches(values)

    def fit(self, values: Mapping[str, JSON]) -> tuple[dict[str, JSON], dict[str, str]]:
        """Values that are not words: as the graph takes them, and everything that is wrong with them, by the input's
        name."""
        if self.open and values and WHOLE not in values:
            values = {WHOLE: dict(values)}
        known = {given.name for given in self.inputs}
        problems = {name: self._unknown() for name in values if name not in known}
        return dict(values), problems or self.misfits(values)

    def misfits(self, values: Mapping[str, JSON]) -> dict[str, str]:
        """What is wrong with values that were read before, perhaps by an older form. By the input's name."""
        return self._missing(values) or self._mismatches(values)

    def choices(self) -> dict[str, tuple[str, ...]]:
        """The only values that an input takes, as people type them, by the name of each input that has such a list."""
        return {given.name: given.choices for given in self.inputs if given.choices}

    def example(self, graph: str) -> str:
        """A command line that starts the graph."""
        return " ".join(["/task", graph, *(typed.pair(name, word) for name, word in self.sample().items())])

    def sample(self) -> dict[str, str]:
        """A word for each input that is needed, and for those that have a default."""
        needed = self.suggested | {given.name for given in self.inputs if given.required}
        optional = [given for given in self.inputs if given.name not in needed and given.default]
        shown = [*(given for given in self.inputs if given.name in needed), *optional]
        return {given.name: self._word(given) for given in shown}

    # --- Within ---------------------------------------------------------------------------------

    def _word(self, given: Input) -> str:
        """The first sample that is read back as a value that fits, and that one line can show."""
        words = [as_typed(value) for value in _values(given)]
        fitting = [word for word in words if self._takes(given, word)]
        shown = [word for word in fitting if word.isprintable() and "`" not in word]
        return next(iter([*shown, *fitting, *words]))

    def _takes(self, given: Input, word: str) -> bool:
        try:
            value = typed.value_of(word, given.schema)
        except ValueError:
            return False
        whole = jsonschema.Draft202012Validator(cast("dict[str, Any]", {**self.schema, "required": []}))
        with contextlib.suppress(Exception):  # a schema that is none, such as a pattern that does not compile
            return bool(whole.is_valid({given.name: value}))
        return False

    def _unknown(self) -> str:
        return f"is not an input of it; it takes {', '.join(f'`{each.name}`' for each in self.inputs) or 'none'}"

    def _missing(self, given: Mapping[str, object]) -> dict[str, str]:
        return {each.name: "is missing" for each in self.inputs if each.required and each.name not in given}

    def _mismatches(self, values: Mapping[str, JSON]) -> dict[str, str]:
        validator = jsonschema.Draft202012Validator(cast("dict[str, Any]", self.schema))
        return {
            str(error.path[0]): typed.mismatch(error) for error in validator.iter_errors(dict(values)) if error.path
        }


def not_begun(problems: Mapping[str, str]) -> str:
    """The outcome of a task whose graph objects to its inputs when it is about to begin."""
    said = "; ".join(f"{name} {problem}" if name else problem for name, problem in problems.items())
    return (
        f"Stopped: the agent did not begin, because it does not take these values: {said.rstrip('.')}. "
        "Start another task with other values."
    )


def _values(given: Input) -> list[JSON]:
    """Values to show for an input: its examples, its default, then whatever fits its schema."""
    examples = given.schema.get("examples")
    listed = examples if isinstance(examples, list) else []
    return [*listed, *([given.default] if given.default is not None else []), *samples.samples(given.schema)]
