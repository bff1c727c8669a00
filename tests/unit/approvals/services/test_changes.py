"""What has changed in a request since somebody saw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.approvals.model.actor import Shown
from bot.approvals.model.errors import Alike, Difference, StaleVersion
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Question
from bot.approvals.services.audit.snapshot import plain
from bot.approvals.services.changes import differences
from bot.approvals.services.reading import Reading
from tests.support.fakes.engine import FakeEngine
from tests.support.fakes.world import ALICE, BOB, FIRST, World, a_world, item, policy, question


def pay(*items: Mapping[str, JSON], title: str = "Pay?", text: str = "", payload: JSON = None) -> Question:
    made = tuple(replace(item(name="pay"), arguments=dict(each)) for each in (items or ({"amount": 10},)))
    return replace(question(*made, title=title), text=text, payload=payload)


def between(before: Question, now: Question, *unbound: str) -> tuple[Difference, ...] | Alike:
    return differences(plain(before), plain(now), set(unbound))


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        (pay({"amount": 10}), pay({"amount": 20}), [Difference(name="amount", before=10, now=20)]),
        (pay({"amount": 1}), pay({"amount": True}), [Difference(name="amount", before=1, now=True)]),
        (pay({"amount": 10}), pay({"amount": 10, "to": "x"}), [Difference(name="to", now="x")]),
        (pay({"amount": 10, "to": "x"}), pay({"amount": 10}), [Difference(name="to", before="x")]),
        (pay(title="Pay 10?"), pay(title="Pay 20?"), [Difference(name="question", before="Pay 10?", now="Pay 20?")]),
        (pay(text="now"), pay(), [Difference(name="text", before="now")]),
        (
            pay({"amount": 10}, title="Pay 10?"),
            pay({"amount": 20}, title="Pay 20?"),
            [Difference(name="amount", before=10, now=20)],
        ),
        (
            pay({"amount": 1}, {"amount": 2}),
            pay({"amount": 1}, {"amount": 3}),
            [Difference(name="amount", item="pay", before=2, now=3)],
        ),
        (
            pay({"amount": 1}, {"amount": 2}),
            pay({"amount": 1}),
            [Difference(name="amount", item="pay", before=2)],
        ),
        (
            replace(pay(), choices=("a", "b")),
            replace(pay(), choices=("a", "c")),
            [Difference(name="choices", before=["a", "b"], now=["a", "c"])],
        ),
    ],
)
def test_what_people_read_is_compared_value_by_value(before: Question, now: Question, found: list[Difference]) -> None:
    assert between(before, now) == tuple(found)


@pytest.mark.parametrize(
    ("before", "now", "unbound"),
    [
        (pay(title="Pay at 09:00?"), pay(title="Pay at 17:30?"), ()),
        (pay({"at": "2026-03-02T09:00:00Z"}), pay({"at": "2026-03-02T09:05:00Z"}), ()),
        (pay({"run": "a1"}), pay({"run": "b2"}), ("run",)),
        (pay({"run": "a1", "at": "09:00"}), pay({"run": "b2", "at": "09:05"}), ("run",)),
    ],
)
def test_times_of_the_clock_are_no_change_that_anybody_reads(
    before: Question, now: Question, unbound: tuple[str, ...]
) -> None:
    assert between(before, now, *unbound) is Alike.BUT_TIMES


def test_a_change_beside_a_time_is_told_without_the_time() -> None:
    found = between(pay({"amount": 10, "at": "09:00"}), pay({"amount": 20, "at": "09:05"}))

    assert found == (Difference(name="amount", before=10, now=20),)


def test_the_same_that_was_asked_again_is_alike_in_all() -> None:
    assert between(pay(payload={"a": 1}), pay(payload={"a": 1})) is Alike.IN_ALL


def test_what_differs_only_where_nobody_sees_it_is_not_told() -> None:
    assert between(pay(payload={"a": 1}), pay(payload={"a": 2})) == ()


# --- From the record ----------------------------------------------------------------------------------


async def since_edit(world: World, **shown: Any) -> tuple[Difference, ...] | Alike:
    """What has changed since the first version, after somebody edited it."""
    task = await world.started()
    first = await world.request(task)
    seen = Shown(request_id=first.id, version=first.version, digest=first.digest)
    await world.answers.edit(world.actor(ALICE), seen, 0, {"path": "/new"})
    with pytest.raises(StaleVersion):
        await world.vote(BOB, on=first)
    return await Reading(storage=world.storage, tasks=world.tasks).changes(replace(seen, **shown))


async def test_the_audit_log_tells_what_somebody_was_shown() -> None:
    async with a_world() as world:
        assert await since_edit(world) == (Difference(name="path", before="/old", now="/new"),)


async def test_of_a_version_that_the_log_does_not_hold_nothing_is_told() -> None:
    async with a_world() as world:
        assert await since_edit(world, version=7) == ()


async def test_of_a_private_request_nothing_is_told_as_anybody_may_press_its_button() -> None:
    async with a_world(otherwise=replace(policy(), private=True)) as world:
        assert await since_edit(world) == ()


async def test_if_only_a_clock_has_changed_one_more_click_is_enough() -> None:
    async with a_world() as world:
        world.engine = FakeEngine({FIRST: clocked("09:00")})
        world.be_born()
        task = await world.started()
        first = await world.request(task)
        world.engine.stages[0][FIRST] = clocked("09:01")
        await world.delivery.drive(task.id)
        with pytest.raises(StaleVersion):
            await world.vote(ALICE, on=first)

        shown = Shown(request_id=first.id, version=first.version, digest=first.digest)
        assert await Reading(storage=world.storage, tasks=world.tasks).changes(shown) is Alike.BUT_TIMES

        assert (await world.vote(ALICE, on=await world.request(task))).decision is not None


def clocked(at: str) -> Question:
    """A question that prints the time, as `FakeEngine` asks it: without the fingerprint that leaves out clocks."""
    asks = f"Delete as of 2026-03-02 {at}?"
    return replace(question(title=asks), payload={"question": asks})
