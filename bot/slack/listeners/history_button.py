"""The "History" button and `/approvals history`: the trail of one request, for those who may see its task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model.actor import COMMAND, Actor
from bot.approvals.model.errors import NotFound
from bot.approvals.model.ids import Person, RequestId, TaskId
from bot.approvals.model.request import Request
from bot.approvals.services.messages.masked import masked_event
from bot.slack import actions
from bot.slack.actions import RequestTarget, TaskTarget
from bot.slack.listeners.context import Body, Parts, message_of, person_of, told
from bot.slack.modals import history_modal
from bot.slack.modals.views import Modal


def register(app: AsyncApp, parts: Parts) -> None:
    @app.action(actions.HISTORY)
    async def opened(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await told(parts, parts.whisper(body), _opened(parts, body, client))

    @app.action(actions.HISTORY_PAGES)
    async def turned(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await told(parts, parts.whisper(body), _turned(parts, body, client))


async def by_command(parts: Parts, body: Body, client: AsyncWebClient, id: str) -> None:
    """Open the trail of the request of this id, or of the whole task. `NotFound`, or `NotYours` for others."""
    try:
        request = await parts.storage.request(RequestId(id))
    except NotFound:
        target: actions.Target = TaskTarget(task=TaskId(id))
    else:
        target = RequestTarget.of(request)
    view = await _trail(parts, person_of(body), target, COMMAND)
    await client.views_open(trigger_id=body["trigger_id"], view=view)


async def _opened(parts: Parts, body: Body, client: AsyncWebClient) -> None:
    target = actions.target(body["actions"][0]["value"])
    view = await _trail(parts, person_of(body), target, await message_of(parts, body))
    await client.views_open(trigger_id=body["trigger_id"], view=view)


async def _turned(parts: Parts, body: Body, client: AsyncWebClient) -> None:
    pressed, view = body["actions"][0], body["view"]
    page = actions.index(pressed["action_id"])
    turned = await _trail(parts, person_of(body), actions.target(pressed["value"]), None, page)
    await client.views_update(view_id=view["id"], hash=view["hash"], view=turned)


async def _trail(parts: Parts, person: Person, target: actions.Target, surface: str | None, page: int = 0) -> Modal:
    request: Request | None = None
    match target:
        case RequestTarget(request=id):
            request = await parts.storage.request(id)
            task_id = request.task_id
        case TaskTarget(task=task_id):
            pass
    actor = Actor(person=person, surface=surface, at=parts.clock())
    await parts.tasks.look(actor, task_id)
    records = await parts.storage.records_of(task_id)
    private = {each.id for each in records.requests if each.policy.private}
    masker, shown = parts.masking.masker(records), parts.masking.records(records)
    events = [masked_event(masker, event) for event in await parts.storage.history(task_id)]
    request = next((each for each in shown.requests if request is not None and each.id == request.id), None)
    return history_modal.trail(shown.task, request, events, records.messages, page, private=private)
