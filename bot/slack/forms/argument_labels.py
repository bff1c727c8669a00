"""What people call the arguments of one action. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.approvals.model.ids import JSON
from bot.slack import display
from bot.slack.display import Reading
from bot.slack.forms import field_choice
from bot.slack.forms.field_choice import Schema


def of(names: Sequence[str], schemas: Mapping[str, Schema], own: Mapping[str, str] | None = None) -> dict[str, str]:
    """A label for each name, no two the same. `schemas` are the arguments' JSON Schemas by name, for their titles.
    `own` are the labels that the graph's owner chose."""
    titled = {name: field_choice.titled(name, schemas.get(name, {}), own) for name in names}
    labels = display.labels(names, own, titled)
    return {name: label if label.strip() else f'"{name}"' for name, label in labels.items()}


def readings(
    values: Mapping[str, JSON], schemas: Mapping[str, Schema], own: Mapping[str, str] | None = None
) -> list[Reading]:
    """The values as people read them, in their order: a currency beside its amount, a unit beside its number. No two
    have the same label. A title in a value's schema counts like a label that the owner chose."""
    own = own or {}
    titles = {name: field_choice.titled(name, schemas.get(name, {}), own) for name in values}
    chosen = {name: title for name, title in titles.items() if title != display.label(name, own)}
    return [
        each if each.label.strip() else replace(each, label=f'"{each.name}"')
        for each in display.readings(values, {**chosen, **own})
    ]


def schemas(schema: JSON) -> dict[str, Schema]:
    """The JSON Schema of each property that the schema of an object names."""
    listed = schema.get("properties") if isinstance(schema, dict) else None
    return (
        {name: entry for name, entry in listed.items() if isinstance(entry, dict)} if isinstance(listed, dict) else {}
    )
