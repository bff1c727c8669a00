"""What holds for every standard card in every state: it is short, has one row of buttons, and says nothing twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest

from bot.approvals.model.question import Risk
from bot.cli.standard_cards.drawings import Drawing, Place, drawings
from bot.slack import button_width as row
from simulator.errors import SlackError
from tools.cards import reading
from tools.cards.acceptance import accepted
from tools.cards.standard import standard

pytestmark = pytest.mark.heavy

MAX_LINES: Final = 10
GLANCE: Final = 110
"""Characters of a notification that a telephone shows."""

CARDS: Final = {
    "payment",
    "deletion of files",
    "e-mail",
    "deployment",
    "plan with options",
    "clarification",
    "quality check",
    "one tool call",
    "three tool calls",
    "form",
    "breakpoint",
    "program",
    "on a server",
    "watched thread",
}
WINDOWS: Final = {"undo window", "cannot be undone"}
"""What agents say that they have done: nobody is asked to approve that, so these come to other states."""
STATES: Final = {"asked", "one of two", "approved, done", "cancelled", "expired", "DM of an escalation"}
"""Those that every card comes to. Each is rejected or stopped as well, if its question can be."""
AGAIN: Final = {"taken back", "stopped while held", "too old", "changed since"}
"""Those in which it is asked again. Card and notification say so first, however much room that takes."""
AFTERWARDS: Final = {"held", "not delivered yet", "can be undone", "undone later", "stays", *AGAIN}
"""Those that a decision comes to before and after the agent has it."""

_QUOTE: Final = "[\"'\u201c\u201d\u201e\u2018\u2019]"
_QUOTED_NUMBER: Final = re.compile(rf"{_QUOTE}\s*[-+]?\d[\d.,\s]*(?:%|[A-Z]{{3}})?\s*{_QUOTE}")
_NAME: Final = re.compile(r"(?<!\w)@\w")
_DEADLINE: Final = "tomorrow at 12:21 XM"
"""As long as a date that Slack writes, and not to be found elsewhere."""
_DATE: Final = re.compile(r"<!date\^(\d+)\^[^>]*>")


@pytest.fixture(scope="module")
def drawn() -> tuple[Drawing, ...]:
    """All that people see of the standard cards."""
    return tuple(each for card in standard() for each in drawings(card))


@pytest.fixture(scope="module")
def cards(drawn: Sequence[Drawing]) -> tuple[Drawing, ...]:
    """The cards themselves, and their copies in DMs."""
    return tuple(each for each in drawn if each.is_card)


def _complain(drawn: Sequence[Drawing], complaints: Callable[[Drawing], Iterator[str]]) -> None:
    """Fails with all that is wrong with any of them."""
    wrong = [f"{each.card}: {each.name}: {said}" for each in drawn for said in complaints(each)]
    assert not wrong, "\n".join([f"{len(wrong)} of {len(drawn)} drawings", *wrong])


def test_every_kind_of_question_is_there_in_every_state(cards: Sequence[Drawing]) -> None:
    """The others say nothing about a card that is not drawn."""
    states = {name: {each.name for each in cards if each.card == name} for name in CARDS}

    assert {each.card for each in cards} == CARDS | WINDOWS
    every = STATES | AFTERWARDS
    assert {name: every - found for name, found in states.items() if not found >= every} == {}
    assert {name for name in CARDS if not states[name] & {"rejected", "stopped"}} == {
        "e-mail",
        "plan with options",
        "clarification",
    }


def test_slack_takes_every_drawing(drawn: Sequence[Drawing]) -> None:
    def complaints(drawing: Drawing) -> Iterator[str]:
        try:
            accepted(drawing)
        except SlackError as refused:
            yield str(refused)

    _complain(drawn, complaints)


def test_a_card_has_at_most_ten_lines(cards: Sequence[Drawing]) -> None:
    """Lines of 60 characters, as `bot.slack.lines` counts them."""

    def complaints(drawing: Drawing) -> Iterator[str]:
        if (lines := reading.size(drawing).wide) > MAX_LINES:
            yield f"{lines} lines"

    _complain([each for each in cards if each.name not in AGAIN], complaints)


def test_a_card_has_one_row_of_buttons_and_a_telephone_has_room_for_it(cards: Sequence[Drawing]) -> None:
    def complaints(drawing: Drawing) -> Iterator[str]:
        size = reading.size(drawing)
        if size.rows > 1:
            yield f"{size.rows} rows of buttons"
        if size.row > row.ROOM:
            yield f"a row of {size.row} pixels for {row.ROOM}: {_buttons(drawing)}"

    _complain(cards, complaints)


def _buttons(drawing: Drawing) -> str:
    return next(line for line in reading.paragraphs(drawing) if _is_row(line))


def test_no_card_is_called_a_question(drawn: Sequence[Drawing]) -> None:
    """Without a question, its most telling value is the title."""

    def complaints(drawing: Drawing) -> Iterator[str]:
        title = reading.title(drawing)
        if drawing.is_card and not title:
            yield "no title"
        if title.casefold().startswith("a question"):
            yield f"titled {title!r}"
        if "a question." in drawing.text.casefold():
            yield f"told as {drawing.text!r}"

    _complain(drawn, complaints)


def test_no_number_is_in_quotes(drawn: Sequence[Drawing]) -> None:
    """Raw JSON is the only exception."""

    def complaints(drawing: Drawing) -> Iterator[str]:
        for words in (drawing.text, *reading.texts(list(map(_without_json, drawing.blocks)))):
            yield from _QUOTED_NUMBER.findall(words)

    _complain(drawn, complaints)


def _without_json(block: dict[str, Any]) -> dict[str, Any]:
    def raw(part: dict[str, Any]) -> bool:
        words = "".join(reading.texts(part)).lstrip()
        return part.get("type") == "rich_text_preformatted" and words.startswith(("{", "["))

    parts = block.get("elements", [])
    return {**block, "elements": [part for part in parts if not raw(part)]} if parts else block


def test_a_direct_message_says_first_why_it_came(cards: Sequence[Drawing]) -> None:
    def complaints(drawing: Drawing) -> Iterator[str]:
        if drawing.blocks[0]["type"] == "header":
            yield f"begins with {reading.title(drawing)!r}"

    _complain([each for each in cards if each.name.startswith("DM")], complaints)


# --- Nothing is said twice ----------------------------------------------------------------------


def test_nothing_is_said_twice(drawn: Sequence[Drawing]) -> None:
    def complaints(drawing: Drawing) -> Iterator[str]:
        times = Counter(_phrases(reading.paragraphs(drawing)))
        yield from (f"{times[phrase]} times {phrase!r}" for phrase in times if times[phrase] > 1)

    _complain([each for each in drawn if each.place is Place.MESSAGE], complaints)


def test_the_body_does_not_repeat_the_title(drawn: Sequence[Drawing]) -> None:
    """A short title, such as `Refund order?`, may stand within another sentence."""

    def complaints(drawing: Drawing) -> Iterator[str]:
        title, body = _plain(reading.title(drawing)), [each for each in drawing.blocks if each["type"] != "header"]
        said = reading.paragraphs(replace(drawing, blocks=tuple(body)))
        yield from (phrase for phrase in _phrases(said) if phrase == title)
        yield from (line for line in said if len(title) >= 20 and f" {title} " in f" {_plain(line)} ")

    _complain([each for each in drawn if each.is_card], complaints)


def _phrases(paragraphs: Sequence[str]) -> Iterator[str]:
    """What stands between full stops, middle dots and columns, if it says something."""
    for line in paragraphs:
        if not _is_row(line):
            yield from filter(_tells, map(_plain, re.split(r"\s{2,}| · |(?<=[.!?:])\s", line)))


def _is_row(line: str) -> bool:
    return line.startswith("[") and line.endswith("]")


def _plain(words: str) -> str:
    """The words alone: without punctuation, signs and capital letters."""
    return " ".join(re.findall(r"[\w@#]+", words.casefold()))


def _tells(phrase: str) -> bool:
    """Whether a phrase is long enough that people notice it when it comes again."""
    return len(phrase) >= 12 or phrase.count(" ") >= 2


# --- Notifications ------------------------------------------------------------------------------


def test_a_notification_tells_title_risk_and_deadline_at_a_glance(cards: Sequence[Drawing]) -> None:
    """In this order, and after the reason if it is a DM or is asked again. Names of those who may answer come later."""

    def complaints(drawing: Drawing) -> Iterator[str]:
        assert drawing.state is not None
        request = drawing.state.request
        told = _seen(drawing, deadline=int(request.deadline.timestamp()) if request.deadline else 0)
        title = reading.title(drawing)[:24]
        at = [told.find(title), told.find(_DEADLINE)]
        if request.question.risk in (Risk.HIGH, Risk.CRITICAL):
            at.insert(1, told.lower().find(f"{request.question.risk} risk"))
        if -1 in at or at != sorted(at) or at[-1] + len(_DEADLINE) > GLANCE:
            yield f"in another order, or too late, at {at}: {told[:GLANCE]!r}"
        if (drawing.name.startswith("DM") or drawing.name in AGAIN) == (at[0] == 0):
            yield f"{'no reason before' if at[0] == 0 else 'something stands before'} the title: {told[:GLANCE]!r}"
        if not drawing.name.startswith("DM") and _NAME.search(told[: max(at[-1], 0)]):
            yield f"names before the deadline: {told[:GLANCE]!r}"

    _complain([each for each in cards if each.state and each.state.pending], complaints)


def test_a_notification_of_a_settled_card_begins_with_its_title(cards: Sequence[Drawing]) -> None:
    def complaints(drawing: Drawing) -> Iterator[str]:
        if not reading.notification(drawing).startswith(reading.title(drawing)[:24]):
            yield repr(drawing.text)

    _complain([each for each in cards if each.state and not each.state.pending], complaints)


def _seen(drawing: Drawing, *, deadline: int) -> str:
    """The notification, with that moment as `_DEADLINE`."""
    marked = _DATE.sub(lambda found: _DEADLINE if int(found[1]) == deadline else found[0], drawing.text)
    return reading.notification(replace(drawing, text=marked))
