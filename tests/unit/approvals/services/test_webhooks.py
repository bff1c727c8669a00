"""Programs are told at their own addresses: when each try comes, what is stored of it, and when it is given up."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from bot.approvals.model.errors import NotFound
from bot.approvals.model.facts import WebhookTried
from bot.approvals.model.ids import JSON
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Request
from bot.approvals.model.trace import Trace
from bot.approvals.model.webhook import GIVEN_UP_AFTER, Webhook, WebhookId
from bot.approvals.ports.storage import Change
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.webhooks import NotTaken, NotWanted, Reply, Taken
from bot.approvals.services.webhooks import CLAIM, PAUSES, Webhooks
from bot.storage.sqlite.store import SqliteStorage
from tests.support.builders import NOON, a_request, a_task, a_webhook, an_event, decided
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.telemetry import Heard
from tests.support.fakes.work import FakeWork

SECOND = timedelta(seconds=1)
AWAY = NotTaken(why="it answered 500")


@dataclass
class FakeSender:
    """Answers as it is told, and keeps what it was given."""

    replies: list[Reply] = field(default_factory=list)
    sent: list[tuple[str, WebhookId, dict[str, JSON]]] = field(default_factory=list)
    traces: list[Trace | None] = field(default_factory=list)

    def problem_with(self, url: str) -> str:
        return ""

    async def send(self, url: str, id: WebhookId, body: str, trace: Trace | None = None) -> Reply:
        self.sent.append((url, id, json.loads(body.encode())))
        self.traces.append(trace)
        return self.replies.pop(0) if self.replies else Taken()


@dataclass(kw_only=True)
class Desk:
    """A bot with one decided request, whose caller is to be told."""

    storage: SqliteStorage
    request: Request
    clock: ManualClock
    sender: FakeSender = field(default_factory=FakeSender)
    telemetry: Telemetry = SILENT
    work: FakeWork = field(default_factory=FakeWork)

    @property
    def webhooks(self) -> Webhooks:
        async def shown(webhook: Webhook) -> JSON:
            return {"id": webhook.request_id, "tries": webhook.attempts}

        return Webhooks(
            storage=self.storage,
            sender=self.sender,
            shown=shown,
            work=self.work,
            clock=self.clock,
            chance=lambda: 0.5,
            telemetry=self.telemetry,
        )

    async def stored(self) -> Webhook:
        (webhook,) = await self.storage.webhooks_of(self.request.task_id)
        return webhook

    async def send(self, *replies: Reply) -> Webhook:
        """One pass, in which the receiver answers so."""
        self.sender.replies = list(replies)
        await self.webhooks.send(self.request.task_id)
        return await self.stored()

    async def events(self) -> list[tuple[str, object]]:
        history = await self.storage.history(self.request.task_id)
        return [(event.kind, event.data) for event in history if event.kind.startswith("webhook")]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    storage, task = await SqliteStorage.open(":memory:"), a_task()
    request = a_request(task=task)
    await storage.create_task(task, an_event("started", task))
    await storage.open_request(request, an_event("opened", request))
    change = Change(
        record=replace(request, state=decided()), event=an_event("decided", request), webhooks=[a_webhook(of=request)]
    )
    await storage.save_all([change])
    yield Desk(storage=storage, request=request, clock=ManualClock(NOON))
    await storage.close()


async def test_a_program_is_told_where_the_answer_is_traced(desk: Desk) -> None:
    """The webhook carries the trace of the answer: with a span of its own, if this process traces too."""
    stored, answered = await desk.stored(), Trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    traced = await desk.storage.save_webhook(replace(stored, trace=answered))
    heard = Heard(tracing=True)

    await desk.send()
    await desk.storage.save_webhook(replace(await desk.stored(), next_try=traced.next_try))
    desk.telemetry = heard
    await desk.send()

    (span,) = heard.spans
    assert span.parent == answered
    assert desk.sender.traces == [answered, span.at]


async def test_what_is_due_is_sent_once_and_noted(desk: Desk) -> None:
    webhook = await desk.send()
    await desk.send()

    assert desk.sender.sent == [
        (
            "https://hooks.example.com/approvals",
            "msg-1",
            {
                "type": "request.decided",
                "timestamp": "2030-01-02T12:00:00+00:00",
                "data": {"id": "request-1", "tries": 1},
            },
        )
    ]
    assert (webhook.attempts, webhook.next_try, webhook.delivered_at) == (1, None, NOON)
    assert not webhook.given_up
    told = {"webhook": "msg-1", "type": "request.decided", "host": "hooks.example.com", "attempts": 1}
    assert await desk.events() == [("webhook_delivered", told)]


async def test_any_text_that_json_may_hold_can_be_sent(desk: Desk) -> None:
    async def odd(webhook: Webhook) -> JSON:
        return {"question": "schön \ud83d"}

    await replace(desk.webhooks, shown=odd).send(desk.request.task_id)

    ((_, _, body),) = desk.sender.sent
    assert body["data"] == {"question": "schön \ud83d"}


async def test_what_is_not_due_is_left_alone(desk: Desk) -> None:
    webhook = await desk.stored()
    await desk.storage.save_webhook(replace(webhook, next_try=NOON + SECOND))

    await desk.send()

    assert desk.sender.sent == []


async def test_each_try_comes_later_than_the_one_before_and_the_last_after_three_days(desk: Desk) -> None:
    pauses: list[timedelta] = []
    while not (webhook := await desk.send(AWAY)).given_up:
        assert webhook.next_try is not None
        assert webhook.failure == "it answered 500"
        pauses.append(webhook.next_try - desk.clock())
        desk.clock.now = webhook.next_try

    longer = 1.1  # half of what chance may add
    assert pauses[: len(PAUSES)] == [pause * longer for pause in PAUSES]
    assert set(pauses[len(PAUSES) : -1]) == {PAUSES[-1] * longer}
    assert desk.clock() - NOON == GIVEN_UP_AFTER
    assert webhook.attempts == len(pauses) + 1
    assert len({id for _, id, _ in desk.sender.sent}) == 1
    ((kind, data),) = await desk.events()
    assert kind == "webhook_given_up"
    assert isinstance(data, dict)
    assert data["failure"] == "it answered 500"


async def test_each_try_is_told_with_what_came_of_it(desk: Desk) -> None:
    """By a word for the error, which names no address."""
    heard = desk.telemetry = Heard()
    webhook = await desk.send(replace(AWAY, error="status 500"))
    assert webhook.next_try is not None
    desk.clock.now = webhook.next_try
    await desk.send(NotWanted(why="it answered 410", error="status 410"))

    told = [(fact.outcome, fact.tries, fact.error) for fact in heard.of(WebhookTried)]
    assert told == [("failed", 1, "status 500"), ("given_up", 2, "status 410")]


async def test_the_receiver_may_ask_for_more_time(desk: Desk) -> None:
    webhook = await desk.send(NotTaken(why="it answered 503", retry_after=timedelta(minutes=7)))

    assert webhook.next_try == NOON + timedelta(minutes=7)

    desk.clock.now = webhook.next_try
    webhook = await desk.send(NotTaken(why="it answered 503", retry_after=SECOND))

    assert webhook.next_try == desk.clock() + PAUSES[1] * 1.1, "never sooner than without"


async def test_who_wants_no_more_is_told_no_more_and_the_thread_is(desk: Desk) -> None:
    webhook = await desk.send(NotWanted(why="it answered 410"))

    assert webhook.given_up
    (message,) = await desk.storage.messages_of(desk.request.task_id)
    assert (message.kind, message.refused, message.shows) == (MessageKind.UNTOLD, "it answered 410", None)
    assert desk.work.syncs == [desk.request.task_id]
    assert [kind for kind, _ in await desk.events()] == ["webhook_given_up"]


async def test_a_try_is_counted_before_it_is_made(desk: Desk) -> None:
    """A process that dies while it sends leaves a webhook that is due again, once its claim is over."""

    async def dies(url: str, id: WebhookId, body: str, trace: Trace | None = None) -> Reply:
        claimed = await desk.stored()
        assert (claimed.attempts, claimed.next_try) == (1, NOON + CLAIM)
        raise KeyboardInterrupt

    desk.sender.send = dies  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        await desk.send()

    assert await desk.storage.due_webhooks(NOON, 9) == ()
    assert await desk.storage.due_webhooks(NOON + CLAIM, 9) == (await desk.stored(),)


async def test_of_two_that_send_at_once_one_does(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = await desk.stored()
    await desk.storage.save_webhook(replace(stale, attempts=1, next_try=NOON + CLAIM))

    async def as_it_was(task_id: object) -> tuple[Webhook, ...]:
        return (stale,)

    monkeypatch.setattr(desk.storage, "webhooks_of", as_it_was)
    await desk.webhooks.send(desk.request.task_id)

    assert desk.sender.sent == []


@pytest.mark.parametrize("reply", [Taken(), AWAY, NotWanted(why="it answered 410")])
async def test_a_try_that_took_too_long_changes_nothing_but_that_it_was_delivered(desk: Desk, reply: Reply) -> None:
    """Another process has begun the next try by then."""

    async def slowly(url: str, id: WebhookId, body: str, trace: Trace | None = None) -> Reply:
        mine = await desk.stored()
        await desk.storage.save_webhook(replace(mine, attempts=2, next_try=NOON + 2 * CLAIM))
        return reply

    desk.sender.send = slowly  # type: ignore[method-assign]
    webhook = await desk.send()

    assert webhook.attempts == 2
    assert (webhook.delivered_at is not None) is isinstance(reply, Taken)
    assert webhook.next_try == (None if isinstance(reply, Taken) else NOON + 2 * CLAIM)


async def test_what_two_have_delivered_is_noted_once(desk: Desk) -> None:
    async def twice(url: str, id: WebhookId, body: str, trace: Trace | None = None) -> Reply:
        mine = await desk.stored()
        await desk.storage.save_webhook(replace(mine, next_try=None, delivered_at=NOON - SECOND))
        return Taken()

    desk.sender.send = twice  # type: ignore[method-assign]
    webhook = await desk.send()

    assert webhook.delivered_at == NOON - SECOND
    assert await desk.events() == []


async def test_a_task_that_was_purged_has_nobody_to_tell(desk: Desk) -> None:
    async def gone(webhook: Webhook) -> JSON:
        raise NotFound("task", webhook.task_id)

    await replace(desk.webhooks, shown=gone).send(desk.request.task_id)

    assert desk.sender.sent == []


async def test_what_was_purged_while_it_was_sent_is_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(task_id: object) -> tuple[Webhook, ...]:
        return ()

    async def purged(url: str, id: WebhookId, body: str, trace: Trace | None = None) -> Reply:
        monkeypatch.setattr(desk.storage, "webhooks_of", none)
        return Taken()

    desk.sender.send = purged  # type: ignore[method-assign]
    await desk.webhooks.send(desk.request.task_id)

    assert await desk.events() == []
