"""The modal in which several actions are answered one by one, each with its own verdict and its own words."""

from __future__ import annotations

from bot.approvals.decision import Approve, ItemVerdict, Reject, Respond
from bot.approvals.question import Item, Verdict
from bot.approvals.request import Request
from bot.slack import actions, blocks, fields, forms, text, values, views, wording
from bot.slack.blocks import Block
from bot.slack.fields import State
from bot.slack.forms import Form
from bot.slack.views import Modal, Problems

MOST_BLOCKS = 100
"""Of a modal (Slack)."""
MOST_ITEMS = 48
"""Two blocks each: of more the modal would be too long."""


def each(request: Request) -> Modal:
    """A verdict for every item, and words for those that need them."""
    content: list[Block] = []
    filled = _forms(request)
    for number, item in enumerate(request.question.items):
        name = f"{number + 1}. {text.label(item.name, 100) or 'an action'}"
        offered = [
            blocks.option(wording.label(request.question, verdict), verdict)
            for verdict in wording.verdicts(request, number)
            if verdict is not Verdict.EDIT
        ]
        if not offered:
            continue
        asked: Block = {
            "type": "input",
            "block_id": _verdict_block(number),
            "label": blocks.plain(name, 150),
            "element": {"type": "radio_buttons", "action_id": fields.VALUE, "options": offered},
        }
        if item.arguments:
            asked["hint"] = blocks.plain(values.summary(item.arguments, 300), 300)
        content.append(asked)
        if number in filled:
            content += [{**block, "optional": True} for block in forms.drawn(filled[number])]
        if words := _words_label(item):
            content.append(
                {
                    "type": "input",
                    "block_id": _words_block(number),
                    "label": blocks.plain(words, 150),
                    "element": {"type": "plain_text_input", "action_id": fields.VALUE, "multiline": True},
                    "optional": True,
                }
            )
    return views.about(request, "One by one", actions.EACH, content, submit="Send")


def verdicts(request: Request, state: State) -> tuple[ItemVerdict, ...] | Problems:
    """A verdict per item, in their order."""
    filled = _forms(request)
    read = [_verdict(request, number, filled.get(number), state) for number in range(len(request.question.items))]
    problems = {block: words for each in read if isinstance(each, Problems) for block, words in each.by_block.items()}
    if problems:
        return Problems(by_block=problems)
    return tuple(each for each in read if not isinstance(each, Problems))


def beside(request: Request, number: int, field: str, sentence: str) -> Problems:
    """The sentence at the item's field that it is about, or at its verdict."""
    form = _forms(request).get(number)
    if form is None:
        return Problems(by_block={_verdict_block(number): text.label(sentence, 300)})
    return forms.beside(form.fields, field, sentence)


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
            value = forms.read(form, state)
            return value if isinstance(value, Problems) else Respond(value=value)
        case Verdict.RESPOND:
            if not words:
                return Problems(by_block={_words_block(number): "Please write an answer."})
            return Respond(value=words)
        case _:
            return Problems(by_block={_verdict_block(number): "Please choose one."})


def _forms(request: Request) -> dict[int, Form]:
    """The form of each item that has one; each asked for as a whole if they do not all fit into one modal."""
    wanted = {n: item.form for n, item in enumerate(request.question.items) if isinstance(item.form, dict)}
    filled = {number: forms.of(_form_block(number), form) for number, form in wanted.items()}
    drawn = [block for form in filled.values() for block in forms.drawn(form)]
    if len(drawn) + 2 * len(request.question.items) < MOST_BLOCKS and blocks.size(drawn) <= forms.MOST_BYTES:
        return filled
    return {number: forms.whole(_form_block(number), form) for number, form in wanted.items()}


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
