"""A form's fields and the answers to it in the words of its schema: its titles, and the names of its choices. Pure.

All of it is untrusted.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.approvals.model.ids import JSON
from bot.slack import display


def titles(form: JSON) -> list[str]:
    """The fields that the form asks for, by their titles or else their names in words."""
    named = labels(form)
    return [named.get(name) or display.label(name) for name in _fields(form)]


def labels(form: JSON) -> dict[str, str]:
    """The titles of the fields that have one, by the fields' names."""
    given = {name: field.get("title") for name, field in _fields(form).items()}
    return {name: title.strip() for name, title in given.items() if isinstance(title, str) and title.strip()}


def worded(form: JSON, value: Mapping[str, JSON]) -> dict[str, JSON]:
    """The answers, with the name of each choice in place of its value, if the schema names it."""
    fields = _fields(form)
    return {name: _chosen(fields.get(name, {}), answer) for name, answer in value.items()}


def _fields(form: JSON) -> dict[str, dict[str, JSON]]:
    properties = form.get("properties") if isinstance(form, dict) else None
    listed = properties.items() if isinstance(properties, dict) else ()
    return {name: field if isinstance(field, dict) else {} for name, field in listed}


def _chosen(field: dict[str, JSON], answer: JSON) -> JSON:
    """The choice's name by `enumNames`, or by the `title` beside its `const`."""
    if isinstance(answer, list):
        items = field.get("items")
        return [_chosen(items, each) for each in answer] if isinstance(items, dict) else answer
    values, names = field.get("enum"), field.get("enumNames")
    if isinstance(values, list) and isinstance(names, list) and len(values) == len(names) and answer in values:
        return names[values.index(answer)]
    for options in (field.get("oneOf"), field.get("anyOf")):
        for option in options if isinstance(options, list) else []:
            if isinstance(option, dict) and "const" in option and option["const"] == answer and option.get("title"):
                return option["title"]
    return answer
