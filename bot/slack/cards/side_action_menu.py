"""The menu on a request's card: what people can do with it apart from answering. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.ids import Person
from bot.approvals.model.request import Pending, Request
from bot.approvals.model.server import server_of
from bot.slack import actions, blocks, text
from bot.slack.blocks import Element

_GIVE_WAY: Final = (actions.HISTORY, actions.NUDGE, actions.CANCEL, actions.EXTEND, actions.DELEGATE)
"""The side actions that give way if there are more than Slack takes, in this order. *Details* leads to all of them."""


_OF_REQUESTER: Final = frozenset({actions.COMMENT, actions.NUDGE, actions.CANCEL})
"""The side actions that need a person who asked."""


_OF_WINDOW: Final = frozenset({actions.HISTORY, actions.COMMENT, actions.CANCEL})
"""The side actions that make sense of something that is done already."""


def menu(request: Request, answers: Sequence[Element] = ()) -> list[Element]:
    """The side actions that are possible while it is open, the same for everybody who sees the card; before them the
    buttons for which the row has no room (`answers`, or *Details*). A person who may not is told so when they try."""
    if not isinstance(request.state, Pending):
        return []
    first = [
        blocks.option(str(each["text"]["text"]), actions.answer_option(each["action_id"], request)) for each in answers
    ]
    offered = _possible(request)
    too_many = len(first) + len(offered) - blocks.MENU_OPTIONS
    left_out = [deed for deed in _GIVE_WAY if deed in offered][: max(too_many, 0)]
    rest = [option for deed, option in offered.items() if deed not in left_out]
    return blocks.menu(actions.MORE, [*first, *rest])


def all_of(request: Request) -> list[Element]:
    """A menu of every side action, for *Details*, which has a button for the history."""
    if not isinstance(request.state, Pending):
        return []
    offered = [option for deed, option in _possible(request).items() if deed != actions.HISTORY]
    return blocks.menu(actions.MORE, offered)


def _possible(request: Request) -> dict[str, Mapping[str, Any]]:
    """The options, by the side action that each stands for. Nobody is waited for to undo something."""
    measure = request.policy.extend
    extendable = request.deadline is not None and request.open.extension is None
    offered = [
        ("History", "Who decided what so far", actions.HISTORY),
        ("Ask the requester…", "Not a vote; they reply in the thread", actions.COMMENT),
        ("Delegate my vote…", "A colleague answers in your place", actions.DELEGATE),
        *(
            [(f"Extend by {text.span(measure)}", "Moves the deadline, once", actions.EXTEND)]
            if measure is not None and extendable
            else []
        ),
        ("Send a reminder", "Requester only, once an hour", actions.NUDGE),
        (f"{_cancel(request)}…", "Requester only", actions.CANCEL),
    ]
    return {
        deed: blocks.option(words, actions.option(deed, request), note)
        for words, note, deed in offered
        if (isinstance(request.requester, Person) or deed not in _OF_REQUESTER)
        and (not request.is_window or deed in _OF_WINDOW)
    }


def _cancel(request: Request) -> str:
    """What ends if it is cancelled. On a server that may be a task or a request alone, which the modal says."""
    if server_of(request.task_id) is not None:
        return "Cancel"
    return "Cancel the request" if is_of_caller(request.task_id) else "Cancel the task"
