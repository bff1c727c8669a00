"""Questions in the form of Agent Inbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.approvals.model.decision import Approve, ItemVerdict, Reject, Respond
from bot.approvals.model.errors import VerdictNotOffered
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Verdict
from bot.engines import questions
from tests.support.agent_stage import a_stage, asks

ACTION = {"action": "write", "args": {"to": "ann", "n": 1}}


EVERYTHING = {"allow_accept": True, "allow_edit": True, "allow_respond": True, "allow_ignore": True}


def inbox(**config: Any) -> dict[str, Any]:
    return {"action_request": ACTION, "config": {**EVERYTHING, **config}, "description": "A letter."}


ACCEPTED = {"type": "accept", "args": ACTION}


IGNORED = {"type": "ignore", "args": None}


@pytest.mark.parametrize("value", [inbox(), [inbox()]], ids=["single", "list"])
@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (Approve(), ACCEPTED),
        (Reject(reason="no"), IGNORED),
        (Respond(value="shorter"), {"type": "response", "args": "shorter"}),
    ],
)
async def test_agent_inbox_is_answered_with_a_list(
    tmp_path: Path, value: Any, verdict: ItemVerdict, told: JSON
) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(value, told=heard)) as stage:
        request = await stage.question(await stage.started())

        await stage.vote(request, verdict)

        assert heard == [[told]]
        assert (request.question.title, request.question.text) == ("Write to ann?", "A letter.")
        assert request.question.labels == {"approve": "Accept", "reject": "Ignore"}


async def test_agent_inbox_hears_of_an_edit_with_the_whole_action(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks([inbox(), inbox()], told=heard)) as stage:
        request = await stage.question(await stage.started())

        await stage.edit(request, 1, n=2)
        await stage.approve(request)

        edited = {"type": "edit", "args": {"action": "write", "args": {"to": "ann", "n": 2}}}
        assert heard == [[ACCEPTED, edited]]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (inbox(), [[IGNORED]]),
        (inbox(allow_ignore=False), []),
        (inbox(allow_ignore=False, allow_accept=False, allow_edit=False), []),
        ([inbox(), inbox(allow_ignore=False)], []),
    ],
)
async def test_agent_inbox_ignores_what_nobody_answered_or_hears_nothing(
    tmp_path: Path, value: Any, told: list[JSON]
) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(value, told=heard)) as stage:
        task = await stage.started()

        await stage.expire()

        assert heard == told
        assert (await stage.outcome(task)).startswith("Stopped: Nobody answered") is not bool(told)


async def test_agent_inbox_takes_only_what_its_config_allows(tmp_path: Path) -> None:
    async with a_stage(tmp_path, asks(inbox(allow_ignore=False, allow_edit=False, allow_respond=False))) as stage:
        request = await stage.question(await stage.started())

        with pytest.raises(VerdictNotOffered):
            await stage.reject(request)

        assert request.question.items[0].verdicts == (Verdict.APPROVE,)


@pytest.mark.parametrize("at", ["beside", "config"])
def test_it_names_what_people_see_first(at: str) -> None:
    named = ["to", "n", "nothing"]
    value = inbox(summary=named) if at == "config" else {**inbox(), "summary": named}

    assert questions.read(value).summary == ("to", "n")
    assert questions.read([value, inbox()]).summary == ("to", "n")
    assert questions.read({**inbox(), "summary": "to"}).summary == ()
