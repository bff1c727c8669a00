"""The modal that answers several actions one by one, each with its own verdict and its own words."""

from __future__ import annotations

from collections.abc import Mapping

from bot.approvals.model.decision import Approve, ItemVerdict, Reject, Respond
from bot.approvals.model.question import Item, Verdict
from bot.approvals.model.request import Request
from bot.slack import actions, blocks, text, wording
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block
from bot.slack.cards import values
from bot.slack.cards.values import Detail, Shown
from bot.slack.cards.vote_buttons import MAX_ITEMS_ONE_BY_ONE
from bot.slack.forms import fields, schema_form
from bot.slack.forms.fields import State
from bot.slack.forms.problems import Problems
from bot.slack.forms.schema_form import Form
from bot.slack.modals import views
from bot.slack.modals.views import Modal

MAX_BLOCKS = 100
"""Of a modal (Slack)."""
_MAX_FORM_BLOCKS = 90
_MAX_BYTES = 150_000
"""Of a view, which may have 250 KB (Slack)."""
_MAX_NAME_CHARACTERS = 100
_WHOLE = Detail(text=2500, value=2500, rows=60, entries=60, items=MAX_ITEMS_ONE_BY_ONE)


def each(request: Request) -> Modal:
    """A verdict for every item, and a text field if the item needs words. Each stands below the whole item if all items
    fit; otherwise below a short form of it, and *View all* shows the whole."""
    shown, filled = [values.rows(item.arguments, _WHOLE) for item in request.question.items], _forms(request)
    content = [block for number, one in enumerate(shown) for block in _asked(request, number, filled, one)]
    named = all(text.fits(item.name, _MAX_NAME_CHARACTERS) for item in request.question.items)
    if (
        named
        and not any(one.cut for one in shown)
        and len(content) <= _MAX_FORM_BLOCKS
        and blocks.size(content) <= _MAX_BYTES
    ):
        return views.about(request, "One by one", actions.EACH, content, submit="Send")
    whole = blocks.button("View all", actions.VIEW_ALL, RequestTarget.of(request).encoded())
    short = [block for number, _ in enumerate(shown) for block in _asked(request, number, filled, None)]
    said = blocks.context("Each action is shortened here. *View all* shows them in full.")
    return views.about(request, "One by one", actions.EACH, [said, *blocks.actions([whole]), *short], submit="Send")


def _asked(request: Request, number: int, filled: Mapping[int, Form], shown: Shown | None) -> list[Block]:
    """One item to answer, below its whole content (`shown`) or a short form of it."""
    item = request.question.items[number]
    offered = [
        blocks.option(wording.label(request.question, verdict), verdict)
        for verdict in wording.verdicts(request, number)
        if verdict is not Verdict.EDIT
    ]
    if not offered:
        return []
    asked: Block = {
        "type": "input",
        "block_id": _verdict_block(number),
        "label": blocks.plain(f"{number + 1}. {text.label(item.name, _MAX_NAME_CHARACTERS) or 'an action'}", 150),
        "element": {"type": "radio_buttons", "action_id": fields.VALUE, "options": offered},
    }
    if shown is None and item.arguments:
        asked["hint"] = blocks.plain(values.summary(item.arguments, 300), 300)
    made = [asked]
    if number in filled:
        made += [{**block, "optional": True} for block in schema_form.rendered(filled[number])]
    if words := _words_label(item):
        made.append(
            {
                "type": "input",
                "block_id": _words_block(number),
                "label": blocks.plain(words, 150),
                "element": {"type": "plain_text_input", "action_id": fields.VALUE, "multiline": True},
                "optional": True,
            }
        )
    if shown is None or not shown.parts:
        return made
    name = blocks.line(blocks.run(text.label(item.name, _MAX_NAME_CHARACTERS) or "an action", "bold", "code"))
    return [blocks.divider(), blocks.rich(name, *shown.parts), *made]


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
        return Problems(by_block={_verdict_block(number): text.label(sentence, 300)})
    return schema_form.beside(form.fields, field, sentence)


def _verdict(request: Request, number: int, form: Form | None, state: State) -> ItemVerdict | Problems:
    held = state.get("values", {})
    option = held.get(_verdict_block(number), {}).get(fields.VALUE, {}).get("selected_option")
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
            return Problems(by_block={_verdict_block(number): "Please choose one."})


def _forms(request: Request) -> dict[int, Form]:
    """The form of each item that has one. If they do not all fit into one modal, each asks for its value as a whole."""
    wanted = {n: item.form for n, item in enumerate(request.question.items) if isinstance(item.form, dict)}
    filled = {number: schema_form.of(_form_block(number), form) for number, form in wanted.items()}
    rendered = [block for form in filled.values() for block in schema_form.rendered(form)]
    if len(rendered) + 2 * len(request.question.items) < MAX_BLOCKS and blocks.size(rendered) <= schema_form.MAX_BYTES:
        return filled
    return {number: schema_form.whole(_form_block(number), form) for number, form in wanted.items()}


def _words_label(item: Item) -> str:
    match Verdict.REJECT in item.verdicts, Verdict.RESPOND in item.verdicts and item.form is None:
        case True, True:
            return "Reason or answer"
        case True, False:
            return "Reason, if it is rejected"
        case False, True:
            return "Answer"
        case _:
            return ""


def _verdict_block(number: int) -> str:
    return f"verdict:{number}"


def _words_block(number: int) -> str:
    return f"words:{number}"


def _form_block(number: int) -> str:
    return f"form:{number}"
