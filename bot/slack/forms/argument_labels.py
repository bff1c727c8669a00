"""What people call the arguments of one action. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.approvals.model.ids import JSON
from bot.slack import text
from bot.slack.forms import field_choice
from bot.slack.forms.field_choice import Schema


def of(names: Sequence[str], schemas: Mapping[str, Schema], own: Mapping[str, str] | None = None) -> dict[str, str]:
    """A label for each name. If two labels read alike, or a label has nothing to read, the names follow them.

    `schemas` are the arguments' JSON Schemas by name, for their titles. `own` are the labels that the graph's owner
    chose.
    """
    labels = {name: field_choice.titled(name, schemas.get(name, {}), own) for name in names}
    alike = [_alike(label) for label in labels.values()]
    return {
        name: label if _alike(label) and alike.count(_alike(label)) == 1 else f'{label.strip()} "{name}"'.strip()
        for name, label in labels.items()
    }


def schemas(schema: JSON) -> dict[str, Schema]:
    """The JSON Schema of each property that the schema of an object names."""
    listed = schema.get("properties") if isinstance(schema, dict) else None
    return (
        {name: entry for name, entry in listed.items() if isinstance(entry, dict)} if isinstance(listed, dict) else {}
    )


def _alike(label: str) -> str:
    return " ".join(text.visible(label).casefold().split())
