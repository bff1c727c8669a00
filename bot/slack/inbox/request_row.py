"""A request as part of a list: on somebody's Home, in `/approvals`, in the daily summary. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.approvals.model.question import Item
from bot.approvals.model.request import Request
from bot.approvals.rules import schedule
from bot.approvals.rules.names import misleading
from bot.slack import blocks, display, lines, text
from bot.slack.blocks import Block, Element
from bot.slack.cards import (
    blocked_lines,
    decision_words,
    earlier_words,
    endings,
    privacy,
    programs,
    question_blocks,
    status_lines,
    turns,
    undo_words,
    vote_buttons,
)
from bot.slack.cards.values import Detail
from bot.slack.display import Reading

MAX_LINES: Final = 4
"""Of a row in a list, buttons included, at the width of a desk. If the row shows everything, it may be as many lines
higher as its second line wraps."""
MAX_TITLE_CHARACTERS: Final = 150
"""Of a title in a list that links to the card."""
_ROW: Final = Detail(text=300, value=200, rows=8, entries=6, items=1)
_MAX_CUT_TITLE_CHARACTERS: Final = lines.WIDE - 2
_SUMMARY_CHARACTERS: Final = (2 * lines.WIDE, lines.WIDE)
"""Of what is proposed, in two lines or in one."""
_MAX_VALUE_CHARACTERS: Final = 80
_MAX_SHORT_CHARACTERS: Final = 40
_MAX_NAME_CHARACTERS: Final = 30
_MAX_ENTRIES: Final = 3
"""Of a list of plain values that a row names. Of a longer list it says how many."""
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
    """Whether the card shows something that a row has no room for: how it is undone, what changed, what was decided
    before, values that are hidden or that an answer does not cover, a name that misleads, why nobody can answer."""
    return bool(
        not question_blocks.rendered(request, _ROW).whole
        or not question_blocks.titled(request.question)
        or request.is_window
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
    readings = display.readings(item.arguments, own)
    if not all(map(_fits, readings)):
        return None
    said = [blocks.run(text.visible(question.text.strip()))] if question.text.strip() else []
    named = [blocks.run(item.name, "code")] if item.name and item.name not in question.title else []
    if named and not text.fits(item.name, _MAX_NAME_CHARACTERS):
        return None
    parts = [said, named, *map(_pair, readings)]
    return _apart([part for part in parts if part])


def _fits(reading: Reading) -> bool:
    """Whether the argument can stand in a line to the letter: a plain value that cannot be taken for another."""
    plain = not isinstance(reading.value, list | dict) and reading.value not in _TAKEN
    return plain and text.fits(reading.label, _MAX_NAME_CHARACTERS) and text.fits(reading.words, _MAX_VALUE_CHARACTERS)


def _pair(reading: Reading, limit: int = _MAX_VALUE_CHARACTERS) -> list[Element]:
    return [
        blocks.run(text.label(reading.label, _MAX_NAME_CHARACTERS) or _EMPTY, "bold"),
        blocks.run(f" {text.label(_words(reading), limit) or _EMPTY}"),
    ]


def _words(reading: Reading) -> str:
    """The value in words. Of a list, its entries if they are few and plain; of an object, how much it holds."""
    match reading.value:
        case [_, *_] as values if len(values) <= _MAX_ENTRIES and not any(isinstance(v, list | dict) for v in values):
            return ", ".join(display.words(each, reading.name) for each in values)
        case [_, *_] as values:
            return f"{len(values):,} {'entry' if len(values) == 1 else 'entries'}"
        case dict() as record if record:
            return text.counted(len(record), "value")
        case _:
            return reading.words


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
    buttons = _buttons(request, whole=False)
    proposed = (*(_proposed(request, characters) for characters in _SUMMARY_CHARACTERS), [])
    tried = ([*made, *told, *buttons] for told in proposed)
    fitting = (rows for rows in tried if lines.height(rows) <= MAX_LINES)
    short = [made[0], blocks.context(_joined([*_standing(request)[:3], place])), *buttons]
    return next(fitting, short)


def _proposed(request: Request, characters: int) -> list[Block]:
    """What is proposed, in at most `characters`."""
    items = [item for item in request.question.items if item.arguments or len(request.question.items) > 1]
    if not items:
        return []
    if len(items) > 1:
        return [
            blocks.context(
                f"{len(items)} actions: {text.listed([text.sentence(display.label(i.name), 40) for i in items], 3)}"
            )
        ]
    return [blocks.rich(blocks.line(*_summary(items[0], request, characters)))]


def _summary(item: Item, request: Request, characters: int) -> list[Element]:
    """As many of the arguments as fit, first those that the graph and its owner want first."""
    own, first = request.policy.card.labels, (*request.policy.card.keys, *request.question.summary)
    readings = display.readings(item.arguments, own, first)
    pairs: list[list[Element]] = []
    for each in readings:
        pair = _pair(each, _MAX_SHORT_CHARACTERS)
        if sum(len(str(run["text"])) for part in [*pairs, pair] for run in part) > characters - 10:
            break
        pairs.append(pair)
    rest = len(readings) - len(pairs)
    return _apart([*pairs, *([[blocks.run(f"{rest:,} more", "italic")]] if rest else [])])


# --- Both ---------------------------------------------------------------------------------------


def _buttons(request: Request, *, whole: bool) -> list[Block]:
    made = blocks.actions(vote_buttons.buttons(request, whole=whole))
    return [{**block, "block_id": f"request:{request.id}"} for block in made]


def _standing(request: Request, *, mine: bool = False) -> list[str]:
    """The risk, who asks or whose turn it is, the deadline, how many more have to answer, who called the last answer
    off. Of what can be undone: until when."""
    if request.is_window:
        return [status_lines.risk(request), f"{decision_words.DONE} {undo_words.offer(request)}"]
    who = f"{decision_words.WAITING} waits for {turns.turn(request)}" if mine else programs.asker(request)
    votes = "" if mine or not _counted(request) else f"needs {turns.turn(request)}"
    late = "*Overdue*" if schedule.is_overdue(request) else ""
    again = earlier_words.in_a_list(request)
    return [status_lines.risk(request), who, again, late or turns.by(request), votes]


def _counted(request: Request) -> bool:
    return request.stage.needed > 1 or bool(request.stage_votes)


def _joined(words: Sequence[str]) -> str:
    joined = " · ".join(word for word in words if word)
    return joined[:1].upper() + joined[1:]


def _named(request: Request) -> str:
    """The title, or if there is none, what is most telling."""
    return question_blocks.title(request)


def _title(request: Request) -> str:
    return text.sentence(_named(request), MAX_TITLE_CHARACTERS)
