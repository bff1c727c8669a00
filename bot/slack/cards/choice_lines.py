"""One choice as a line: its label, what else the graph says of it, and its value if the label does not tell. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from bot.approvals.model.question import Option, Question
from bot.slack import blocks, display, text
from bot.slack.blocks import Element
from bot.slack.cards import values
from bot.slack.cards.values import Detail
from bot.slack.text import Cut

_CONFUSED: Final = str.maketrans({"0": "o", "O": "o", "1": "l", "I": "l", "|": "l"})


def line(choice: str, option: Option | None, detail: Detail, *, valued: bool) -> tuple[list[Element], bool]:
    """The choice as on its button, then the graph's description. `valued`: the value that the agent gets stands between
    them, because another choice looks the same or because the choice does not name it. *Details* always has it."""
    label = text.folded(choice, detail.value)
    if option is None:
        return [blocks.run(label.text)], label.cut
    runs, cut = [blocks.run(label.text, "bold")], label.cut
    if valued and option.value != choice:
        said = option.value if isinstance(option.value, str) else text.pretty(option.value)
        value = text.folded(values.word(option.value) if "\n" not in said else said, detail.value)
        runs += [blocks.run("  ·  the agent gets "), blocks.run(value.text, "code")]
        cut |= value.cut
    if option.description:
        room = max(detail.line - len(label.text) - 3, 1)
        begun = Cut(text.label(option.description, room), not text.fits(option.description, room))
        more = begun if detail.line else text.folded(option.description, detail.value)
        runs += [blocks.run(f" · {more.text}")]
        cut |= more.cut
    return runs, cut


def may_say_more(question: Question) -> bool:
    """Whether the graph gave more than a label for any choice. Questions of earlier versions have labels only."""
    lists = question.payload.values() if isinstance(question.payload, dict) else []
    return any(isinstance(each, dict) for listed in lists if isinstance(listed, list) for each in listed)


def says_value(choice: str, option: Option) -> bool:
    """Whether the words of the value that the agent gets are all in the choice: `move` in `Move in one night`, but not
    `delete_all` in `No, keep everything`."""
    if isinstance(option.value, list | dict):
        return False
    value = option.value if isinstance(option.value, str) else display.words(option.value)
    return {*alike(display.label(value)).split()} <= {*re.findall(r"\w+", alike(choice))}


def alike(words: str) -> str:
    """The same text for any two choices that look the same at a glance."""
    return " ".join(unicodedata.normalize("NFKC", words).translate(_CONFUSED).casefold().split())


def scripts(choices: Sequence[str]) -> set[str]:
    """The alphabets that the choices use: letters of two alphabets may look the same."""
    letters = {character for choice in choices for character in choice if character.isalpha()}
    return {unicodedata.name(letter, "?").partition(" ")[0] for letter in letters}
