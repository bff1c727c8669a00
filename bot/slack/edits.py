"""The modal in which one action's arguments are changed, and what came back of it.

A field for each argument, by its schema where the graph gave one and else by its type; the action's name is no field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.approvals.ids import JSON
from bot.approvals.question import Item
from bot.approvals.request import Request
from bot.approvals.veil import true_of
from bot.slack import actions, asking, blocks, fields, forms, text, views
from bot.slack.fields import Field, State, Wrong
from bot.slack.views import Modal, Problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """One item's arguments as somebody changed them."""

    item: int
    arguments: Mapping[str, JSON]


def edit(request: Request, item: int = 0) -> Modal:
    """One field per argument of one item. What Slack could not give back whole is named and stays as it is."""
    asked = true_of(request.question).items[item]
    listed = _fields(request, item)
    kept = [name for name in asked.arguments if name not in {field.name for field in listed}]
    content = (
        [blocks.rich(blocks.line(blocks.run(text.label(request.question.items[item].name, 100), "bold", "code")))]
        if asked.name
        else []
    )
    content += [block for field in listed for block in fields.blocks_of(field)]
    if kept:
        names = text.listed([f"`{text.sentence(name, 60) or ' '}`" for name in kept], 10)
        content.append(blocks.context(f"Too large or too odd to edit here, and kept as they are: {names}"))
    if request.votes:
        content.append(blocks.context("Saving makes a new version: answers given so far no longer count."))
    saves = "Save and approve" if len(request.question.items) == 1 else "Save changes"
    return views.about(request, "Edit", actions.EDIT, content, submit=saves if listed else "")


def edited(request: Request, state: State) -> Edited | Problems:
    """The arguments after the edit: all of them, in their order, also those that could not be edited."""
    item = _item(state)
    if not 0 <= item < len(request.question.items):
        raise ValueError("the form belongs to no item of this request")
    read: dict[str, JSON] = {}
    problems: dict[str, str] = {}
    for field in _fields(request, item):
        try:
            read.update((field.name, value) for value in fields.read(field, state))
        except Wrong as wrong:
            problems[field.block_id] = str(wrong)
    if problems:
        return Problems(by_block=problems)
    return Edited(item=item, arguments={**true_of(request.question).items[item].arguments, **read})


def changes_nothing(request: Request, edited: Edited) -> bool:
    """Whether all stands as it stood, to the letter: true is not 1."""
    before = true_of(request.question).items[edited.item].arguments
    return json.dumps(dict(before), sort_keys=True) == json.dumps(dict(edited.arguments), sort_keys=True)


def problem(request: Request, item: int, field: str, sentence: str) -> Problems:
    """The sentence beside the argument's field, or beside the first where it names none of them."""
    return forms.beside(_fields(request, item), field, sentence)


def _fields(request: Request, item: int) -> list[Field]:
    """The arguments that can be edited, as many as one modal takes; then those that the schema knows and that have
    no value yet."""
    asked = true_of(request.question).items[item]
    masked = request.question.items[item].arguments
    names = dict(zip(asked.arguments, masked, strict=True))
    shown = dict(zip(asked.arguments, masked.values(), strict=True))
    schemas = _schemas(asked)
    made: list[Field] = []
    count, room = 0, forms.MOST_BYTES
    missing = [name for name in schemas if name not in asked.arguments]
    for number, name in enumerate([*asked.arguments, *missing]):
        block_id, schema = f"argument:{item}:{number}", schemas.get(name, {})
        if name in asked.arguments:
            field = asking.of_value(block_id, (name,), asked.arguments[name], schema)
        else:
            unset = {key: rule for key, rule in schema.items() if key not in ("default", "title")}
            field = asking.of_schema(block_id, (name,), unset, required=False, label=name, whole=True)
        if field is None:
            continue
        if name in shown:
            field = fields.under_veil(field if names[name] == name else replace(field, label=names[name]), shown[name])
        drawn = fields.blocks_of(field)
        if count + len(drawn) <= forms.MOST_FIELDS and blocks.size(drawn) <= room:
            made.append(field)
            count, room = count + len(drawn), room - blocks.size(drawn)
    return made


def _schemas(item: Item) -> Mapping[str, asking.Schema]:
    """What the graph says of each argument, where it says anything."""
    listed = item.schema.get("properties") if isinstance(item.schema, dict) else None
    found = listed if isinstance(listed, dict) else {}
    return {name: entry for name, entry in found.items() if isinstance(entry, dict) and "const" not in entry}


def _item(state: State) -> int:
    """Which item the form was made for, as its blocks say."""
    for block_id in state.get("values", {}):
        kind, _, rest = str(block_id).partition(":")
        item, _, _ = rest.partition(":")
        if kind == "argument" and item.isdecimal():
            return int(item)
    return -1
