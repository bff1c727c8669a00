"""What a request asks, as blocks, and whether they show all of it.

Only this module knows whether anything was left out. The vote buttons follow it, so that a card that does not show
everything offers no answer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from bot.approvals.model import action_title
from bot.approvals.model.question import Item, Question, Verdict
from bot.approvals.model.request import Pending, Request
from bot.slack import actions, blocks, button_width, display, text, wording
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block, Element
from bot.slack.cards import choice_lines, edit_diff, form_answer, outcome_blocks, values
from bot.slack.cards.values import Detail, Shown, Terms
from bot.slack.text import Cut

MAX_CHOICE_BUTTONS: Final = 5
"""With more choices than this, a menu in a modal takes the place of the buttons."""
MAX_ITEMS_ONE_BY_ONE: Final = 48
"""Each takes two blocks of the modal in which they are answered one by one, and Slack takes 100 blocks."""
_MAX_TITLE_CHARACTERS: Final = 3000
"""Of a title, whatever else the card has to leave out."""
_MAX_SMALL_TITLE: Final = 600
_MAX_HEADED: Final = blocks.HEADER_TEXT - 3
"""A title with the state's sign before it fits a header."""
_MAX_TELLING_CHARACTERS: Final = 60
"""Of a value that stands for a missing title."""
_MAX_WEIGHED: Final = 20
"""Of the arguments among which the most telling is looked for."""
_MAX_REASON_CHARACTERS: Final = 130
"""Of a reason in the line that says who asks."""
_LIKE_OURS: Final = re.compile(r"[·@#]|\b(?:risk|overdue|approved|policy)\b", re.IGNORECASE)
"""What an agent could write to make its reason look like something that the bot says of the request. Such a reason
stands apart."""
_UNTITLED: Final = "A question"
"""What earlier versions called a question without a title."""
_MAX_NAME_CHARACTERS: Final = 80
_MAX_CALL_CHARACTERS: Final = 174
"""Of an action with all its arguments in one line, which wraps."""
_MAX_FIELDS: Final = 6
"""Of a form, that are named on a card."""
_PAGE: Final = Detail(text=2500, value=2500, rows=80, entries=80, items=20)
_MAX_PAGE_BLOCKS: Final = 60
_MAX_PAGE_CHARACTERS: Final = 40_000
"""Of one page's blocks on the wire; people would not read a longer page to its end."""
_MAX_COMPARED: Final = 100
"""Of choices that are compared with each other. A menu takes no more, and no card shows more."""
_LEAST_CHOICE: Final = 9
"""Characters of a choice on its button. With room for fewer, the button has the number alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Blocks, and whether they show everything that is asked, to the letter."""

    blocks: tuple[Block, ...]
    whole: bool
    changed: tuple[Block, ...] = ()
    """The last of the blocks, if people changed something: what they changed."""
    left: tuple[str, ...] = ()
    """The names of what was left out altogether. Untrusted."""
    more: int = 0
    """How many more arguments were left out, whose names are not among these."""

    @property
    def asked(self) -> tuple[Block, ...]:
        """The blocks without what people changed."""
        return self.blocks[: len(self.blocks) - len(self.changed)]


def heading(request: Request) -> Block:
    """The state's sign and the title. If the title does not fit, the agent's name; the title is then the first of
    `rendered`."""
    sign, open_ = outcome_blocks.sign(request), isinstance(request.state, Pending)
    if titled(request.question) and not headed(request.question):
        does = "acted" if request.is_window else "asks" if open_ else "asked"
        return blocks.header(f"{sign} {text.label(request.graph, 80)} {does}")
    return blocks.header(f"{sign} {title(request)}")


def title(request: Request) -> str:
    """What is asked, in a line: the question, or if there is none, its action and the most telling value."""
    question = request.question
    if titled(question):
        return _listed_actions(question) or question.title.strip()
    names = [display.label(item.name) for item in question.items if item.name.strip()]
    if len(question.items) > 1:
        return (
            f"{len(question.items):,} actions: {text.listed(names, 3)}" if names else f"{len(question.items):,} actions"
        )
    telling = _most_telling(request)
    if names and telling and question.title.strip().endswith("?"):
        return f"{names[0]} {telling[0]}?"
    if names or telling:
        return ": ".join([*names, *telling])
    said = question.text.strip().partition("\n")[0]
    return said if said and text.fits(said, _MAX_HEADED) else f"{text.label(request.graph, 80)} asks"


def titled(question: Question) -> bool:
    """Whether the title says more than the name of the only action, which people read in words instead. What an agent
    has done may be called by a sentence, which is a title."""
    if question.window is not None and " " in question.items[0].name.strip():
        return True
    name = question.items[0].name.strip() if len(question.items) == 1 else ""
    return question.title.strip() not in ("", _UNTITLED, *(_titles(name) if name else ()))


@lru_cache(maxsize=64)
def _titles(name: str) -> tuple[str, ...]:
    """The titles that only name this action."""
    return (name, f"{name}?", f"Run {name}?", action_title.of_one(name, {}, approvable=True))


def _listed_actions(question: Question) -> str:
    """The actions that a title of ours names, as a question of its own: the body counts them. Empty for any other
    title."""
    found = re.fullmatch(r"Run \d+ ([\w ]+): (.+\?)", question.title.strip())
    if not found or question.title.strip() != action_title.of_several((each.name for each in question.items), found[1]):
        return ""
    return f"{found[2][:1].upper()}{found[2][1:]}"


def _most_telling(request: Request) -> list[str]:
    """The first argument that is short and tells something, under its name if there is no action's name."""
    (item,) = request.question.items
    listed = display.readings(item.arguments, request.policy.card.labels, terms(request).first, _MAX_WEIGHED)
    told = [each for each in listed if isinstance(each.value, str | int | float) and not isinstance(each.value, bool)]
    short = [each for each in told if text.fits(each.words, _MAX_TELLING_CHARACTERS) and each.value != ""]
    return [each.words if item.name.strip() else f"{each.label}: {each.words}" for each in short[:1]]


def terms(request: Request) -> Terms:
    """How the graph and its owner want the arguments to look."""
    wanted = (*request.policy.card.keys, *request.question.summary)
    return Terms(labels=request.policy.card.labels, first=tuple(dict.fromkeys(wanted)))


def reason(request: Request, detail: Detail | None) -> str:
    """Why the agent asks, as mrkdwn, if that is short and mrkdwn changes nothing in it. Else empty: `rendered` has
    it. On a card that folds, it may be cut."""
    return text.escape(_beside(request, detail).text)


def _beside(request: Request, detail: Detail | None) -> Cut:
    words = _why(request).strip()
    short = 0 < len(words) <= _MAX_REASON_CHARACTERS and values.inert(words)
    if not short or _LIKE_OURS.search(words):
        return Cut("", False)
    return text.folded(words, detail.text) if detail is not None and detail.line else Cut(words, False)


def asked_by(request: Request) -> str:
    """The tool that asks for a form, as mrkdwn: `asked by the tool Order licences`. Empty for other questions."""
    name = request.question.items[0].name
    return f"asked by the tool {text.sentence(display.label(name), 60)}" if _by_tool(request.question) else ""


def _by_tool(question: Question) -> bool:
    """Whether all that the question says besides its title is which tool asks."""
    (first, *others) = question.items
    said = question.text.strip() == f"The tool {first.name} asks this."
    words = display.label(first.name)
    return said and not others and words != "" and values.inert(words) and text.fits(words, 60)


def _why(request: Request) -> str:
    """The text beside the question, without paragraphs that the title or an argument repeats."""
    if _by_tool(request.question) or not request.question.text.strip():
        return ""
    paragraphs = request.question.text.split("\n\n")
    own, most = {words.strip() for words in paragraphs}, 2 * len(request.question.text)
    arguments = (value for item in request.question.items for value in item.arguments.values())
    texts = (value.strip() for value in arguments if isinstance(value, str) and len(value) <= most)
    said = {title(request), *(words for words in texts if words in own)}
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
        beside = _beside(request, detail) if reasoned else Cut("", False)
        if beside.text:
            sheet.add([], cut=beside.cut)
        else:
            _words(sheet, _why(request), detail)
        _items(sheet, request, detail)
        if isinstance(request.state, Pending):
            _way_back(sheet, request.question, detail)
            _fields(sheet, request.question)
            _choices(sheet, request.question, detail)
    changed, cut = edit_diff.section(request, detail)
    sheet.add(changed, cut=cut)
    named = all(text.fits(word, wording.MAX_LABEL_CHARACTERS) for word in request.question.labels.values())
    whole = sheet.whole and named and not request.policy.private
    made = tuple(sheet.blocks if whole else map(_without_button, sheet.blocks))
    below = made[len(made) - len(changed) :] if changed else ()
    return Rendered(blocks=made, whole=whole, changed=below, left=tuple(sheet.left), more=sheet.more)


def one_by_one(request: Request) -> bool:
    """Whether the request has several actions that can be answered one by one, where people can edit them too."""
    number, answers = len(request.question.items), {Verdict.APPROVE, Verdict.REJECT, Verdict.RESPOND}
    taken = [{*wording.verdicts(request, each)} & answers for each in range(number)]
    return 1 < number <= MAX_ITEMS_ONE_BY_ONE and all(taken)


def lists_choices(question: Question) -> bool:
    """Whether the choices have to be listed, because their buttons cannot show all of them."""
    has_buttons = len(question.items) == 1 and Verdict.CHOOSE in question.items[0].verdicts
    return (
        not (has_buttons or not question.choices)
        or len(question.choices) > MAX_CHOICE_BUTTONS
        or bool(question.options)
        or len(set(map(choice_lines.alike, question.choices))) < len(question.choices)
        or len(choice_lines.scripts(question.choices)) > 1
        or not all(text.fits(choice, blocks.BUTTON_TEXT) and choice.strip() for choice in question.choices)
        or button_width.of_row(question.choices) > _room(question, details=False)
    )


def choice_words(question: Question) -> list[str]:
    """What stands on the choices' buttons: the choices, or if they are listed, their numbers, with as much of each as
    all buttons have room for in one row."""
    if not lists_choices(question):
        return [wording.capital(choice) for choice in question.choices]
    for width in range(blocks.BUTTON_TEXT, _LEAST_CHOICE, -1):
        short = [text.label(f"{number}. {choice}", width) for number, choice in enumerate(question.choices, start=1)]
        if button_width.of_row(short) <= _room(question):
            return short
    return [f"{number}." for number in range(1, len(question.choices) + 1)]


def _room(question: Question, *, details: bool = True) -> float:
    """The pixels of a row of buttons that are left for the choices, beside *Reject…*, the menu, and *Details* unless
    that is in the menu."""
    rejects = any(Verdict.REJECT in item.verdicts for item in question.items)
    others = [*([f"{wording.label(question, Verdict.REJECT)}…"] if rejects else []), *(["Details"] if details else [])]
    return button_width.ROOM - button_width.of_row(others, menu=True) - button_width.GAP


def _without_button(block: Block) -> Block:
    return {key: value for key, value in block.items() if key != "accessory"}


@dataclass(slots=True)
class _Sheet:
    blocks: list[Block] = field(default_factory=list)
    whole: bool = True
    left: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, rendered: Sequence[Block], *, cut: bool = False, left: Sequence[str] = (), more: int = 0) -> None:
        self.blocks += rendered
        self.left += left
        self.more += more
        self.whole = self.whole and not cut


def _title(sheet: _Sheet, question: Question, detail: Detail | None) -> None:
    """The title with its line ends."""
    if not titled(question) or headed(question):
        return
    limit = min(_MAX_TITLE_CHARACTERS, detail.text * 2) if detail is not None else _MAX_SMALL_TITLE
    short = text.folded(question.title.strip("\n"), limit)
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
    if outcome_blocks.answered_one_by_one(request):
        return  # the verdicts name the actions
    calls = [_call(request, item, detail) for item in items[: detail.items]]
    editable = one_by_one(request) or not any(Verdict.EDIT in item.verdicts for item in items)
    fit = not any(each.cut for each in calls) and (editable or not isinstance(request.state, Pending))
    if calls and (detail.line or fit):
        lines = [part for each in calls for part in each.parts]
        sheet.add([blocks.rich(blocks.bullets(lines, ordered=True))], cut=not fit)
    else:
        for number, item in enumerate(items[: detail.items]):
            _one_of_several(sheet, request, item, number, detail)
    if rest := max(len(items) - detail.items, 0):
        sheet.add([], cut=True, left=[text.counted(rest, "more action" if detail.items else "action")])


def _call(request: Request, item: Item, detail: Detail) -> Shown:
    """One of several actions, with its arguments in one line."""
    words = display.label(item.name)
    name = text.label(words, _MAX_NAME_CHARACTERS) or "An action"
    made = values.call(name, item.arguments, detail.line or _MAX_CALL_CHARACTERS, terms(request))
    return replace(made, cut=made.cut or not text.fits(words, _MAX_NAME_CHARACTERS))


def _only(sheet: _Sheet, request: Request, item: Item, detail: Detail) -> None:
    """The only action with its arguments. Its name stands before them unless the title begins with it."""
    heading_is_whole = titled(request.question) or text.fits(title(request), _MAX_HEADED)
    in_title = heading_is_whole and _names(title(request), item.name)
    named = item.name.strip() != "" and not in_title and not _by_tool(request.question)
    cut = named and not text.fits(display.label(item.name), _MAX_NAME_CHARACTERS)
    name = text.label(display.label(item.name), _MAX_NAME_CHARACTERS) if named else ""
    shares = name and item.arguments and "action" not in map(str.casefold, item.arguments)
    if name and not shares:
        sheet.add([blocks.rich(blocks.line(blocks.run(name, "bold")))], cut=cut)
    if item.arguments:
        shown = values.laid(item.arguments, detail, terms(request), name if shares else "")
        sheet.add(shown.blocks, cut=shown.cut or cut, left=shown.left, more=shown.more)


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
    shown = values.laid(item.arguments, detail, terms(request))
    cut = shown.cut or not text.fits(name, limit)
    sheet.add([head, *shown.blocks], cut=cut, left=shown.left, more=shown.more)


def _way_back(sheet: _Sheet, question: Question, detail: Detail) -> None:
    """How it is undone, in the agent's words."""
    if question.window is not None and question.window.how:
        short = text.folded(question.window.how, max(detail.value, detail.text))
        line = blocks.line(blocks.run("To undo", "bold"), blocks.run(f"  {short.text}"))
        sheet.add([blocks.rich(line)], cut=short.cut)


def _fields(sheet: _Sheet, question: Question) -> None:
    """Names what the form of the answer asks for."""
    named = form_answer.titles(question.form)
    if named:
        questions = all(each.endswith("?") for each in named[:_MAX_FIELDS])
        said = text.label(" ".join(named) if questions else text.listed(named, _MAX_FIELDS), 110)
        head = "Asks" if questions else "Asks for"
        sheet.add([blocks.rich(blocks.line(blocks.run(head, "bold"), blocks.run(f"  {said}")))])


# --- Choices ------------------------------------------------------------------------------------


def _choices(sheet: _Sheet, question: Question, detail: Detail) -> None:
    if question.choices and not question.options and question.types is None and choice_lines.may_say_more(question):
        sheet.add([], cut=True)
    if not lists_choices(question):
        return
    listed: list[Element] = []
    times = Counter(map(choice_lines.alike, question.choices[:_MAX_COMPARED]))
    alike = {words for words, number in times.items() if number > 1}
    most = detail.items if detail.line else detail.rows
    cut = len(question.choices) > most
    for number, choice in enumerate(question.choices[:most]):
        option = question.options[number] if question.options else None
        valued = choice_lines.alike(choice) in alike or (
            option is not None and not choice_lines.says_value(choice, option)
        )
        runs, shortened = choice_lines.line(choice, option, detail, valued=valued)
        listed.append(blocks.line(*runs))
        cut |= shortened
    rest = len(question.choices) - len(listed)
    left = [text.counted(rest, "more choice" if listed else "choice")] if rest else []
    sheet.add([blocks.rich(blocks.bullets(listed, ordered=True))] if listed else [], cut=cut, left=left)
