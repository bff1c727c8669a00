"""The modals of a request, and what people wrote in them. Pure: a record in, a view out; a view's state in,
verdicts out. A modal carries the request's id and version, and whoever reads a submission checks both anew.
The modal that starts a task is `starting`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.approvals.model import (
    JSON,
    Approve,
    Choose,
    Item,
    ItemVerdict,
    Reject,
    Request,
    Respond,
    Verdict,
)
from bot.slack import actions, blocks, forms, pages, text, values
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block
from bot.slack.forms import Field, State, Wrong
from bot.slack.views import Modal as Modal
from bot.slack.views import Problems as Problems
from bot.slack.views import loading as loading
from bot.slack.views import modal
from bot.slack.views import notice as notice

REASON: Final = "reason"
ANSWER: Final = "answer"
_MOST_BYTES: Final = 150_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """One item's arguments as somebody changed them."""

    item: int
    arguments: Mapping[str, JSON]


# --- Reject -------------------------------------------------------------------------------------


def reject(request: Request) -> Modal:
    """Asks for the reason; it is required where the policy wants one."""
    needed = request.policy.reason_required
    field: Block = {
        "type": "input",
        "block_id": REASON,
        "label": blocks.plain("Why?", 150),
        "element": {
            "type": "plain_text_input",
            "action_id": forms.VALUE,
            "multiline": True,
            "max_length": 1000,
            "focus_on_load": True,
        },
        "hint": blocks.plain("The requester and the agent will read it.", 150),
        "optional": not needed,
    }
    return _about(request, "Reject", actions.REJECT, [field], submit="Reject")


def reason(state: State) -> str:
    words = state.get("values", {}).get(REASON, {}).get(forms.VALUE, {}).get("value")
    return str(words or "").strip()


def reason_problem(sentence: str) -> Problems:
    return Problems(by_block={REASON: sentence})


# --- Respond and choose -------------------------------------------------------------------------


def respond(request: Request) -> Modal:
    """Asks for the question's form, or for words where it has none."""
    fields = [forms.block(field) for field in _answer_fields(request)]
    return _about(request, "Answer", actions.RESPOND, fields, submit="Send")


def response(request: Request, state: State) -> Respond | Problems:
    """What was answered: the form's value, or plain words."""
    fields = _answer_fields(request)
    read = _read(fields, state)
    if isinstance(read, Problems):
        return read
    if _properties(request.question.form) is None:
        return Respond(value=read.get(ANSWER, ""))
    return Respond(value=dict(read))


def response_problem(request: Request, field: str, sentence: str) -> Problems:
    """The sentence beside the form's field, or beside the first where it names none of them."""
    return _beside(_answer_fields(request), field, sentence)


def choose(request: Request) -> Modal:
    """A menu of the choices that are too many for buttons."""
    options = [blocks.option(choice, str(number)) for number, choice in enumerate(request.question.choices)]
    size = blocks.OPTIONS
    groups = [
        {"label": blocks.plain(f"{start + 1:,} to {min(start + size, len(options)):,}", 75), "options": part}
        for start in range(0, min(len(options), size * size), size)
        if (part := options[start : start + size])
    ]
    listed = {"options": options} if len(options) <= size else {"option_groups": groups}
    field: Block = {
        "type": "input",
        "block_id": ANSWER,
        "label": blocks.plain("Your choice", 150),
        "element": {"type": "static_select", "action_id": forms.VALUE, **listed},
    }
    return _about(request, "Choose", actions.CHOOSE, [field], submit="Send")


def choice(request: Request, state: State) -> Choose | Problems:
    option = state.get("values", {}).get(ANSWER, {}).get(forms.VALUE, {}).get("selected_option")
    number = str(option["value"]) if option else ""
    if not number.isdecimal() or int(number) >= len(request.question.choices):
        return Problems(by_block={ANSWER: "Please choose one."})
    return Choose(choice=request.question.choices[int(number)])


# --- Edit ---------------------------------------------------------------------------------------


def edit(request: Request, item: int = 0) -> Modal:
    """One field per argument of one item. What Slack could not give back whole is named and stays as it is."""
    arguments = request.question.items[item].arguments
    fields = _argument_fields(request, item)
    kept = [name for name in arguments if name not in {field.name for field in fields}]
    content = [forms.block(field) for field in fields]
    if kept:
        names = text.listed([f"`{text.sentence(name, 60)}`" for name in kept], 10)
        content.append(blocks.context(f"Too large or too odd to edit here, and kept as they are: {names}"))
    if request.votes:
        content.append(blocks.context("Saving makes a new version: answers given so far no longer count."))
    name = request.question.items[item].name
    saves = "Save and approve" if len(request.question.items) == 1 else "Save changes"
    intro = [blocks.rich(blocks.line(blocks.run(text.label(name, 100) or "an action", "bold", "code")))]
    return _about(request, "Edit", actions.EDIT, [*intro, *content], submit=saves if fields else "")


def edited(request: Request, state: State) -> Edited | Problems:
    """The item's arguments after the edit: all of them, in their order, also those that could not be edited."""
    item = _edited_item(state)
    if not 0 <= item < len(request.question.items):
        raise ValueError("the form belongs to no item of this request")
    read = _read(_argument_fields(request, item), state)
    if isinstance(read, Problems):
        return read
    before = request.question.items[item].arguments
    return Edited(item=item, arguments={name: read.get(name, value) for name, value in before.items()})


def edit_problem(request: Request, item: int, field: str, sentence: str) -> Problems:
    """The sentence beside the argument's field, or beside the first where it names none of them."""
    return _beside(_argument_fields(request, item), field, sentence)


# --- One by one ---------------------------------------------------------------------------------


def each(request: Request) -> Modal:
    """A verdict for every item, and words for those that need them."""
    content: list[Block] = []
    for number, item in enumerate(request.question.items):
        name = f"{number + 1}. {text.label(item.name, 100) or 'an action'}"
        offered = [blocks.option(_OFFERED[verdict], verdict) for verdict in _each_offered(request, item)]
        if not offered:
            continue
        element = {"type": "radio_buttons", "action_id": forms.VALUE, "options": offered}
        asked: Block = {
            "type": "input",
            "block_id": _verdict_block(number),
            "label": blocks.plain(name, 150),
            "element": element,
        }
        if item.arguments:
            asked["hint"] = blocks.plain(values.summary(item.arguments, 300), 300)
        content.append(asked)
        if _needs_words(item):
            content.append(
                {
                    "type": "input",
                    "block_id": _words_block(number),
                    "label": blocks.plain("Reason or answer", 150),
                    "element": {"type": "plain_text_input", "action_id": forms.VALUE, "multiline": True},
                    "optional": True,
                }
            )
    return _about(request, "One by one", actions.EACH, content, submit="Send")


def verdicts(request: Request, state: State) -> tuple[ItemVerdict, ...] | Problems:
    """A verdict per item, in their order."""
    read = [_verdict(request, number, state) for number in range(len(request.question.items))]
    problems = {block: words for each in read if isinstance(each, Problems) for block, words in each.by_block.items()}
    if problems:
        return Problems(by_block=problems)
    return tuple(each for each in read if not isinstance(each, Problems))


# --- View all -----------------------------------------------------------------------------------


def view_all(request: Request, page: int = 0) -> Modal:
    """Everything that a vote is bound to; `page:<n>` buttons turn the page."""
    content = pages.blocks_of(request, page)
    return modal("View all", actions.VIEW_ALL, content, metadata=RequestTarget.of(request).encoded())


# --- Within -------------------------------------------------------------------------------------

_OFFERED: Final = {
    Verdict.APPROVE: "Approve",
    Verdict.REJECT: "Reject",
    Verdict.RESPOND: "Answer",
    Verdict.CHOOSE: "Choose",
    Verdict.EDIT: "Edit",
}


def _about(request: Request, title: str, callback_id: str, content: Sequence[Block], *, submit: str) -> Modal:
    """A modal that names the request that it is about."""
    title_of_it = text.shown(request.question.title, 300).text or "A question"
    intro = blocks.rich(blocks.line(blocks.run(title_of_it)))
    return modal(title, callback_id, [intro, *content], submit=submit, metadata=RequestTarget.of(request).encoded())


def _read(fields: Sequence[Field], state: State) -> Mapping[str, JSON] | Problems:
    read: dict[str, JSON] = {}
    problems: dict[str, str] = {}
    for field in fields:
        try:
            read.update((field.name, value) for value in forms.read(field, state))
        except Wrong as wrong:
            problems[field.block_id] = str(wrong)
    return Problems(by_block=problems) if problems else read


def _beside(fields: Sequence[Field], name: str, sentence: str) -> Problems:
    named = [field.block_id for field in fields if field.name == name] or [field.block_id for field in fields]
    return Problems(by_block={named[0]: text.label(sentence, 300)} if named else {})


def _answer_fields(request: Request) -> list[Field]:
    form = request.question.form
    properties = _properties(form)
    if properties is None:
        words: dict[str, JSON] = {"type": "string", "maxLength": blocks.INPUT_TEXT}
        schema = form if isinstance(form, dict) else words
        return [forms.of_schema(ANSWER, ANSWER, schema, required=True)]
    required = form.get("required") if isinstance(form, dict) else None
    needed = required if isinstance(required, list) else []
    return [
        forms.of_schema(f"{ANSWER}:{number}", name, schema, required=name in needed)
        for number, (name, schema) in enumerate(properties.items())
        if isinstance(schema, dict)
    ]


def _properties(form: JSON) -> Mapping[str, JSON] | None:
    """The fields of a form that can be asked one by one; None where it is asked as a whole."""
    if not isinstance(form, dict):
        return None
    properties = form.get("properties")
    return properties if isinstance(properties, dict) and 0 < len(properties) <= forms.MOST_FIELDS else None


def _argument_fields(request: Request, item: int) -> list[Field]:
    """The arguments that can be edited, as many as one modal takes."""
    fields: list[Field] = []
    room = _MOST_BYTES
    for number, (name, value) in enumerate(request.question.items[item].arguments.items()):
        field = forms.of_value(f"argument:{item}:{number}", name, value)
        if field is None or len(fields) == forms.MOST_FIELDS:
            continue
        needed = blocks.size([forms.block(field)])
        if needed <= room:
            fields.append(field)
            room -= needed
    return fields


def _edited_item(state: State) -> int:
    """Which item the form was made for, as its blocks say."""
    for block_id in state.get("values", {}):
        kind, _, rest = str(block_id).partition(":")
        item, _, _ = rest.partition(":")
        if kind == "argument" and item.isdecimal():
            return int(item)
    return -1


def _verdict_block(number: int) -> str:
    return f"verdict:{number}"


def _words_block(number: int) -> str:
    return f"words:{number}"


def _needs_words(item: Item) -> bool:
    return Verdict.REJECT in item.verdicts or Verdict.RESPOND in item.verdicts


def _each_offered(request: Request, item: Item) -> list[Verdict]:
    approvable = Verdict.APPROVE in item.verdicts or (request.edited and Verdict.EDIT in item.verdicts)
    shown = [Verdict.APPROVE] if approvable else []
    return shown + [verdict for verdict in (Verdict.REJECT, Verdict.RESPOND) if verdict in item.verdicts]


def _verdict(request: Request, number: int, state: State) -> ItemVerdict | Problems:
    held = state.get("values", {})
    option = held.get(_verdict_block(number), {}).get(forms.VALUE, {}).get("selected_option")
    words = str(held.get(_words_block(number), {}).get(forms.VALUE, {}).get("value") or "").strip()
    chosen = str(option["value"]) if option else ""
    if chosen == Verdict.APPROVE:
        return Approve()
    if chosen == Verdict.REJECT:
        if request.policy.reason_required and not words:
            return Problems(by_block={_words_block(number): "Please say why."})
        return Reject(reason=words)
    if chosen == Verdict.RESPOND:
        return Respond(value=words) if words else Problems(by_block={_words_block(number): "Please write an answer."})
    return Problems(by_block={_verdict_block(number): "Please choose one."})
