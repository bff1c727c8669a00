"""What every modal has in common, and the one that says a single sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.approvals.request import Request
from bot.slack import actions, blocks, text
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block

Modal: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problems:
    """What is wrong with a submission, by block_id: the `errors` of `ack(response_action="errors")`."""

    by_block: Mapping[str, str]


def modal(
    title: str,
    callback_id: str,
    content: Sequence[Block],
    *,
    submit: str = "",
    metadata: str = "",
) -> Modal:
    made: Modal = {
        "type": "modal",
        "callback_id": callback_id,
        "title": blocks.plain(title, blocks.TITLE_TEXT),
        "close": blocks.plain("Cancel" if submit else "Close", blocks.TITLE_TEXT),
        "private_metadata": metadata,
        "blocks": list(content),
    }
    return {**made, "submit": blocks.plain(submit, blocks.TITLE_TEXT)} if submit else made


def about(request: Request, title: str, callback_id: str, content: Sequence[Block], *, submit: str) -> Modal:
    """A modal that begins with the question that it is about, and carries its id and version."""
    asked = text.shown(request.question.title, 300).text or "A question"
    intro = blocks.rich(blocks.line(blocks.run(asked)))
    return modal(title, callback_id, [intro, *content], submit=submit, metadata=RequestTarget.of(request).encoded())


def notice(title: str, sentence: str) -> Modal:
    """One finished sentence, in mrkdwn as refusals have it."""
    return modal(title, actions.NOTICE, [blocks.section(text.cut(sentence, blocks.SECTION_TEXT))])


def loading(title: str) -> Modal:
    """What is opened at once, so that the trigger is used in time; `views.update` puts the real one in its place."""
    return notice(title, "One moment…")
