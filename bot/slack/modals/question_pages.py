"""A request in full, page by page, in words for people: what is asked, who decides under which rule, and then the JSON.

Everything that a vote is bound to is here. The file in the thread holds the same, if a question is too long for this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.approvals.model.caller import Caller
from bot.approvals.model.ids import JSON
from bot.approvals.model.request import Pending, Request
from bot.slack import actions, blocks, text
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block, Element
from bot.slack.cards import edit_diff, outcome_blocks, question_blocks, side_action_menu, undo_words, vote_buttons
from bot.slack.modals import asked_rows, decision_lines, value_rows

PIECES: Final = 8
"""Each piece is one block. Even without a character of ASCII they take only half of a view's 250 KB."""
MAX_PAGE_BLOCKS: Final = 40
"""Of what is asked, on one page of a modal, which takes 100 (Slack)."""
MAX_PAGE_BYTES: Final = 40_000
"""On the wire, of what is asked on one page. People would not read a longer page to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """The file in the request's thread that holds everything that is asked."""

    name: str
    digest: str
    """SHA-256 of the file's content, in hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pages:
    """The pages in their order: first those to read, then those of JSON."""

    read: tuple[tuple[Block, ...], ...]
    raw: tuple[tuple[Block, ...], ...]

    @property
    def count(self) -> int:
        return len(self.read) + len(self.raw)


def count(request: Request, file: File | None = None, *, review: bool = False) -> int:
    """The number of pages. A request that stands in a file has one page, with the beginning of it."""
    return _pages(request, file, review=review).count


def shows_all(request: Request, page: int, file: File | None = None, *, review: bool = False) -> bool:
    """Whether somebody who has come to this page was shown all that is asked: in *Details*, the JSON behind it is not
    needed for that."""
    return page + 1 >= len(_pages(request, file, review=review).read)


def blocks_of(
    request: Request,
    page: int,
    *,
    file: File | None = None,
    review: bool = False,
    note: str = "",
    caller: Caller | None = None,
) -> list[Block]:
    """One page, and the buttons that turn it. A page beyond the end is the last page. The last page of a review has the
    answers. `note` stands first. `caller` is the program that asks, if one does."""
    pages = _pages(request, file, review=review)
    page = min(max(page, 0), pages.count - 1)
    numbered = len(pages.read) if page < len(pages.read) else pages.count
    where = f"Page {page + 1} of {numbered}" if numbered > 1 else ""
    rendered: list[Block] = [blocks.section(note)] if note else []
    rendered += [blocks.context(where)] if where else []
    rendered += _named(file, review=review) if file is not None else []
    rendered += [*pages.read, *pages.raw][page]
    if review:
        rendered += [*blocks.actions(_turns(request, page, pages, review=True)), *_end(request, page, pages)]
        return rendered
    if page + 1 == len(pages.read):
        rendered += [blocks.divider(), *decision_lines.blocks_of(request, caller)]
    return [*rendered, *blocks.actions(_turns(request, page, pages, review=False))]


def pieces(request: Request) -> tuple[tuple[str, str], ...]:
    """The content of the file in order, as pairs of a heading and the text of one block."""
    return tuple((heading, piece) for heading, whole in parts(request) for piece in blocks.split(whole))


def parts(request: Request) -> list[tuple[str, str]]:
    """Everything as text: what is asked for people to read, what was changed, then the JSON."""
    asked = "What is asked, as edited" if request.edited else "What is asked"
    listed = [(asked, value_rows.written(asked_rows.of(request)))]
    if request.edited:
        listed.append(("What was changed", _changes(request)))
    return [*listed, *raw(request)]


def raw(request: Request) -> list[tuple[str, str]]:
    """The question as JSON: as the agent sent it, and what people changed since. Hidden characters are visible."""
    question = request.question
    written: list[tuple[str, JSON]] = []
    if question.payload is not None:
        written.append(("As it was sent", question.payload))
    if question.payload is None or request.edited:
        now: list[JSON] = [{"name": item.name, "arguments": dict(item.arguments)} for item in question.items]
        heading = "As people changed it" if request.edited else "As it is asked"
        written.append((heading, now if request.edited else _told(request, now)))
    if question.form is not None:
        written.append(("The form of the answer", question.form))
    return [(heading, text.visible(text.pretty(value))) for heading, value in written]


# --- Pages --------------------------------------------------------------------------------------


def _pages(request: Request, file: File | None, *, review: bool) -> _Pages:
    asked, everything = (
        _asked(request),
        [(head, piece) for head, whole in raw(request) for piece in blocks.split(whole)],
    )
    if review and not asked_rows.say_all(request.question):
        asked += _text(everything)
    read = tuple(_split(asked))
    if file is not None:
        return _Pages(read=read[:1], raw=())
    if review:
        return _Pages(read=read, raw=())
    pieces = [everything[at : at + PIECES] for at in range(0, len(everything), PIECES)]
    return _Pages(read=read, raw=tuple((_digest(request), *_text(each)) for each in pieces))


def _asked(request: Request) -> list[Block]:
    """What is asked, as blocks that each fit Slack."""
    question = request.question
    made: list[Block] = []
    if question_blocks.headed(question) and question.title.strip():
        made.append(blocks.header(question.title.strip()))
    made += blocks.apart(blocks.rich(*rows)) if (rows := asked_rows.of(request)) else []
    if request.edited:
        changed, _ = edit_diff.section(request, None)
        made += changed
        made += [blocks.rich(blocks.code(piece.removesuffix("\n") or " ")) for piece in blocks.split(_changes(request))]
    return made or [blocks.context("It asks without words: see the JSON.")]


def _split(listed: Sequence[Block]) -> list[tuple[Block, ...]]:
    pages: list[list[Block]] = [[]]
    for block in listed:
        full = len(pages[-1]) >= MAX_PAGE_BLOCKS or blocks.size([*pages[-1], block]) > MAX_PAGE_BYTES
        if pages[-1] and full:
            pages.append([])
        pages[-1].append(block)
    return [tuple(page) for page in pages]


def _text(listed: Sequence[tuple[str, str]]) -> list[Block]:
    rendered: list[Block] = []
    before = ""
    for heading, piece in listed:
        if heading != before:
            rendered.append(blocks.section(f"*Raw JSON: {heading[:1].lower()}{heading[1:]}*"))
        before = heading
        rendered.append(blocks.rich(blocks.code(piece.removesuffix("\n"))))
    return rendered


def _digest(request: Request) -> Block:
    return blocks.context(f"Version {request.version} · SHA-256 `{request.digest}`")


def _named(file: File, *, review: bool) -> list[Block]:
    """The file's name, and its digest to verify it by."""
    name = text.sentence(file.name, 100)
    read = " Please read it before you answer." if review else ""
    return [
        blocks.section(f"*This is only the beginning.* The whole is in the file *{name}* of this thread.{read}"),
        blocks.context(f"SHA-256 of the file `{file.digest}`"),
    ]


def _end(request: Request, page: int, pages: _Pages) -> list[Block]:
    """The answers if this is the last page; otherwise a note that they are there."""
    if not isinstance(request.state, Pending):
        return [blocks.context(outcome_blocks.headline(request))]
    if page + 1 < pages.count:
        return [blocks.context("The answers are on the last page.")]
    until = undo_words.standing(request) if request.is_window else []
    return [*until, _digest(request), blocks.divider(), *vote_buttons.at_the_end(request)]


def _turns(request: Request, page: int, pages: _Pages, *, review: bool) -> list[Element]:
    """The buttons for the pages beside this one, for the first page of JSON, and for the history."""
    value = RequestTarget.of(request).encoded()
    first_raw = len(pages.read)
    turns = [("Previous", page - 1), ("Raw JSON" if page + 1 == first_raw else "Next", page + 1)]
    if page + 1 < first_raw and not review:
        turns.append(("Raw JSON", first_raw))
    made = [
        blocks.button(words, actions.indexed(actions.PAGE, to), value, style="primary" if words == "Next" else "")
        for words, to in turns
        if 0 <= to < pages.count
    ]
    if review:
        return made
    return [*made, blocks.button("History", actions.HISTORY, value), *side_action_menu.all_of(request)]


# --- Texts --------------------------------------------------------------------------------------


def _changes(request: Request) -> str:
    return text.visible(edit_diff.whole(request) or "Nothing any more.")


def _told(request: Request, items: list[JSON]) -> JSON:
    """A question that has no payload of its own, as JSON."""
    question = request.question
    told: dict[str, JSON] = {"title": question.title, "text": question.text, "actions": items}
    if question.choices:
        told["choices"] = list(question.choices)
    return told
