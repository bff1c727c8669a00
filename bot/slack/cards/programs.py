"""A program that asks through the API, in words: who asks, what it is about, and who takes the answer. Pure.

A program writes all of this itself, so it is shortened and escaped, and no link looks as if it led to another address.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import urlsplit

from bot.approvals.model.caller import Caller, is_of_caller
from bot.approvals.model.ids import Person, Program, TaskId
from bot.approvals.model.request import Request
from bot.approvals.model.server import server_of_thread
from bot.approvals.model.task import Task
from bot.slack import blocks, text
from bot.slack.blocks import Element
from bot.slack.cards import servers

_MAX_CHARACTERS: Final = 60
"""Of the run's name, or of a host."""
_MAX_URL_CHARACTERS: Final = 1000
"""Of an address as it is written in mrkdwn, so that no line is cut within it."""
_URL: Final = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?([/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?", re.I)
"""An address that every browser reads alike: no user before the host, no backslash, no letters of other scripts."""


_LIKE_ADDRESS: Final = re.compile(r"[./:@\\\u3002]|www", re.IGNORECASE)


def agent(request: Request) -> str:
    """Who asks and takes the answer, as mrkdwn: `the agent`, `the agent on *prod*`, or a program by its name in
    bold."""
    if is_of_caller(request.task_id):
        return f"*{text.program(request.graph)}*"
    return f"the agent{servers.where(request.task_id)}"


def through(task: Task) -> str:
    """The program by which a person asks or starts the task, as mrkdwn behind the person: ` through *billing-service*`.
    Empty if none does, or if the program names no person."""
    if task.caller is None or isinstance(task.requester, Program):
        return ""
    return f" through *{text.program(task.caller.source)}*"


def asker(request: Request) -> str:
    """Who asks, as mrkdwn: `@alice`, `*billing-service*`, `@alice through *billing-service*`, `@alice · on *prod*`, or
    `a thread on *prod*`."""
    who = text.mention(request.requester)
    if is_of_caller(request.task_id) and not isinstance(request.requester, Program):
        return f"{who} through *{text.program(request.graph)}*"
    return " · ".join([who, *place(request.requester, request.task_id)])


def place(requester: Person | Program, task_id: TaskId) -> list[str]:
    """Where the agent runs, as mrkdwn beside whoever asks: `on *prod*`. Empty if it runs here, or if the requester is a
    thread, which says it."""
    server = servers.name(task_id)
    return [f"on {server}"] if server and server_of_thread(requester) is None else []


def about(caller: Caller | None) -> list[str]:
    """What the program says that it is about, as mrkdwn: its own name for the run, with its link."""
    said = [(text.sentence(words, _MAX_CHARACTERS), text.escape(url)) for words, url in _about(caller)]
    return [f"<{url}|{words}>" if url else words for words, url in said]


def about_runs(caller: Caller | None) -> list[Element]:
    """The same in rich text, each behind a dot."""
    runs: list[Element] = []
    for words, url in _about(caller):
        shown = text.label(words, _MAX_CHARACTERS)
        runs += [blocks.run(" · "), blocks.link(url, shown) if url else blocks.run(shown)]
    return runs


def _about(caller: Caller | None) -> list[tuple[str, str]]:
    """Words, each with the address that they link to, or with none. The run's name is the link, unless it looks like an
    address itself; the host then stands beside it."""
    if caller is None:
        return []
    run, host = caller.run.strip(), _host(caller.url)
    if run and host and not _LIKE_ADDRESS.search(unicodedata.normalize("NFKC", run)):
        return [(run, caller.url)]
    return [*([(run, "")] if run else []), *([(host, caller.url)] if host else [])]


def _host(url: str) -> str:
    """The host that this address leads to. Empty if it is not one that is safe to follow."""
    if len(text.escape(url)) > _MAX_URL_CHARACTERS or not _URL.fullmatch(url):
        return ""
    host = urlsplit(url).hostname or ""
    return host if len(host) <= _MAX_CHARACTERS else f"…{host[1 - _MAX_CHARACTERS :]}"
