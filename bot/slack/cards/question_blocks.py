"""What a request asks, as blocks, and whether they show all of it.

Only this module knows whether anything was left out. The vote buttons follow it, so that a card that does not show
everything offers no answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bot.approvals.model.question import Item, Option, Question, Verdict
from bot.approvals.model.request import Pending, Request
from bot.slack import actions, blocks, display, lines, text, wording
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block, Element
from bot.slack.cards import edit_diff, outcome_blocks, values
from bot.slack.cards.values import Detail, Terms

MAX_CHOICE_BUTTONS: Final = 5
"""With more choices than this, a menu in a modal takes the place of the buttons."""
_MAX_TITLE_CHARACTERS: Final = 3000
"""Of a title, whatever else the card has to leave out."""
_MAX_SMALL_TITLE: Final = 600
_MAX_HEADED: Final = blocks.HEADER_TEXT - 3
"""A title with the state's sign before it fits a header."""
_MAX_TELLING_CHARACTERS: Final = 60
"""Of a value that stands for a missing title."""
_MAX_REASON_CHARACTERS: Final = 130
"""Of a reason in the line that says who asks."""
_LIKE_OURS: Final = re.compile(r"[·@#]|\b(?:risk|overdue|approved|policy)\b", re.IGNORECASE)
"""What an agent could write to make its reason look like something that the bot says of the request. Such a reason
stands apart."""
_UNTITLED: Final = "A question"
"""What earlier versions called a question without a title."""
_MAX_NAME_CHARACTERS: Final = 80
_PAGE: Final = Detail(text=2500, value=2500, rows=80, entries=80, items=20)
_MAX_PAGE_BLOCKS: Final = 60
_MAX_PAGE_CHARACTERS: Final = 40_000
"""Of one page's blocks on the wire; people would not read a longer page to its end."""
_OTHER_BUTTONS: Final = 14
"""Characters of *Details* and the menu in a row of buttons."""
_BUTTON_SIDES: Final = 3
"""Characters of a button's sides and the space behind it."""
_CONFUSED: Final = str.maketrans({"0": "o", "O": "o", "1": "l", "I": "l", "|": "l"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Blocks, and whether they show everything that is asked, to the letter."""

    blocks: tuple[Block, ...]
    whole: bool
    changed: tuple[Block, ...] = ()
    """The last of the blocks, if people changed something: what they changed."""

    @property
    def asked(self) -> tuple[Block, ...]:
        """The blocks without what people changed."""
        return self.blocks[: len(self.blocks) - len(self.changed)]


def heading(request: Request) -> Block:
    """The state's sign and the title. If the title does not fit, the agent's name; the title is then the first of
    `rendered`."""
    sign, open_ = outcome_blocks.sign(request), isinstance(request.state, Pending)
    if titled(request.question) and not headed(request.question):
        return blocks.header(f"{sign} {text.label(request.graph, 80)} {'asks' if open_ else 'asked'}")
    return blocks.header(f"{sign} {title(request)}")


def title(request: Request) -> str:
    """What is asked, in a line: the question, or if there is none, its action and the most telling value."""
    question = request.question
    if titled(question):
        return question.title.strip()
    names = [display.label(item.name) for item in question.items if item.name.strip()]
    if len(question.items) > 1:
        return (
            f"{len(question.items):,} actions: {text.listed(names, 3)}" if names else f"{len(question.items):,} actions"
        )
    telling = _most_telling(request)
    if names or telling:
        return ": ".join([*names, *telling])
    said = question.text.strip().partition("\n")[0]
    return said if said and text.fits(said, _MAX_HEADED) else f"{text.label(request.graph, 80)} asks"


def titled(question: Question) -> bool:
    """Whether the title says more than the name of the only action, which people read in words instead."""
    name = question.items[0].name.strip() if len(question.items) == 1 else ""
    named = (name, f"{name}?", f"Run {name}?") if name else ()
    return question.title.strip() not in ("", _UNTITLED, *named)


def _most_telling(request: Request) -> list[str]:
    """The first argument that is short and tells something, under its name if there is no action's name."""
    (item,) = request.question.items
    listed = display.readings(item.arguments, request.policy.card.labels, terms(request).first)
    told = [each for each in listed if isinstance(each.value, str | int | float) and not isinstance(each.value, bool)]
    short = [each for each in told if text.fits(each.words, _MAX_TELLING_CHARACTERS) and each.value != ""]
    return [each.words if item.name.strip() else f"{each.label}: {each.words}" for each in short[:1]]


def terms(request: Request) -> Terms:
    """How the graph and its owner want the arguments to look."""
    wanted = (*request.policy.card.keys, *request.question.summary)
    return Terms(labels=request.policy.card.labels, first=tuple(dict.fromkeys(wanted)))


def reason(request: Request) -> str:
    """Why the agent asks, as mrkdwn, if that is short and mrkdwn changes nothing in it. Else empty: `rendered` has
    it."""
    words = _why(request).strip()
    short = 0 < len(words) <= _MAX_REASON_CHARACTERS and values.inert(words)
    return text.escape(words) if short and not _LIKE_OURS.search(words) else ""


def _why(request: Request) -> str:
    """The text beside the question, without paragraphs that the title or an argument repeats."""
    arguments = (value for item in request.question.items for value in item.arguments.values())
    said = {title(request), *(value.strip() for value in arguments if isinstance(value, str))}
    paragraphs = request.question.text.split("\n\n")
    return "\n\n".join(words for words in paragraphs if not words.strip() or words.strip() not in said)


def headed(question: Question) -> bool:
    """Whether the title fits a header as it is."""
    return text.fits(question.title.strip(), _MAX_HEADED)


def page(request: Request) -> list[Block] | None:
    """Everything that is asked, rendered as on a card, as one page of a modal. None if one page cannot hold it."""
    public = replace(request, policy=replace(request.policy, private=False))
    whole = rendered(public, _PAGE)
    made = [heading(request), *(part for block in map(_without_button, whole.blocks) for part in blocks.apart(block))]
    return made if whole.whole and len(made) <= _MAX_PAGE_BLOCKS and blocks.size(made) <= _MAX_PAGE_CHARACTERS else None


def rendered(request: Request, detail: Detail | None, *, reasoned: bool = False) -> Rendered:
    """What is asked, below the heading: the title (unless it is the heading), the text, the actions, the choices, and
    what people changed. Without `detail`, hardly more than the title. `reasoned`: the caller shows the `reason`."""
    sheet = _Sheet()
    _title(sheet, request.question, detail)
    if detail is None:
        sheet.add([blocks.section("This is too large to be shown here.")], cut=True)
    else:
        if not (reasoned and reason(request)):
            _words(sheet, _why(request), detail)
        _items(sheet, request, detail)
        _choices(sheet, request.question, detail)
    changed, cut = edit_diff.section(request, detail)
    sheet.add(changed, cut=cut)
    named = all(text.fits(word, wording.MAX_LABEL_CHARACTERS) for word in request.question.labels.values())
    whole = sheet.whole and named and not request.policy.private
    made = tuple(sheet.blocks if whole else map(_without_button, sheet.blocks))
    return Rendered(blocks=made, whole=whole, changed=made[len(made) - len(changed) :] if changed else ())


def lists_choices(question: Question) -> bool:
    """Whether the choices have to be listed, because their buttons cannot show all of them."""
    names = [_alike(choice) for choice in question.choices]
    return (
        len(question.choices) > MAX_CHOICE_BUTTONS
        or bool(question.options)
        or len(set(names)) < len(names)
        or len(_scripts(question.choices)) > 1
        or not all(text.fits(choice, blocks.BUTTON_TEXT) for choice in question.choices)
        or sum(len(choice) + _BUTTON_SIDES for choice in question.choices) > _row(question)
    )


def choice_width(question: Question) -> int:
    """How many characters the button of a listed choice may have, so that all buttons fit one row."""
    return min(_row(question) // max(len(question.choices), 1) - _BUTTON_SIDES, blocks.BUTTON_TEXT)


def _row(question: Question) -> int:
    """The characters that are left of a row of buttons for the choices."""
    answers = any(Verdict.RESPOND in item.verdicts for item in question.items)
    return lines.WIDE - _OTHER_BUTTONS - (len(wording.label(question, Verdict.RESPOND)) + 4 if answers else 0)


def _without_button(block: Block) -> Block:
    return {key: value for key, value in block.items() if key != "accessory"}


@dataclass(slots=True)
class _Sheet:
    blocks: list[Block] = field(default_factory=list)
    whole: bool = True

    def add(self, rendered: Sequence[Block], *, cut: bool = False) -> None:
        self.blocks += rendered
        self.whole = self.whole and not cut


def _title(sheet: _Sheet, question: Question, detail: Detail | None) -> None:
    """The title with its line ends."""
    if not titled(question) or headed(question):
        return
    limit = min(_MAX_TITLE_CHARACTERS, detail.text * 2) if detail is not None else _MAX_SMALL_TITLE
    short = text.shown(question.title.strip("\n"), limit)
    sheet.add([blocks.rich(blocks.line(blocks.run(short.text)))], cut=short.cut)


def _words(sheet: _Sheet, words: str, detail: Detail) -> None:
    if words.strip():
        why = values.prose(words, detail.text)
        sheet.add([blocks.rich(*why.parts)], cut=why.cut)


# --- Actions ------------------------------------------------------------------------------------


def _items(sheet: _Sheet, request: Request, detail: Detail) -> None:
    items = request.question.items
    if len(items) == 1:
        _only(sheet, request, items[0], detail)
        return
    for number, item in enumerate(items[: detail.items]):
        _one_of_several(sheet, request, item, number, detail)
    if rest := max(len(items) - detail.items, 0):
        sheet.add([blocks.context(f"… {text.counted(rest, 'more action' if detail.items else 'action')}")], cut=True)


def _only(sheet: _Sheet, request: Request, item: Item, detail: Detail) -> None:
    """The only action with its arguments. Its name stands before them unless the title begins with it."""
    named = item.name.strip() != "" and not _names(title(request), item.name)
    cut = named and not text.fits(display.label(item.name), _MAX_NAME_CHARACTERS)
    name = text.label(display.label(item.name), _MAX_NAME_CHARACTERS) if named else ""
    shares = name and item.arguments and "action" not in map(str.casefold, item.arguments)
    if name and not shares:
        sheet.add([blocks.rich(blocks.line(blocks.run(name, "bold")))], cut=cut)
    if item.arguments:
        shown = values.laid(item.arguments, detail, terms(request), name if shares else "")
        sheet.add(shown.blocks, cut=shown.cut or cut)


def _names(title: str, name: str) -> bool:
    """Whether the title begins with the action's name, as it is written or in words: `Run delete_files?`."""
    said = title.casefold().removeprefix("run ")
    return any(re.match(rf"{re.escape(form.casefold())}(?!\w)", said) for form in (name.strip(), display.label(name)))


def _one_of_several(sheet: _Sheet, request: Request, item: Item, number: int, detail: Detail) -> None:
    limit, name = min(_MAX_NAME_CHARACTERS, max(detail.value, 20)), display.label(item.name)
    head: Block = {
        "type": "section",
        "text": blocks.plain(f"{number + 1}.  {text.label(name, limit) or 'an action'}", 100),
    }
    if isinstance(request.state, Pending) and Verdict.EDIT in item.verdicts:
        edit = f"{wording.label(request.question, Verdict.EDIT)}…"
        value = RequestTarget.of(request).encoded()
        head["accessory"] = blocks.button(edit, actions.indexed(actions.EDIT, number), value)
    line = values.sentence(item.arguments, lines.WIDE, terms(request)) if len(item.arguments) <= detail.rows else None
    shown = values.laid(item.arguments, detail, terms(request))
    listed = [blocks.rich(line)] if line is not None else [*shown.blocks]
    cut = (line is None and shown.cut) or not text.fits(name, limit)
    sheet.add([head, *listed], cut=cut)


# --- Choices ------------------------------------------------------------------------------------


def _choices(sheet: _Sheet, question: Question, detail: Detail) -> None:
    if question.choices and not question.options and question.types is None and _may_say_more(question):
        sheet.add([], cut=True)
    if not lists_choices(question):
        return
    listed: list[Element] = []
    cut = len(question.choices) > detail.rows
    for number, choice in enumerate(question.choices[: detail.rows]):
        runs, shortened = _choice(choice, question.options[number] if question.options else None, detail)
        listed.append(blocks.line(*runs))
        cut |= shortened
    rest = len(question.choices) - len(listed)
    more = [blocks.line(blocks.run(f"… {text.counted(rest, 'more choice')}", "italic"))] if rest else []
    sheet.add([blocks.rich(blocks.bullets(listed, ordered=True), *more)], cut=cut)


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
