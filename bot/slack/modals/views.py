"""What all modals have in common, and the modal that says a single sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from bot.approvals.model.request import Request
from bot.slack import actions, blocks, text
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block
from bot.slack.cards import question_blocks
from bot.slack.forms.problems import Problems as Problems

Modal: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Back:
    """What a submission leads to if its modal is closed and the one below it is seen again."""


MAX_TITLE_CHARACTERS: Final = 9000
"""Of a question's title at the top of a modal. The rest of a longer one is behind *Details*."""


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
    """A modal that begins with the request's title and carries the request's id, version and digest."""
    asked = text.shown(question_blocks.title(request), MAX_TITLE_CHARACTERS)
    intro = [blocks.rich(blocks.line(blocks.run(piece))) for piece in blocks.split(asked.text)]
    target = RequestTarget.of(request).encoded()
    rest = [blocks.button("Details", actions.VIEW_ALL, target)] if asked.cut else []
    return modal(title, callback_id, [*intro, *blocks.actions(rest), *content], submit=submit, metadata=target)


def notice(title: str, sentence: str) -> Modal:
    """A modal with one finished mrkdwn sentence."""
    return modal(title, actions.NOTICE, [blocks.section(text.cut(sentence, blocks.SECTION_TEXT))])


def loading(title: str) -> Modal:
    """The modal to open at once, before the trigger expires; `views.update` then puts the real one in its place."""
    return notice(title, "One moment…")
