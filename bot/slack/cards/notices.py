"""Notices beside a request's card: why somebody gets it by DM, a question to the requester, who got no DM and why, and
that the request's file could not be attached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, assert_never

from bot.approvals.model.ids import Person, Program
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.policy import Escalate, Step, Via
from bot.approvals.model.request import Comment, Delegation, Pending, Request, Then, Unreached
from bot.approvals.model.task import Task
from bot.approvals.model.webhook import host_of
from bot.slack import actions, blocks, text
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block
from bot.slack.cards import question_blocks

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


_ON_TIME: Final = timedelta(hours=1)
"""How long after its time a step may be taken and still be told as the reason for a message. After a longer downtime
nothing says for certain whether a message came from that step."""
_MAX_NAMES: Final = 5


def reason(message: Message, task: Task, request: Request) -> list[Block]:
    """Why this person or channel gets the card, above it. No block if the records do not say."""
    words = reason_for(message, task, request)
    return [blocks.section(words)] if words else []


def reason_for(message: Message, task: Task, request: Request) -> str:
    """The same as a mrkdwn sentence, in the past tense once the request is settled or has moved on. Empty if the
    records do not say."""
    return _copied(message, task, request).whole


def short_reason(message: Message, task: Task, request: Request) -> str:
    """The same in a few words, for the beginning of a notification."""
    return _copied(message, task, request).short


def comment(request: Request, number: int) -> list[Block]:
    """A question to the requester, and where to answer it."""
    asked = request.comments[number]
    about = text.sentence(question_blocks.title(request), 150)
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
    button = blocks.button("Details", actions.VIEW_ALL, RequestTarget.of(request).encoded())
    return [blocks.section(unattached_text(request, version, why)), *blocks.actions([button])]


def unattached_text(request: Request, version: int, why: str) -> str:
    cause = why.rpartition(": ")[2]
    reason = _NO_FILE.get(cause) or f"the upload failed (`{text.sentence(cause, 100)}`)"
    return (
        f"The file with everything that request `{request.id}` asks, version {version}, could not be attached: "
        f"{reason}. *Details* shows the same, page by page."
    )


def untold(task: Task, why: str | None) -> list[Block]:
    """Says that the program that asked could not be told at its own address, and why."""
    return [blocks.section(untold_text(task, why))]


def untold_text(task: Task, why: str | None) -> str:
    who, where = "The program that asked", "its own address"
    if task.caller is not None:
        who = text.mention(Program(name=task.caller.source))
        where = text.sentence(host_of(task.caller.callback_url), 100) or where
    reason = text.sentence(why or "it did not answer", 200).removesuffix(".")
    return f"{who} could not be told at {where}: {reason}. The decision stands, and it can still fetch it."


# --- Why somebody is asked ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Why:
    """A reason as a sentence, and in a few words. Both are empty if there is no reason to name."""

    whole: str = ""
    short: str = ""


def _copied(message: Message, task: Task, request: Request) -> _Why:
    """A delegation and its copy have the same time. Any other DM comes from a step of the policy that asks others, and
    so does a channel's copy, unless the policy posts every card there."""
    if message.kind is not MessageKind.COPY:
        return _Why()
    over = not isinstance(request.state, Pending) or message.created_at < request.open.opened_at
    given = next((each for each in request.delegations if (each.at, each.to) == (message.created_at, message.to)), None)
    if given is not None:
        asks = f"{text.mention(given.by)} {'asked' if over else 'asks'} you to answer"
        return _Why(f"{asks} in their place.", f"{asks} for them.")
    step = _step_of(message, request)
    if step is None:
        return _Why()
    you = "This was" if message.to is None else "You were"
    if not over:
        you = "This is" if message.to is None else "You are"
    here = f"{you} asked {'here' if message.to is None else 'by direct message'}"
    if not step.after:
        return _Why(f"{here} because the policy `{text.sentence(request.policy.name, 60)}` says so.")
    if message.created_at < request.comes(step):
        return _Why(f"{here} because the others could not be reached.", "The others could not be reached.")
    return _unanswered(message, task, request, step, f"{you} asked", over=over)


def _unanswered(message: Message, task: Task, request: Request, step: Step, asked: str, *, over: bool) -> _Why:
    working = "working " if request.policy.hours is not None and step.after < timedelta(days=1) else ""
    span = text.span(step.after).replace("hour", f"{working}hour")
    answered = {vote.person for vote in request.stage_votes if vote.at <= message.created_at}
    some = bool(answered) or any(edit.at <= message.created_at for edit in request.edits)
    nobody = f"{'not enough people' if some else 'nobody'} {'had ' if over else ''}answered {'in' if some else 'for'}"
    before = [person for person in request.open.asked if person != message.to and person not in answered]
    names = text.mentions(before, _MAX_NAMES) or text.approvers(request.known(request.stage.approvers), _MAX_NAMES)
    whom = ", ".join(words for words in (names, f"in {text.channel(task.channel)}") if words)
    return _Why(f"{asked} because {nobody} {span} ({whom}).", f"{nobody[:1].upper()}{nobody[1:]} {span}.")


def _step_of(message: Message, request: Request) -> Step | None:
    """The step that sent this message: the last one of its kind that was due by then, or the one that came early
    because nobody could be asked by the step before it."""
    if message.channel is not None and message.channel == request.policy.channel:
        return None
    if message.created_at < request.open.opened_at:  # of an earlier stage, whose times are not kept
        return None
    via = Via.DM if message.channel is None else Via.CHANNEL
    steps = [step for step in request.stage.steps if isinstance(step.action, Escalate) and step.action.via is via]
    due = [step for step in steps if request.comes(step) <= message.created_at]
    hurried = any(each.then is Then.NEXT and each.asked_at <= message.created_at for each in request.unreached)
    if due and message.created_at - request.comes(due[-1]) <= _ON_TIME:
        return due[-1]
    return next((step for step in steps if step not in due), None) if hurried else None


# --- Who could not be asked ---------------------------------------------------------------------


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
            whose = f", {text.mention(request.requester)}," if isinstance(request.requester, Person) else ""
            return (
                f"So nobody new has the card{whose} and nobody else is on the list. "
                "Those who were asked before can still answer."
            )
        case _ as never:
            assert_never(never)
