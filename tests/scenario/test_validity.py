"""A decision that could not be delivered as long as it was valid is not used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.approvals.model.decision import Outcome
from bot.approvals.model.request import Decided, Delivered, NotUsed, Pending, Superseded
from bot.approvals.model.task import Ended, Failed
from tests.support.stage import Room
from tests.support.two_stores import (
    Case,
    House,
    bot,
    case,
    house,
    houses,
    on_both_stores,
    room,
    simulator,
    store,
)

__all__ = ["bot", "house", "houses", "room", "simulator", "store"]
pytestmark = pytest.mark.usefixtures("bot")

GRAPHS = ("careful",)
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 8h
  channel: "#ops"
  hold: 30s
  valid_for: 5m
rules:
  - name: once
    match: {action: once}
    on_stale: stop
"""
OPEN = ("approve", "reject")


@asynccontextmanager
async def asked(house: House, room: Room, journal: Path, action: str = "plain", more: str = "") -> AsyncIterator[Case]:
    """A graph that asks whether it may do this."""
    async with case(house, room, f"/task careful action={action} journal={journal} {more}") as asked:
        await asked.stands(Pending)
        yield asked


async def approved(it: Case, who: str) -> None:
    await it.room.press(who, await it.card(), "approve")
    await it.stands(Decided)


async def asked_again(it: Case) -> None:
    """The request is open in its second version, with bob's decision in view, which counts for nothing."""
    request = await it.stands(Pending, version=2)
    assert request.before is not None
    assert request.before.why is NotUsed.STALE
    assert request.before.decision.outcome is Outcome.APPROVE
    assert (request.votes, request.passed) == ((), ())
    assert len(await it.events("stale")) == 1
    await it.agree("@bob", offering=OPEN, opening=["⏳"])


def mend(journal: Path) -> None:
    """What the graph needs is up again, so that it does not raise any more."""
    journal.with_name(f"{journal.name}.fixed").touch()


@on_both_stores
async def test_the_agent_is_away_too_long(house: House, room: Room, tmp_path: Path) -> None:
    """People are asked again, with the old decision in view, and the agent gets the new one."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal) as it:
        await approved(it, "bob")
        await it.restart(minutes=10)

        await asked_again(it)
        assert not journal.exists()
        await approved(it, "carol")
        await it.later(seconds=31)
        assert await it.outcome() == "told approve"
        await it.stands(Delivered)
        await it.agree("@carol", without=["@bob"])
        assert journal.read_text() == '"approve"\n'


@on_both_stores
async def test_the_task_is_stopped_if_the_policy_says_so(house: House, room: Room, tmp_path: Path) -> None:
    """Nobody is asked again, the graph gets nothing, and every card says so."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal, "once") as it:
        await approved(it, "bob")
        await it.restart(minutes=10)

        state = (await it.ended()).state
        assert isinstance(state, Ended)
        assert state.stopped
        request = await it.stands(Superseded)
        assert isinstance(request.state, Superseded)
        assert request.state.stopped
        assert len(await it.events("stale")) == 1
        assert not journal.exists()
        await it.agree(opening=[], without=["✅", "[Retry"])


@on_both_stores
async def test_a_graph_that_failed_on_the_answer_does_not_get_it_later(
    house: House, room: Room, tmp_path: Path
) -> None:
    """A retry after the validity asks people again, and only the new answer is used."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal, more="fails=true") as it:
        await approved(it, "bob")
        await it.later(seconds=31)
        assert isinstance((await it.ended()).state, Failed)
        mend(journal)
        await it.later(minutes=10)

        await asked_again(it)
        assert not journal.exists()
        await approved(it, "carol")
        await it.later(seconds=31)
        await it.stands(Delivered)
        assert await it.outcome() == "told approve"
        assert journal.read_text() == '"approve"\n'
        await it.agree("@carol")


async def test_a_rejection_stays_valid(house: House, room: Room, tmp_path: Path) -> None:
    """A late no lets nothing happen, so the agent is told of it."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal) as it:
        await room.press("bob", await it.card(), "reject")
        await room.modal("bob", "Why?")
        await room.seat("bob").submit({"reason": "not today"})
        await it.stands(Decided)
        await it.restart(minutes=10)

        assert await it.outcome() == "told reject"
        request = await it.stands(Delivered)
        assert request.version == 1
        assert journal.read_text() == '"reject"\n'
        await it.agree("@bob")


async def test_in_time(house: House, room: Room, tmp_path: Path) -> None:
    """The validity counts from the end of the hold; until it is over, the decision is used."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal) as it:
        await approved(it, "bob")
        await it.restart(minutes=5, seconds=15)

        assert await it.outcome() == "told approve"
        assert (await it.stands(Delivered)).version == 1
