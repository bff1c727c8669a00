"""What a command is answered with."""

from __future__ import annotations

from dataclasses import dataclass

from bot.slack.blocks import Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is shown to the person who sent the line, and to nobody else; without blocks, the text in mrkdwn."""

    text: str
    blocks: tuple[Block, ...] = ()
