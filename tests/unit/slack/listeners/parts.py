"""What listeners work with, over a world of fakes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from bot.approvals.model.ids import ChannelId, MessageRef, Person, Ts, UserId
from bot.approvals.services.reading import Reading
from bot.slack.api.calls import web_client
from bot.slack.api.directory import SlackDirectory
from bot.slack.api.messenger import SlackMessenger
from bot.slack.api.names import Names
from bot.slack.listeners.context import Parts
from tests.support.fakes.secrets import masking
from tests.support.fakes.world import World


@asynccontextmanager
async def not_busy() -> AsyncIterator[None]:
    yield


@dataclass
class Whispers:
    """Stands for the messenger, as far as it tells people something in private."""

    told: list[tuple[Person, str]] = field(default_factory=list)
    places: list[tuple[ChannelId, Ts | None]] = field(default_factory=list)
    addresses: list[tuple[MessageRef, str]] = field(default_factory=list)

    async def tell(self, person: Person, channel: ChannelId, thread_ts: Ts | None, sentence: str, *_: Any) -> bool:
        self.told.append((person, sentence))
        self.places.append((channel, thread_ts))
        return True

    def clicked(self, ref: MessageRef, response_url: str) -> None:
        self.addresses.append((ref, response_url))


def parts_of(world: World, *, directory: object = None, messenger: object = None) -> Parts:
    """Nobody here waits for a card to be updated, as nothing updates it meanwhile."""
    return Parts(
        tasks=world.tasks,
        votes=world.answers,
        side_actions=world.side_actions,
        reading=Reading(storage=world.storage, tasks=world.tasks, patience=timedelta(0)),
        agents=world.engine,
        messenger=cast("SlackMessenger", messenger),
        masking=masking(),
        directory=cast("SlackDirectory", directory),
        names=Names(web_client("xoxb-1", "http://127.0.0.1:9/api/")),
        inboxes=world.inboxes,
        homes=world.homes,
        summaries=world.summaries,
        clock=world.clock,
        me=UserId("U0BOT"),
        address="https://acme.slack.com/",
        busy=not_busy,
    )
