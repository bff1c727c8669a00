"""Modals: what somebody submitted is checked again, and then recorded. Errors go to the field that they are about."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Coroutine, Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.approvals.model.actor import COMMAND, Actor, Shown
from bot.approvals.model.decision import Approve, ItemVerdict, Reject
from bot.approvals.model.errors import CountersignError, InvalidAnswer, InvalidInputs, ReasonMissing
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Request
from bot.slack import actions, text, wording
from bot.slack.listeners.context import Body, Parts, actor_of, person_of
from bot.slack.modals import answer_modal, edit_modal, one_by_one_modal, start_modal
from bot.slack.modals.answer_modal import Problems

log = logging.getLogger(__name__)

IN_TIME = 2.5
"""Seconds in which a submission is answered; Slack shows an error after three."""


def register(app: AsyncApp, parts: Parts) -> None:
    @app.view(actions.APPROVE_WHY)
    async def approve(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await submitted(parts, ack, _with_reason(parts, body, Approve))

    @app.view(actions.REJECT)
    async def reject(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await submitted(parts, ack, _with_reason(parts, body, Reject))

    @app.view(actions.RESPOND)
    async def respond(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await submitted(parts, ack, _respond(parts, body))

    @app.view(actions.CHOOSE)
    async def choose(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await submitted(parts, ack, _choose(parts, body))

    @app.view(actions.EACH)
    async def each(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await submitted(parts, ack, _each(parts, body))

    @app.view(actions.EDIT)
    async def edit(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await submitted(parts, ack, _edit(parts, body))

    @app.view(actions.START)
    async def start(ack: AsyncAck, body: Mapping[str, Any]) -> None:
        await submitted(parts, ack, _start(parts, body))


async def submitted(parts: Parts, ack: AsyncAck, work: Coroutine[Any, Any, Problems | None]) -> None:
    """Do it within Slack's patience and say how it went: errors at their fields, a refusal in the modal's place.

    What takes longer is not cut off: the modal says that it goes on, and the card will show it.
    """
    async with parts.busy():
        await _answer(parts, ack, asyncio.create_task(work))


async def _answer(parts: Parts, ack: AsyncAck, task: asyncio.Task[Problems | None]) -> None:
    done, _ = await asyncio.wait([task], timeout=IN_TIME)
    if not done:
        await _replace(ack, "Still at it", "Your answer is being recorded. The card will show it in a moment.")
    try:
        problems = await task
    except CountersignError as refusal:
        if done:
            await _replace(ack, "Not counted", text.visible(parts.masking.text(str(refusal))))
        else:
            log.warning("a submission was refused after its modal had to be answered: %s", refusal)
    except Exception:
        error_id = uuid.uuid4().hex[:8]
        log.exception("error %s: a submission failed", error_id)
        if done:
            await _replace(
                ack,
                "Something went wrong",
                f"Your answer may not have counted (error `{error_id}`). Please look at the card, and try again "
                "if it has not changed.",
            )
    else:
        if done and problems is not None:
            errors = {block: parts.masking.text(words) for block, words in problems.by_block.items()}
            await ack(response_action="errors", errors=errors)
        elif done:
            await ack(response_action="clear")


async def _replace(ack: AsyncAck, title: str, sentence: str) -> None:
    await ack(response_action="update", view=dict(answer_modal.notice(title, sentence)))


async def _with_reason(parts: Parts, body: Body, verdict: type[Approve | Reject]) -> Problems | None:
    target = target_of(body)
    request = await parts.storage.request(target.request)
    reason = answer_modal.reason(state_of(body))
    verdicts: tuple[ItemVerdict, ...] = tuple(verdict(reason=reason) for _ in request.question.items)
    try:
        await _vote(parts, body, verdicts)
    except ReasonMissing as missing:
        return answer_modal.reason_problem(str(missing))
    return None


async def _respond(parts: Parts, body: Body) -> Problems | None:
    request = await _request(parts, body)
    response = answer_modal.response(request, state_of(body))
    if isinstance(response, Problems):
        return response
    try:
        await _vote(parts, body, (response,))
    except InvalidAnswer as invalid:
        return answer_modal.response_problem(request, invalid.field, invalid.problem)
    return None


async def _choose(parts: Parts, body: Body) -> Problems | None:
    choice = answer_modal.choice(await _request(parts, body), state_of(body))
    if isinstance(choice, Problems):
        return choice
    await _vote(parts, body, (choice,))
    return None


async def _each(parts: Parts, body: Body) -> Problems | None:
    request = await _request(parts, body)
    verdicts = answer_modal.verdicts(request, state_of(body))
    if isinstance(verdicts, Problems):
        return verdicts
    try:
        await _vote(parts, body, verdicts)
    except InvalidAnswer as invalid:
        return one_by_one_modal.beside(request, invalid.item, invalid.field, invalid.problem)
    return None


async def _edit(parts: Parts, body: Body) -> Problems | None:
    """Change one item's arguments. If all that is asked was in view, saving is an approval of it as it is now, unless
    an approval has to say why; else the rest is still to be looked at."""
    request = await _request(parts, body)
    edited = answer_modal.edited(request, state_of(body))
    if isinstance(edited, Problems):
        return edited
    target = target_of(body)
    if edit_modal.changes_nothing(request, edited):
        return await _as_it_is(parts, body, request, edited)
    try:
        actor = await actor_of(parts, body)
        revised = await parts.answers.edit(actor, target.shown, edited.item, edited.arguments)
        if edit_modal.approves(request) and Verdict.APPROVE not in revised.policy.reasons:
            await parts.answers.vote(actor, Shown.of(revised), (Approve(),))
    except InvalidAnswer as invalid:
        return edit_modal.problem(request, edited, invalid.field, invalid.problem)
    return None


async def _as_it_is(parts: Parts, body: Body, request: Request, edited: edit_modal.Edited) -> Problems | None:
    """Somebody saved without a change: an approval where that is an answer, and no new version in any case."""
    if not edit_modal.approves(request):
        return None
    if Verdict.APPROVE in request.policy.reasons:
        return edit_modal.problem(request, edited, "", "Nothing is changed yet; an approval as it is has to say why.")
    if Verdict.APPROVE not in wording.verdicts(request, edited.item):
        return edit_modal.problem(request, edited, "", "Nothing is changed yet, and as it is it cannot be approved.")
    await _vote(parts, body, (Approve(),))
    return None


async def _start(parts: Parts, body: Body) -> Problems | None:
    view = body["view"]
    name = start_modal.chosen(state_of(body))
    graph = next((graph for graph in parts.engine.graphs() if graph.name == name), None)
    if graph is None:
        return Problems(by_block={actions.GRAPH: "Choose a graph to start."})
    spot = start_modal.Spot.decode(view["private_metadata"])
    try:
        words = start_modal.words(graph, state_of(body))
        actor = Actor(person=person_of(body), surface=COMMAND, at=parts.clock())
        await parts.tasks.start(actor, name, words, spot.channel, thread_ts=spot.thread_ts)
    except InvalidInputs as invalid:
        return start_modal.problems(graph, invalid.problems)
    return None


async def _vote(parts: Parts, body: Body, verdicts: tuple[ItemVerdict, ...]) -> None:
    await parts.answers.vote(await actor_of(parts, body), target_of(body).shown, verdicts)


async def _request(parts: Parts, body: Body) -> Request:
    """The request in the version that the modal showed, masked as there: `StaleVersion` where it has moved on."""
    request = await parts.answers.check(await actor_of(parts, body), target_of(body).shown)
    return await parts.shown(request)


def target_of(body: Body) -> actions.RequestTarget:
    return actions.request_target(body["view"]["private_metadata"])


def state_of(body: Body) -> Mapping[str, Any]:
    state: Mapping[str, Any] = body["view"]["state"]
    return state
