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
"""Opens the modal that asks for the reason of an approval, where the policy wants one."""
REJECT: Final = "reject"
RESPOND: Final = "respond"
EDIT: Final = "edit"
"""The only item's; of several, the n-th's is `edit:<n>`."""
CHOOSE: Final = "choose"
"""Opens the modal where the choices are too many for buttons; the n-th choice's button is `choose:<n>`."""
EACH: Final = "each"
"""Opens the modal in which several items are answered one by one."""
MORE: Final = "more"
"""The menu of what can be done besides answering; an option's value is one of the next five, and a target."""
COMMENT: Final = "comment"
DELEGATE: Final = "delegate"
EXTEND: Final = "extend"
NUDGE: Final = "nudge"
CANCEL: Final = "cancel"
WITHDRAW: Final = "withdraw"
VIEW_ALL: Final = "view_all"
REVIEW: Final = "review"
"""Opens the whole of a request page by page, with the answers on the last: offered wherever not all of it is shown."""
WHICH: Final = "which"
"""The menu of a review in which one of several actions is chosen to be edited."""
ARGUMENTS: Final = "arguments"
"""The menu of an edit in which it is chosen which of many arguments are shown."""
REVEAL: Final = "reveal"
"""Opens the hidden values, for those who may answer; `reveal:<n>`, counted from 0, turns the page."""
HISTORY: Final = "history"
"""Opens the trail; `history:<n>`, counted from 0, turns its page."""
RETRY: Final = "retry"
ANSWER_AGAIN: Final = "answer_again"
"""Opens a question again whose answer made the agent fail."""
TAKE_BACK: Final = "take_back"
"""Of an answer that was given in words, while the agent does not have it."""
FROM_MESSAGE: Final = "start_from_message"
"""The message shortcut that starts a task."""
PAGE: Final = "page"
"""`page:<n>`, counted from 0: turns the page of "View all" and of a review."""
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

EDITS: Final = re.compile(r"^edit(:\d+)?$")
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
    """Of the question that was shown; None where nothing is answered, and of what earlier versions drew."""
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
    """What a button's value or a modal's metadata is about; `ValueError` where it is none of ours."""
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
    """The request that a value is about; `ValueError` where it is about none."""
    match target(value):
        case RequestTarget() as found:
            return found
        case TaskTarget():
            raise ValueError("a task where a request was expected")


def option(deed: str, request: Request) -> str:
    """The value of an option of the menu, which answers nothing and has little room (Slack: 150 characters)."""
    return f"{deed} {RequestTarget(request=request.id, version=request.version).encoded()}"


def chosen(value: str) -> tuple[str, RequestTarget]:
    """Which deed an option stands for, and what it is about; `ValueError` where it is none of ours."""
    deed, _, encoded = value.partition(" ")
    return deed, request_target(encoded)


def index(action_id: str) -> int:
    """The number behind the colon of `edit:2`, `choose:0` or `page:1`; 0 where there is none."""
    _, _, number = action_id.partition(":")
    return int(number) if number else 0


def indexed(action_id: str, number: int) -> str:
    return f"{action_id}:{number}"


def callback(view: Mapping[str, object]) -> str:
    """Which of our modals this is."""
    return str(view.get("callback_id", ""))
