"""What is on the record: each thing that happens, with who, from where, on what and by which rule."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.actor import COMMAND, Shown
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Choose, Reject
from bot.approvals.model.errors import (
    AlreadyExtended,
    AlreadySettled,
    MayNotVote,
    NotFound,
    NothingToRetry,
    NotYours,
    NudgedLately,
    StaleVersion,
    TaskFinished,
    Unreachable,
    VerdictNotOffered,
)
from bot.approvals.model.ids import MessageId, TaskId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Escalate, Expire, Remind, Step
from bot.approvals.model.request import Request
from bot.approvals.services.audit.proof import Intact, verify
from tests.support.fakes.world import ALICE, BOB, CHANNEL, DORA, RITA, STRANGER, World, a_world, policy

HOUR = timedelta(hours=1)
HERE = MessageId("here")
STEPS = (
    Step(after=HOUR, action=Remind()),
    Step(after=2 * HOUR, action=Escalate(to=("U-DORA",))),
    Step(after=3 * HOUR, action=Expire()),
)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def asked(world: World) -> Request:
    return await world.request(await world.started())


async def last(world: World, request: Request) -> AuditEvent:
    return (await world.storage.history(request.task_id))[-1]


async def test_what_happens_to_a_request_is_told_on_its_digest_and_under_its_rule() -> None:
    async with a_world(otherwise=policy(name="two of ops", steps=STEPS)) as world:
        request = await asked(world)
        for _ in STEPS:
            await world.later(HOUR)

        events = [event for event in await world.storage.history(request.task_id) if event.request_id]

    kinds = [event.kind for event in events]
    assert kinds[:2] == ["opened", "shown"]
    assert [kind for kind in kinds if kind in ("reminded", "escalated", "expired")] == [
        "reminded",
        "escalated",
        "expired",
    ]
    assert kinds[-1] == "delivered"
    assert {(event.digest, event.rule) for event in events} == {(request.digest, "two of ops")}


async def test_a_card_is_told_of_once_it_is_shown_and_a_copy_with_the_person_to_whom() -> None:
    async with a_world(otherwise=policy(steps=STEPS)) as world:
        request = await asked(world)
        await world.later(2 * HOUR)
        await world.later(timedelta(minutes=1))
        task = await world.task(request.task_id)
        card, copy = [await world.message(task, kind) for kind in (MessageKind.CARD, MessageKind.COPY)]

        events = await world.history(task, "shown")

    assert [(event.surface, event.person, event.data["as"]) for event in events] == [
        (card.id, None, "card"),
        (copy.id, DORA, "copy"),
    ]
    assert events[0].data["channel"] == CHANNEL
    assert card.ref is not None
    assert events[0].data["ts"] == card.ref.ts


async def test_a_card_that_asks_something_else_or_is_posted_anew_is_told_of_again(world: World) -> None:
    request = await asked(world)
    edited = await world.answers.edit(world.actor(BOB), Shown.of(request), 0, {"path": "/older"})
    await world.settle()
    task = await world.task(request.task_id)
    card = await world.message(task, MessageKind.CARD)
    assert card.ref is not None
    world.messenger.delete(card.ref)
    await world.tasks.redraw(card.ref)
    for _ in ("found to be gone", "posted anew"):
        await world.later(HOUR)

    shown = await world.history(task, "shown")

    assert [(event.digest, event.data["version"]) for event in shown] == [
        (request.digest, 1),
        (edited.digest, 2),
        (edited.digest, 2),
    ]


async def test_somebody_who_views_all_of_it_is_told_of(world: World) -> None:
    request = await asked(world)

    await world.answers.viewed(world.actor(BOB, HERE), request)

    event = await last(world, request)
    assert (event.kind, event.person, event.surface, event.digest) == ("viewed", BOB, HERE, request.digest)


async def test_a_vote_is_told_with_its_words_and_the_surface_that_it_came_from(world: World) -> None:
    request = await asked(world)

    await world.answers.vote(
        world.actor(ALICE, HERE),
        Shown.of(request),
        (Reject(reason="not now"),),
    )

    event = await last(world, request)
    assert (event.kind, event.person, event.surface) == ("voted", ALICE, HERE)
    assert event.data == {
        "version": 1,
        "verdicts": ["reject"],
        "said": [{"reason": "not now"}],
        "outcome": "reject",
    }


async def test_an_edit_that_turns_true_into_one_or_takes_an_argument_away_is_a_difference(world: World) -> None:
    request = await asked(world)
    once = await world.answers.edit(
        world.actor(ALICE),
        Shown.of(request),
        0,
        {"path": "/old", "all": True, "deep": 1},
    )

    await world.answers.edit(
        world.actor(BOB, HERE),
        Shown.of(once),
        0,
        {"path": "/old", "all": 1},
    )

    event = await last(world, request)
    assert event.surface == HERE
    assert (event.data["was"], event.data["is"]) == ({"all": True, "deep": 1}, {"all": 1})


@pytest.mark.parametrize("door", ["check", "vote", "edit"])
async def test_who_comes_too_late_is_on_the_record_with_the_reason(world: World, door: str) -> None:
    request = await asked(world)
    await world.vote(ALICE, on=request)

    with pytest.raises(AlreadySettled) as refusal:
        await _at(world, door, request)

    event = await last(world, request)
    assert (event.kind, event.person, event.surface, event.digest) == ("refused", BOB, HERE, request.digest)
    assert event.data["why"] == "AlreadySettled"
    assert event.data["said"] == str(refusal.value)


async def _at(world: World, door: str, request: Request) -> None:
    match door:
        case "check":
            await world.answers.check(world.actor(BOB, HERE), Shown.of(request))
        case "vote":
            await world.answers.vote(world.actor(BOB, HERE), Shown.of(request), ())
        case _:
            await world.answers.edit(world.actor(BOB, HERE), Shown.of(request), 0, {})


async def test_what_is_behind_or_not_offered_is_refused_on_the_record(world: World) -> None:
    request = await asked(world)

    with pytest.raises(StaleVersion):
        await world.answers.vote(world.actor(BOB), Shown(request_id=request.id, version=7, digest=request.digest), ())
    with pytest.raises(VerdictNotOffered):
        await world.answers.vote(world.actor(BOB), Shown.of(request), (Choose(choice="x"),))

    refused = await world.history(await world.task(request.task_id), "refused")
    assert [(event.data["why"], event.data["tried"]) for event in refused] == [
        ("StaleVersion", "vote"),
        ("VerdictNotOffered", "vote"),
    ]


async def test_a_look_up_that_fails_refuses_on_the_record(world: World) -> None:
    request = await asked(world)
    world.directory.down = True

    with pytest.raises(Unreachable):
        await world.vote(ALICE, on=request)

    event = await last(world, request)
    assert (event.kind, event.person, event.data["why"]) == ("refused", ALICE, "Unreachable")
    assert "Slack did not say who you are" in str(event.data["said"])


async def test_who_may_not_touch_a_task_is_on_its_record(world: World) -> None:
    request = await asked(world)

    with pytest.raises(NotFound):
        await world.tasks.retry(world.actor(BOB), TaskId("none"))
    with pytest.raises(NotYours):
        await world.tasks.cancel(world.actor(BOB, COMMAND), request.task_id)
    with pytest.raises(NotYours):
        await world.tasks.retry(world.actor(STRANGER, HERE), request.task_id)
    with pytest.raises(NothingToRetry):
        await world.tasks.retry(world.actor(RITA), request.task_id)
    await world.tasks.cancel(world.actor(RITA, COMMAND), request.task_id)
    with pytest.raises(TaskFinished):
        await world.tasks.cancel(world.actor(RITA, COMMAND), request.task_id)

    task = await world.task(request.task_id)
    assert [
        (event.person, event.surface, event.data["tried"], event.data["why"])
        for event in await world.history(task, "refused")
    ] == [
        (BOB, COMMAND, "cancel", "NotYours"),
        (STRANGER, HERE, "retry", "NotYours"),
        (RITA, "", "retry", "NothingToRetry"),
        (RITA, COMMAND, "cancel", "TaskFinished"),
    ]
    assert [(event.person, event.surface) for event in await world.history(task, "cancelled")] == [(RITA, COMMAND)] * 2


async def test_how_a_task_ended_is_told(world: World) -> None:
    request = await asked(world)
    await world.vote(ALICE, on=request)
    await world.settle()

    (ended,) = await world.history(await world.task(request.task_id), "ended")

    assert ended.data == {"result": "all clean"}


async def test_all_that_a_task_leaves_is_one_chain(world: World) -> None:
    request = await asked(world)
    await world.vote(ALICE, on=replace(request))
    await world.settle()

    proof = await verify(world.storage)

    assert isinstance(proof, Intact)
    assert proof.entries == len(await world.storage.history(request.task_id))


async def test_what_people_do_besides_answering_is_told_with_its_surface_and_so_is_its_refusal() -> None:
    steps = (Step(after=3 * HOUR, action=Expire()),)
    async with a_world(otherwise=policy(quorum=2, steps=steps, extend=HOUR)) as world:
        request = await asked(world)
        alice = world.actor(ALICE, HERE)
        await world.side_actions.extend(alice, request.id)
        await world.side_actions.comment(alice, request.id, "Why today?")
        await world.side_actions.delegate(alice, request.id, DORA.user_id)
        await world.side_actions.withdraw(alice, request.id)
        await world.side_actions.nudge(world.actor(RITA, HERE), request.id)
        with pytest.raises(AlreadyExtended):
            await world.side_actions.extend(alice, request.id)
        with pytest.raises(NudgedLately):
            await world.side_actions.nudge(world.actor(RITA, HERE), request.id)

        events = (await world.storage.history(request.task_id))[-7:]

    assert [event.kind for event in events] == [
        *("extended", "commented", "delegated", "withdrawn", "nudged"),
        *("refused", "refused"),
    ]
    assert {event.surface for event in events} == {HERE}
    assert {(event.digest, event.rule) for event in events} == {(request.digest, "default")}
    assert [event.data.get("why") for event in events[-2:]] == ["AlreadyExtended", "NudgedLately"]


async def test_a_look_at_what_is_hidden_is_recorded_with_its_keys() -> None:
    async with a_world() as world:
        task = await world.started()
        request = await world.request(task)

        admitted = await world.answers.admit_to_hidden(world.actor(ALICE, HERE), request.id)
        await world.answers.revealed(world.actor(ALICE, HERE), admitted, ["arguments.password"])

        event = (await world.storage.history(task.id, request.id))[-1]
        assert (event.kind, event.person, event.surface, event.digest) == ("revealed", ALICE, HERE, request.digest)
        assert event.data == {"version": 1, "keys": ["arguments.password"]}


async def test_whoever_may_not_answer_is_not_shown_what_is_hidden_and_that_is_recorded() -> None:
    async with a_world() as world:
        task = await world.started()
        request = await world.request(task)

        with pytest.raises(MayNotVote):
            await world.answers.admit_to_hidden(world.actor(RITA, HERE), request.id)

        assert (await world.storage.history(task.id, request.id))[-1].kind == "refused"


async def test_a_look_at_a_task_is_for_those_whom_it_asks_and_a_refusal_is_told(world: World) -> None:
    """By the task's id or by one of its requests: the record says which of them was tried."""
    request = await asked(world)

    assert (await world.tasks.look(world.actor(ALICE, COMMAND), request.task_id)).id == request.task_id
    task, looked_at = await world.tasks.look_at(world.actor(RITA, COMMAND), request.id)
    assert (task.id, looked_at) == (request.task_id, request)
    with pytest.raises(NotYours):
        await world.tasks.look(world.actor(STRANGER, COMMAND), request.task_id)
    with pytest.raises(NotYours):
        await world.tasks.look_at(world.actor(STRANGER, COMMAND), request.id)

    refused = await world.history(task, "refused")
    assert [(each.request_id, each.surface, each.data["tried"]) for each in refused] == [
        (None, COMMAND, "look"),
        (request.id, COMMAND, "look"),
    ]
