"""What a request asks, as blocks, and whether they show all of it.

Whether anything was left out is known here alone, and `offers` follows it: what is not whole offers no answer, so that
drawing and offering can never disagree.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bot.approvals.model.question import Item, Option, Question, Verdict
from bot.approvals.model.request import Pending, Request
from bot.slack import actions, blocks, text, wording
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block, Element
from bot.slack.cards import edit_diff, values
from bot.slack.cards.values import Detail

CHOICE_BUTTONS: Final = 5
"""More choices than these are a menu in a modal."""
_TITLE: Final = 3000
"""Characters of a title that a card shows, also if it shows little of the rest."""
_NAME: Final = 80
_PAGE: Final = Detail(text=2500, value=2500, rows=80, entries=80, items=20)
_PAGE_BLOCKS: Final = 60
_PAGE_SIZE: Final = 40_000
"""Of one page, in characters on the wire: of more, people would see no end."""
_CONFUSED: Final = str.maketrans({"0": "o", "O": "o", "1": "l", "I": "l", "|": "l"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Blocks, and whether all that is asked stands in them, to the letter."""

    blocks: tuple[Block, ...]
    whole: bool


def heading(request: Request) -> Block:
    """The title if a header takes it as it is; else whose question it is, and the title is the first of `drawn`."""
    if not request.question.title.strip():
        return blocks.header("A question")
    if headed(request.question):
        return blocks.header(request.question.title.strip())
    return blocks.header(f"A question from {text.label(request.graph, 80)}")


def headed(question: Question) -> bool:
    """Whether a header takes the title as it is."""
    return text.fits(question.title.strip(), blocks.HEADER_TEXT)


def page(request: Request) -> list[Block] | None:
    """All that is asked as one page of a modal, as a card would have it; None if that is too much for one."""
    public = replace(request, policy=replace(request.policy, private=False))
    whole = drawn(public, _PAGE)
    made = [heading(request), *(part for block in map(_without_button, whole.blocks) for part in blocks.apart(block))]
    return made if whole.whole and len(made) <= _PAGE_BLOCKS and blocks.size(made) <= _PAGE_SIZE else None


def drawn(request: Request, detail: Detail | None) -> Drawn:
    """What is asked, below its heading: the title if that is no heading, the text, the actions, the choices, and what
    people have changed of them. In so much detail; without any, hardly more than the title."""
    sheet = _Sheet()
    _title(sheet, request.question)
    if detail is None:
        sheet.add([blocks.section("This is too large to be shown here.")], cut=True)
    else:
        _words(sheet, request.question, detail)
        _items(sheet, request, detail)
        _choices(sheet, request.question, detail)
    changed, cut = edit_diff.section(request, detail)
    sheet.add(changed, cut=cut)
    named = all(text.fits(word, wording.LONGEST) for word in request.question.labels.values())
    whole = sheet.whole and named and not request.policy.private
    return Drawn(blocks=tuple(sheet.blocks if whole else map(_without_button, sheet.blocks)), whole=whole)


def lists_choices(question: Question) -> bool:
    """Whether the choices' buttons cannot say it all."""
    names = [_alike(choice) for choice in question.choices]
    return (
        len(question.choices) > CHOICE_BUTTONS
        or bool(question.options)
        or len(set(names)) < len(names)
        or len(_scripts(question.choices)) > 1
        or not all(text.fits(choice, blocks.BUTTON_TEXT) for choice in question.choices)
    )


def _without_button(block: Block) -> Block:
    return {key: value for key, value in block.items() if key != "accessory"}


@dataclass(slots=True)
class _Sheet:
    blocks: list[Block] = field(default_factory=list)
    whole: bool = True

    def add(self, drawn: Sequence[Block], *, cut: bool = False) -> None:
        self.blocks += drawn
        self.whole = self.whole and not cut


def _title(sheet: _Sheet, question: Question) -> None:
    """The title with its line ends, in as many lines as it has."""
    if not question.title.strip() or headed(question):
        return
    short = text.shown(question.title.strip("\n"), _TITLE)
    sheet.add([blocks.rich(blocks.line(blocks.run(short.text)))], cut=short.cut)


def _words(sheet: _Sheet, question: Question, detail: Detail) -> None:
    if question.text.strip():
        why = values.prose(question.text, detail.text)
        sheet.add([blocks.rich(*why.parts)], cut=why.cut)


# --- Actions ------------------------------------------------------------------------------------


def _items(sheet: _Sheet, request: Request, detail: Detail) -> None:
    items = request.question.items
    for number, item in enumerate(items[: detail.items]):
        if len(items) > 1:
            _one_of_several(sheet, request, item, number, detail)
        else:
            _only(sheet, request.question, item, detail)
    if rest := max(len(items) - detail.items, 0):
        sheet.add([blocks.context(f"… {text.counted(rest, 'more action')}")], cut=True)


def _only(sheet: _Sheet, question: Question, item: Item, detail: Detail) -> None:
    """The only action with its arguments. One that has none, and is named in the title, needs no line of its own."""
    shown, name = values.rows(item.arguments, detail), blocks.run(text.label(item.name, _NAME), "bold", "code")
    cut = shown.cut or not text.fits(item.name, _NAME)
    if item.arguments and item.name:
        sheet.add([blocks.rich(blocks.line(name), *shown.parts)], cut=cut)
    elif item.arguments:
        sheet.add([blocks.rich(*shown.parts)], cut=cut)
    elif item.name and item.name not in question.title:
        sheet.add([blocks.rich(blocks.line(name))], cut=cut)


def _one_of_several(sheet: _Sheet, request: Request, item: Item, number: int, detail: Detail) -> None:
    limit = min(_NAME, max(detail.value, 20))
    title: Block = {
        "type": "section",
        "text": blocks.plain(f"{number + 1}.  {text.label(item.name, limit) or 'an action'}", 100),
    }
    if isinstance(request.state, Pending) and Verdict.EDIT in item.verdicts:
        edit = f"{wording.label(request.question, Verdict.EDIT)}…"
        value = RequestTarget.of(request).encoded()
        title["accessory"] = blocks.button(edit, actions.indexed(actions.EDIT, number), value)
    shown = values.rows(item.arguments, detail)
    listed = [blocks.rich(*shown.parts)] if shown.parts else []
    sheet.add([title, *listed], cut=shown.cut or not text.fits(item.name, limit))


# --- Choices ------------------------------------------------------------------------------------


def _choices(sheet: _Sheet, question: Question, detail: Detail) -> None:
    if question.choices and not question.options and question.types is None and _may_say_more(question):
        sheet.add([], cut=True)
    if not lists_choices(question):
        return
    lines: list[Element] = []
    cut = len(question.choices) > detail.rows
    for number, choice in enumerate(question.choices[: detail.rows]):
        runs, shortened = _choice(choice, question.options[number] if question.options else None, detail)
        lines.append(blocks.line(*runs))
        cut |= shortened
    rest = len(question.choices) - len(lines)
    more = [blocks.line(blocks.run(f"… {text.counted(rest, 'more choice')}", "italic"))] if rest else []
    sheet.add([blocks.rich(blocks.bullets(lines, ordered=True), *more)], cut=cut)


def _choice(choice: str, option: Option | None, detail: Detail) -> tuple[list[Element], bool]:
    """The choice as its button says it, then what the agent gets if that is something else, then what else the graph
    says of it."""
    label = text.shown(choice, detail.value)
    if option is None:
        return [blocks.run(label.text)], label.cut
    runs, cut = [blocks.run(label.text, "bold")], label.cut
    if option.value != choice:
        said = option.value if isinstance(option.value, str) else text.pretty(option.value)
        value = text.shown(values.word(option.value) if "\n" not in said else said, detail.value)
        runs += [blocks.run("  ·  the agent gets "), blocks.run(value.text, "code")]
        cut |= value.cut
    if option.description:
        more = text.shown(option.description, detail.value)
        runs += [blocks.run(f"  ·  {more.text}")]
        cut |= more.cut
    return runs, cut


def _may_say_more(question: Question) -> bool:
    """Whether the graph gave any choice as more than a text: questions of earlier versions kept the label alone."""
    lists = question.payload.values() if isinstance(question.payload, dict) else []
    return any(isinstance(each, dict) for listed in lists if isinstance(listed, list) for each in listed)


def _alike(words: str) -> str:
    """What two choices have in common that look the same at a glance."""
    return " ".join(unicodedata.normalize("NFKC", words).translate(_CONFUSED).casefold().split())


def _scripts(choices: Sequence[str]) -> set[str]:
    """The alphabets in which the choices are written: letters of two of them may look the same."""
    letters = {character for choice in choices for character in choice if character.isalpha()}
    return {unicodedata.name(letter, "?").partition(" ")[0] for letter in letters}
