"""Everything that a vote is bound to, page by page, with nothing left out: "View all" and "Review". A review has the
buttons to answer below its last page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Question
from bot.approvals.model.request import Pending, Request
from bot.slack import actions, blocks, text
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block, Element
from bot.slack.cards import edit_diff, outcome_blocks, question_blocks, vote_buttons

PIECES: Final = 8
"""Each piece is one block. Even without a character of ASCII they take only half of a view's 250 KB."""


def pieces(request: Request) -> tuple[tuple[str, str], ...]:
    """Everything in order, as pairs of a heading and the text of one block."""
    return tuple((heading, piece) for heading, whole in parts(request) for piece in blocks.split(whole))


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """The file in the request's thread that holds everything that is asked."""

    name: str
    digest: str
    """SHA-256 of the file's content, in hex."""


def count(request: Request, file: File | None = None, *, review: bool = False) -> int:
    """The number of pages. A review has one page if everything fits on it, or stands in a file that the page names."""
    if review and (file is not None or question_blocks.page(request) is not None):
        return 1
    return -(-len(pieces(request)) // PIECES)


def blocks_of(
    request: Request, page: int, *, file: File | None = None, review: bool = False, note: str = ""
) -> list[Block]:
    """One page: its number, the text, and the buttons that turn the page. A page beyond the end is the last page. The
    last page of a review has the answers. `note` stands first."""
    pages = count(request, file, review=review)
    page = min(max(page, 0), pages - 1)
    rendered: list[Block] = [blocks.section(note)] if note else []
    short = question_blocks.page(request) if review and file is None else None
    if short is not None:
        rendered += [*short, *_facts(request, "")]
    else:
        rendered += _facts(request, f"Page {page + 1} of {pages}" if pages > 1 else "")
        rendered += _named(file, review=review) if file is not None else []
        rendered += _text(request, page)
    rendered += blocks.actions(_turns(request, page, pages))
    return [*rendered, *_end(request, page, pages)] if review else rendered


def _facts(request: Request, where: str) -> list[Block]:
    total = sum(len(piece) for _, piece in pieces(request))
    said = (where, f"{total:,} characters", f"version {request.version}")
    return [blocks.context(" · ".join(word for word in said if word), f"SHA-256 `{request.digest}`")]


def _text(request: Request, page: int) -> list[Block]:
    rendered: list[Block] = []
    before = ""
    for heading, piece in pieces(request)[page * PIECES : (page + 1) * PIECES]:
        if heading != before:
            rendered.append(blocks.section(f"*{heading}*"))
        before = heading
        rendered.append(blocks.rich(blocks.code(piece.removesuffix("\n"))))
    return rendered


def _named(file: File, *, review: bool) -> list[Block]:
    """The file's name, and its digest to verify it by."""
    name = text.sentence(file.name, 100)
    why = "so this shows only its beginning. Please read the file before you answer" if review else "so it is in a file"
    return [
        blocks.section(f"*This is very long*, {why}: *{name}*, in the thread."),
        blocks.context(f"SHA-256 of the file `{file.digest}`"),
    ]


def _end(request: Request, page: int, pages: int) -> list[Block]:
    """The answers if this is the last page; otherwise a note that they are there."""
    if not isinstance(request.state, Pending):
        return [blocks.context(outcome_blocks.headline(request))]
    if page + 1 < pages:
        return [blocks.context("The answers are on the last page.")]
    return [blocks.divider(), *vote_buttons.at_the_end(request)]


def _turns(request: Request, page: int, pages: int) -> list[Element]:
    value = RequestTarget.of(request).encoded()
    turns = [("Previous", page - 1), ("Next", page + 1)]
    return [
        blocks.button(words, actions.indexed(actions.PAGE, to), value, style="primary" if to > page else "")
        for words, to in turns
        if 0 <= to < pages
    ]


def parts(request: Request) -> list[tuple[str, str]]:
    """The question as it stands, then the graph's own payload, with every hidden character made visible."""
    question = request.question
    told: dict[str, JSON] = {"title": question.title}
    if question.text:
        told["text"] = question.text
    told["actions"] = [
        {
            "name": item.name,
            "arguments": dict(item.arguments),
            "answers": [str(verdict) for verdict in item.verdicts],
            **({"form": item.form} if item.form is not None else {}),
        }
        for item in question.items
    ]
    if question.labels:
        told["buttons"] = dict(question.labels)
    if question.choices:
        told["choices"] = _choices(question)
    if question.form is not None:
        told["form"] = question.form
    if question.risk is not None:
        told["risk"] = str(question.risk)
    listed = [("What is asked, as edited" if request.edited else "What is asked", text.visible(text.pretty(told)))]
    if request.edited:
        listed.append(("What was changed", text.visible(edit_diff.whole(request) or "Nothing any more.")))
    if question.payload is not None:
        listed.append(("As the agent sent it", text.visible(text.pretty(question.payload))))
    return listed


def _choices(question: Question) -> list[JSON]:
    """The choices with their numbers on the buttons, and everything that the graph says about each."""
    listed: list[JSON] = []
    for number, choice in enumerate(question.choices):
        named: dict[str, JSON] = {"number": number + 1, "label": choice}
        if question.options:
            option = question.options[number]
            named["value"] = option.value
            if option.description:
                named["description"] = option.description
        listed.append(named)
    return listed
