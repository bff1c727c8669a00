"""The buttons of a request: its answers if the card shows everything; otherwise a button that opens all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.approvals.model.decision import Answered
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
MAX_CONFIRM_CHARACTERS: Final = 300
"""Slack takes as many in the text of a confirmation."""
MAX_BESIDE_HISTORY: Final = 2
"""With as many buttons for a decision on its way, a telephone has no room for *History*, which *Details* leads to."""
_CHOOSE: Final = "Choose this?"
_ORDINALS: Final = ("the first", "the second", "the third", "the fourth", "the fifth")
_COUNTS: Final = ("", "one", "two", "three", "four", "five", "six")


def hidden_of(request: Request) -> tuple[Hidden, ...]:
    """The secrets that are masked in the request, each once."""
    hidden = (*hidden_in(request.question), *(hidden_in(request.proposed) if request.edited else ()))
    return tuple({each.mask: each for each in hidden}.values())


def hidden(request: Request) -> list[Block]:
    """Says that values are hidden, with the button that reveals them to people who may answer."""
    number = len(hidden_of(request))
    if not number or not isinstance(request.state, Pending):
        return []
    said = "1 value is hidden" if number == 1 else f"{number:,} values are hidden"
    reveal = blocks.button("Reveal", actions.REVEAL, RequestTarget.of(request).encoded())
    return [blocks.section(f"{said}. Only people who may answer can reveal {'it' if number == 1 else 'them'}", reveal)]


def buttons(request: Request, *, whole: bool) -> list[Element]:
    """The buttons for a request in a message or a list. `whole`: all of the request is shown there."""
    value = RequestTarget.of(request).encoded()
    details = blocks.button("Details", actions.VIEW_ALL, value)
    if isinstance(request.state, Pending):
        return [*answers(request), details] if whole else [review(request)]
    first = _on_its_way(request, request.state, value) if isinstance(request.state, Decided) else []
    history = [blocks.button("History", actions.HISTORY, value)] if len(first) < MAX_BESIDE_HISTORY else []
    return [*first, *_undo_later(request), details, *history]


def _on_its_way(request: Request, state: Decided, value: str) -> list[Element]:
    """What people can do with a decision that the agent does not have yet. Whoever gave it takes it back with *Undo*;
    while it is held, everybody who may answer can *Stop* it."""
    made: list[Element] = []
    if state.failure is not None:
        made.append(blocks.button("Retry now", actions.RETRY, value, style="primary"))
    if state.answerable_again and not request.is_window:
        made.append(blocks.button("Answer differently", actions.ANSWER_AGAIN, value))
    if state.revocable and isinstance(state.decision, Answered) and state.decision.voters:
        undo = "Take it back" if request.is_window else "Undo"  # an undo is not undone
        made.append(blocks.button(undo, actions.TAKE_BACK, value))
    if state.revocable and state.held_until is not None:
        made.append(blocks.button("Stop", actions.STOP, value))
    return made


def _undo_later(request: Request) -> list[Element]:
    """The button that opens the offer to undo what was approved, while it is open."""
    offer = request.undo
    if offer is None or offer.outcome is not None:
        return []
    target = RequestTarget(request=offer.request_id, version=offer.version, digest=offer.digest)
    return [blocks.button("Undo…", actions.REVIEW, target.encoded())]


def review(request: Request) -> Element:
    """The button that opens all of a request, with the answers at its end."""
    return blocks.button("Review…", actions.REVIEW, RequestTarget.of(request).encoded(), style="primary")


def answerable(rendered: Sequence[Block]) -> bool:
    """Whether these blocks show everything that is asked, so that people may answer there, also by a reply."""
    elements = (each for block in rendered for each in block.get("elements", []))
    return not any(each.get("action_id") == actions.REVIEW for each in elements)


def at_the_end(request: Request) -> list[Block]:
    """The answers below the last page of a review."""
    editable = [number for number, item in enumerate(request.question.items) if Verdict.EDIT in item.verdicts]
    details = blocks.button("Details", actions.VIEW_ALL, RequestTarget.of(request).encoded())
    made = [*hidden(request), *blocks.actions([*answers(request), details])]
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
    for verdict, action in ((Verdict.UNDO, actions.UNDO), (Verdict.KEEP, actions.KEEP)):
        if verdict in offered:
            made.append(blocks.button(wording.label(question, verdict), action, value))
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
        made.append(blocks.button(f"{reject}{every}…", actions.REJECT, value, style="danger"))
    if Verdict.EDIT in offered and not several:
        made.append(blocks.button(f"{edit}…", actions.EDIT, value))
    if Verdict.RESPOND in offered and not several and not any(each["action_id"] == actions.RESPOND for each in made):
        made.append(blocks.button(f"{respond}…", actions.RESPOND, value))
    if question_blocks.one_by_one(request):
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
    question = request.question
    if len(question.choices) > question_blocks.MAX_CHOICE_BUTTONS:
        return [blocks.button("Choose…", actions.CHOOSE, value, style="primary")]
    return [
        blocks.button(
            words,
            actions.indexed(actions.CHOOSE, n),
            value,
            confirm=_confirmation(request, _CHOOSE, choice, "Choose") if request.policy.confirm else None,
        )
        for n, (words, choice) in enumerate(zip(question_blocks.choice_words(question), question.choices, strict=True))
    ]


# --- Asked once more ----------------------------------------------------------------------------


def _confirm(request: Request) -> dict[str, object] | None:
    """What Slack asks before an approval: if the risk is critical, or if the policy wants it."""
    if request.question.risk is not Risk.CRITICAL and not request.policy.confirm:
        return None
    approve, number = wording.label(request.question, Verdict.APPROVE), len(request.question.items)
    every = f" all {number:,}" if number > 1 else ""
    return _confirmation(request, f"{approve}{every}?", question_blocks.title(request), approve)


def _confirmation(request: Request, title: str, thing: str, yes: str) -> dict[str, object]:
    """Names what is answered, its risk if that is critical, and how many answers it takes."""
    risk = " Its risk is critical." if request.question.risk is Risk.CRITICAL else ""
    after = f"{risk} {_number(request, 'approval' if title != _CHOOSE else 'answer')}"
    named = text.label(thing, MAX_CONFIRM_CHARACTERS - len(after) - 1)
    stop = "" if named.endswith((".", "?", "!", "…")) else "."
    return blocks.confirmation(title, f"{named}{stop}{after}", yes)


def _number(request: Request, kind: str) -> str:
    """Which of the needed answers this one is."""
    needed, given = request.stage.needed, min(len(request.stage_votes), request.stage.needed - 1)
    stages = len(request.policy.stages)
    where = f" in stage {request.stage_number + 1} of {stages}" if stages > 1 else ""
    if needed == 1:
        return f"Yours is the only {kind} that is needed{where}."
    count = _COUNTS[needed] if needed < len(_COUNTS) else f"{needed:,}"
    return f"Yours is {_ORDINALS[given] if given < len(_ORDINALS) else 'one'} of {count} {kind}s{where}."
