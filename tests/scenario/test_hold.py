"""A decision that is held: whoever gave it takes it back, an approver stops it, or its time passes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.approvals.model.decision import Expired, Outcome
from bot.approvals.model.request import Decided, Delivered, Pending, ReopenedBy, Request
from tests.support.stage import Room
from tests.support.two_stores import (
    Case,
    House,
    bot,
    case,
    house,
    houses,
    keep_cards,
    on_both_stores,
    room,
    simulator,
    store,
)

__all__ = ["bot", "house", "houses", "room", "simulator", "store"]
pytestmark = pytest.mark.usefixtures("bot")

GRAPHS = ("careful", "wordy")
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 8h
  hold: 30s
rules:
  - name: copied
    match: {action: copied}
    channel: "#ops"
    escalate: {after: 1m, to: ["@on-call"]}
  - name: slow
    match: {action: slow}
    channel: "#ops"
    hold: 1h
  - name: pairs
    match: {action: pair}
    channel: "#ops"
    quorum: 2
  - name: stages
    match: {action: staged}
    channel: "#ops"
    sequence:
      - {name: lead, approvers: ["@ops-leads"]}
      - {name: duty, approvers: [U0DAVE]}
  - name: reads
    match: {action: read}
    channel: "#ops"
    auto: {approve: Reading changes nothing}
  - name: silent
    match: {action: silent}
    channel: "#ops"
    deadline: 5m
    on_timeout: approve
    i_accept_silence: yes
"""
OPEN = ("approve", "reject")
HELD = ("take_back", "stop_delivery")


@asynccontextmanager
async def asked(house: House, room: Room, journal: Path, action: str = "plain") -> AsyncIterator[Case]:
    """A graph that asks whether it may do this."""
    async with case(house, room, f"/task careful action={action} journal={journal}") as asked:
        await asked.stands(Pending, Decided)
        yield asked


async def approved(it: Case, *people: str) -> Request:
    """The request, which these people have approved, and which is held."""
    for who in people:
        card = await it.card()
        await it.room.press(who, card, "approve")
    return await it.stands(Decided)


async def passes(it: Case, journal: Path, answer: str, *, after: timedelta = timedelta(seconds=31)) -> None:
    """The hold passes, and the graph gets this answer once."""
    await it.later(seconds=after.total_seconds())
    assert await it.outcome() == f"told {answer}"
    await it.stands(Delivered)
    assert told(journal) == [answer]


def told(journal: Path) -> list[str]:
    """Each answer that the graph got."""
    return [json.loads(line) for line in journal.read_text().splitlines()]


def user(event_person: object) -> str:
    return str(getattr(event_person, "user_id", ""))


@on_both_stores
async def test_taken_back(house: House, room: Room, tmp_path: Path) -> None:
    """It is open again for everybody, every card says so, and the graph gets what is decided after that."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal, "copied") as it:
        await it.later(minutes=2)
        await room.direct("carol", "Copied", room.channel)
        await room.direct("dave", "Copied", room.channel)
        assert len(await it.copies()) == 3
        held = await approved(it, "bob")
        assert isinstance(held.state, Decided)
        assert held.state.held_until == held.state.decision.at + timedelta(seconds=30)
        await it.agree("@bob", offering=HELD)

        await room.press("bob", await it.card(), "take_back")

        reopened = (await it.stands(Pending)).reopened
        assert reopened is not None
        assert (user(reopened.by), reopened.why) == ("U0BOB", ReopenedBy.TAKEN_BACK)
        await it.agree("@bob", offering=OPEN, opening=["⏳"], without=["Approved by"])
        await it.later(seconds=31)
        await it.stands(Pending)
        assert not journal.exists()

        await approved(it, "carol")
        await it.agree("@carol", offering=HELD)
        await passes(it, journal, "approve")
        await it.agree("@carol")


@on_both_stores
async def test_stopped(house: House, room: Room, tmp_path: Path) -> None:
    """Another approver opens it again, and from then on silence does not approve it."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal, "silent") as it:
        await approved(it, "bob")
        await it.agree("@bob", offering=HELD)

        await room.press("carol", await it.card(), "stop_delivery")

        request = await it.stands(Pending)
        assert request.reopened is not None
        assert (user(request.reopened.by), request.reopened.why) == ("U0CAROL", ReopenedBy.STOPPED)
        assert "U0CAROL" in map(user, request.objections)
        await it.agree("@carol", offering=OPEN, opening=["⏳"])
        await it.later(minutes=6)
        expired = await it.stands(Delivered)
        assert isinstance(expired.decision, Expired)
        assert await it.outcome() == "told reject"
        assert told(journal) == ["reject"]


@on_both_stores
async def test_a_rival_during_the_hold(house: House, room: Room, tmp_path: Path) -> None:
    """A rejection from a modal, or a vote on an old card, does not undo the decision; its author is told how to."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal, "slow") as it:
        card = await it.card()
        await room.press("carol", card, "reject")
        await room.modal("carol", "Why?")
        await keep_cards(room)
        await approved(it, "bob")

        await room.seat("carol").submit({"reason": "not today"})
        said = await room.modal("carol", "Not counted")
        refused = await room.pressing("carol", card, "approve")

        assert "Stop" in said
        assert "Stop" in refused
        assert await it.refusals() == ["AlreadySettled", "AlreadySettled"]
        await it.show_cards()
        await it.agree("@bob", offering=HELD, without=["not today"])
        await passes(it, journal, "approve", after=timedelta(hours=1))


@on_both_stores
async def test_undo_and_stop_at_the_same_moment(house: House, room: Room, tmp_path: Path) -> None:
    """One of the two opens it again, the other is told, and the cards say who it was."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal, "copied") as it:
        await approved(it, "bob")
        card = await it.card()
        await keep_cards(room)

        await asyncio.gather(room.press("bob", card, "take_back"), room.press("carol", card, "stop_delivery"))

        await it.show_cards()
        request = await it.stands(Pending)
        (event,) = [*await it.events("taken_back"), *await it.events("delivery_stopped")]
        assert request.reopened is not None
        assert request.reopened.by == event.person
        assert set(await it.refusals()) <= {"NothingToTakeBack", "NothingToStop"}
        assert len(await it.refusals()) == 1
        await it.agree("@bob" if user(event.person) == "U0BOB" else "@carol", offering=OPEN, opening=["⏳"])
        await it.later(seconds=31)
        await it.stands(Pending)
        assert not journal.exists()


async def test_who_may_not_answer_may_not_stop(house: House, room: Room, tmp_path: Path) -> None:
    """Stop is for those who may answer, Undo for those who gave the answer; others are refused, and it stays held."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal) as it:
        await approved(it, "bob")
        card = await it.card()

        refused = [await room.pressing("dave", card, "stop_delivery"), await room.pressing("carol", card, "take_back")]

        assert "@bob" in refused[0]
        assert "Stop" in refused[1]
        assert await it.refusals() == ["NotAnApprover", "NotYourAnswer"]
        await it.agree("@bob", offering=HELD)
        await passes(it, journal, "approve")


@on_both_stores
async def test_the_hold_passes(house: House, room: Room, tmp_path: Path) -> None:
    """The graph gets the answer once, and who would call it off then is told that it is too late."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal) as it:
        await approved(it, "bob")
        card = await it.card()
        await keep_cards(room)
        await it.later(seconds=20)
        assert not journal.exists()
        await it.later(seconds=11)
        assert await it.outcome() == "told approve"

        await room.pressing("bob", card, "take_back")
        await room.pressing("carol", card, "stop_delivery")

        assert (await it.refusals())[0] == "TooLateToTakeBack"
        assert (await it.refusals())[1] in ("TooLateToTakeBack", "NothingToStop")
        await it.show_cards()
        await it.stands(Delivered)
        await it.agree("@bob")
        assert told(journal) == ["approve"]


@pytest.mark.slow
async def test_one_of_two_takes_back(house: House, room: Room, tmp_path: Path) -> None:
    """The other's answer still counts."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal, "pair") as it:
        await room.press("bob", await it.card(), "approve")
        await it.agree("@bob", offering=OPEN, opening=["⏳"])
        await approved(it, "carol")
        await it.agree("@bob", "@carol", offering=HELD)

        await room.press("carol", await it.card(), "take_back")

        request = await it.stands(Pending)
        assert [user(vote.person) for vote in request.votes] == ["U0BOB"]
        await it.agree("@bob", "@carol", offering=OPEN, opening=["⏳"])
        await approved(it, "carol")
        await passes(it, journal, "approve")
        await it.agree("@bob", "@carol")


@pytest.mark.slow
async def test_one_of_the_first_stage_takes_back(house: House, room: Room, tmp_path: Path) -> None:
    """That stage is open again, and the later one is asked anew."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal, "staged") as it:
        await room.press("bob", await it.card(), "approve")
        await it.agree("@dave", offering=OPEN)
        await approved(it, "dave")

        await room.press("bob", await it.card(), "take_back")

        request = await it.stands(Pending)
        assert (request.stage_number, request.votes, request.passed) == (0, (), ())
        await it.agree("@bob", offering=OPEN, opening=["⏳"])
        await room.press("carol", await it.card(), "approve")
        await it.agree("@dave", offering=OPEN)
        await approved(it, "dave")
        await passes(it, journal, "approve")
        await it.agree("@carol", "@dave")


async def test_an_answer_in_words_is_held_in_the_same_way(house: House, room: Room) -> None:
    """For a minute, with the same buttons, the same events and the same rules."""
    async with case(house, room, "/task wordy topic=europe") as it:
        await it.stands(Pending)
        await room.seat("bob").send(room.channel, "eu-west", thread_ts=it.thread.ts)
        held = await it.stands(Decided)
        assert isinstance(held.state, Decided)
        assert held.state.held_until == held.state.decision.at + timedelta(minutes=1)
        await it.agree("@bob", offering=HELD)

        await room.press("carol", await it.card(), "stop_delivery")
        await it.stands(Pending)
        await it.agree("@carol", offering=["respond"], opening=["⏳"])
        await room.seat("bob").send(room.channel, "eu-north", thread_ts=it.thread.ts)
        await it.stands(Decided)
        await room.press("bob", await it.card(), "take_back")
        await it.stands(Pending)
        await room.seat("carol").send(room.channel, "ap-south", thread_ts=it.thread.ts)
        await it.stands(Decided)
        await it.later(seconds=61)

        assert await it.outcome() == "It was told: ap-south"
        assert len(await it.events("delivery_stopped")) == len(await it.events("taken_back")) == 1


async def test_the_answer_of_a_rule_is_stopped(house: House, room: Room, tmp_path: Path) -> None:
    """Nobody gave it, so nobody takes it back; an approver stops it, and then people are asked."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal, "read") as it:
        ruled = await it.stands(Decided)
        assert ruled.decision is not None
        assert ruled.decision.outcome is Outcome.APPROVE
        await it.agree(offering=["stop_delivery"])

        await room.press("carol", await it.card(), "stop_delivery")

        await it.stands(Pending)
        await it.agree("@carol", offering=OPEN, opening=["⏳"])
        await it.later(seconds=31)
        assert not journal.exists()
        await approved(it, "bob")
        await passes(it, journal, "approve")


async def test_what_silence_approves_is_stopped(house: House, room: Room, tmp_path: Path) -> None:
    """It is asked again with all its time, and the next silence does not approve it."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal, "silent") as it:
        await it.later(minutes=5, seconds=1)
        await it.stands(Decided)
        await it.agree(offering=["stop_delivery"])

        await room.press("carol", await it.card(), "stop_delivery")

        request = await it.stands(Pending)
        assert request.deadline is not None
        assert request.deadline - await it.now() > timedelta(minutes=4)
        await it.agree("@carol", offering=OPEN, opening=["⏳"])
        await it.later(minutes=6)
        assert isinstance((await it.stands(Delivered)).decision, Expired)
        assert told(journal) == ["reject"]


@on_both_stores
async def test_the_bot_restarts_during_the_hold(house: House, room: Room, tmp_path: Path) -> None:
    """It is held as long as before, and can still be called off."""
    journal = tmp_path / "journal"
    async with asked(house, room, journal) as it:
        held = await approved(it, "bob")
        await it.card()
        await it.restart(seconds=10)

        again = await it.stands(Decided)
        assert isinstance(held.state, Decided)
        assert isinstance(again.state, Decided)
        assert again.state.held_until == held.state.held_until
        await room.press("bob", await it.card(), "take_back")
        await it.stands(Pending)
        await approved(it, "bob")
        await it.restart(seconds=31)

        assert await it.outcome() == "told approve"
        await it.stands(Delivered)
        await it.agree("@bob")
        assert told(journal) == ["approve"]
