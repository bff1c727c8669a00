"""Buttons: each is acknowledged first, then checked and recorded; the cards follow the record."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model.actor import Actor
from bot.approvals.model.decision import Approve, Choose, ItemVerdict
from bot.approvals.model.errors import AlreadySettled, DrawnBefore, StaleVersion, Unreachable
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.request import Request
from bot.slack import actions
from bot.slack.api import files
from bot.slack.listeners.context import (
    Body,
    Parts,
    actor_of,
    in_modal,
    message_behind,
    on_home,
    person_of,
    place_of,
    told,
)
from bot.slack.modals import answer_modal, edit_modal, question_pages, start_modal

IN_TIME = 2.5
"""Seconds in which a click is checked; the trigger that opens its modal lives three (Slack: trigger_id)."""


_CHANGED = "*This has changed while you were reading*, so it begins anew here."
FORMS = re.compile(r"^(approve_why|reject|respond|choose|each|edit(:\d+)?)$")
"""The buttons that open a modal to be answered."""


def register(app: AsyncApp, parts: Parts) -> None:
    @app.action(actions.APPROVE)
    async def approve(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await _counted(ack, told(parts, parts.whisper(body), _vote_all(parts, body)))

    @app.action(actions.CHOICES)
    async def choose(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await _counted(ack, told(parts, parts.whisper(body), _vote_choice(parts, body)))

    @app.action(FORMS)
    async def open_modal(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await told(parts, parts.whisper(body), _open_form(parts, body, client))

    @app.action(actions.VIEW_ALL)
    async def view_all(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await told(parts, parts.whisper(body), _view_all(parts, body, client))

    @app.action(actions.REVIEW)
    async def review(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await told(parts, parts.whisper(body), _view_all(parts, body, client, review=True))

    @app.action(actions.WHICH)
    async def edit_one(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await told(parts, parts.whisper(body), _open_edit(parts, body, client))

    @app.action(actions.ARGUMENTS)
    async def choose_arguments(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await told(parts, parts.whisper(body), _choose_arguments(parts, body, client))

    @app.action(actions.PAGES)
    async def turn_page(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await told(parts, parts.whisper(body), _turn_page(parts, body, client))

    @app.action(actions.RETRY)
    async def retry(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await ack()
        await told(parts, parts.whisper(body), _retry(parts, body))

    @app.action(actions.ANSWER_AGAIN)
    async def answer_again(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await _counted(ack, told(parts, parts.whisper(body), _answer_again(parts, body)))

    @app.action(actions.TAKE_BACK)
    async def take_back(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await _counted(ack, told(parts, parts.whisper(body), _take_back(parts, body)))

    @app.action(actions.GRAPH)
    async def choose_graph(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await told(parts, parts.whisper(body), _choose_graph(parts, body, client))


async def _counted(ack: AsyncAck, vote: Coroutine[Any, Any, None]) -> None:
    """Acknowledge a vote once it is stored, or when Slack would wait no longer: a process that dies before that has
    promised nothing, and Slack says so to the person."""
    task = asyncio.create_task(vote)
    await asyncio.wait([task], timeout=IN_TIME)
    await ack()
    await task


async def _vote_all(parts: Parts, body: Body) -> None:
    target = actions.request_target(pressed_in(body)["value"])
    async with brought_level(parts, body):
        request = await parts.storage.request(target.request)
        verdicts: tuple[ItemVerdict, ...] = tuple(Approve() for _ in request.question.items)
        await parts.answers.vote(await actor_of(parts, body), target.shown, verdicts)
    await _taken(parts, body)


async def _vote_choice(parts: Parts, body: Body) -> None:
    pressed = pressed_in(body)
    target = actions.request_target(pressed["value"])
    async with brought_level(parts, body):
        request = await parts.storage.request(target.request)
        choices = request.question.choices
        index = actions.index(pressed["action_id"])
        if index >= len(choices):
            raise StaleVersion(target.request)
        verdicts = (Choose(choice=choices[index]),)
        await parts.answers.vote(await actor_of(parts, body), target.shown, verdicts)
    await _taken(parts, body)


async def _taken(parts: Parts, body: Body) -> None:
    """Say in the review in which an answer was given that it was taken; on a message, the message says it."""
    if (view_id := in_modal(body)) is not None:
        said = "Your answer is recorded. The card shows what became of it."
        await parts.messenger.put_in(view_id, answer_modal.notice("Thank you", said))


async def _open_form(parts: Parts, body: Body, client: AsyncWebClient) -> None:
    """Open the modal that the button stands for, for one who could answer now; else say why not."""
    pressed = pressed_in(body)
    target = actions.request_target(pressed["value"])
    await _answering(parts, body, client, target, pressed["action_id"])


async def _open_edit(parts: Parts, body: Body, client: AsyncWebClient) -> None:
    """Open the edit of the action that was chosen in the menu of a review."""
    number = int(pressed_in(body)["selected_option"]["value"])
    target = actions.request_target(body["view"]["private_metadata"])
    await _answering(parts, body, client, target, actions.indexed(actions.EDIT, number))


async def _answering(
    parts: Parts, body: Body, client: AsyncWebClient, target: actions.RequestTarget, action_id: str
) -> None:
    async with brought_level(parts, body):
        try:
            async with asyncio.timeout(IN_TIME):
                request = await parts.answers.check(await actor_of(parts, body), target.shown)
        except TimeoutError:
            raise Unreachable from None
        form = parts.modal(_form(await parts.shown(request), action_id))
        await shown(client, body, opened_from(form, request, body))


async def shown(client: AsyncWebClient, body: Body, view: answer_modal.Modal) -> None:
    """Open the modal; on top of the one in which the button was pressed, so that closing it leads back there."""
    if in_modal(body) is None:
        await client.views_open(trigger_id=body["trigger_id"], view=view)
    else:
        await client.views_push(trigger_id=body["trigger_id"], view=view)


def opened_from(view: answer_modal.Modal, request: Request, body: Body) -> answer_modal.Modal:
    """The modal, which remembers the message from which it is opened, also through another modal."""
    place = place_of(body)
    message = place.message if place else message_behind(body)
    target = replace(actions.RequestTarget.of(request), message=message)
    return {**view, "private_metadata": target.encoded()}


def _form(request: Request, action_id: str) -> answer_modal.Modal:
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
            return answer_modal.edit(request, actions.index(action_id))


async def _view_all(parts: Parts, body: Body, client: AsyncWebClient, *, review: bool = False) -> None:
    request = await _seen(parts, body)
    view, last = await _page(parts, request, 0, review=review)
    await shown(client, body, opened_from(view, request, body))
    if last:
        await parts.answers.viewed(await actor_of(parts, body), request)


async def _turn_page(parts: Parts, body: Body, client: AsyncWebClient) -> None:
    """Show the next page. Of a review of what has changed since it was opened, the first: nobody shall answer what they
    have read only in part."""
    pressed, view = pressed_in(body), body["view"]
    request = await _seen(parts, body)
    review = actions.callback(view) == actions.REVIEW
    begun = actions.request_target(view["private_metadata"])
    changed = review and (begun.version, begun.digest) != (request.version, request.digest)
    number = 0 if changed else actions.index(pressed["action_id"])
    page, last = await _page(parts, request, number, review=review, note=_CHANGED if changed else "")
    turned = opened_from(page, request, body)
    await client.views_update(view_id=view["id"], hash=view["hash"], view=turned)
    if last:
        await parts.answers.viewed(await actor_of(parts, body), request)


async def _page(
    parts: Parts, request: Request, number: int, *, review: bool, note: str = ""
) -> tuple[answer_modal.Modal, bool]:
    """One page of the whole, and whether it is the last."""
    listed = await parts.storage.messages_of(request.task_id)
    filed = any(each.request_id == request.id and _holds(each, request.version) for each in listed)
    file = await files.named(request) if filed else None

    def drawn() -> tuple[answer_modal.Modal, bool]:  # it may be megabytes
        if review:
            view = answer_modal.review(request, number, file=file, note=note)
        else:
            view = answer_modal.view_all(request, number, file=file)
        return view, number + 1 >= question_pages.count(request, file, review=review)

    return await asyncio.to_thread(drawn)


async def _seen(parts: Parts, body: Body) -> Request:
    """The request that the button is about, for one who may see the whole of it, but for its secrets."""
    target = actions.request_target(pressed_in(body)["value"])
    try:
        async with asyncio.timeout(IN_TIME):
            request = await parts.answers.view(await actor_of(parts, body), target.request)
            return await parts.shown(request)
    except TimeoutError:
        raise Unreachable from None


def _holds(surface: Message, version: int) -> bool:
    """Whether it is the file, in the thread, of what is asked now."""
    stands = surface.ref is not None and not surface.refused
    return surface.kind is MessageKind.FILE and surface.version == version and stands


async def _choose_arguments(parts: Parts, body: Body, client: AsyncWebClient) -> None:
    """Show the chosen part of an edit's many arguments, for one who could still save them."""
    view = body["view"]
    target = actions.request_target(view["private_metadata"])
    item, part = edit_modal.chosen(str(pressed_in(body)["selected_option"]["value"]))
    async with brought_level(parts, body):
        request = await parts.answers.check(await actor_of(parts, body), target.shown)
    form = parts.modal(answer_modal.edit(await parts.shown(request), item, part))
    turned = opened_from(form, request, body)
    await client.views_update(view_id=view["id"], hash=view["hash"], view=turned)


async def _choose_graph(parts: Parts, body: Body, client: AsyncWebClient) -> None:
    """Show the chosen graph's own inputs in the form."""
    view = body["view"]
    form = start_modal.start(
        parts.engine.graphs(),
        chosen=start_modal.chosen(view["state"]),
        metadata=view["private_metadata"],
        quoted=start_modal.quoted(view),
    )
    await client.views_update(view_id=view["id"], hash=view["hash"], view=form)


async def _take_back(parts: Parts, body: Body) -> None:
    target = actions.request_target(pressed_in(body)["value"])
    await parts.answers.take_back(Actor(person=person_of(body), at=parts.clock()), target.request)


async def _answer_again(parts: Parts, body: Body) -> None:
    target = actions.request_target(pressed_in(body)["value"])
    async with brought_level(parts, body):
        await parts.answers.answer_again(await actor_of(parts, body), target.request)


async def _retry(parts: Parts, body: Body) -> None:
    match actions.target(pressed_in(body)["value"]):
        case actions.TaskTarget(task=task_id):
            pass
        case actions.RequestTarget(request=request_id):
            task_id = (await parts.storage.request(request_id)).task_id
    await parts.tasks.retry(await actor_of(parts, body), task_id)


def pressed_in(body: Body) -> Mapping[str, Any]:
    """The button that was pressed, or the menu in which something was chosen."""
    pressed: Mapping[str, Any] = body["actions"][0]
    return pressed


@asynccontextmanager
async def brought_level(parts: Parts, body: Body) -> AsyncIterator[None]:
    """Whoever clicks on a card that is behind is refused, and the card is drawn again, whatever it showed."""
    try:
        yield
    except (AlreadySettled, DrawnBefore, StaleVersion):
        place = place_of(body)
        message = place.message if place is not None else message_behind(body)
        if message is not None:
            await parts.tasks.redraw(message)
        if on_home(body):
            parts.homes.redraw(person_of(body))
        raise
