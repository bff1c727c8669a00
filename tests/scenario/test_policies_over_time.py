"""The windows of a policy, on a clock that the test moves: hours, a warning, silence, and once an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from simulator.client import Simulator
from tests.support.clocked import born, simulator, slack
from tests.support.stage import Bot, Room

__all__ = ["simulator", "slack"]

GRAPHS = ("proposal", "release")
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 4h
rules:
  - name: office
    match: {action: office}
    deadline: 1h
    hours: {from: 09:00, to: 17:00, days: mon-fri, zone: UTC}
  - name: warned
    match: {action: warned}
    warn_before: 1h
    extend: 2h
  - name: releases
    match: {graph: release}
    on_timeout: {choose: tonight}
"""
HOUR = 3600.0


async def until(simulator: Simulator, moment: datetime) -> None:
    """Move the clock to that moment."""
    now = datetime.fromtimestamp(float((await simulator.get("/sim/clock"))["now"]), UTC)
    await simulator.advance((moment - now).total_seconds())


async def next_saturday(simulator: Simulator) -> datetime:
    """Noon of it."""
    now = datetime.fromtimestamp(float((await simulator.get("/sim/clock"))["now"]), UTC)
    day = now + timedelta(days=(5 - now.weekday()) % 7 or 7)
    return day.replace(hour=12, minute=0, second=0, microsecond=0)


async def test_a_window_counts_working_hours_alone_and_the_card_shows_the_moment(own_bot: Bot, room: Room) -> None:
    saturday = await next_saturday(room.simulator)
    await until(room.simulator, saturday)
    await born(own_bot, room.simulator)
    thread = await room.start("/task proposal action=office")

    card = room.read(await thread.card())

    monday = saturday + timedelta(days=2)
    assert f"{monday:%b} {monday.day}, {monday:%Y} 10:00" in card
    await until(room.simulator, monday.replace(hour=9, minute=59))
    await thread.card("[Approve]", "Needs 1 of @ops-leads by")
    await until(room.simulator, monday.replace(hour=10, minute=1))
    await thread.settled("Expired")


async def test_the_thread_is_warned_before_the_deadline_which_one_who_may_answer_puts_off_once(
    own_bot: Bot, room: Room
) -> None:
    await born(own_bot, room.simulator)
    thread = await room.start("/task proposal action=warned")
    card = await thread.card()

    await room.choose("bob", card, "extend")
    extended = await thread.card("2 hours more, by @bob")
    assert "Extend" not in str(extended["blocks"]), "there is no second time"
    await room.simulator.advance(4.5 * HOUR)
    await thread.card()
    assert not any("Still waiting" in words for words in await thread.texts()), "the warning was put off with it"
    await room.simulator.advance(0.7 * HOUR)
    await thread.shows("Still waiting for @bob and @carol, by", without=["[Approve]"])
    await room.simulator.advance(1 * HOUR)

    await thread.settled("Expired")


async def test_silence_chooses_what_the_file_says(own_bot: Bot, room: Room) -> None:
    await born(own_bot, room.simulator)
    thread = await room.start("/task release version=2.1")
    await thread.shows("When shall 2.1 go out?", "[Now]", "[Tonight]")

    await room.simulator.advance(4.1 * HOUR)

    await thread.ended("told tonight")


async def test_a_reminder_is_asked_for_once_an_hour(own_bot: Bot, room: Room) -> None:
    await born(own_bot, room.simulator)
    thread = await room.start("/task proposal action=other")
    card = await thread.card()
    await room.choose("alice", card, "nudge")
    await thread.shows("@alice is still waiting for @bob and @carol")

    refused = await room.choosing("alice", card, "nudge")
    await room.simulator.advance(1.1 * HOUR)
    before = len(await thread.messages())
    await room.choose("alice", card, "nudge")

    assert "once an hour" in refused

    async def reminded_again() -> bool:
        return len(await thread.messages()) > before

    await room.until(reminded_again, "the second reminder")
