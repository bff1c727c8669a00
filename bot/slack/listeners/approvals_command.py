"""`/approvals`: what waits for whom, in private. `_answer` lists the forms of the line, with a function for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model import actor
from bot.approvals.model.actor import Actor
from bot.approvals.model.errors import CountersignError, literal, moment
from bot.approvals.model.ids import Person, RequestId
from bot.approvals.model.inbox import Look, Only, Section
from bot.approvals.ports.slack import View
from bot.approvals.services.messages import wanted
from bot.slack.blocks import Block
from bot.slack.cards import render
from bot.slack.inbox import approvals_list
from bot.slack.listeners import history_button
from bot.slack.listeners.context import Parts, person_of, told

COMMAND: Final = "/approvals"
SUBCOMMANDS: Final = ("mine", "overdue", "history", "summary", "help")
HELP: Final = (
    "*What waits for an answer*",
    f"• `{COMMAND}` shows what waits for you, the gravest and soonest first",
    f"• `{COMMAND} overdue` shows what of it has waited for too long",
    f"• `{COMMAND} mine` shows what you asked for, and where it stands",
    f"• `{COMMAND} &lt;id&gt;` shows one request, with its buttons",
    f"• `{COMMAND} history &lt;id&gt;` shows all that happened to a request, or to a task",
    "*A message that tells you what waits*",
    f"• `{COMMAND} summary 09:00 weekdays` sends it at that time of yours, if something waits; `8:30 mon,thu` and "
    "`18:00 daily` will do as well",
    f"• `{COMMAND} summary off` ends it, and `{COMMAND} summary` shows when it comes",
    "My Home shows all of it, and is always level: click on my name, then on *Home*.",
)
LISTED: Final = 10


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
                    await history_button.by_command(parts, body, client, id)
                case ["history", *_]:
                    raise CommandRefused(f"Whose history? A right line: `{COMMAND} history 1a2b3c4d5e6f7a8b`.")
                case _:
                    await show(await _answer(parts, person_of(body), line))

        await told(parts, lambda sentence: show(Reply(text=sentence)), run())


async def _answer(parts: Parts, person: Person, line: str) -> Reply:
    match line.split():
        case []:
            return await _waiting(parts, person, Look())
        case ["overdue"]:
            return await _waiting(parts, person, Look(only=Only.OVERDUE))
        case ["mine"]:
            return await _mine(parts, person)
        case ["summary" | "digest", *words]:  # as it was called before
            return await _summary(parts, person, words)
        case ["help"]:
            return Reply(text="\n".join(HELP))
        case [id]:
            return await _one(parts, person, RequestId(id))
        case _:
            raise CommandRefused(f"`{COMMAND}` does not know `{literal(line)}`. `{COMMAND} help` shows what it knows.")


async def _waiting(parts: Parts, person: Person, look: Look) -> Reply:
    contents = await parts.inboxes.contents(person, look, lambda section: LISTED if section is Section.WAITING else 1)
    return Reply(text=approvals_list.waiting(parts.masking.contents(contents), parts.address))


async def _mine(parts: Parts, person: Person) -> Reply:
    contents = await parts.inboxes.contents(person, Look(), lambda section: LISTED if section is Section.ASKED else 1)
    return Reply(text=approvals_list.asked(parts.masking.contents(contents), parts.address))


async def _summary(parts: Parts, person: Person, words: Sequence[str]) -> Reply:
    if not words:
        summary = (await parts.storage.inbox(person)).summary
    else:
        summary = await parts.summaries.choose(person, words)
    if summary is None:
        return Reply(text=f"You get no summary. `{COMMAND} summary 09:00 weekdays` sends one each morning.")
    return Reply(
        text=f"You get a summary at {summary.schedule}, where something waits for you; next {moment(summary.next_at)}. "
        f"`{COMMAND} summary off` ends it."
    )


async def _one(parts: Parts, person: Person, id: RequestId) -> Reply:
    """The request's card, for its requester and for those who may answer."""
    by = Actor(person=person, surface=actor.COMMAND, at=parts.clock())
    task, request = await parts.tasks.look_at(by, id)
    view = parts.masking.view(View(message=wanted.card_of(request), task=task, request=request))
    card = render.draw(view)
    return Reply(text=card.text, blocks=card.blocks)
