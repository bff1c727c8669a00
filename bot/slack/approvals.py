"""`/approvals`: what waits for whom, in private. `_answer` lists the forms of the line, with a function for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals import surfaces
from bot.approvals.errors import CountersignError, literal
from bot.approvals.ids import Person, RequestId
from bot.approvals.ports import View
from bot.slack import cards, trails
from bot.slack.blocks import Block
from bot.slack.parts import Parts, person_of, told

COMMAND: Final = "/approvals"
SUBCOMMANDS: Final = ("history", "help")
HELP: Final = (
    "*What waits for an answer*",
    f"• `{COMMAND} &lt;id&gt;` shows one request, with its buttons",
    f"• `{COMMAND} history &lt;id&gt;` shows all that happened to a request, or to a task",
)


class CommandRefused(CountersignError):
    """The line cannot be understood; the sentence shows a right one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is shown to the person who sent the line, and to nobody else; without blocks, the text in mrkdwn."""

    text: str
    blocks: tuple[Block, ...] = ()


def register(app: AsyncApp, parts: Parts) -> None:
    @app.command(COMMAND)
    async def approvals(ack: AsyncAck, respond: AsyncRespond, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()

        async def show(reply: Reply) -> None:
            await respond(
                text=reply.text,
                blocks=list(reply.blocks) or None,
                response_type="ephemeral",
                unfurl_links=False,
                unfurl_media=False,
            )

        async def run() -> None:
            line = str(body.get("text", ""))
            match line.split():
                case ["history", id]:
                    await trails.by_command(parts, body, client, id)
                case ["history", *_]:
                    raise CommandRefused(f"Whose history? A right line: `{COMMAND} history 1a2b3c4d5e6f7a8b`.")
                case _:
                    await show(await _answer(parts, person_of(body), line))

        await told(parts, lambda sentence: show(Reply(text=sentence)), run())


async def _answer(parts: Parts, person: Person, line: str) -> Reply:
    match line.split():
        case [] | ["help"]:
            return Reply(text="\n".join(HELP))
        case [id]:
            return await _one(parts, person, RequestId(id))
        case _:
            raise CommandRefused(f"`{COMMAND}` does not know `{literal(line)}`. `{COMMAND} help` shows what it knows.")


async def _one(parts: Parts, person: Person, id: RequestId) -> Reply:
    """The request's card, for its requester and for those who may answer."""
    request = await parts.storage.request(id)
    task = await parts.tasks.look(request.task_id, person)
    card = cards.draw(View(surface=surfaces.card_of(request), task=task, request=request))
    return Reply(text=card.text, blocks=card.blocks)
