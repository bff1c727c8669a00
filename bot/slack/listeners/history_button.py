"""The "History" button, also in a card's menu: the trail of one request, for those who may see its task."""

from __future__ import annotations

from bot.approvals.model.actor import Actor
from bot.approvals.model.errors import NotFound
from bot.approvals.model.ids import RequestId, TaskId
from bot.approvals.services.messages.masked import masked_event
from bot.slack import actions
from bot.slack.actions import RequestTarget, Target, TaskTarget
from bot.slack.listeners.acts import Click, Command
from bot.slack.listeners.context import Parts
from bot.slack.modals import history_modal
from bot.slack.modals.views import Modal


async def open_trail(parts: Parts, click: Click) -> None:
    await click.open(await trail(parts, click.actor, click.target))


async def turn_page(parts: Parts, click: Click) -> None:
    page = actions.index(click.action_id)
    await click.turn(await trail(parts, click.actor, click.target, page))


async def by_command(parts: Parts, command: Command, id: str) -> None:
    """Open the trail of the request of this id, or of the whole task. `NotFound`, or `NotYours` for others."""
    target: Target
    try:
        target = RequestTarget.of(await parts.reading.request(RequestId(id)))
    except NotFound:
        target = TaskTarget(task=TaskId(id))
    await command.open(await trail(parts, command.actor, target))


async def trail(parts: Parts, actor: Actor, target: Target, page: int = 0) -> Modal:
    """The history's modal. Raises `NotFound`, or `NotYours` for people who may not see the task."""
    only: RequestId | None = None
    match target:
        case RequestTarget(request=request_id):
            task_id, only = (await parts.reading.request(request_id)).task_id, request_id
        case TaskTarget(task=task_id):
            pass
    found = await parts.reading.trail(actor, task_id)
    masker, shown = parts.masking.masker(found.records), parts.masking.records(found.records)
    request = next((each for each in shown.requests if each.id == only), None)
    return history_modal.trail(
        shown.task,
        request,
        [masked_event(masker, event) for event in found.events],
        found.records.messages,
        page,
        private={each.id for each in found.records.requests if each.policy.private},
    )
