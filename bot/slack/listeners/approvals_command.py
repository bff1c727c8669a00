"""`/approvals`: what waits for whom, in private. `typed` lists the forms of the line, with a function for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.approvals.model.actor import Actor
from bot.approvals.model.ids import Person, RequestId
from bot.approvals.model.inbox import Look, Only, Section
from bot.slack.cards import render
from bot.slack.inbox import approvals_list
from bot.slack.listeners import history_button
from bot.slack.listeners.acts import Command, Reply
from bot.slack.listeners.context import Parts
from bot.slack.refusals import Refused
from bot.slack.text import literal, moment

COMMAND: Final = "/approvals"
SUBCOMMANDS: Final = ("mine", "overdue", "history", "summary", "help")
HELP: Final = (
    "*What waits for an answer*",
    f"• `{COMMAND}` shows what waits for you, with its buttons: highest risk first, then earliest deadline",
    f"• `{COMMAND} overdue` shows what has waited for too long",
    f"• `{COMMAND} mine` shows the tasks that you started, and where they stand",
    f"• `{COMMAND} &lt;id&gt;` shows one request, with its buttons",
    f"• `{COMMAND} history &lt;id&gt;` shows everything that happened to a request, or to a task",
    "*A message that tells you what waits*",
    f"• `{COMMAND} summary 09:00 weekdays` sends it at that time in your time zone, if something waits; "
    "`8:30 mon,thu` and `18:00 daily` work too",
    f"• `{COMMAND} summary off` stops it, and `{COMMAND} summary` shows when it comes next",
    "My Home shows all of this and is always up to date: click on my name, then on *Home*.",
)
LISTED: Final = 10


async def typed(parts: Parts, command: Command) -> Reply | None:
    """Answer the line in private; a history opens as a modal."""
    person = command.actor.person
    match command.line.split():
        case []:
            return await _waiting(parts, person, Look())
        case ["overdue"]:
            return await _waiting(parts, person, Look(only=Only.OVERDUE))
        case ["mine"]:
            return await _mine(parts, person)
        case ["history", id]:
            await history_button.by_command(parts, command, id)
            return None
        case ["history", *_]:
            raise Refused(f"Whose history? Try: `{COMMAND} history 1a2b3c4d5e6f7a8b`.")
        case ["summary" | "digest", *words]:  # as it was called before
            return await _summary(parts, person, words)
        case ["help"]:
            return Reply(text="\n".join(HELP))
        case [id]:
            return await _one(parts, command.actor, RequestId(id))
        case _:
            raise Refused(f"`{COMMAND}` does not know `{literal(command.line)}`. `{COMMAND} help` shows what it knows.")


async def _waiting(parts: Parts, person: Person, look: Look) -> Reply:
    contents = await parts.inboxes.contents(person, look, lambda section: LISTED if section is Section.WAITING else 1)
    shown = parts.masking.contents(contents)
    return Reply(text=approvals_list.waiting(shown, parts.address), blocks=approvals_list.rows(shown, parts.address))


async def _mine(parts: Parts, person: Person) -> Reply:
    contents = await parts.inboxes.contents(person, Look(), lambda section: LISTED if section is Section.ASKED else 1)
    return Reply(text=approvals_list.asked(parts.masking.contents(contents), parts.address))


async def _summary(parts: Parts, person: Person, words: Sequence[str]) -> Reply:
    if words:
        summary = await parts.summaries.choose(person, words)
    else:
        summary = await parts.reading.summary_of(person)
    if summary is None:
        return Reply(text=f"You get no summary. `{COMMAND} summary 09:00 weekdays` sends one each morning.")
    return Reply(
        text=f"You get a summary at {summary.schedule} if something waits for you; the next is due "
        f"{moment(summary.next_at)}. `{COMMAND} summary off` stops it."
    )


async def _one(parts: Parts, actor: Actor, id: RequestId) -> Reply:
    """The request's card, for its requester and for those who may answer."""
    card = render.draw(parts.masking.view(await parts.reading.card(actor, id)))
    return Reply(text=card.text, blocks=card.blocks)
