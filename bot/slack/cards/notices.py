"""Notices in the task's thread, below a request's card: a question to the requester, who got no DM and why, and that
the request's file could not be attached."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, assert_never

from bot.approvals.model.request import Comment, Delegation, Request, Then, Unreached
from bot.slack import actions, blocks, text
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block

_REASONS: Final[Mapping[str, str]] = {
    "user_disabled": "the account is deactivated",
    "cannot_dm_bot": "it is a bot",
    "user_not_found": "Slack knows no such account here",
    "users_not_found": "Slack knows no such account here",
    "user_not_visible": "Slack knows no such account here",
}
"""Why a DM failed, by Slack's error code."""

_NO_FILE: Final[Mapping[str, str]] = {
    "missing_scope": "the app may not upload files (scope `files:write`)",
    "not_allowed_token_type": "the app may not upload files",
    "no_permission": "the app may not upload files here",
    "restricted_action": "this workspace does not let the app upload files",
    "file_uploads_disabled": "this workspace has turned uploads off",
    "file_uploads_except_images_disabled": "this workspace accepts images only",
    "file_upload_size_restricted": "it is larger than this workspace allows",
    "file_too_large": "it is too large for Slack",
    "storage_limit_reached": "this workspace has no storage left",
}
"""Why an upload failed, by Slack's error code."""


def comment(request: Request, number: int) -> list[Block]:
    """A question to the requester, and where to answer it."""
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
    """Who did not get the card by DM at `asked_at`, why, and what happens next."""
    return [blocks.section("\n".join(_unreached(request, asked_at)) or "Everybody was reached after all.")]


def unreached_text(request: Request, asked_at: datetime) -> str:
    return text.paragraph(_unreached(request, asked_at)) or "Everybody was reached after all."


def unattached(request: Request, version: int, why: str) -> list[Block]:
    """Says that the file with the whole request could not be attached, why, and how to see everything without it."""
    button = blocks.button("View all", actions.VIEW_ALL, RequestTarget.of(request).encoded())
    return [blocks.section(unattached_text(request, version, why)), *blocks.actions([button])]


def unattached_text(request: Request, version: int, why: str) -> str:
    cause = why.rpartition(": ")[2]
    reason = _NO_FILE.get(cause) or f"the upload failed (`{text.sentence(cause, 100)}`)"
    return (
        f"The file with everything that request `{request.id}` asks, version {version}, could not be attached: "
        f"{reason}. *View all* shows the same, page by page."
    )


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
        f"{text.mention(delegation.by)}, {text.mention(delegation.to)} could not be told by direct message that you "
        f"gave them your vote: {_why(one)}. They can answer on the card, or you can take your vote back with "
        "*Withdraw*."
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
