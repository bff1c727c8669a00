"""The menu of a card, what is behind it, and taking a vote back: acknowledged first, then checked and recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model.actor import Actor
from bot.approvals.model.errors import CannotDelegate, Unreachable
from bot.approvals.model.request import Request
from bot.slack import actions
from bot.slack.actions import RequestTarget
from bot.slack.listeners.buttons import IN_TIME, brought_level, opened_from, pressed_in
from bot.slack.listeners.context import Body, Parts, actor_of, person_of, told
from bot.slack.listeners.submissions import state_of, submitted, target_of
from bot.slack.modals import side_action_modals
from bot.slack.modals.views import Modal, Problems


def register(app: AsyncApp, parts: Parts) -> None:
    @app.action(actions.MORE)
    async def chosen(ack: AsyncAck, body: Mapping[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await told(parts, parts.whisper(body), _chosen(parts, body, client))

    @app.action(actions.WITHDRAW)
    async def withdraw(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await ack()
        await told(parts, parts.whisper(body), _withdraw(parts, body))

    @app.view(actions.COMMENT)
    async def comment(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await submitted(parts, ack, _comment(parts, body))

    @app.view(actions.DELEGATE)
    async def delegate(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await submitted(parts, ack, _delegate(parts, body))

    @app.view(actions.CANCEL)
    async def cancel(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await submitted(parts, ack, _cancel(parts, body))


async def _chosen(parts: Parts, body: Body, client: AsyncWebClient) -> None:
    """Do what the option stands for, or open its modal for one who could do it now; else say why not."""
    deed, target = actions.chosen(str(pressed_in(body)["selected_option"]["value"]))
    actor = await actor_of(parts, body)
    async with brought_level(parts, body):
        match deed:
            case actions.EXTEND:
                await parts.asides.extend(actor, target.request)
            case actions.NUDGE:
                await parts.asides.nudge(actor, target.request)
            case _:
                try:
                    async with asyncio.timeout(IN_TIME):
                        view = await _form(parts, body, deed, target)
                except TimeoutError:
                    raise Unreachable from None
                await client.views_open(trigger_id=body["trigger_id"], view=view)


async def _form(parts: Parts, body: Body, deed: str, target: RequestTarget) -> Modal:
    actor = Actor(person=person_of(body), at=parts.clock())
    match deed:
        case actions.COMMENT:
            request = await parts.asides.check(actor, target.request)
            return opened_from(side_action_modals.comment(await parts.shown(request)), request, body)
        case actions.DELEGATE:
            request = await parts.asides.check_own(actor, target.request)
            return opened_from(side_action_modals.delegate(await parts.shown(request)), request, body)
        case actions.CANCEL:
            request = await parts.asides.check_requester(actor, target.request)
            return opened_from(side_action_modals.cancel(await parts.shown(request)), request, body)
        case _:
            raise ValueError(f"{deed} is nothing that the menu offers")


async def _withdraw(parts: Parts, body: Body) -> None:
    target = actions.request_target(str(pressed_in(body)["value"]))
    async with brought_level(parts, body):
        await parts.asides.withdraw(await actor_of(parts, body), target.request)


async def _comment(parts: Parts, body: Body) -> Problems | None:
    words = side_action_modals.question(state_of(body))
    if not words:
        return side_action_modals.question_problem("Please write what you would like to know.")
    await parts.asides.comment(await actor_of(parts, body), target_of(body).request, words)
    return None


async def _delegate(parts: Parts, body: Body) -> Problems | None:
    colleague = side_action_modals.colleague(state_of(body))
    if colleague is None:
        return side_action_modals.colleague_problem("Please choose a colleague.")
    try:
        await parts.asides.delegate(await actor_of(parts, body), target_of(body).request, colleague)
    except CannotDelegate as refusal:
        return side_action_modals.colleague_problem(str(refusal))
    return None


async def _cancel(parts: Parts, body: Body) -> None:
    actor = await actor_of(parts, body)
    request: Request = await parts.asides.check_requester(actor, target_of(body).request)
    await parts.tasks.cancel(actor, request.task_id)
