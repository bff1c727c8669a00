"""Modals that start a task or answer a request: what was sent is checked again, and then recorded.

Each returns what is wrong by field, or None if it is done. `Back` closes the modal alone, and not those below it.
"""

from __future__ import annotations

from dataclasses import replace

from bot.approvals.model.actor import COMMAND, Shown
from bot.approvals.model.decision import Approve, ItemVerdict, Reject
from bot.approvals.model.errors import InvalidAnswer, InvalidInputs, ReasonMissing
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Request
from bot.slack import actions, wording
from bot.slack.actions import RequestTarget
from bot.slack.listeners.acts import Submission, origin_of
from bot.slack.listeners.context import Parts
from bot.slack.modals import answer_modal, edit_modal, one_by_one_modal, start_modal
from bot.slack.modals.views import Back, Problems
from bot.slack.refusals import worded


async def approve(parts: Parts, sent: Submission) -> Problems | None:
    return await _with_reason(parts, sent, Approve)


async def reject(parts: Parts, sent: Submission) -> Problems | None:
    return await _with_reason(parts, sent, Reject)


async def respond(parts: Parts, sent: Submission) -> Problems | None:
    request = await _request(parts, sent)
    response = answer_modal.response(request, sent.state)
    if isinstance(response, Problems):
        return response
    try:
        await parts.votes.vote(sent.actor, sent.target.shown, (response,))
    except InvalidAnswer as invalid:
        return answer_modal.response_problem(request, invalid.field, invalid.problem)
    return None


async def choose(parts: Parts, sent: Submission) -> Problems | None:
    choice = answer_modal.choice(await _request(parts, sent), sent.state)
    if isinstance(choice, Problems):
        return choice
    await parts.votes.vote(sent.actor, sent.target.shown, (choice,))
    return None


async def each(parts: Parts, sent: Submission) -> Problems | None:
    """Answer several items one by one."""
    request = await _request(parts, sent)
    verdicts = answer_modal.verdicts(request, sent.state)
    if isinstance(verdicts, Problems):
        return verdicts
    try:
        await parts.votes.vote(sent.actor, sent.target.shown, verdicts)
    except InvalidAnswer as invalid:
        return one_by_one_modal.beside(request, invalid.item, invalid.field, invalid.problem)
    return None


async def edit(parts: Parts, sent: Submission) -> Problems | None:
    """Change one item's arguments. If the modal showed all that is asked, saving approves it as it is now, unless an
    approval needs a reason; else the rest is still to be read."""
    request = await _request(parts, sent)
    edited = answer_modal.edited(request, sent.state)
    if isinstance(edited, Problems):
        return edited
    if edit_modal.changes_nothing(request, edited):
        return await _as_it_is(parts, sent, request, edited)
    try:
        revised = await parts.votes.edit(sent.actor, sent.target.shown, edited.item, edited.arguments)
        if edit_modal.approves(request) and Verdict.APPROVE not in revised.policy.reasons:
            await parts.votes.vote(sent.actor, Shown.of(revised), (Approve(),))
    except InvalidAnswer as invalid:
        return edit_modal.problem(request, edited, invalid.field, invalid.problem)
    return None


async def edit_one(parts: Parts, sent: Submission) -> Problems | Back | None:
    """Change one item's arguments while several are answered one by one: the modal below then shows the new version,
    and keeps what was chosen for the other items."""
    request = await _request(parts, sent)
    edited = answer_modal.edited(request, sent.state)
    if isinstance(edited, Problems):
        return edited
    if edit_modal.changes_nothing(request, edited):
        return Back()
    try:
        revised = await parts.votes.edit(sent.actor, sent.target.shown, edited.item, edited.arguments)
    except InvalidAnswer as invalid:
        return edit_modal.problem(request, edited, invalid.field, invalid.problem)
    target = replace(RequestTarget.of(revised), message=sent.target.message)
    form = parts.modal(answer_modal.each(await parts.shown(revised), edited=edited.item))
    placed = await parts.messenger.put_in(sent.below, {**form, "private_metadata": target.encoded()})
    return Back() if placed else None


async def start(parts: Parts, sent: Submission) -> Problems | None:
    """Start a task."""
    name = start_modal.chosen(sent.state)
    graph = next((graph for graph in parts.agents.graphs() if graph.name == name), None)
    if graph is None:
        return Problems(by_block={actions.GRAPH: "Choose a graph to start."})
    spot = start_modal.Spot.decode(sent.metadata)
    try:
        words = start_modal.words(graph, sent.state)
        actor = replace(sent.actor, surface=COMMAND)
        origin = origin_of(sent.body)
        await parts.tasks.start(actor, name, words, spot.channel, thread_ts=spot.thread_ts, origin=origin)
    except InvalidInputs as invalid:
        return start_modal.problems(graph, invalid.problems)
    return None


# --- Within -------------------------------------------------------------------------------------


async def _with_reason(parts: Parts, sent: Submission, verdict: type[Approve | Reject]) -> Problems | None:
    request = await parts.reading.request(sent.target.request)
    reason = answer_modal.reason(sent.state)
    verdicts: tuple[ItemVerdict, ...] = tuple(verdict(reason=reason) for _ in request.question.items)
    try:
        await parts.votes.vote(sent.actor, sent.target.shown, verdicts)
    except ReasonMissing as missing:
        return answer_modal.reason_problem(worded(missing))
    return None


async def _as_it_is(parts: Parts, sent: Submission, request: Request, edited: edit_modal.Edited) -> Problems | None:
    """Somebody saved without a change: approve it if that is an answer, and make no new version in any case."""
    if not edit_modal.approves(request):
        return None
    if Verdict.APPROVE in request.policy.reasons:
        return edit_modal.problem(request, edited, "", "Nothing is changed yet; to approve it as it is, say why.")
    if Verdict.APPROVE not in wording.verdicts(request, edited.item):
        return edit_modal.problem(request, edited, "", "Nothing is changed yet, and as it is it cannot be approved.")
    await parts.votes.vote(sent.actor, sent.target.shown, (Approve(),))
    return None


async def _request(parts: Parts, sent: Submission) -> Request:
    """The request in the version that the modal showed, masked as there; `StaleVersion` if it has moved on."""
    return await parts.shown(await parts.votes.check(sent.actor, sent.target.shown))
