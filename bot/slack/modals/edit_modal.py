"""The modal that changes one action's arguments, and what people changed there.

Each argument has a field, chosen by its schema if the graph gave one, otherwise by its type. The action's name cannot
be changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Verdict
from bot.approvals.model.request import Request
from bot.approvals.rules.masking import true_of
from bot.slack import actions, blocks, text, wording
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block, Element
from bot.slack.forms import argument_labels, elements, field_choice, field_values, fields, schema_form
from bot.slack.forms.fields import Field, Kind, State, Wrong
from bot.slack.forms.problems import Problems
from bot.slack.modals import views
from bot.slack.modals.views import Modal


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """One item's arguments as somebody changed them, and the part of the form that they submitted."""

    item: int
    arguments: Mapping[str, JSON]
    part: int = 0


def edit(request: Request, item: int = 0, part: int = 0, *, one_of_several: bool = False) -> Modal:
    """A field for each argument of one item. If one modal cannot hold all of them, one part and a menu of the parts.
    `one_of_several`: it was opened while items are answered one by one, and saving leads back there."""
    asked = request.question.items[item]
    parts = _parts(request, item)
    part = min(part, len(parts) - 1)
    content = [blocks.rich(blocks.line(blocks.run(text.label(asked.name, 100), "bold", "code")))] if asked.name else []
    content += _menu(parts, item, part)
    content += [block for field in parts[part] for block in fields.blocks_of(field)]
    if request.votes:
        content.append(blocks.context("Saving makes a new version: answers given so far no longer count."))
    word = wording.label(request.question, Verdict.EDIT)
    approve = wording.label(request.question, Verdict.APPROVE)
    saves = f"Save and {approve[:1].lower()}{approve[1:]}"
    saves = saves if approves(request) and len(saves) <= blocks.TITLE_TEXT else "Save changes"
    saves = saves if parts[part] else ""
    if not one_of_several:
        return views.about(request, word, actions.EDIT, content, submit=saves)
    short = replace(request, question=replace(request.question, title=text.label(request.question.title, 300)))
    return {
        **views.about(short, word, actions.EDIT_ONE, content, submit=saves),
        "private_metadata": RequestTarget.of(request).encoded(),
    }


def approves(request: Request) -> bool:
    """Whether saving also approves: if there is no other action and all of this one's arguments are in view."""
    parts = _parts(request, 0)
    in_view = len(parts) == 1 and all(field.holds or field.initial is None for field in parts[0])
    return len(request.question.items) == 1 and in_view


def edited(request: Request, state: State) -> Edited | Problems:
    """All arguments after the edit, in their order, including those that were not in view."""
    item, number = _place(state)
    if not 0 <= item < len(request.question.items):
        raise ValueError("the form is for an item that this request does not have")
    parts = _parts(request, item)
    part = next(n for n, each in enumerate(parts) if not each or number <= _number(each[-1]))
    read: dict[str, JSON] = {}
    problems: dict[str, str] = {}
    for field in parts[part]:
        try:
            read.update((field.name, value) for value in field_values.read(field, state))
        except Wrong as wrong:
            problems[field.block_id] = text.label(str(wrong), 300)
    if problems:
        return Problems(by_block=problems)
    return Edited(item=item, arguments={**true_of(request.question).items[item].arguments, **read}, part=part)


def changes_nothing(request: Request, edited: Edited) -> bool:
    """Whether the arguments are the same as before, to the letter: true is not 1."""
    before = true_of(request.question).items[edited.item].arguments
    return json.dumps(dict(before), sort_keys=True) == json.dumps(dict(edited.arguments), sort_keys=True)


def problem(request: Request, edited: Edited, field: str, sentence: str) -> Problems:
    """The sentence beside the argument's field, or beside the first if that field was not in the part submitted."""
    listed = _parts(request, edited.item)[edited.part]
    elsewhere = bool(field) and all(each.name != field for each in listed)
    label = next((each.label for each in _fields(request, edited.item) if each.name == field), field)
    return schema_form.beside(listed, field, f"{label}: {sentence}" if elsewhere else sentence)


def _parts(request: Request, item: int) -> list[list[Field]]:
    """The fields in parts, each as many as one modal takes."""
    parts: list[list[Field]] = [[]]
    count, room = 0, schema_form.MAX_BYTES
    for field in _fields(request, item):
        rendered = fields.blocks_of(field)
        if parts[-1] and (count + len(rendered) > schema_form.MAX_FIELDS or blocks.size(rendered) > room):
            parts.append([])
            count, room = 0, schema_form.MAX_BYTES
        parts[-1].append(field)
        count, room = count + len(rendered), room - blocks.size(rendered)
    return parts


def _menu(parts: Sequence[Sequence[Field]], item: int, part: int) -> list[Block]:
    """The menu that says which arguments are in view. Empty if all of them are."""
    if len(parts) == 1:
        return []
    options = [
        blocks.option(f"{text.label(each[0].label, 30)} to {text.label(each[-1].label, 30)}", f"{item}:{number}")
        for number, each in enumerate(parts)
    ]
    numbered = [
        {**option, "text": blocks.plain(f"{number}. {option['text']['text']}", blocks.OPTION_TEXT)}
        for number, option in enumerate(options, start=1)
    ]
    total = sum(len(each) for each in parts)
    menu: Element = {
        "type": "static_select",
        "action_id": actions.ARGUMENTS,
        **elements.listed(numbered),
        "initial_option": numbered[part],
    }
    return [
        blocks.section(
            f"*{total:,} arguments*, in {len(parts):,} parts. Save each part before you go to the next.", menu
        )
    ]


def chosen(value: str) -> tuple[int, int]:
    """The item and the part that an option of the menu stands for."""
    item, _, part = value.partition(":")
    return int(item), int(part)


def _fields(request: Request, item: int) -> list[Field]:
    """A field for each argument, then for each argument in the schema that has no value yet. A masked value shows its
    mask."""
    asked = true_of(request.question).items[item]
    masked = request.question.items[item].arguments
    names = dict(zip(asked.arguments, masked, strict=True))
    shown = dict(zip(asked.arguments, masked.values(), strict=True))
    schemas = _schemas(asked)
    missing = [name for name in schemas if name not in asked.arguments]
    labels = argument_labels.of([*asked.arguments, *missing], schemas, request.policy.card.labels)
    made: list[Field] = []
    for number, name in enumerate([*asked.arguments, *missing]):
        block_id, schema = f"argument:{item}:{number}", schemas.get(name, {})
        if name in asked.arguments:
            value = asked.arguments[name]
            field = field_choice.of_value(block_id, (name,), value, schema)
            if field is None or not _fits(field):
                field = _instead(block_id, name, value, schema)
            field = replace(field, label=labels[name] if names[name] == name else names[name])
            made.append(fields.masked_with(field, shown[name]) if field.holds else field)
        else:
            unset = {key: rule for key, rule in schema.items() if key not in ("default", "title")}
            made.append(
                field_choice.of_schema(block_id, (name,), unset, required=False, label=labels[name], whole=True)
            )
    return made


def _fits(field: Field) -> bool:
    """Whether the field fits a modal."""
    rendered = fields.blocks_of(field)
    return len(rendered) <= schema_form.MAX_FIELDS and blocks.size(rendered) <= schema_form.MAX_BYTES


def _instead(block_id: str, name: str, value: JSON, schema: field_choice.Schema) -> Field:
    """An empty field for a value that is too large for Slack. Left empty, the value stays; words replace it."""
    kind = Kind.LONG if isinstance(value, str) else Kind.JSON
    long = len(value if isinstance(value, str) else text.pretty(value))
    return Field(
        block_id=block_id,
        path=(name,),
        kind=kind,
        schema={} if kind is Kind.LONG else schema,
        empty=(),
        label=name,
        initial=value,
        hint=f"Too long to show here ({long:,} characters). Leave this empty to keep it. What you write"
        f"{'' if kind is Kind.LONG else ', as JSON,'} replaces it.",
    )


def _schemas(item: Item) -> Mapping[str, field_choice.Schema]:
    """The schema of each argument, if the graph gave one."""
    return {name: entry for name, entry in argument_labels.schemas(item.schema).items() if "const" not in entry}


def _place(state: State) -> tuple[int, int]:
    """The item and the argument that the form begins with, from its blocks."""
    found = [place for block_id in state.get("values", {}) if (place := _parsed(str(block_id))) is not None]
    return min(found, default=(-1, -1))


def _parsed(block_id: str) -> tuple[int, int] | None:
    match block_id.partition("+")[0].split(":"):
        case ["argument", item, number] if item.isdecimal() and number.isdecimal():
            return int(item), int(number)
        case _:
            return None


def _number(field: Field) -> int:
    place = _parsed(field.block_id)
    return place[1] if place is not None else -1
