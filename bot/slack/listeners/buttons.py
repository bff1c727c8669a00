"""Buttons of cards and of modals: each votes, or opens or turns a modal for those who could answer."""

from __future__ import annotations

import asyncio
import re
from typing import Final

from bot.approvals.model.decision import Approve, Choose, ItemVerdict, Keep, Undo
from bot.approvals.model.errors import StaleVersion
from bot.approvals.model.request import Request
from bot.slack import actions
from bot.slack.actions import RequestTarget
from bot.slack.api import files
from bot.slack.listeners.acts import Click, in_modal
from bot.slack.listeners.context import Parts
from bot.slack.modals import answer_modal, edit_modal, question_pages, start_modal
from bot.slack.modals.views import Modal

FORMS: Final = re.compile(r"^(approve_why|reject|respond|choose|each|edit(:\d+)?)$")
"""The buttons that open a modal to be answered."""
_CHANGED: Final = "*This has changed while you were reading*, so it starts again from the first page."


# --- Votes --------------------------------------------------------------------------------------


async def approve(parts: Parts, click: Click) -> None:
    """Approve everything that is asked."""
    request = await parts.reading.request(click.request.request)
    verdicts: tuple[ItemVerdict, ...] = tuple(Approve() for _ in request.question.items)
    await parts.votes.vote(click.actor, click.request.shown, verdicts)
    await _thank(parts, click)


async def choose(parts: Parts, click: Click) -> None:
    """Answer with the choice that the button stands for."""
    request = await parts.reading.request(click.request.request)
    choices = request.question.choices
    index = actions.index(click.action_id)
    if index >= len(choices):
        raise StaleVersion(request.id)
    await parts.votes.vote(click.actor, click.request.shown, (Choose(choice=choices[index]),))
    await _thank(parts, click)


async def _thank(parts: Parts, click: Click) -> None:
    """Say in the review in which an answer was given that it is recorded; on a message, the message says it."""
    if (view_id := in_modal(click.body)) is not None:
        said = "Your answer is recorded. The card shows what became of it."
        await parts.messenger.put_in(view_id, answer_modal.notice("Thank you", said))


async def undo(parts: Parts, click: Click) -> None:
    """Have undone what the agent has done."""
    await parts.votes.vote(click.actor, click.request.shown, (Undo(),))
    await _thank(parts, click)


async def keep(parts: Parts, click: Click) -> None:
    """Leave what the agent has done as it is."""
    await parts.votes.vote(click.actor, click.request.shown, (Keep(),))
    await _thank(parts, click)


async def take_back(parts: Parts, click: Click) -> None:
    """Take back an answer that the agent does not have yet."""
    await parts.votes.take_back(click.actor, click.request.request)


async def stop(parts: Parts, click: Click) -> None:
    """Stop a decision that is held, so that the request is open again."""
    await parts.votes.stop(click.actor, click.request.request)


async def answer_again(parts: Parts, click: Click) -> None:
    """Open a question again whose answer made the agent fail."""
    await parts.votes.answer_again(click.actor, click.request.request)


async def retry(parts: Parts, click: Click) -> None:
    """Run a task again that an error has stopped."""
    match click.target:
        case actions.TaskTarget(task=task_id):
            pass
        case RequestTarget(request=request_id):
            task_id = (await parts.reading.request(request_id)).task_id
    await parts.tasks.retry(click.actor, task_id)


# --- Modals to answer in ------------------------------------------------------------------------


async def open_form(parts: Parts, click: Click) -> None:
    """Open the modal that the button stands for, if the person could answer now."""
    await open_answer(parts, click, click.request, click.action_id)


async def open_edit(parts: Parts, click: Click) -> None:
    """Open the edit of the action that was chosen in the menu of a review or of "One by one"."""
    target = actions.request_target(click.metadata)
    await open_answer(parts, click, target, actions.indexed(actions.EDIT, int(click.option)))


async def choose_arguments(parts: Parts, click: Click) -> None:
    """Show the chosen part of an edit's many arguments, if the person could still save them."""
    target = actions.request_target(click.metadata)
    item, part = edit_modal.chosen(click.option)
    request = await parts.votes.check(click.actor, target.shown)
    within = actions.callback(click.view) == actions.EDIT_ONE
    form = parts.modal(answer_modal.edit(await parts.shown(request), item, part, one_of_several=within))
    await click.turn(click.remembering(form, request))


async def choose_graph(parts: Parts, click: Click) -> None:
    """Show the chosen graph's own inputs in the form that starts a task."""
    form = start_modal.start(
        parts.agents.graphs(),
        chosen=start_modal.chosen(click.view["state"]),
        metadata=click.metadata,
        quoted=start_modal.quoted(click.view),
    )
    await click.turn(form)


async def open_answer(parts: Parts, click: Click, target: RequestTarget, action_id: str) -> None:
    """Open the modal of that name about what was shown, if the person could answer now."""
    async with click.in_time():
        request = await parts.votes.check(click.actor, target.shown)
    within = in_modal(click.body) is not None and actions.callback(click.view) == actions.EACH
    form = parts.modal(_form(await parts.shown(request), action_id, within=within))
    await click.open(click.remembering(form, request))


def _form(request: Request, action_id: str, *, within: bool) -> Modal:
    """The modal that the button opens. `within`: it is pressed while several items are answered one by one."""
    match action_id.partition(":")[0]:
        case actions.APPROVE_WHY:
            return answer_modal.approve(request)
        case actions.REJECT:
            return answer_modal.reject(request)
        case actions.RESPOND:
            return answer_modal.respond(request)
        case actions.CHOOSE:
            return answer_modal.choose(request)
        case actions.EACH:
            return answer_modal.each(request)
        case _:
            return answer_modal.edit(request, actions.index(action_id), one_of_several=within)


# --- The whole of a request, page by page -------------------------------------------------------


async def view_all(parts: Parts, click: Click) -> None:
    """Open the whole of a request."""
    await open_whole(parts, click, click.request)


async def review(parts: Parts, click: Click) -> None:
    """Open the whole of a request, with the answers on its last page."""
    await open_whole(parts, click, click.request, review=True)


async def turn_page(parts: Parts, click: Click) -> None:
    """Show the next page. If a review has changed since it was opened, show its first page: nobody is to answer what
    they have read only in part."""
    request = await _seen(parts, click, click.request)
    review = actions.callback(click.view) == actions.REVIEW
    begun = actions.request_target(click.metadata)
    changed = review and (begun.version, begun.digest) != (request.version, request.digest)
    number = 0 if changed else actions.index(click.action_id)
    page, last = await _page(parts, request, number, review=review, note=_CHANGED if changed else "")
    await click.turn(click.remembering(page, request))
    if last:
        await parts.votes.viewed(click.actor, request)


async def open_whole(parts: Parts, click: Click, target: RequestTarget, *, review: bool = False) -> None:
    """Open the first page of the whole of a request."""
    request = await _seen(parts, click, target)
    view, last = await _page(parts, request, 0, review=review)
    await click.open(click.remembering(view, request))
    if last:
        await parts.votes.viewed(click.actor, request)


async def _page(parts: Parts, request: Request, number: int, *, review: bool, note: str = "") -> tuple[Modal, bool]:
    """One page of the whole, and whether its reader has now been shown all that is asked."""
    file = await files.named(request) if await parts.reading.is_filed(request) else None
    caller = (await parts.reading.task(request.task_id)).caller

    def drawn() -> tuple[Modal, bool]:  # it may be megabytes
        if review:
            view = answer_modal.review(request, number, file=file, note=note)
        else:
            view = answer_modal.view_all(request, number, file=file, caller=caller)
        return view, question_pages.shows_all(request, number, file, review=review)

    return await asyncio.to_thread(drawn)


async def _seen(parts: Parts, click: Click, target: RequestTarget) -> Request:
    """The request, without its secrets, if the person may see the whole of it."""
    async with click.in_time():
        return await parts.shown(await parts.votes.view(click.actor, target.request))
