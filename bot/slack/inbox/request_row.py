"""A request as part of a list: on somebody's Home, in `/approvals`, in the daily summary. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item
from bot.approvals.model.request import Request
from bot.approvals.rules import schedule
from bot.approvals.rules.names import misleading
from bot.slack import blocks, display, lines, text
from bot.slack.blocks import Block, Element
from bot.slack.cards import (
    blocked_lines,
    endings,
    privacy,
    question_blocks,
    status_lines,
    turns,
    values,
    vote_buttons,
)
from bot.slack.cards.values import Detail

MAX_LINES: Final = 4
"""Of a row in a list, buttons included, at the width of a desk. If the row shows everything, it may be as many lines
higher as its second line wraps."""
MAX_TITLE_CHARACTERS: Final = 150
"""Of a title in a list that links to the card."""
_ROW: Final = Detail(text=300, value=200, rows=8, entries=6, items=1)
_MAX_CUT_TITLE_CHARACTERS: Final = lines.WIDE - 2
_MAX_SUMMARY_CHARACTERS: Final = 2 * lines.WIDE
_MAX_VALUE_CHARACTERS: Final = 80
_MAX_SHORT_CHARACTERS: Final = 40
_MAX_NAME_CHARACTERS: Final = 30
_EMPTY: Final = '""'
_TAKEN: Final = frozenset({"Yes", "No", "-"})
"""What true, false and null are called. A text that says the same has to be seen on the card."""


def row(request: Request, place: str) -> list[Block]:
    """The request in at most `MAX_LINES` lines, as part of a list: what, who, risk and deadline. It can be answered
    there only if the row shows everything that it asks; otherwise *Review…* opens it. `place` is a mrkdwn link to the
    card."""
    request = privacy.masked(request)
    whole = _whole(request, place)
    return whole if whole is not None else _cut(request, place)


def line(request: Request, place: str, *, mine: bool = False) -> str:
    """The request in two lines of mrkdwn: what is asked, and how it stands. `mine` words it for its requester."""
    request = privacy.masked(request)
    if settled := endings.of_request(request):
        return f"*{_title(request)}*\n{_joined([settled, place])}"
    return f"*{_title(request)}*\n{_joined([*_standing(request, mine=mine), place])}"


# --- Everything, if it fits ---------------------------------------------------------------------


def _whole(request: Request, place: str) -> list[Block] | None:
    """The row with all that is asked, to the letter. None if that does not fit, or if the card says more about the
    request than a row can."""
    told = _told(request)
    title = request.question.title.strip()
    if told is None or not text.fits(title, MAX_TITLE_CHARACTERS) or _says_more(request):
        return None
    standing = blocks.context(_joined([*_standing(request), place]))
    made = [
        blocks.rich(blocks.line(blocks.run(text.label(title, MAX_TITLE_CHARACTERS), "bold"))),
        standing,
        *([blocks.rich(blocks.line(*told))] if told else []),
        *_buttons(request, whole=True),
    ]
    # A quorum and long names wrap the second line. That is no reason to take the buttons away.
    wrapped = lines.height([standing]) - 1
    return made if lines.height(made) - wrapped <= MAX_LINES else None


def _says_more(request: Request) -> bool:
    """Whether the card shows something that a row has no room for: what changed, what was decided before, values that
    are hidden or that an answer does not cover, a name that misleads, why nobody can answer."""
    return bool(
        not question_blocks.rendered(request, _ROW).whole
        or not request.question.title.strip()
        or request.edits
        or request.before
        or request.renewed_at
        or request.amended_at
        or request.gone
        or vote_buttons.hidden_of(request)
        or blocked_lines.warnings(request)
        or (request.fingerprint is not None and request.fingerprint.unbound)
        or question_blocks.lists_choices(request.question)
        or any(misleading(item.name) for item in request.question.items)
    )


def _told(request: Request) -> list[Element] | None:
    """The agent's reason and every argument of the only action, in one line. None if they do not fit one."""
    question, own = request.question, request.policy.card.labels
    if len(question.items) > 1 or question.form is not None or not text.fits(question.text.strip(), 200):
        return None
    (item,) = question.items
    if not all(_fits(name, value, own) for name, value in item.arguments.items()):
        return None
    if len({display.label(name, own) for name in item.arguments}) < len(item.arguments):
        return None
    said = [blocks.run(text.visible(question.text.strip()))] if question.text.strip() else []
    named = [blocks.run(item.name, "code")] if item.name and item.name not in question.title else []
    if named and not text.fits(item.name, _MAX_NAME_CHARACTERS):
        return None
    parts = [said, named, *(_pair(name, value, own) for name, value in item.arguments.items())]
    return _apart([part for part in parts if part])


def _fits(name: str, value: JSON, own: Mapping[str, str]) -> bool:
    """Whether the argument can stand in a line to the letter: a plain value that cannot be taken for another."""
    plain = not isinstance(value, list | dict) and value not in _TAKEN
    label, words = display.label(name, own), display.words(value)
    return plain and text.fits(label, _MAX_NAME_CHARACTERS) and text.fits(words, _MAX_VALUE_CHARACTERS)


def _pair(name: str, value: JSON, own: Mapping[str, str], limit: int = _MAX_VALUE_CHARACTERS) -> list[Element]:
    words = values.word(value) if isinstance(value, list | dict) else display.words(value)
    return [
        blocks.run(text.label(display.label(name, own), _MAX_NAME_CHARACTERS) or _EMPTY, "bold"),
        blocks.run(f" {text.label(words, limit) or _EMPTY}"),
    ]


def _apart(parts: Sequence[Sequence[Element]]) -> list[Element]:
    """The parts in a line, with dots between them."""
    return [run for number, part in enumerate(parts) for run in ([blocks.run(" · ")] if number else []) + list(part)]


# --- In short -----------------------------------------------------------------------------------


def _cut(request: Request, place: str) -> list[Block]:
    """The row in short, with *Review…*. What does not fit `MAX_LINES` is left out: first what is proposed."""
    title = text.label(_named(request), _MAX_CUT_TITLE_CHARACTERS)
    made = [
        blocks.rich(blocks.line(blocks.run(title, "bold"))),
        blocks.context(_joined([*_standing(request), place])),
    ]
    buttons, proposed = _buttons(request, whole=False), _proposed(request)
    fitting = (rows for rows in ([*made, *proposed, *buttons], [*made, *buttons]) if lines.height(rows) <= MAX_LINES)
    short = [made[0], blocks.context(_joined([*_standing(request)[:2], place])), *buttons]
    return next(fitting, short)


def _proposed(request: Request) -> list[Block]:
    """What is proposed, in a line or two."""
    items = [item for item in request.question.items if item.arguments or len(request.question.items) > 1]
    if not items:
        return []
    if len(items) > 1:
        return [blocks.context(f"{len(items)} actions: {text.listed([text.sentence(i.name, 40) for i in items], 3)}")]
    return [blocks.rich(blocks.line(*_summary(items[0], request)))]


def _summary(item: Item, request: Request) -> list[Element]:
    """As many of the arguments as fit, first those that the graph and its owner want first."""
    own, first = request.policy.card.labels, (*request.policy.card.keys, *request.question.summary)
    order = dict.fromkeys((*(name for name in first if name in item.arguments), *item.arguments))
    pairs: list[list[Element]] = []
    for name in order:
        pair = _pair(name, item.arguments[name], own, _MAX_SHORT_CHARACTERS)
        if sum(len(str(run["text"])) for each in [*pairs, pair] for run in each) > _MAX_SUMMARY_CHARACTERS - 10:
            break
        pairs.append(pair)
    rest = len(order) - len(pairs)
    return _apart([*pairs, *([[blocks.run(f"{rest:,} more", "italic")]] if rest else [])])


# --- Both ---------------------------------------------------------------------------------------


def _buttons(request: Request, *, whole: bool) -> list[Block]:
    made = blocks.actions(vote_buttons.buttons(request, whole=whole))
    return [{**block, "block_id": f"request:{request.id}"} for block in made]


def _standing(request: Request, *, mine: bool = False) -> list[str]:
    """The risk, who asks or whose turn it is, the deadline, and how many more have to answer."""
    who = f"{endings.WAITING} waits for {turns.turn(request)}" if mine else f"{text.mention(request.requester)}"
    votes = "" if mine or not _counted(request) else f"needs {turns.turn(request)}"
    late = "*Overdue*" if schedule.is_overdue(request) else ""
    return [status_lines.risk(request), who, late or turns.by(request), votes]


def _counted(request: Request) -> bool:
    return request.stage.needed > 1 or bool(request.stage_votes)


def _joined(words: Sequence[str]) -> str:
    joined = " · ".join(word for word in words if word)
    return joined[:1].upper() + joined[1:]


def _named(request: Request) -> str:
    """The title, or if there is none, what is most telling."""
    return request.question.title.strip() or display.label(request.question.items[0].name) or request.graph


def _title(request: Request) -> str:
    return text.sentence(_named(request), MAX_TITLE_CHARACTERS)
