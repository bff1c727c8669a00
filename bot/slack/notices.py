"""What is said beside a request's card, in the task's thread: a question to the requester, and whom no DM reached."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, assert_never

from bot.approvals.notes import Comment, Delegation, Then, Unreached
from bot.approvals.request import Request
from bot.slack import blocks, text
from bot.slack.blocks import Block

_REASONS: Final[Mapping[str, str]] = {
    "user_disabled": "the account is deactivated",
    "cannot_dm_bot": "it is a bot",
    "user_not_found": "Slack knows no such account here",
    "users_not_found": "Slack knows no such account here",
    "user_not_visible": "Slack knows no such account here",
}
"""Slack's words for why there is no DM."""


def comment(request: Request, number: int) -> list[Block]:
    """What somebody asks the requester; how to answer."""
    asked = request.comments[number]
    about = text.sentence(request.question.title, 150) or "the question above"
    return [
        blocks.section(_asks(request, asked)),
        blocks.rich(blocks.quote(blocks.run(text.shown(asked.text, blocks.RICH_TEXT).text))),
        blocks.context(f"About: {about} · Please answer here in the thread"),
    ]


def comment_text(request: Request, number: int) -> str:
    asked = request.comments[number]
    return text.paragraph([f"{_asks(request, asked)}:", text.sentence(asked.text, 1500)])


def _asks(request: Request, asked: Comment) -> str:
    return f"{text.mention(asked.by)} asks {text.mention(request.requester)}"


def unreached(request: Request, asked_at: datetime) -> list[Block]:
    """Who did not get the card by DM at that time, why, and what follows."""
    return [blocks.section("\n".join(_unreached(request, asked_at)) or "Everybody was reached after all.")]


def unreached_text(request: Request, asked_at: datetime) -> str:
    return text.paragraph(_unreached(request, asked_at)) or "Everybody was reached after all."


def _unreached(request: Request, asked_at: datetime) -> list[str]:
    missing = [each for each in request.unreached if each.asked_at == asked_at]
    delegation = next((each for each in request.delegations if each.at == asked_at), None)
    if delegation is not None:
        return [_untold(delegation, each) for each in missing]
    return [*map(_missed, missing), *(_then(request, each) for each in missing[-1:])]


def _missed(one: Unreached) -> str:
    if one.person is not None:
        return f"{text.mention(one.person)} could not be asked by direct message: {_why(one)}."
    if not one.why:
        return f"{text.approver(one.name)} means nobody here, so nobody was asked by that name."
    return f"The card could not be sent to {text.approver(one.name)}: {_why(one)}."


def _untold(delegation: Delegation, one: Unreached) -> str:
    return (
        f"{text.mention(delegation.by)}, no direct message could tell {text.mention(delegation.to)} that you gave them "
        f"your vote: {_why(one)}. They can answer on the card; or take your vote back with *Withdraw*."
    )


def _why(one: Unreached) -> str:
    return _REASONS.get(one.why) or text.sentence(one.why, 150)


def _then(request: Request, last: Unreached) -> str:
    match last.then:
        case Then.OTHERS:
            return "The others who were to be asked have the card."
        case Then.NEXT:
            return "So nobody new has the card, and the next on the list are asked now."
        case Then.END:
            return (
                f"So nobody new has the card, {text.mention(request.requester)}, and nobody else is on the list. "
                "Those who were asked before can still answer."
            )
        case _ as never:
            assert_never(never)
