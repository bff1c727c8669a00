"""What is said beside a request's card, in the task's thread: a question to the requester, and whom no DM reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from bot.approvals.notes import DELEGATE, Comment, Then, Unreached
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


def unreached(request: Request, step: int) -> list[Block]:
    """Whom this step of the policy could not ask, why, and what follows."""
    return [blocks.section("\n".join(_unreached(request, step)))]


def unreached_text(request: Request, step: int) -> str:
    return text.paragraph(_unreached(request, step))


def _unreached(request: Request, step: int) -> list[str]:
    missing = [each for each in request.unreached if each.step == step]
    if step == DELEGATE:
        return [_untold(request, each) for each in missing]
    return [*map(_missed, missing), _then(request, missing)]


def _missed(one: Unreached) -> str:
    if one.person is None:
        return f"Nobody could be asked by direct message: {text.sentence(one.why, 150)} means nobody here."
    return f"{text.mention(one.person)} could not be asked by direct message: {_why(one)}."


def _untold(request: Request, one: Unreached) -> str:
    givers = text.mentions([each.by for each in request.delegations if each.to == one.person])
    whom = text.mention(one.person) if one.person else "your colleague"
    return (
        f"{givers}: {whom} could not be told by direct message that you gave them your vote: {_why(one)}. "
        "They can answer on the card; or take your vote back with *Withdraw*."
    )


def _why(one: Unreached) -> str:
    return _REASONS.get(one.why) or text.sentence(one.why, 150)


def _then(request: Request, missing: Sequence[Unreached]) -> str:
    then = missing[-1].then if missing else Then.OTHERS
    match then:
        case Then.OTHERS:
            return "The others of this step have the card."
        case Then.NEXT:
            return "Nobody of this step has the card, so the next on the list are asked now."
        case Then.END:
            return (
                f"Nobody of this step has the card, and there is no other step, {text.mention(request.requester)}. "
                "Those who were asked before can still answer."
            )
        case _ as never:
            assert_never(never)
