"""Bare questions that the previous version asked, which took words alone: they open and go on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.approvals.model.audit import event_of
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.rules import lifecycle
from tests.support.agent_stage import Stage, a_stage, asks

ASKED = "Do you approve this action?"


async def as_before(stage: Stage, task: Task) -> Request:
    """The open request, as a record of the previous version is read."""
    now = await stage.question(task)
    (item,) = now.question.items
    before = replace(now.question, convention="unrejectable", items=(replace(item, verdicts=(Verdict.RESPOND,)),))
    record = replace(now, question=before, proposed=before)
    return await stage.storage.save_request(record, event_of(record, "changed", stage.clock.now))


async def test_words_are_delivered(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(ASKED, told=heard)) as stage:
        request = await as_before(stage, await stage.started())

        await stage.respond(request, "yes, go on")

        assert heard == ["yes, go on"]
        assert await stage.is_delivered(request)


async def test_silence_stops_the_task_and_the_graph_hears_nothing(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(ASKED, told=heard)) as stage:
        task = await stage.started()
        await as_before(stage, task)

        await stage.expire()

        assert heard == []
        assert (await stage.outcome(task)).startswith("Stopped: Nobody answered")


async def test_it_is_asked_anew_once_and_then_takes_a_no(tmp_path: Path) -> None:
    heard: list[Any] = []
    async with a_stage(tmp_path, asks(ASKED, told=heard)) as stage:
        task = await stage.started()
        await as_before(stage, task)

        for _ in range(3):
            await stage.delivery.drive(task.id)
        request = await stage.question(task)
        await stage.reject(request)

        assert (request.version, request.renewed_at) == (2, None)
        assert heard == [False]


@pytest.mark.parametrize("value", [{"question": "Which?", "answer": "text"}, {"question": "Go?", "details": {}}, [1]])
async def test_what_is_read_as_before_is_not_asked_anew(tmp_path: Path, value: Any) -> None:
    async with a_stage(tmp_path, asks(value)) as stage:
        task = await stage.started()
        request = await stage.question(task)

        await stage.delivery.drive(task.id)

        assert await stage.question(task) == request


async def test_a_message_answers_it_no_more(tmp_path: Path) -> None:
    async with a_stage(tmp_path, asks(ASKED)) as stage:
        request = await as_before(stage, await stage.started())

        assert not lifecycle.takes_words(request.question)
        assert request.asked_requester is None
