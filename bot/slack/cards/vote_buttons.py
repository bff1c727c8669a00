"""The buttons of a request: its answers if the card shows everything; otherwise a button that opens all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.approvals.model.question import Risk, Verdict
from bot.approvals.model.request import Decided, Pending, Request
from bot.approvals.rules.masking import Hidden, hidden_in
from bot.slack import actions, blocks, text, wording
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block, Element
from bot.slack.cards import question_blocks
from bot.slack.forms import elements

MAX_EDIT_BUTTONS: Final = 5
"""With more actions than this, one menu takes the place of an edit button for each."""
MAX_ITEMS_ONE_BY_ONE: Final = 48
"""Each takes two blocks of the modal in which they are answered one by one, and Slack takes 100 blocks."""


def hidden_of(request: Request) -> tuple[Hidden, ...]:
    """The secrets that are masked in the request, each once."""
    hidden = (*hidden_in(request.question), *(hidden_in(request.proposed) if request.edited else ()))
    return tuple({each.mask: each for each in hidden}.values())


def hidden(request: Request) -> list[Block]:
    """Says that values are hidden, and that people who may answer can reveal them."""
    number = len(hidden_of(request))
    if not number or not isinstance(request.state, Pending):
        return []
    values = "1 value is hidden" if number == 1 else f"{number:,} values are hidden"
    return [blocks.context(f"{values}: *Reveal* shows {'it' if number == 1 else 'them'} to those who may answer")]


def _reveal(request: Request) -> list[Element]:
    value = RequestTarget.of(request).encoded()
    return [blocks.button("Reveal", actions.REVEAL, value)] if hidden_of(request) else []


def buttons(request: Request, *, whole: bool) -> list[Element]:
    """The buttons for a request in a message or a list. `whole`: all of the request is shown there."""
    value = RequestTarget.of(request).encoded()
    view_all = blocks.button("View all", actions.VIEW_ALL, value)
    history = blocks.button("History", actions.HISTORY, value)
    if isinstance(request.state, Pending):
        if not whole:
            return [blocks.button("Review…", actions.REVIEW, value, style="primary"), *_reveal(request), history]
        return [*answers(request), view_all, *_reveal(request), history]
    if isinstance(request.state, Decided) and request.state.revocable:
        back = blocks.button("Take it back", actions.TAKE_BACK, value)
        return [back, *([] if whole else [view_all]), history]
    stopped = isinstance(request.state, Decided) and request.state.failure is not None
    retry = [blocks.button("Retry now", actions.RETRY, value, style="primary")] if stopped else []
    if isinstance(request.state, Decided) and request.state.answerable_again:
        retry.append(blocks.button("Answer differently", actions.ANSWER_AGAIN, value))
    return [*retry, *([] if whole else [view_all]), history]


def answerable(rendered: Sequence[Block]) -> bool:
    """Whether these blocks show everything that is asked, so that people may answer there, also by a reply."""
    elements = (each for block in rendered for each in block.get("elements", []))
    return not any(each.get("action_id") == actions.REVIEW for each in elements)


def at_the_end(request: Request) -> list[Block]:
    """The answers below the last page of a review."""
    editable = [number for number, item in enumerate(request.question.items) if Verdict.EDIT in item.verdicts]
    view_all = blocks.button("View all", actions.VIEW_ALL, RequestTarget.of(request).encoded())
    made = [*hidden(request), *blocks.actions([*answers(request), view_all, *_reveal(request)])]
    if len(request.question.items) > 1 and editable:
        made += blocks.actions(_edits(request, editable))
    return made


def answers(request: Request) -> list[Element]:
    """A button for each answer that every item takes."""
    question, value = request.question, RequestTarget.of(request).encoded()
    several = len(question.items) > 1
    taken = [set(wording.verdicts(request, number)) for number in range(len(question.items))]
    offered = set.intersection(*taken)
    every = f" all {len(question.items)}" if several else ""
    approve, edit, reject, respond = (
        wording.label(question, verdict) for verdict in (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT, Verdict.RESPOND)
    )
    made: list[Element] = []
    if Verdict.APPROVE in offered:
        if Verdict.APPROVE in request.policy.reasons:
            made.append(blocks.button(f"{approve}{every}…", actions.APPROVE_WHY, value, style="primary"))
        else:
            confirm = _confirm(request)
            made.append(blocks.button(f"{approve}{every}", actions.APPROVE, value, style="primary", confirm=confirm))
    if Verdict.CHOOSE in offered and not several:
        made.extend(_choices(request, value))
    if Verdict.RESPOND in offered and not several and not made:
        made.append(blocks.button(f"{respond}…", actions.RESPOND, value, style="primary"))
    if Verdict.REJECT in offered:
        made.append(blocks.button(f"{reject}{every}", actions.REJECT, value, style="danger"))
    if Verdict.EDIT in offered and not several:
        made.append(blocks.button(f"{edit}…", actions.EDIT, value))
    if Verdict.RESPOND in offered and not several and not any(each["action_id"] == actions.RESPOND for each in made):
        made.append(blocks.button(f"{respond}…", actions.RESPOND, value))
    one_by_one = {Verdict.APPROVE, Verdict.REJECT, Verdict.RESPOND}
    if several and len(question.items) <= MAX_ITEMS_ONE_BY_ONE and all(each & one_by_one for each in taken):
        made.append(blocks.button("One by one…", actions.EACH, value))
    return made


def _edits(request: Request, editable: list[int]) -> list[Element]:
    """A button to edit each action, or one menu if there are many."""
    edit, value = wording.label(request.question, Verdict.EDIT), RequestTarget.of(request).encoded()
    if len(editable) <= MAX_EDIT_BUTTONS:
        return [
            blocks.button(f"{edit} {number + 1}…", actions.indexed(actions.EDIT, number), value) for number in editable
        ]
    options = [
        blocks.option(
            f"{number + 1}. {text.label(request.question.items[number].name, 60) or 'an action'}", str(number)
        )
        for number in editable
    ]
    words = blocks.plain(f"{edit} one of them…", 150)
    return [{"type": "static_select", "action_id": actions.WHICH, "placeholder": words, **elements.listed(options)}]


def _choices(request: Request, value: str) -> list[Element]:
    choices = request.question.choices
    if len(choices) > question_blocks.MAX_CHOICE_BUTTONS:
        return [blocks.button("Choose…", actions.CHOOSE, value, style="primary")]
    numbered = question_blocks.lists_choices(request.question)
    return [
        blocks.button(
            f"{n + 1}. {choice}" if numbered else choice,
            actions.indexed(actions.CHOOSE, n),
            value,
            confirm=_confirmed(request, "Choose this?", f"{text.label(choice, 200)}.")
            if request.policy.confirm
            else None,
        )
        for n, choice in enumerate(choices)
    ]


def _confirm(request: Request) -> dict[str, object] | None:
    if request.question.risk is Risk.CRITICAL:
        return _confirmed(request, "Approve this?", "Its risk is critical.")
    return _confirmed(request, "Approve this?", "Its policy asks you to confirm.") if request.policy.confirm else None


def _confirmed(request: Request, title: str, why: str) -> dict[str, object]:
    verdicts = {verdict for item in request.question.items for verdict in item.verdicts}
    words = wording.label(request.question, Verdict.APPROVE) if Verdict.APPROVE in verdicts else "Yes"
    return blocks.confirmation(title, f"{why} What you approve is run as shown.", words)
