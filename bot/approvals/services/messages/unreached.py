"""The people and channels that a card could not be sent to, on the record and in the thread."""

from __future__ import annotations

from datetime import datetime

from bot.approvals.model.audit import event_of
from bot.approvals.model.ids import JSON
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.request import Unreached
from bot.approvals.ports.storage import Storage
from bot.approvals.rules import side_actions
from bot.approvals.services.messages import wanted
from bot.approvals.services.unit_of_work import until_won


async def note_unreached(storage: Storage, copy: Message, why: str, now: datetime) -> None:
    """Note that this copy cannot be sent, and have the thread told. To be called before the copy is given up, so that
    a crash forgets nothing."""
    asked_at = copy.created_at

    async def once() -> None:
        assert copy.request_id is not None  # noqa: S101 - it is a copy
        request = await storage.request(copy.request_id)
        before = [each for each in request.unreached if each.asked_at == asked_at]
        copies = [
            each.to or each.channel
            for each in await storage.messages_of(copy.task_id)
            if each.kind is MessageKind.COPY and each.request_id == request.id and each.created_at == asked_at
        ]
        sent = {whom for whom in (*copies, *(each.whom for each in before)) if whom is not None}
        missing = Unreached(person=copy.to, name=copy.channel or "", why=why, asked_at=asked_at)
        noted = side_actions.missed(request, [missing], sent)
        if noted is request:
            return
        data: dict[str, JSON] = {"why": why, **({"channel": copy.channel} if copy.channel else {})}
        event = event_of(noted, "unreached", now, person=copy.to, surface=copy.id, data=data)
        await storage.save_request(noted, event, [] if before else [wanted.unreached_of(request, asked_at)])

    await until_won(once)


async def note_unseen(storage: Storage, card: Message, why: str, now: datetime) -> None:
    """Note that the card itself cannot be posted where the request was asked. Nothing can be posted
    there, so nobody is told. To be called before the card is given up."""
    channel = (await storage.task(card.task_id)).channel

    async def once() -> None:
        assert card.request_id is not None  # noqa: S101 - it is a card
        request = await storage.request(card.request_id)
        missing = Unreached(name=channel, why=why, asked_at=request.open.opened_at)
        noted = side_actions.missed(request, [missing], ())
        if noted is not request:
            event = event_of(noted, "unreached", now, surface=card.id, data={"why": why, "channel": channel})
            await storage.save_request(noted, event)

    await until_won(once)
