"""The modals that answer a request, and what people filled in. Pure: a record in, a view out; a view's state in,
verdicts out. A modal carries the request's id and version, and the listener checks both on submission.
`edit_modal`, `one_by_one_modal` and `question_pages` hold the larger ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bot.approvals.model.caller import Caller
from bot.approvals.model.decision import Choose, Respond
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Request
from bot.approvals.rules.masking import true_of
from bot.slack import actions, blocks, reasons, text, wording
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block
from bot.slack.cards import programs
from bot.slack.forms import elements, fields, schema_form
from bot.slack.forms.fields import State
from bot.slack.forms.problems import Problems as Problems
from bot.slack.forms.schema_form import Form
from bot.slack.modals import question_pages, views
from bot.slack.modals.edit_modal import Edited as Edited
from bot.slack.modals.edit_modal import edit as edit
from bot.slack.modals.edit_modal import edited as edited
from bot.slack.modals.one_by_one_modal import each as each
from bot.slack.modals.one_by_one_modal import verdicts as verdicts
from bot.slack.modals.question_pages import File
from bot.slack.modals.views import Modal as Modal
from bot.slack.modals.views import loading as loading
from bot.slack.modals.views import modal
from bot.slack.modals.views import notice as notice

REASON: Final = "reason"
ANSWER: Final = "answer"
_WORDS: Final[dict[str, JSON]] = {"type": "string", "maxLength": blocks.INPUT_TEXT}


# --- Why -------------------------------------------------------------------------------------


def reject(request: Request) -> Modal:
    """The rejection in the question's own word, with a field for its reason if anybody will read it, which is required
    if the policy says so."""
    return _explained(request, Verdict.REJECT, actions.REJECT)


def approve(request: Request) -> Modal:
    """Asks for the reason of an approval, which the policy wants."""
    return _explained(request, Verdict.APPROVE, actions.APPROVE_WHY)


def _explained(request: Request, verdict: Verdict, callback_id: str) -> Modal:
    word = wording.label(request.question, verdict)
    number = len(request.question.items)
    asked = [_why(request, verdict)] if reasons.is_asked(request, verdict) else []
    every = [blocks.context(f"This answers all {number:,} actions.")] if number > 1 else []
    return views.about(request, word, callback_id, [*every, *asked], submit=word)


def _why(request: Request, verdict: Verdict) -> Block:
    return {
        "type": "input",
        "block_id": REASON,
        "label": blocks.plain("Why?", 150),
        "element": {
            "type": "plain_text_input",
            "action_id": fields.VALUE,
            "multiline": True,
            "max_length": 1000,
            "focus_on_load": True,
        },
        "hint": blocks.plain(reasons.readers(request, verdict), 150),
        "optional": verdict not in request.policy.reasons,
    }


def reason(state: State) -> str:
    words = state.get("values", {}).get(REASON, {}).get(fields.VALUE, {}).get("value")
    return str(words or "").strip()


def reason_problem(sentence: str) -> Problems:
    return Problems(by_block={REASON: sentence})


# --- Respond and choose -------------------------------------------------------------------------


def respond(request: Request) -> Modal:
    """Shows the question's form, or a text field if it has none."""
    word = wording.label(request.question, Verdict.RESPOND)
    content = [*_no_way(request), *schema_form.rendered(_form(request))]
    return views.about(request, word, actions.RESPOND, content, submit="Send")


def response(request: Request, state: State) -> Respond | Problems:
    """The answer: the form's value, or plain words."""
    read = schema_form.read(_form(request), state)
    if isinstance(read, str) and not read.strip():
        return response_problem(request, "", "Please write an answer.")
    return read if isinstance(read, Problems) else Respond(value=read)


def response_problem(request: Request, field: str, sentence: str) -> Problems:
    """The sentence beside the form's field of that name, or beside the first if there is no such field."""
    return schema_form.beside(_form(request).fields, field, sentence)


def choose(request: Request) -> Modal:
    """A menu of the choices, if there are too many for buttons, with the numbers that they have on the card."""
    numbered = [f"{number}. {choice}" for number, choice in enumerate(request.question.choices, start=1)]
    field: Block = {
        "type": "input",
        "block_id": ANSWER,
        "label": blocks.plain("Your choice", 150),
        "element": elements.select(fields.VALUE, numbered, None),
    }
    content: list[Block] = [field]
    if (total := len(request.question.choices)) > elements.MAX_OPTIONS:
        most = f"A menu holds {elements.MAX_OPTIONS:,} of the {total:,} choices; the others cannot be chosen here."
        content.append(blocks.context(most))
    word = wording.label(request.question, Verdict.CHOOSE)
    return views.about(request, word, actions.CHOOSE, content, submit="Send")


def choice(request: Request, state: State) -> Choose | Problems:
    option = state.get("values", {}).get(ANSWER, {}).get(fields.VALUE, {}).get("selected_option")
    number = str(option["value"]) if option else ""
    if not number.isdecimal() or int(number) >= len(request.question.choices):
        return Problems(by_block={ANSWER: "Please choose one."})
    return Choose(choice=true_of(request.question).choices[int(number)])


# --- Details ------------------------------------------------------------------------------------


def view_all(request: Request, page: int = 0, *, file: File | None = None, caller: Caller | None = None) -> Modal:
    """Everything that a vote is bound to, page by page; `page:<n>` buttons turn the page. `caller` is the program that
    asks, if one does."""
    content = question_pages.blocks_of(request, page, file=file, caller=caller)
    return modal("Details", actions.VIEW_ALL, content, metadata=RequestTarget.of(request).encoded())


def review(request: Request, page: int = 0, *, file: File | None = None, note: str = "") -> Modal:
    """The same, with the answers below the last page."""
    content = question_pages.blocks_of(request, page, file=file, review=True, note=note)
    return modal("Review", actions.REVIEW, content, metadata=RequestTarget.of(request).encoded())


# --- Within -------------------------------------------------------------------------------------


def _no_way(request: Request) -> list[Block]:
    """Says how to say no, if the question takes a yes, a no or words: an agent may take any words for a yes."""
    if not {Verdict.APPROVE, Verdict.REJECT, Verdict.RESPOND} <= {*request.question.items[0].verdicts}:
        return []
    reject = wording.label(request.question, Verdict.REJECT)
    return [
        blocks.context(
            f"{text.upper(programs.agent(request))} receives these words as you write them, and may then do what it "
            f"was about to do. To say no, close this and press *{text.escape(reject)}*."
        )
    ]


def _form(request: Request) -> Form:
    form, shown = true_of(request.question).form, request.question.form
    made = schema_form.of(ANSWER, form if isinstance(form, dict) else _WORDS)
    if form == shown or not isinstance(shown, dict):
        return made
    rendered = schema_form.of(ANSWER, shown).fields
    return replace(
        made,
        fields=tuple(
            fields.masked_with(true, other.initial) if true.holds else true
            for true, other in zip(made.fields, rendered, strict=True)
        ),
    )
