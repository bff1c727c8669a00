""" "View all": everything that a vote is bound to, page by page, with nothing left out."""

from __future__ import annotations

from typing import Final

from bot.approvals.ids import JSON
from bot.approvals.request import Request
from bot.slack import actions, blocks, changes, text
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block, Element

PIECE: Final = 2500
"""Characters in one block: 2,900 and less are safe in a rich_text element."""
PIECES: Final = 4
"""Blocks on one page, so that a page stays far from a view's 250 KB."""


def pieces(request: Request) -> tuple[tuple[str, str], ...]:
    """The whole in order, as (heading, text of one block)."""
    return tuple((heading, piece) for heading, whole in parts(request) for piece in split(whole))


def split(whole: str) -> list[str]:
    """The text in pieces that together are the text, cut at line ends where there are any."""
    made: list[str] = []
    rest = whole
    while len(rest) > PIECE:
        end = rest.rfind("\n", 1, PIECE) + 1
        end = end if end > PIECE // 2 else PIECE
        made.append(rest[:end])
        rest = rest[end:]
    return [*made, rest] if rest or not made else made


def blocks_of(request: Request, page: int, *, filed: bool = False) -> list[Block]:
    """One page: where one is, the text, and the buttons to the neighbours. A page beyond the end is the last.

    `filed` says that the whole is in a file as well.
    """
    every = pieces(request)
    pages = -(-len(every) // PIECES)
    page = min(max(page, 0), pages - 1)
    shown = every[page * PIECES : (page + 1) * PIECES]
    total = sum(len(piece) for _, piece in every)
    where = f"Page {page + 1} of {pages}" if pages > 1 else ""
    drawn: list[Block] = [
        blocks.context(
            " · ".join(word for word in (where, f"{total:,} characters", f"version {request.version}") if word),
            f"SHA-256 `{request.digest}`",
        )
    ]
    if filed:
        drawn.append(blocks.section("This is very long: *the whole is also a file in the thread.*"))
    before = ""
    for heading, piece in shown:
        if heading != before:
            drawn.append(blocks.section(f"*{heading}*"))
        before = heading
        drawn.append(blocks.rich(blocks.code(piece.removesuffix("\n"))))
    return [*drawn, *blocks.actions(_turns(request, page, pages))]


def _turns(request: Request, page: int, pages: int) -> list[Element]:
    value = RequestTarget.of(request).encoded()
    turns = [("Previous", page - 1), ("Next", page + 1)]
    return [blocks.button(words, actions.indexed(actions.PAGE, to), value) for words, to in turns if 0 <= to < pages]


def parts(request: Request) -> list[tuple[str, str]]:
    """The question as it stands, then what the graph gave, character by character visible."""
    question = request.question
    asked: dict[str, JSON] = {"title": question.title}
    if question.text:
        asked["text"] = question.text
    asked["actions"] = [
        {
            "name": item.name,
            "arguments": dict(item.arguments),
            "answers": [str(verdict) for verdict in item.verdicts],
            **({"form": item.form} if item.form is not None else {}),
        }
        for item in question.items
    ]
    if question.choices:
        asked["choices"] = list(question.choices)
    if question.form is not None:
        asked["form"] = question.form
    if question.risk is not None:
        asked["risk"] = str(question.risk)
    listed = [("What is asked, as edited" if request.edited else "What is asked", text.visible(text.pretty(asked)))]
    if request.edited:
        listed.append(("What was changed", text.visible(changes.whole(request) or "Nothing any more.")))
    if question.payload is not None:
        listed.append(("As the agent sent it", text.visible(text.pretty(question.payload))))
    return listed
