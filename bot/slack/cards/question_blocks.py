"""What a request asks, as blocks, and whether they show all of it.

Only this module knows whether anything was left out. The vote buttons follow it, so that a card that does not show
everything offers no answer.
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

MAX_CHOICE_BUTTONS: Final = 5
"""With more choices than this, a menu in a modal takes the place of the buttons."""
_MAX_TITLE_CHARACTERS: Final = 3000
"""Of a title, whatever else the card has to leave out."""
_MAX_NAME_CHARACTERS: Final = 80
_PAGE: Final = Detail(text=2500, value=2500, rows=80, entries=80, items=20)
_MAX_PAGE_BLOCKS: Final = 60
_MAX_PAGE_CHARACTERS: Final = 40_000
"""Of one page's blocks on the wire; people would not read a longer page to its end."""
_CONFUSED: Final = str.maketrans({"0": "o", "O": "o", "1": "l", "I": "l", "|": "l"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Blocks, and whether they show everything that is asked, to the letter."""

    blocks: tuple[Block, ...]
    whole: bool


def heading(request: Request) -> Block:
    """The title if it fits a header. Otherwise the name of the agent; the title is then the first of `rendered`."""
    if not request.question.title.strip():
        return blocks.header("A question")
    if headed(request.question):
        return blocks.header(request.question.title.strip())
    return blocks.header(f"A question from {text.label(request.graph, 80)}")


def headed(question: Question) -> bool:
    """Whether the title fits a header as it is."""
    return text.fits(question.title.strip(), blocks.HEADER_TEXT)


def page(request: Request) -> list[Block] | None:
    """Everything that is asked, rendered as on a card, as one page of a modal. None if one page cannot hold it."""
    public = replace(request, policy=replace(request.policy, private=False))
    whole = rendered(public, _PAGE)
    made = [heading(request), *(part for block in map(_without_button, whole.blocks) for part in blocks.apart(block))]
    return made if whole.whole and len(made) <= _MAX_PAGE_BLOCKS and blocks.size(made) <= _MAX_PAGE_CHARACTERS else None


def rendered(request: Request, detail: Detail | None) -> Rendered:
    """What is asked, below the heading: the title (unless it is the heading), the text, the actions, the choices, and
    what people changed. Without `detail`, hardly more than the title."""
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
    named = all(text.fits(word, wording.MAX_LABEL_CHARACTERS) for word in request.question.labels.values())
    whole = sheet.whole and named and not request.policy.private
    return Rendered(blocks=tuple(sheet.blocks if whole else map(_without_button, sheet.blocks)), whole=whole)


def lists_choices(question: Question) -> bool:
    """Whether the choices have to be listed, because their buttons cannot show all of them."""
    names = [_alike(choice) for choice in question.choices]
    return (
        len(question.choices) > MAX_CHOICE_BUTTONS
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

    def add(self, rendered: Sequence[Block], *, cut: bool = False) -> None:
        self.blocks += rendered
        self.whole = self.whole and not cut


def _title(sheet: _Sheet, question: Question) -> None:
    """The title with its line ends."""
    if not question.title.strip() or headed(question):
        return
    short = text.shown(question.title.strip("\n"), _MAX_TITLE_CHARACTERS)
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
    """The only action with its arguments. It gets no line if it has no arguments and the title names it."""
    shown, name = (
        values.rows(item.arguments, detail),
        blocks.run(text.label(item.name, _MAX_NAME_CHARACTERS), "bold", "code"),
    )
    cut = shown.cut or not text.fits(item.name, _MAX_NAME_CHARACTERS)
    if item.arguments and item.name:
        sheet.add([blocks.rich(blocks.line(name), *shown.parts)], cut=cut)
    elif item.arguments:
        sheet.add([blocks.rich(*shown.parts)], cut=cut)
    elif item.name and item.name not in question.title:
        sheet.add([blocks.rich(blocks.line(name))], cut=cut)


def _one_of_several(sheet: _Sheet, request: Request, item: Item, number: int, detail: Detail) -> None:
    limit = min(_MAX_NAME_CHARACTERS, max(detail.value, 20))
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
    """The choice as on its button, then the value that the agent gets if that differs, then the graph's description."""
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
    """Whether the graph gave more than a label for any choice. Questions of earlier versions have labels only."""
    lists = question.payload.values() if isinstance(question.payload, dict) else []
    return any(isinstance(each, dict) for listed in lists if isinstance(listed, list) for each in listed)


def _alike(words: str) -> str:
    """The same text for any two choices that look the same at a glance."""
    return " ".join(unicodedata.normalize("NFKC", words).translate(_CONFUSED).casefold().split())


def _scripts(choices: Sequence[str]) -> set[str]:
    """The alphabets that the choices use: letters of two alphabets may look the same."""
    letters = {character for choice in choices for character in choice if character.isalpha()}
    return {unicodedata.name(letter, "?").partition(" ")[0] for letter in letters}
