"""What people call the arguments of one action. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.approvals.model.ids import JSON
from bot.slack import display
from bot.slack.forms import field_choice
from bot.slack.forms.field_choice import Schema


def of(names: Sequence[str], schemas: Mapping[str, Schema], own: Mapping[str, str] | None = None) -> dict[str, str]:
    """A label for each name, no two the same. `schemas` are the arguments' JSON Schemas by name, for their titles.
    `own` are the labels that the graph's owner chose."""
    titled = {name: field_choice.titled(name, schemas.get(name, {}), own) for name in names}
    labels = display.labels(names, own, titled)
    return {name: label if label.strip() else f'"{name}"' for name, label in labels.items()}


def schemas(schema: JSON) -> dict[str, Schema]:
    """The JSON Schema of each property that the schema of an object names."""
    listed = schema.get("properties") if isinstance(schema, dict) else None
    return (
        {name: entry for name, entry in listed.items() if isinstance(entry, dict)} if isinstance(listed, dict) else {}
    )
