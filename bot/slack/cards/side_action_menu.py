"""The menu on a request's card: what people can do with it apart from answering. Pure."""

from __future__ import annotations

from bot.approvals.model.request import Pending, Request
from bot.slack import actions, blocks, text
from bot.slack.blocks import Element


def menu(request: Request) -> list[Element]:
    """The side actions that are possible while it is open, the same for everybody who sees the card. A person who may
    not is told so when they try. Slack takes five: if six are possible, the history gives way, because *Details* leads
    to it as well."""
    if not isinstance(request.state, Pending):
        return []
    measure = request.policy.extend
    extendable = request.deadline is not None and request.open.extension is None
    offered = [
        *([] if measure is not None and extendable else [("History", "Who decided what so far", actions.HISTORY)]),
        ("Ask the requester…", "Not a vote; they reply in the thread", actions.COMMENT),
        ("Delegate my vote…", "A colleague answers in your place", actions.DELEGATE),
        *(
            [(f"Extend by {text.span(measure)}", "Moves the deadline, once", actions.EXTEND)]
            if measure is not None and extendable
            else []
        ),
        ("Send a reminder", "Requester only, once an hour", actions.NUDGE),
        ("Cancel the task…", "Requester only", actions.CANCEL),
    ]
    options = [blocks.option(words, actions.option(deed, request), note) for words, note, deed in offered]
    return blocks.menu(actions.MORE, options)
