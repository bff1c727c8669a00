"""The names on Slack's wire: of buttons, of modals, and what their values carry.

Cards and modals write them, listeners read them. A value holds an id and a version, never arguments.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from bot.approvals.model.actor import Shown
from bot.approvals.model.ids import ChannelId, MessageRef, RequestId, TaskId, Ts
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task

APPROVE: Final = "approve"
APPROVE_WHY: Final = "approve_why"
"""Opens the modal that asks for the reason of an approval, if the policy wants one."""
REJECT: Final = "reject"
RESPOND: Final = "respond"
EDIT: Final = "edit"
"""Edits the only item. With several items, `edit:<n>` edits the n-th."""
EDIT_ONE: Final = "edit_one"
"""The modal that edits an item while several are answered one by one, and leads back there."""
CHOOSE: Final = "choose"
"""Opens the modal with the choices, if there are too many for buttons. The n-th choice's button is `choose:<n>`."""
EACH: Final = "each"
"""Opens the modal in which several items are answered one by one."""
MORE: Final = "more"
"""The menu of side actions. An option's value is one of the next five, or `HISTORY`, or `EDIT`, `RESPOND`, `EACH` or
`VIEW_ALL` if its button had no room, and a target."""
COMMENT: Final = "comment"
DELEGATE: Final = "delegate"
EXTEND: Final = "extend"
NUDGE: Final = "nudge"
CANCEL: Final = "cancel"
WITHDRAW: Final = "withdraw"
VIEW_ALL: Final = "view_all"
REVIEW: Final = "review"
"""Opens all of a request, page by page, with the answers on the last page. Offered if a card does not show it all."""
WHICH: Final = "which"
"""The menu, of a review or of "One by one", that chooses which of several actions to edit."""
ARGUMENTS: Final = "arguments"
"""The menu of an edit that chooses which of many arguments to show."""
REVEAL: Final = "reveal"
"""Opens the hidden values for people who may answer. `reveal:<n>`, counted from 0, turns the page."""
HISTORY: Final = "history"
"""Opens the request's history. `history:<n>`, counted from 0, turns the page."""
RETRY: Final = "retry"
ANSWER_AGAIN: Final = "answer_again"
"""Reopens a question, if the answer to it made the agent fail."""
TAKE_BACK: Final = "take_back"
"""Takes back an answer that the agent does not have yet, for whoever gave it."""
STOP: Final = "stop_delivery"
"""Stops a decision that is held, for people who may answer."""
UNDO: Final = "undo"
"""Has undone what the agent has done."""
KEEP: Final = "keep"
"""Leaves what the agent has done as it is."""
FROM_MESSAGE: Final = "start_from_message"
"""The message shortcut that starts a task."""
PAGE: Final = "page"
"""`page:<n>`, counted from 0: turns the page of "Details" and of a review."""
GRAPH: Final = "graph"
"""The start modal's menu of graphs."""
HOME: Final = "home"
HOME_ONLY: Final = "home_only"
"""The Home's menu of which requests are shown."""
HOME_GRAPH: Final = "home_graph"
"""The Home's menu of whose requests are shown."""
HOME_PAGE: Final = "home_page"
"""`home_page:<section>:<n>`, counted from 0: turns the page of one of the Home's lists."""
START: Final = "start"
NOTICE: Final = "notice"

CHOICES: Final = re.compile(r"^choose:\d+$")
PAGES: Final = re.compile(r"^page:\d+$")
REVEALS: Final = re.compile(r"^reveal(:\d+)?$")
HISTORY_PAGES: Final = re.compile(r"^history:\d+$")
HOMES: Final = re.compile(r"^home_(only|graph|page:[a-z]+:\d+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTarget:
    """The request that a button or modal is about, in the version that it showed."""

    request: RequestId
    version: int
    digest: str | None = None
    """Of the question that was shown. None in the options of side actions, and in buttons that earlier versions
    rendered."""
    message: MessageRef | None = None
    """The message from which a modal was opened."""

    @classmethod
    def of(cls, request: Request) -> RequestTarget:
        return cls(request=request.id, version=request.version, digest=request.digest)

    @property
    def shown(self) -> Shown:
        """What its reader was shown."""
        return Shown(request_id=self.request, version=self.version, digest=self.digest)

    def encoded(self) -> str:
        shown = {"digest": self.digest} if self.digest else {}
        place = {"channel": self.message.channel, "ts": self.message.ts} if self.message else {}
        return json.dumps({"request": self.request, "version": self.version, **shown, **place}, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTarget:
    """The task that a button is about."""

    task: TaskId

    @classmethod
    def of(cls, task: Task) -> TaskTarget:
        return cls(task=task.id)

    def encoded(self) -> str:
        return json.dumps({"task": self.task}, separators=(",", ":"))


Target: TypeAlias = RequestTarget | TaskTarget


def target(value: str) -> Target:
    """What a button's value or a modal's metadata is about. Raises ValueError if it is not one of ours."""
    read = json.loads(value)
    match read:
        case {"request": str() as request, "version": int() as version}:
            digest = read.get("digest")
            return RequestTarget(
                request=RequestId(request),
                version=version,
                digest=digest if isinstance(digest, str) else None,
                message=_message(read),
            )
        case {"task": str() as task}:
            return TaskTarget(task=TaskId(task))
        case _:
            raise ValueError("neither a request nor a task")


def _message(read: Mapping[str, object]) -> MessageRef | None:
    match read:
        case {"channel": str() as channel, "ts": str() as ts}:
            return MessageRef(channel=ChannelId(channel), ts=Ts(ts))
        case _:
            return None


def request_target(value: str) -> RequestTarget:
    """The request that a value is about. Raises ValueError if it is about no request."""
    match target(value):
        case RequestTarget() as found:
            return found
        case TaskTarget():
            raise ValueError("a task where a request was expected")


def option(deed: str, request: Request) -> str:
    """The value of an option in the menu of side actions, which may have 150 characters (Slack), so no digest."""
    return f"{deed} {RequestTarget(request=request.id, version=request.version).encoded()}"


def answer_option(deed: str, request: Request) -> str:
    """The value of an option that opens a modal to answer in. Like a button, it carries the digest of what was
    shown."""
    return f"{deed} {RequestTarget.of(request).encoded()}"


def chosen(value: str) -> tuple[str, RequestTarget]:
    """What an option stands for, and its request. Raises ValueError if the value is not one of ours."""
    deed, _, encoded = value.partition(" ")
    return deed, request_target(encoded)


def index(action_id: str) -> int:
    """The number after the colon in `edit:2`, `choose:0` or `page:1`; 0 if there is none."""
    _, _, number = action_id.partition(":")
    return int(number) if number else 0


def indexed(action_id: str, number: int) -> str:
    return f"{action_id}:{number}"


def callback(view: Mapping[str, object]) -> str:
    """The callback_id of a modal: which of ours it is."""
    return str(view.get("callback_id", ""))
