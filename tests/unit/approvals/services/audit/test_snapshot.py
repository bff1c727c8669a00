"""What a reader of the audit log alone can tell: what each version asked in full, of whom, and who said what of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.approvals.model.actor import COMMAND, Shown
from bot.approvals.model.agent import ThreadStatus
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.caller import Caller
from bot.approvals.model.decision import Respond
from bot.approvals.model.ids import Program
from bot.approvals.model.policy import Group, OnStale, Policy, Stage, UndoTerms
from bot.approvals.model.question import Item, Question, Risk, Verdict, Window
from bot.approvals.model.task import Task
from bot.approvals.services.audit.snapshot import full
from bot.storage.codec import _CONVERTER
from tests.support.builders import NOON, a_task
from tests.support.fakes.world import (
    ALICE,
    BOB,
    CHANNEL,
    FIRST,
    RITA,
    SECOND,
    World,
    a_request,
    a_world,
    item,
    policy,
    question,
)

TRANSFER = Question(
    shape="approval",
    title="Pay 9,000 EUR to ACME?",
    text="The invoice is due.",
    items=(
        Item(name="transfer", arguments={"amount": 9000, "to": "ACME"}, verdicts=(Verdict.APPROVE, Verdict.EDIT)),
        Item(name="notify", arguments={"who": ["ops"]}, verdicts=(Verdict.APPROVE,)),
    ),
    choices=("now", "later"),
    form={"type": "object", "properties": {"when": {"type": "string"}}},
    risk=Risk.HIGH,
    convention="approved",
    labels={"approve": "Pay"},
    payload={"question": "Pay 9,000 EUR to ACME?", "nested": [1, None, True]},
)


def asked_by(event: AuditEvent) -> Question:
    """The question, made of nothing but the event's data as it is exported."""
    return _CONVERTER.structure(json.loads(json.dumps(dict(event.data)))["question"], Question)


def test_the_event_of_an_offer_to_undo_says_for_how_long_since_when_and_how() -> None:
    window = Window(length=timedelta(minutes=10), at=NOON, how="Moves them back")
    asked = replace(TRANSFER, window=window)

    data = full(replace(a_request(), question=asked), a_task())

    assert _CONVERTER.structure(json.loads(json.dumps(data))["question"], Question) == asked


def test_the_event_says_which_program_asks_and_through_which_pages_people_may_answer() -> None:
    caller = Caller(source="billing", token="t", key="k", body="", url="https://billing.example/7", run="nightly")
    task = a_task(requester=Program(name="billing"), caller=caller)
    request = replace(a_request(), policy=replace(policy(), via=("portal",)))

    data: Any = full(request, task)

    assert data["task"]["requester"] == {"name": "billing"}
    assert data["task"]["source"] == {"name": "billing", "url": "https://billing.example/7", "run": "nightly"}
    assert data["policy"]["via"] == ["portal"]


def test_the_event_says_what_holds_after_the_decision() -> None:
    terms = replace(
        policy(),
        hold=timedelta(seconds=30),
        valid_for=timedelta(hours=1),
        on_stale=OnStale.STOP,
        undo=UndoTerms(approvers=("@leads",), requester=False),
    )

    data: Any = full(replace(a_request(), policy=terms), a_task())

    assert (data["policy"]["hold_seconds"], data["policy"]["valid_for_seconds"]) == (30.0, 3600.0)
    assert data["policy"]["on_stale"] == "stop"
    assert data["policy"]["undo"] == {"approvers": ["@leads"], "requester": False}
    assert json.loads(json.dumps(data)) == data


async def versions(world: World, task: Task) -> list[AuditEvent]:
    return [event for event in await world.storage.history(task.id) if "question" in event.data]


async def test_the_event_of_an_opened_request_holds_all_that_it_asks() -> None:
    async with a_world({FIRST: TRANSFER}) as world:
        task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {"invoice": "17"}, CHANNEL)
        await world.settle()

        (event,) = await world.history(task, "opened")
        (started,) = await world.history(task, "started")

    assert asked_by(event) == TRANSFER
    assert event.digest == TRANSFER.digest
    assert event.data["task"] == {
        "graph": "cleanup",
        "inputs": {"invoice": "17"},
        "place": "",
        "requester": {"team_id": "T1", "user_id": "U-RITA"},
        "source": None,
        "server": None,
    }
    assert [each["user_id"] for each in event.data["eligible"]] == ["U-ALICE", "U-BOB", "U-CAROL"]  # type: ignore[union-attr, index, call-overload]
    assert event.data["policy"] == {
        "rule": "default",
        "stages": [
            {
                "name": "",
                "groups": [{"approvers": ["U-ALICE", "U-BOB", "U-CAROL", "U-RITA", "U-GUS"], "needed": 1}],
                "reject_quorum": 1,
                "deadline_seconds": None,
            }
        ],
        "self_approval": False,
        "reasons": ["reject"],
        "private": False,
        "via": [],
        "hold_seconds": 0.0,
        "valid_for_seconds": None,
        "on_stale": "ask",
        "undo": {"approvers": [], "requester": True},
    }
    assert started.data == {"graph": "cleanup", "inputs": {"invoice": "17"}}


async def test_every_version_has_an_event_that_holds_it_and_each_vote_names_one_of_them() -> None:
    async with a_world({FIRST: question(), SECOND: question()}, otherwise=policy(quorum=2)) as world:
        task = await world.started()
        asked = await world.request(task, SECOND)
        edited = await world.answers.edit(world.actor(BOB), Shown.of(asked), 0, {"path": "/older"})
        await world.vote(ALICE, on=edited)
        world.engine.stages[0][SECOND] = question(item(arguments={"path": "/everything"}))
        for approver in (ALICE, BOB):
            await world.vote(approver, on=await world.request(task))
        await world.settle()
        request = await world.request(task, SECOND)
        for approver in (ALICE, BOB):
            await world.vote(approver, on=request)
        await world.settle()

        told = [event for event in await versions(world, task) if event.request_id == request.id]
        votes = [event for event in await world.history(task, "voted") if event.request_id == request.id]

    assert [(event.kind, event.data["version"]) for event in told] == [("opened", 1), ("edited", 2), ("asked_anew", 3)]
    assert [asked_by(event).digest for event in told] == [event.digest for event in told]
    held = {(event.data["version"], event.digest) for event in told}
    assert {(event.data["version"], event.digest) for event in votes} == {(2, told[1].digest), (3, told[2].digest)}
    assert all((event.data["version"], event.digest) in held for event in votes)


async def test_a_question_that_comes_back_is_held_in_full_with_what_was_wrong() -> None:
    async with a_world({FIRST: question(item(Verdict.RESPOND))}) as world:
        task = await world.started()
        request = await world.request(task)
        answers = world.engine.resume

        async def refusing(task: Task, *rest: Any) -> ThreadStatus:
            return replace(await world.engine.status(task), refused="only yes or no")

        world.engine.resume = refusing  # type: ignore[method-assign, assignment]
        await world.vote(ALICE, Respond(value="perhaps"), on=request)
        await world.settle()
        world.engine.resume = answers  # type: ignore[method-assign]

        (event,) = await world.history(task, "asked_again")

    assert event.data["objection"] == "only yes or no"
    assert event.data["version"] == 2
    assert asked_by(event).text == "only yes or no"
    assert asked_by(event).digest == event.digest


async def test_a_stage_that_passes_tells_who_may_answer_the_next() -> None:
    groups = [("U-ALICE", "U-BOB"), ("U-BOB", "U-CAROL")]
    stages = tuple(Stage(groups=(Group(approvers=approvers),)) for approvers in groups)
    async with a_world(otherwise=Policy(name="two stages", stages=stages)) as world:
        task = await world.started()
        await world.vote(ALICE, on=await world.request(task))

        (event,) = await world.history(task, "voted")

    assert [each["user_id"] for each in event.data["eligible"]] == ["U-BOB", "U-CAROL"]  # type: ignore[union-attr, index, call-overload]


def test_what_is_held_says_until_when_it_may_be_answered() -> None:
    from bot.approvals.model.policy import Expire, Step
    from tests.support.fakes.clock import MORNING

    hour = MORNING.replace(hour=10) - MORNING
    request = a_request(of=policy(steps=(Step(after=hour, action=Expire()),)))

    held = full(request, a_task())

    assert held["deadline"] == "2026-03-02T10:00:00+00:00"
    assert held["policy"]["stages"][0]["deadline_seconds"] == 3600.0  # type: ignore[index, call-overload]
