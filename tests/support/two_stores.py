"""A bot on the local Slack's clock, on SQLite or Redis, for all tests of a module; and its records, beside it.

A module imports `FIXTURES` by their names. Its tests run on SQLite; `on_both_stores` has one run on Redis too.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.ids import ChannelId, MessageRef, TaskId, Ts
from bot.approvals.model.message import Message as Record
from bot.approvals.model.message import MessageKind, revision_of
from bot.approvals.model.request import Delivered, Pending, Request, RequestState
from bot.approvals.model.task import Ended, Failed, Task
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.services.audit.proof import Broken, verify
from bot.storage.redis.store import RedisStorage, client
from bot.storage.sqlite.store import SqliteStorage
from simulator.client import Simulator
from tests.support.clocked import born
from tests.support.redis_server import RedisServer
from tests.support.stage import PEOPLE, WAIT, Bot, Message, Room, Slack, Thread

FIXTURES: Final = ("bot", "house", "houses", "room", "simulator", "store")
on_both_stores: Final = pytest.mark.parametrize("store", ["sqlite", "redis"], indirect=True)
MODULE: Final = "tests.support.moved_bot"
_IN_SYNC: Final = (MessageKind.OPENING, MessageKind.CARD, MessageKind.COPY)


@dataclass(slots=True, kw_only=True)
class House:
    """A local Slack whose clock nobody else reads, and the bot on it."""

    slack: Slack
    bot: Bot
    redis: RedisServer | None
    rooms: Iterator[int] = field(default_factory=itertools.count)

    @asynccontextmanager
    async def records(self) -> AsyncIterator[Storage]:
        """The records, beside the bot."""
        if self.redis is None:
            storage = await SqliteStorage.open(self.bot.folder / "state" / "countersign.sqlite")
            try:
                yield storage
            finally:
                await storage.close()
        else:
            async with client(self.redis.url) as redis:
                yield RedisStorage(redis)

    def end(self) -> None:
        self.bot.kill()
        self.slack.stop()
        if self.redis is not None:
            self.redis.kill()


@pytest.fixture
def store(request: pytest.FixtureRequest) -> str:
    """Which store the test runs on."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="module")
def houses(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], House]]:
    """The module's house on a store, which is built when it is first asked for."""
    built: dict[str, House] = {}

    def build(store: str) -> House:
        if store not in built:
            redis = tmp_path_factory.mktemp("redis") if store == "redis" else None
            built[store] = _built(request.module, tmp_path_factory.mktemp("house"), redis)
        return built[store]

    yield build
    for house in built.values():
        house.end()


def _built(module: Any, folder: Path, redis_folder: Path | None) -> House:
    redis = RedisServer(folder=redis_folder) if redis_folder is not None else None
    if redis is not None:
        redis.start()
    slack = Slack.start(folder)
    more = {"REDIS_URL": redis.url} if redis is not None else {}
    bot = Bot.prepare(
        folder / "bot",
        slack.environment,
        policy=module.POLICY,
        graphs=module.GRAPHS,
        **getattr(module, "SETTINGS", {}),
        **more,
    )
    return House(slack=slack, bot=bot, redis=redis)


@pytest.fixture
def house(houses: Callable[[str], House], store: str) -> House:
    return houses(store)


@pytest.fixture
async def simulator(house: House) -> AsyncIterator[Simulator]:
    """The control of the local Slack; what a test plans for it, or leaves open there, does not outlive the test."""
    async with Simulator.connect(house.slack.url) as simulator:
        yield simulator
        await simulator.clear_faults()
        for seat in map(simulator.seat, PEOPLE):
            if await seat.modal() is not None:
                await seat.close_modal(everything=True)


@pytest.fixture
async def bot(house: House, simulator: Simulator) -> Bot:
    """The module's bot, which is at work."""
    if house.bot.process is None or house.bot.process.poll() is not None:
        await born(house.bot, simulator, module=MODULE)
    return house.bot


@pytest.fixture
async def room(house: House, simulator: Simulator) -> Room:
    """A channel in which nothing has happened yet, and in which everybody is."""
    return Room(simulator, await simulator.names(), f"#room-{next(house.rooms)}")


# --- One task -----------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Case:
    """A task under way: what people see of it, and what is recorded."""

    house: House
    room: Room
    thread: Thread
    storage: Storage
    channel: ChannelId
    id: TaskId

    @property
    def simulator(self) -> Simulator:
        return self.room.simulator

    async def now(self) -> datetime:
        """The bot's time."""
        return datetime.fromtimestamp(float((await self.simulator.get("/sim/clock"))["now"]), UTC)

    async def later(self, **span: float) -> None:
        """Let so much time pass, in `timedelta`'s words."""
        await self.simulator.advance(timedelta(**span).total_seconds())

    async def restart(self, **span: float) -> None:
        """Kill the bot, let so much time pass, and start it again."""
        self.house.bot.kill()
        await self.later(**span)
        await born(self.house.bot, self.simulator, module=MODULE)

    # --- What is recorded -----------------------------------------------------------------------

    async def records(self) -> Records:
        return await self.storage.records_of(self.id)

    async def task(self) -> Task:
        return (await self.records()).task

    async def request(self, number: int = -1) -> Request:
        """The newest request, or another one."""
        return (await self.records()).requests[number]

    async def events(self, kind: str) -> list[AuditEvent]:
        """What happened of this kind, in its order."""
        return [each for each in await self.storage.history(self.id) if each.kind == kind]

    async def refusals(self) -> list[str]:
        """Why people were refused, by the kind of the refusal."""
        return [str(each.data["why"]) for each in await self.events("refused")]

    async def until(self, holds: Callable[[], Awaitable[object]], what: str) -> None:
        """Wait for what no message tells of."""
        end = time.monotonic() + WAIT
        while not await holds():
            assert time.monotonic() < end, f"{what} did not happen: {await self.records()}\n{self.house.bot.log}"
            await asyncio.sleep(0.02)

    async def stands(self, *states: type[RequestState], number: int = -1, version: int = 0) -> Request:
        """The request, once it is in one of these states, and in this version if one is given."""

        async def so() -> bool:
            requests = (await self.records()).requests
            if not requests or not -len(requests) <= number < len(requests):
                return False
            return isinstance(requests[number].state, states) and version in (0, requests[number].version)

        await self.until(so, f"{states} of request {number}")
        return await self.request(number)

    async def ended(self) -> Task:
        """The task, once it has ended or failed."""

        async def over() -> bool:
            return isinstance((await self.task()).state, Ended | Failed)

        await self.until(over, "the end of the task")
        return await self.task()

    async def outcome(self) -> str:
        """What the agent reported at its end."""
        state = (await self.ended()).state
        assert isinstance(state, Ended), state
        return state.outcome

    # --- What people see ------------------------------------------------------------------------

    async def shown(self, kind: MessageKind, number: int = -1) -> list[Message]:
        """The messages of this kind about a request, as they stand in Slack, once all are up to date."""
        await self.until(self._in_sync, "messages that are up to date")
        request = await self.request(number)
        kept = await self.storage.messages_of(self.id)
        found = [each for each in kept if each.kind is kind and each.request_id in (None, request.id)]
        return [await self._seen(each) for each in found if each.ref is not None and each.abandoned is None]

    async def card(self, number: int = -1) -> Message:
        """The card in the thread that shows this request now."""
        return (await self.shown(MessageKind.CARD, number))[-1]

    async def copies(self, number: int = -1) -> list[Message]:
        """The copies of the card, in DMs and in the policy's channel."""
        return await self.shown(MessageKind.COPY, number)

    async def agree(self, *words: str, offering: Sequence[str] = (), without: Sequence[str] = ()) -> str:
        """See that the card, each copy of it and the opening tell the same: they all hold these words, and none of
        those. The card and its copies offer these actions and no other answer. Returns the words of the card."""
        card, copies = await self.card(), await self.copies()
        (opening,) = await self.shown(MessageKind.OPENING)
        for message in (card, *copies):
            text = self.room.read(message)
            assert set(answers(message)) == set(offering), (answers(message), text)
            assert all(word in text for word in words), text
            assert not any(word in text for word in without), text
        text = self.room.read(opening)
        assert all(word in text for word in words), text
        assert not any(word in text for word in without), text
        return self.room.read(card)

    async def _in_sync(self) -> bool:
        records = await self.records()
        revisions = {each.id: each.revision for each in records.requests}
        for message in await self.storage.messages_of(self.id):
            if message.kind not in _IN_SYNC or message.abandoned or message.replaced:
                continue
            id = message.shows
            wanted = revision_of(records.task, records.requests) if id is None else revisions[id]
            if message.shown != wanted or message.ref is None or message.not_before is not None:
                return False
        return True

    async def _seen(self, record: Record) -> Message:
        assert record.ref is not None
        return await self.at(record.ref)

    async def at(self, ref: MessageRef) -> Message:
        """The message at this place, wherever that is."""
        for who in PEOPLE:
            for channel in await self.room.seat(who).channels():
                if channel["id"] != ref.channel:
                    continue
                shown = [*await self.room.seat(who).messages(ref.channel)]
                if ref.channel == self.channel:
                    shown += await self.room.seat(who).thread(ref.channel, self.thread.ts)
                return next(each for each in shown if each["ts"] == ref.ts)
        raise AssertionError(f"nobody sees {ref}")


@asynccontextmanager
async def case(house: House, room: Room, line: str, *, who: str = "alice") -> AsyncIterator[Case]:
    """A task that this command starts. At the end, the log of what happened proves itself."""
    thread = await room.start(line, who=who)
    channel = next(each["id"] for each in await room.seat(who).channels() if each["name"] == room.channel.lstrip("#"))
    async with house.records() as storage:
        id = await _task_at(storage, MessageRef(channel=ChannelId(channel), ts=Ts(thread.ts)))
        yield Case(house=house, room=room, thread=thread, storage=storage, channel=ChannelId(channel), id=id)
        proof = await verify(storage)
        assert not isinstance(proof, Broken), proof


async def _task_at(storage: Storage, opening: MessageRef) -> TaskId:
    """The task that this message opens, once the bot has noted that."""
    end = time.monotonic() + WAIT
    while (found := await storage.message_at(opening)) is None:
        assert time.monotonic() < end, "the task's opening is not recorded"
        await asyncio.sleep(0.02)
    return found.task_id


ANSWERS: Final = (
    *("approve", "approve_why", "reject", "respond", "choose", "edit", "each", "review"),
    *("undo", "keep", "take_back", "stop_delivery", "answer_again"),
)
"""The actions with which people answer, or call an answer off."""


def answers(message: Message) -> list[str]:
    """The answers that a message offers, by the names of its buttons."""
    elements = [each for block in message.get("blocks") or [] for each in block.get("elements", [])]
    return [each["action_id"] for each in elements if each.get("action_id", "").partition(":")[0] in ANSWERS]


__all__ = [
    "ANSWERS",
    "FIXTURES",
    "Case",
    "Delivered",
    "House",
    "Pending",
    "answers",
    "case",
    "on_both_stores",
    *FIXTURES,
]
