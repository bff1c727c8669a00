"""The modals behind a card's menu: ask the requester, delegate, cancel. Pure."""

from __future__ import annotations

from typing import Final

from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.ids import UserId
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.slack import actions, blocks
from bot.slack.blocks import Block
from bot.slack.cards import programs, servers
from bot.slack.forms import fields
from bot.slack.forms.fields import State
from bot.slack.forms.problems import Problems
from bot.slack.modals import views
from bot.slack.modals.views import Modal

COLLEAGUE: Final = "colleague"
QUESTION: Final = "question"
MAX_QUESTION_CHARACTERS: Final = 1000


# --- Ask the requester --------------------------------------------------------------------------


def comment(request: Request) -> Modal:
    """Asks for the question to the requester."""
    field: Block = {
        "type": "input",
        "block_id": QUESTION,
        "label": blocks.plain("Your question", 150),
        "element": {
            "type": "plain_text_input",
            "action_id": fields.VALUE,
            "multiline": True,
            "max_length": MAX_QUESTION_CHARACTERS,
            "focus_on_load": True,
        },
        "hint": blocks.plain("The requester is asked in the thread and can answer there. This is not a vote.", 150),
    }
    return views.about(request, "Ask the requester", actions.COMMENT, [field], submit="Ask")


def question(state: State) -> str:
    words = state.get("values", {}).get(QUESTION, {}).get(fields.VALUE, {}).get("value")
    return str(words or "").strip()


def question_problem(sentence: str) -> Problems:
    return Problems(by_block={QUESTION: sentence})


# --- Delegate -----------------------------------------------------------------------------------


def delegate(request: Request) -> Modal:
    """Asks which colleague gets the vote."""
    field: Block = {
        "type": "input",
        "block_id": COLLEAGUE,
        "label": blocks.plain("Who answers in your place?", 150),
        "element": {
            "type": "users_select",
            "action_id": fields.VALUE,
            "placeholder": blocks.plain("Choose a colleague", 150),
        },
        "hint": blocks.plain(
            "They get the card by direct message, and their answer counts as yours would. They cannot pass it on. "
            "You can take it back until they have answered.",
            300,
        ),
    }
    return views.about(request, "Delegate your vote", actions.DELEGATE, [field], submit="Delegate")


def colleague(state: State) -> UserId | None:
    """The id of the colleague who was chosen."""
    user_id = state.get("values", {}).get(COLLEAGUE, {}).get(fields.VALUE, {}).get("selected_user")
    return UserId(str(user_id)) if user_id else None


def colleague_problem(sentence: str) -> Problems:
    return Problems(by_block={COLLEAGUE: sentence})


# --- Cancel -------------------------------------------------------------------------------------


def cancel(request: Request, task: Task) -> Modal:
    """Says what cancelling ends, and asks to confirm it."""
    words = "Cancel the task"
    if servers.is_watched(task):
        words = "Cancel the request"
        told = (
            "Only what is asked here ends, and its cards say so. The thread"
            f"{servers.where(task.id)} is not told: it waits on, and can be answered there."
        )
    elif is_of_caller(request.task_id):
        told = f"The request is withdrawn, and {programs.agent(request)} is told so. It must not act on it."
    else:
        told = (
            "The task ends here: its open requests are closed, and the agent is not resumed. What it has done stays "
            "done."
        )
    return views.about(request, words, actions.CANCEL, [blocks.section(told)], submit=words)
