"""The "History" button: the trail of one request, for those who may see its task."""

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
    await click.open(await _trail(parts, click.actor, click.target))


async def turn_page(parts: Parts, click: Click) -> None:
    page = actions.index(click.action_id)
    await click.turn(await _trail(parts, click.actor, click.target, page))


async def by_command(parts: Parts, command: Command, id: str) -> None:
    """Open the trail of the request of this id, or of the whole task. `NotFound`, or `NotYours` for others."""
    target: Target
    try:
        target = RequestTarget.of(await parts.reading.request(RequestId(id)))
    except NotFound:
        target = TaskTarget(task=TaskId(id))
    await command.open(await _trail(parts, command.actor, target))


async def _trail(parts: Parts, actor: Actor, target: Target, page: int = 0) -> Modal:
    only: RequestId | None = None
    match target:
        case RequestTarget(request=request_id):
            task_id, only = (await parts.reading.request(request_id)).task_id, request_id
        case TaskTarget(task=task_id):
            pass
    trail = await parts.reading.trail(actor, task_id)
    masker, shown = parts.masking.masker(trail.records), parts.masking.records(trail.records)
    request = next((each for each in shown.requests if each.id == only), None)
    return history_modal.trail(
        shown.task,
        request,
        [masked_event(masker, event) for event in trail.events],
        trail.records.messages,
        page,
        private={each.id for each in trail.records.requests if each.policy.private},
    )
