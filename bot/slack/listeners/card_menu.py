"""The menu of a card, the modals behind it, and the button that takes a vote back."""

from __future__ import annotations

from bot.approvals.model.errors import CannotDelegate
from bot.slack import actions
from bot.slack.actions import RequestTarget
from bot.slack.listeners import buttons, history_button
from bot.slack.listeners.acts import Click, Submission
from bot.slack.listeners.context import Parts
from bot.slack.modals import side_action_modals
from bot.slack.modals.views import Modal, Problems
from bot.slack.refusals import worded


async def choose(parts: Parts, click: Click) -> None:
    """Do what the option stands for, or open its modal if the person could do it now."""
    deed, target = actions.chosen(click.option)
    match deed:
        case actions.EXTEND:
            await parts.side_actions.extend(click.actor, target.request)
        case actions.NUDGE:
            await parts.side_actions.nudge(click.actor, target.request)
        case actions.EDIT | actions.RESPOND | actions.EACH:
            await buttons.open_answer(parts, click, target, deed)
        case actions.VIEW_ALL:
            await buttons.open_whole(parts, click, target)
        case actions.HISTORY:
            await click.open(await history_button.trail(parts, click.actor, target))
        case _:
            async with click.in_time():
                view = await _form(parts, click, deed, target)
            await click.open(view)


async def withdraw(parts: Parts, click: Click) -> None:
    """Take back one's vote, or the vote that one gave to a colleague."""
    await parts.side_actions.withdraw(click.actor, click.request.request)


async def comment(parts: Parts, sent: Submission) -> Problems | None:
    """Ask the requester something."""
    words = side_action_modals.question(sent.state)
    if not words:
        return side_action_modals.question_problem("Please write what you would like to know.")
    await parts.side_actions.comment(sent.actor, sent.target.request, words)
    return None


async def delegate(parts: Parts, sent: Submission) -> Problems | None:
    """Give one's vote to a colleague."""
    colleague = side_action_modals.colleague(sent.state)
    if colleague is None:
        return side_action_modals.colleague_problem("Please choose a colleague.")
    try:
        await parts.side_actions.delegate(sent.actor, sent.target.request, colleague)
    except CannotDelegate as refusal:
        return side_action_modals.colleague_problem(worded(refusal))
    return None


async def cancel(parts: Parts, sent: Submission) -> None:
    """End the task, if it is the person's own."""
    request = await parts.side_actions.check_requester(sent.actor, sent.target.request)
    await parts.tasks.cancel(sent.actor, request.task_id)


async def _form(parts: Parts, click: Click, deed: str, target: RequestTarget) -> Modal:
    match deed:
        case actions.COMMENT:
            request = await parts.side_actions.check(click.actor, target.request)
            view = side_action_modals.comment(await parts.shown(request))
        case actions.DELEGATE:
            request = await parts.side_actions.check_own(click.actor, target.request)
            view = side_action_modals.delegate(await parts.shown(request))
        case actions.CANCEL:
            request = await parts.side_actions.check_requester(click.actor, target.request)
            task = await parts.reading.task(request.task_id)
            view = side_action_modals.cancel(await parts.shown(request), task)
        case _:
            raise ValueError(f"{deed} is nothing that the menu offers")
    return click.remembering(view, request)
