"""A person's Home tab: what waits for them, what they asked for and how it stands, what they decided recently.

The same records always give the same Home. Slack shows times in the reader's own time zone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.approvals.inbox.queries import Contents, Page, Row
from bot.approvals.model.inbox import Look, Only, Section
from bot.approvals.model.request import Pending
from bot.slack import actions, blocks, links, text
from bot.slack.blocks import Block, Element
from bot.slack.cards import servers
from bot.slack.inbox import request_row, task_list
from bot.slack.inbox.approvals_list import MAX_OPEN_QUESTIONS
from bot.slack.text import moment

ROWS: Final[Mapping[Section, int]] = {Section.WAITING: 8, Section.ASKED: 6, Section.DECIDED: 6}
"""Rows per page. With the largest rows, these make 76 blocks, of the 100 that a Home may have (Slack)."""
_MAX_TASK_CHARACTERS: Final = 2800
"""Of one task with its questions, which share a section of at most 3,000 characters (Slack)."""

_ONLY: Final[Mapping[Only, str]] = {
    Only.ALL: "Everything",
    Only.GRAVE: "High and critical risk",
    Only.OVERDUE: "Overdue",
}
_TITLES: Final[Mapping[Section, str]] = {
    Section.WAITING: "Waiting for you",
    Section.ASKED: "You asked for",
    Section.DECIDED: "You decided recently",
}


@dataclass(frozen=True, slots=True)
class Home:
    """A view of type home."""

    view: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(self.view, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def draw(contents: Contents, address: str) -> Home:
    """The Home. `address` is the workspace's, for links."""
    shown = [
        *_waiting(contents, address),
        blocks.divider(),
        *_undoable(contents, address),
        *_asked(contents, address),
        blocks.divider(),
        *_decided(contents, address),
        blocks.divider(),
        blocks.context(_summary(contents)),
    ]
    return Home({"type": "home", "callback_id": actions.HOME, "blocks": shown})


def chosen(look: Look, action_id: str, value: str) -> Look:
    """What the Home shows after a choice in one of the menus, or after a page was turned."""
    match action_id.split(":"):
        case [actions.HOME_ONLY]:
            return Look(only=Only(value), graph=look.graph, asked=look.asked, decided=look.decided)
        case [actions.HOME_GRAPH]:
            graph = "" if value == _ANY else value
            return Look(only=look.only, graph=graph, asked=look.asked, decided=look.decided)
        case [actions.HOME_PAGE, section, number]:
            return look.turned(Section(section), int(number))
        case _:
            raise ValueError(f"nothing on a Home is called {action_id}")


_ANY: Final = "*"


def _waiting(contents: Contents, address: str) -> list[Block]:
    page = contents.waiting
    rendered = [*_heading(Section.WAITING, contents.all_waiting), *_menus(contents)]
    rendered += [blocks.context(f":warning: {text.escape(sentence)}") for sentence in contents.untold]
    if not contents.all_waiting:
        return [*rendered, blocks.section("Nothing waits for your answer.")]
    if not page.rows:
        return [*rendered, blocks.section("Nothing that waits for you matches.")]
    for number, row in enumerate(page.rows):
        rendered += [blocks.divider()] if number else []
        if row.request is not None:
            rendered += request_row.row(row.request, _link(row, address, "Open card", "not posted yet"))
    return [*rendered, *_pager(Section.WAITING, page)]


def _undoable(contents: Contents, address: str) -> list[Block]:
    """What the person can undo. No heading if there is nothing."""
    page = contents.undoable
    if not page.rows:
        return []
    lines = [request_row.line(row.request, _link(row, address, "Open card", "")) for row in page.rows if row.request]
    return [blocks.header(f"Can be undone · {page.total}"), *map(blocks.section, lines), blocks.divider()]


def _asked(contents: Contents, address: str) -> list[Block]:
    rendered = _heading(Section.ASKED, contents.asked.total)
    if not contents.asked.rows:
        return [*rendered, blocks.section("You have started no task yet. `/task` opens a form to start one.")]
    rendered += [blocks.section(_task(row, address)) for row in contents.asked.rows]
    return [*rendered, *_pager(Section.ASKED, contents.asked)]


def _task(row: Row, address: str) -> str:
    """A task in two lines, and lines for each of its open questions."""
    task = row.records.task
    place = _link(row, address, "Open the thread", "not posted yet")
    lines = [
        f"*{text.sentence(task.graph, 80)}*{servers.where(task.id)} · {task_list.state(task, row.records.requests)}",
        f"{text.upper(task_list.began(task))} {moment(task.created_at)} · {place}",
    ]
    pending = [request for request in row.records.requests if isinstance(request.state, Pending)]
    shown = 0
    for request in pending[:MAX_OPEN_QUESTIONS]:
        card = Row(records=row.records, request=request)
        asked = request_row.line(request, links.to(card, address, "Open card"), mine=True).split("\n")
        if sum(map(len, [*lines, *asked])) > _MAX_TASK_CHARACTERS:
            break
        lines += [f"> {line}" for line in asked]
        shown += 1
    if rest := len(pending) - shown:
        lines.append(f"> {text.counted(rest, 'more question')}")
    return "\n".join(lines)


def _decided(contents: Contents, address: str) -> list[Block]:
    rendered = _heading(Section.DECIDED, contents.decided.total)
    if not contents.decided.rows:
        return [*rendered, blocks.section("What you answer will be listed here.")]
    for row in contents.decided.rows:
        if row.request is not None:
            rendered.append(blocks.section(request_row.line(row.request, _link(row, address, "Open card", ""))))
    return [*rendered, *_pager(Section.DECIDED, contents.decided)]


def _link(row: Row, address: str, words: str, otherwise: str) -> str:
    return links.to(row, address, words) or otherwise


def _heading(section: Section, total: int) -> list[Block]:
    return [blocks.header(f"{_TITLES[section]} · {total}" if total else _TITLES[section])]


def _menus(contents: Contents) -> list[Block]:
    """The menus that filter what waits. Empty if there is nothing to choose from."""
    look = contents.look
    if contents.all_waiting < 2 and (look.only, look.graph) == (Only.ALL, ""):
        return []
    only = [blocks.option(words, each) for each, words in _ONLY.items()]
    menus = [_menu(actions.HOME_ONLY, only, look.only)]
    graphs = [name for name in dict.fromkeys((*contents.graphs, look.graph)) if name and len(name) <= 150]
    if len(graphs) > 1 or look.graph:
        options = [blocks.option("Of any graph", _ANY), *(blocks.option(name, name) for name in graphs)]
        menus.append(_menu(actions.HOME_GRAPH, options[: blocks.OPTIONS], look.graph or _ANY))
    overdue = f"{contents.overdue:,} overdue" if contents.overdue else ""
    return [*blocks.actions(menus), *([blocks.context(overdue)] if overdue else [])]


def _menu(action_id: str, options: Sequence[Mapping[str, Any]], value: str) -> Element:
    made: Element = {"type": "static_select", "action_id": action_id, "options": list(options)}
    initial = next((option for option in options if option["value"] == value), None)
    return made if initial is None else {**made, "initial_option": initial}


def _pager(section: Section, page: Page[Row]) -> list[Block]:
    if page.pages < 2:
        return []
    first = page.number * ROWS[section] + 1
    turns = [("Back", page.number - 1), ("Next", page.number + 1)]
    buttons = [
        blocks.button(words, f"{actions.HOME_PAGE}:{section}:{number}", str(number))
        for words, number in turns
        if 0 <= number < page.pages
    ]
    return [
        blocks.context(f"{first} to {first + len(page.rows) - 1} of {page.total:,}"),
        *blocks.actions(buttons),
    ]


def _summary(contents: Contents) -> str:
    if contents.summary:
        return f"A message tells you at *{contents.summary}* what waits. `/approvals summary off` stops it."
    return "`/approvals summary 09:00 weekdays` sends you a message each morning if something waits for you."
