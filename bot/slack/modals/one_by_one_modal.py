"""The modal that answers several actions one by one, each with its own verdict and words, and edits them there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from bot.approvals.model.decision import Approve, ItemVerdict, Reject, Respond
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Request
from bot.slack import actions, blocks, display, reasons, text, wording
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block, Element
from bot.slack.cards import values
from bot.slack.forms import argument_labels, elements, fields, schema_form
from bot.slack.forms.fields import State
from bot.slack.forms.problems import Problems
from bot.slack.forms.schema_form import Form
from bot.slack.modals import value_rows, views
from bot.slack.modals.views import Modal

MAX_BLOCKS = 100
"""Of a modal (Slack)."""
_MAX_FORM_BLOCKS = 90
_MAX_BYTES = 150_000
"""Of a view, which may have 250 KB (Slack)."""
_MAX_NAME_CHARACTERS = 100
_MAX_HINT_CHARACTERS = 300


def each(request: Request, *, edited: int | None = None) -> Modal:
    """A verdict for every item, a text field if the item needs words, and a button to edit it. Each stands below the
    whole item if all items fit; otherwise below a short form of it, and *Details* shows the whole.

    `edited` is the item that the person has just edited here: it is approved unless they choose otherwise. Slack keeps
    what was chosen for the others, because their inputs keep their ids (Slack: views.update).
    """
    items, filled = request.question.items, _forms(request)
    own = request.policy.card.labels
    rows = [value_rows.of(item.arguments, argument_labels.schemas(item.schema), own) for item in items]
    content = [
        block
        for number, whole in enumerate(rows)
        for block in [*_whole(request, number, whole), *_asked(request, number, filled, edited)]
    ]
    named = all(text.fits(item.name, _MAX_NAME_CHARACTERS) for item in items)
    if named and len(content) <= _MAX_FORM_BLOCKS and blocks.size(content) <= _MAX_BYTES:
        return views.about(request, "One by one", actions.EACH, content, submit="Send")
    details: list[Element] = [blocks.button("Details", actions.VIEW_ALL, RequestTarget.of(request).encoded())]
    said = blocks.context("Each action is shortened here. *Details* shows them in full.")
    row = blocks.actions([*details, *_menu(request)])
    short = [block for number in range(len(items)) for block in _asked(request, number, filled, edited, hinted=True)]
    return views.about(request, "One by one", actions.EACH, [said, *row, *short], submit="Send")


def _whole(request: Request, number: int, rows: Sequence[Element]) -> list[Block]:
    """The item in full, with a button that edits it."""
    item = request.question.items[number]
    editable = Verdict.EDIT in item.verdicts
    if not rows and not editable:
        return []
    name = blocks.plain(
        f"{number + 1}.  {text.label(display.label(item.name), _MAX_NAME_CHARACTERS) or 'an action'}", 150
    )
    section: Block = {"type": "section", "text": name}
    if editable:
        words = f"{wording.label(request.question, Verdict.EDIT)}…"
        value = RequestTarget.of(request).encoded()
        section["accessory"] = blocks.button(words, actions.indexed(actions.EDIT, number), value)
    return [blocks.divider(), section, *(blocks.apart(blocks.rich(*rows)) if rows else [])]


def _menu(request: Request) -> list[Element]:
    """A menu that edits one of the items, if there is no room for a button at each."""
    options = [
        blocks.option(f"{number + 1}. {text.label(display.label(item.name), 60) or 'an action'}", str(number))
        for number, item in enumerate(request.question.items)
        if Verdict.EDIT in item.verdicts
    ]
    words = blocks.plain(f"{wording.label(request.question, Verdict.EDIT)} one of them…", 150)
    menu = {"type": "static_select", "action_id": actions.WHICH, "placeholder": words, **elements.listed(options)}
    return [menu] if options else []


def _asked(
    request: Request, number: int, filled: Mapping[int, Form], edited: int | None, *, hinted: bool = False
) -> list[Block]:
    """The fields that answer one item. `hinted`: with a short form of the item."""
    item = request.question.items[number]
    offered = {
        verdict: blocks.option(wording.label(request.question, verdict), verdict)
        for verdict in wording.verdicts(request, number)
        if verdict is not Verdict.EDIT
    }
    if not offered:
        return []
    radio: Element = {"type": "radio_buttons", "action_id": fields.VALUE, "options": [*offered.values()]}
    if number == edited and Verdict.APPROVE in offered:
        radio["initial_option"] = offered[Verdict.APPROVE]
    asked: Block = {
        "type": "input",
        "block_id": _verdict_block(request, number),
        "label": blocks.plain(
            f"{number + 1}. {text.label(display.label(item.name), _MAX_NAME_CHARACTERS) or 'an action'}", 150
        ),
        "element": radio,
    }
    if hinted and item.arguments:
        asked["hint"] = blocks.plain(values.summary(item.arguments, _MAX_HINT_CHARACTERS), _MAX_HINT_CHARACTERS)
    made = [asked]
    if number in filled:
        made += [{**block, "optional": True} for block in schema_form.rendered(filled[number])]
    if (words := _words_field(request, number)) is not None:
        made.append(words)
    return made


def _words_field(request: Request, number: int) -> Block | None:
    """The field for a reason or an answer, and who will read a reason. None if the item takes no words, or if nobody
    would read them."""
    item, question = request.question.items[number], request.question
    explained = [
        verdict
        for verdict in (Verdict.APPROVE, Verdict.REJECT)
        if verdict in wording.verdicts(request, number) and reasons.is_asked(request, verdict)
    ]
    answered = Verdict.RESPOND in item.verdicts and item.form is None
    if not explained and not answered:
        return None
    reject = wording.label(question, Verdict.REJECT)
    match explained, answered:
        case [], _:
            label = "Answer"
        case _, True:
            label = "Reason or answer"
        case [Verdict.REJECT], _:
            own = Verdict.REJECT in question.labels
            label = f"Reason, if you choose {reject}" if own else "Reason, if it is rejected"
        case _:
            label = "Reason"
    field: Block = {
        "type": "input",
        "block_id": _words_block(number),
        "label": blocks.plain(label, 150),
        "element": {"type": "plain_text_input", "action_id": fields.VALUE, "multiline": True},
        "optional": True,
    }
    if explained:
        readers = reasons.readers(request, explained[-1])
        field["hint"] = blocks.plain(f"A reason: {readers[:1].lower()}{readers[1:]}" if answered else readers, 200)
    return field


def verdicts(request: Request, state: State) -> tuple[ItemVerdict, ...] | Problems:
    """A verdict for each item, in their order."""
    filled = _forms(request)
    read = [_verdict(request, number, filled.get(number), state) for number in range(len(request.question.items))]
    problems = {block: words for each in read if isinstance(each, Problems) for block, words in each.by_block.items()}
    if problems:
        return Problems(by_block=problems)
    return tuple(each for each in read if not isinstance(each, Problems))


def beside(request: Request, number: int, field: str, sentence: str) -> Problems:
    """The sentence beside the item's field that it is about, or beside its verdict."""
    form = _forms(request).get(number)
    if form is None:
        return Problems(by_block={_verdict_block(request, number): text.label(sentence, 300)})
    return schema_form.beside(form.fields, field, sentence)


def _verdict(request: Request, number: int, form: Form | None, state: State) -> ItemVerdict | Problems:
    held = state.get("values", {})
    option = held.get(_verdict_block(request, number), {}).get(fields.VALUE, {}).get("selected_option")
    words = str(held.get(_words_block(number), {}).get(fields.VALUE, {}).get("value") or "").strip()
    match str(option["value"]) if option else "":
        case Verdict.APPROVE:
            if Verdict.APPROVE in request.policy.reasons and not words:
                return Problems(by_block={_words_block(number): "Please say why."})
            return Approve(reason=words) if Verdict.APPROVE in request.policy.reasons else Approve()
        case Verdict.REJECT:
            if Verdict.REJECT in request.policy.reasons and not words:
                return Problems(by_block={_words_block(number): "Please say why."})
            return Reject(reason=words)
        case Verdict.RESPOND if form is not None:
            value = schema_form.read(form, state)
            return value if isinstance(value, Problems) else Respond(value=value)
        case Verdict.RESPOND:
            if not words:
                return Problems(by_block={_words_block(number): "Please write an answer."})
            return Respond(value=words)
        case _:
            return Problems(by_block={_verdict_block(request, number): "Please choose one."})


def _forms(request: Request) -> dict[int, Form]:
    """The form of each item that has one. If they do not all fit into one modal, each asks for its value as a whole."""
    wanted = {n: item.form for n, item in enumerate(request.question.items) if isinstance(item.form, dict)}
    filled = {number: schema_form.of(_form_block(number), form) for number, form in wanted.items()}
    rendered = [block for form in filled.values() for block in schema_form.rendered(form)]
    if len(rendered) + 2 * len(request.question.items) < MAX_BLOCKS and blocks.size(rendered) <= schema_form.MAX_BYTES:
        return filled
    return {number: schema_form.whole(_form_block(number), form) for number, form in wanted.items()}


def _verdict_block(request: Request, number: int) -> str:
    """An id of its own for every edit of the item, so that Slack keeps no verdict on what the item was before."""
    item = request.question.items[number]
    if item == request.proposed.items[number]:
        return f"verdict:{number}"
    written = json.dumps(dict(item.arguments), sort_keys=True)
    return f"verdict:{number}:{hashlib.sha256(written.encode()).hexdigest()[:16]}"


def _words_block(number: int) -> str:
    return f"words:{number}"


def _form_block(number: int) -> str:
    return f"form:{number}"
