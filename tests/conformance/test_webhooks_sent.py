"""Webhooks from real stores to a real receiver: at least once, whoever dies, and once if nobody does."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook as Signature

from bot.app.hooks import hooks
from bot.approvals.model.ids import JSON
from bot.approvals.model.webhook import Webhook
from bot.approvals.ports.storage import Change, Storage
from bot.approvals.services.audit.proof import Intact, verify
from bot.approvals.services.webhooks import CLAIM, Webhooks
from bot.settings import Settings
from bot.webhooks import sender
from bot.webhooks.allow_list import AllowList
from tests.conformance.stores import Store
from tests.support.builders import NOON, a_request, a_task, a_webhook, an_event, decided
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.fuse import Fuse, Killed, mortal
from tests.support.fakes.work import FakeWork

SECRET = f"whsec_{base64.b64encode(b's' * 32).decode()}"
PATIENCE = 20.0


@dataclass
class Receiver:
    """Keeps the id and the body of each webhook whose signature is right."""

    url: str = ""
    down: bool = False
    got: list[tuple[str, JSON]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append((headers["webhook-id"], Signature(SECRET).verify(await request.read(), headers)))
        self.came.set()
        return web.Response(status=500 if self.down else 204)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/", receiver.take)
    async with TestServer(application, host="127.0.0.1") as server:
        receiver.url = str(server.make_url("/"))
        yield receiver


async def told(storage: Storage, receiver: Receiver, name: str = "1") -> Webhook:
    """A decided request whose caller is to be told."""
    task = a_task(f"task-{name}")
    request = a_request(f"request-{name}", task)
    webhook = a_webhook(f"msg-{name}", request, url=receiver.url)
    await storage.create_task(task, an_event("started", task))
    await storage.open_request(request, an_event("opened", request))
    change = Change(record=replace(request, state=decided()), event=an_event("decided", request), webhooks=[webhook])
    await storage.save_all([change])
    return webhook


async def shown(webhook: Webhook) -> JSON:
    return {"id": webhook.request_id}


async def a_pass(storage: Storage, webhook: Webhook, clock: ManualClock) -> None:
    """One pass of a process over the webhooks of this one's task."""
    async with sender.sending(AllowList.read("127.0.0.1"), [SECRET]) as posts:
        work = FakeWork()
        webhooks = Webhooks(storage=storage, sender=posts, shown=shown, work=work, clock=clock)
        await webhooks.send(webhook.task_id)


@pytest.mark.parametrize("moment", ["after save_webhook", "before save_webhook"])
async def test_who_dies_between_a_try_and_its_result_leaves_it_to_the_next(
    store: Store, receiver: Receiver, moment: str
) -> None:
    """Before the receiver has it, and after it."""
    here, there, clock = await store.open(), await store.open(), ManualClock(NOON)
    webhook = await told(here, receiver)
    fuse = Fuse()
    await a_pass(mortal(here, fuse), await told(here, receiver, "measured"), clock)
    saves = [at for at, each in enumerate(fuse.moments) if each == moment]
    received = len(receiver.got)

    with pytest.raises(Killed):
        await a_pass(mortal(here, Fuse(saves[moment == "before save_webhook"])), webhook, clock)
    before = len(receiver.got) - received
    await a_pass(there, webhook, clock)
    untouched = len(receiver.got) - received
    clock.advance(CLAIM)
    await a_pass(there, webhook, clock)
    await a_pass(there, webhook, clock)

    assert (before, untouched) == ((0, 0) if moment == "after save_webhook" else (1, 1))
    assert len(receiver.got) - received == before + 1
    assert {id for id, _ in receiver.got[received:]} == {"msg-1"}
    (stored,) = await there.webhooks_of(webhook.task_id)
    assert (stored.attempts, stored.delivered_at) == (2, clock())
    events = await there.history(webhook.task_id)
    assert [event.kind for event in events if event.kind.startswith("webhook")] == ["webhook_delivered"]
    assert isinstance(await verify(there), Intact)


async def test_of_three_gateways_that_sweep_at_once_each_webhook_comes_from_one(
    store: Store, receiver: Receiver
) -> None:
    clock = ManualClock(NOON)
    settings = Settings(
        slack_bot_token="xoxb-1", slack_app_token="xapp-1", webhook_allow="127.0.0.1", webhook_secret=SECRET
    )
    storages = [await store.open() for _ in range(3)]
    webhooks = [await told(storages[0], receiver, str(number)) for number in range(6)]

    async def gateway(storage: Storage) -> None:
        async with hooks(settings, storage=storage, shown=shown, work=FakeWork(), clock=clock) as running:
            assert running.problem_with(receiver.url) == ""
            await running.sweep(clock())

    await asyncio.gather(*map(gateway, storages))

    assert sorted(id for id, _ in receiver.got) == sorted(webhook.id for webhook in webhooks)
    assert receiver.got[0][1] == {
        "type": "request.decided",
        "timestamp": "2030-01-02T12:00:00+00:00",
        "data": {"id": f"request-{receiver.got[0][0].removeprefix('msg-')}"},
    }
    assert await storages[0].due_webhooks(NOON + timedelta(days=9), 9) == ()


async def test_a_receiver_that_comes_back_is_told_in_the_end(store: Store, receiver: Receiver) -> None:
    storage, clock = await store.open(), ManualClock(NOON)
    webhook = await told(storage, receiver)
    receiver.down = True
    for _ in range(3):
        await a_pass(storage, webhook, clock)
        (stored,) = await storage.webhooks_of(webhook.task_id)
        assert stored.failure == "it answered 500"
        assert stored.next_try is not None
        clock.now = stored.next_try
    receiver.down = False

    await a_pass(storage, webhook, clock)

    (stored,) = await storage.webhooks_of(webhook.task_id)
    assert (stored.attempts, stored.delivered_at, stored.failure) == (4, clock(), "")
    assert {id for id, _ in receiver.got} == {"msg-1"}
