"""An agent has acted, and people undo that in time, too late, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.approvals.model.decision import Outcome, WindowClosed
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Delivered, Pending, Superseded
from bot.approvals.model.task import Ended, Failed, TaskCancelled
from tests.support.stage import Room
from tests.support.two_stores import (
    Case,
    House,
    answers,
    bot,
    case,
    house,
    houses,
    keep_cards,
    now,
    on_both_stores,
    room,
    simulator,
    store,
)

__all__ = ["bot", "house", "houses", "room", "simulator", "store"]
pytestmark = pytest.mark.usefixtures("bot")

GRAPHS = ("reversible",)
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 1h
  channel: "#ops"
rules:
  - name: shared
    match: {action: "*shared"}
    undo: {approvers: [U0BOB, U0DAVE]}
  - name: duty
    match: {action: "*duty"}
    undo: {approvers: [U0DAVE], requester: no}
"""
ALICE, BOB, DAVE = "U0ALICE", "U0BOB", "U0DAVE"


@asynccontextmanager
async def acted(
    house: House, room: Room, journal: Path, more: str = "", *, minutes_ago: float = 0
) -> AsyncIterator[Case]:
    """A graph that has acted so long ago, and offers to undo that."""
    at = await now(room.simulator) - timedelta(minutes=minutes_ago)
    async with case(house, room, f"/task reversible journal={journal} at={at.isoformat()} {more}") as acted:
        await acted.stands(Pending, Delivered)
        yield acted


def lines(journal: Path) -> list[str]:
    """What the graph did."""
    return journal.read_text().splitlines()


def mend(journal: Path) -> None:
    """The store is up again, so that the graph does not raise any more."""
    journal.with_name(f"{journal.name}.fixed").touch()


@on_both_stores
async def test_undone_in_time(house: House, room: Room, tmp_path: Path) -> None:
    """The graph acts back once, with its way back and a key, and every card says so."""
    journal = tmp_path / "journal"
    async with acted(house, room, journal, "asks=true") as it:
        await room.press("bob", await it.card(), "approve")
        await it.stands(Pending, number=1)
        await it.agree("@alice", offering=["undo", "keep"])
        approval = await it.request(0)
        assert approval.undo is not None
        assert approval.undo.outcome is None
        assert answers(await it.card(0)) == ["review"]

        await room.press("alice", await it.card(), "undo")

        assert "Undone" in await it.outcome()
        window = await it.stands(Delivered)
        did, undone = lines(journal)
        assert (did, undone.rpartition(" ")[0]) == ("done", "undone 1")
        assert len(bytes.fromhex(undone.rpartition(" ")[2])) == 32
        assert window.decision is not None
        assert window.decision.outcome is Outcome.UNDO
        await it.agree("@alice", "Undone")
        approval = await it.request(0)
        assert approval.undo is not None
        assert approval.undo.outcome is Outcome.UNDO
        assert answers(await it.card(0)) == []
        assert [each.person and each.person.user_id for each in await it.events("voted")] == [BOB, ALICE]


async def test_kept(house: House, room: Room, tmp_path: Path) -> None:
    """Whoever presses Keep ends the offer, and nothing is undone."""
    journal = tmp_path / "journal"
    async with acted(house, room, journal) as it:
        await room.press("alice", await it.card(), "keep")

        assert await it.outcome() == "It stays."
        window = await it.stands(Delivered)
        assert window.decision is not None
        assert window.decision.outcome is Outcome.KEEP
        await it.agree("@alice", opening=["It stays"])
        assert lines(journal) == ["done", "kept ['type']"]


@on_both_stores
async def test_nobody_answers(house: House, room: Room, tmp_path: Path) -> None:
    """At the end of the window it stays, without anybody's answer, and the card says so."""
    journal = tmp_path / "journal"
    async with acted(house, room, journal) as it:
        window = await it.request()
        await it.later(minutes=11)

        assert await it.outcome() == "It stays."
        window = await it.stands(Delivered)
        assert window.decision == WindowClosed(at=window.deadline)  # type: ignore[arg-type]
        assert window.votes == ()
        assert lines(journal) == ["done", "kept ['type']"]
        assert len(await it.events("window_closed")) == 1
        assert await it.events("expired") == []
        await it.agree("stays", without=["Expired", "approved by", "Approved"])


@on_both_stores
async def test_too_late(house: House, room: Room, tmp_path: Path) -> None:
    """The window counts from the action, not from the card; after it, Undo is refused in words."""
    journal = tmp_path / "journal"
    async with acted(house, room, journal, minutes_ago=9) as it:
        card = await it.card()
        acted_at = (await it.request()).deadline
        await keep_cards(room)
        await it.later(minutes=1.5)

        refused = await room.pressing("alice", card, "undo")

        assert "undone" in refused
        assert (await it.refusals())[-1] == "AlreadySettled"
        await it.show_cards()
        assert await it.outcome() == "It stays."
        window = await it.stands(Delivered)
        assert acted_at == window.deadline
        assert window.opened_at + timedelta(minutes=2) > (acted_at or window.opened_at) > window.opened_at
        await it.agree("stays")
        assert lines(journal) == ["done", "kept ['type']"]


async def test_by_the_wrong_person(house: House, room: Room, tmp_path: Path) -> None:
    """One who may approve may not undo; that is refused in words and recorded, and the offer stays."""
    journal = tmp_path / "journal"
    async with acted(house, room, journal) as it:
        card = await it.card()

        refused = await room.pressing("bob", card, "undo")

        assert "@alice" in refused
        (event,) = await it.events("refused")
        assert event.person is not None
        assert event.person.user_id == BOB
        await it.agree("@alice", offering=["undo", "keep"])
        assert lines(journal) == ["done"]


@on_both_stores
@pytest.mark.parametrize("other", ["undo", "keep"])
async def test_twice_at_once(house: House, room: Room, tmp_path: Path, other: str) -> None:
    """Of two who press at the same moment one decides, the other is told, and all cards agree."""
    journal = tmp_path / "shared"
    async with acted(house, room, journal) as it:
        card = await it.card()
        await keep_cards(room)

        await asyncio.gather(room.press("bob", card, "undo"), room.press("dave", card, other))

        await it.show_cards()
        await it.ended()
        window = await it.stands(Delivered)
        assert window.decision is not None
        (vote,) = window.votes
        assert len(await it.events("voted")) == 1
        assert await it.refusals() == ["AlreadySettled"]
        what = lines(journal)[-1]
        assert what.startswith("undone" if window.decision.outcome is Outcome.UNDO else "kept")
        await it.agree(*(["@bob"] if vote.person.user_id == BOB else ["@dave"]))


async def test_the_policy_says_who_may_undo(house: House, room: Room, tmp_path: Path) -> None:
    """If the requester may not, those whom the policy names may."""
    journal = tmp_path / "duty"
    async with acted(house, room, journal) as it:
        card = await it.card()

        assert "@dave" in await room.pressing("alice", card, "undo")
        await room.press("dave", card, "undo")

        assert "Undone" in await it.outcome()
        await it.agree("@dave")


async def test_the_requester_may_undo_beside_those_whom_the_policy_names(
    house: House, room: Room, tmp_path: Path
) -> None:
    """If the policy names others, the requester still may."""
    async with acted(house, room, tmp_path / "shared") as it:
        await room.press("alice", await it.card(), "undo")

        assert "Undone" in await it.outcome()


async def test_a_window_that_ran_out_before_the_card_is_closed_at_once(
    house: House, room: Room, tmp_path: Path
) -> None:
    """Nobody is offered what is over."""
    journal = tmp_path / "journal"
    async with acted(house, room, journal, minutes_ago=20) as it:
        assert await it.outcome() == "It stays."
        window = await it.stands(Delivered)
        assert window.decision == WindowClosed(at=window.opened_at - (window.opened_at - window.deadline))  # type: ignore[operator]
        assert window.deadline is not None
        assert window.deadline < window.opened_at
        await it.agree("stays")
        assert lines(journal) == ["done", "kept ['type']"]


@on_both_stores
async def test_the_bot_is_down_when_the_window_closes(house: House, room: Room, tmp_path: Path) -> None:
    """It stays as soon as the bot is back, and nobody can undo it then."""
    journal = tmp_path / "journal"
    async with acted(house, room, journal) as it:
        await it.card()
        await it.restart(minutes=30)

        assert await it.outcome() == "It stays."
        await it.agree("stays")
        assert lines(journal) == ["done", "kept ['type']"]


async def test_a_window_that_cannot_be_read(house: House, room: Room, tmp_path: Path) -> None:
    """The window is ten minutes then, and the card says why."""
    async with acted(house, room, tmp_path / "journal", "window=soon") as it:
        window = await it.request()
        assert window.question.window is not None
        assert window.question.window.length == timedelta(minutes=10)
        assert window.question.window.problem in room.read(await it.card())
        await it.agree("@alice", offering=["undo", "keep"])


async def test_what_cannot_be_undone_is_only_kept(house: House, room: Room, tmp_path: Path) -> None:
    """The card offers no Undo."""
    async with acted(house, room, tmp_path / "journal", "undo=never") as it:
        await it.agree("@alice", offering=["keep"])

        await room.press("alice", await it.card(), "keep")

        assert await it.outcome() == "It stays."


async def test_the_task_is_cancelled_while_the_window_is_open(house: House, room: Room, tmp_path: Path) -> None:
    """What was done stays, and no card offers to undo it any more."""
    journal = tmp_path / "journal"
    async with acted(house, room, journal) as it:
        await room.choose("alice", await it.card(), "cancel")
        await room.modal("alice", "The task ends here")
        await room.seat("alice").submit()

        assert isinstance((await it.ended()).state, TaskCancelled)
        await it.stands(Delivered, Superseded)
        await it.agree("@alice", offering=[])
        await it.later(minutes=11)
        assert lines(journal) == ["done"]


async def test_an_undo_that_the_graph_could_not_do_is_told_loudly(house: House, room: Room, tmp_path: Path) -> None:
    """The outcome says that it was not undone and why, and nothing tells it as a success."""
    async with acted(house, room, tmp_path / "journal", "undo=fails") as it:
        await room.press("alice", await it.card(), "undo")

        assert "Not undone" in await it.outcome()
        await it.agree("Not undone", without=["✅"])
        (outcome,) = await it.shown(MessageKind.OUTCOME)
        assert "Not undone" in room.read(outcome)
        assert "✅" not in room.read(outcome)


@on_both_stores
@pytest.mark.parametrize("where", ["raises", "breaks"])
async def test_an_undo_that_raises_is_tried_again_under_the_same_key(
    house: House, room: Room, tmp_path: Path, where: str
) -> None:
    """The failure is told with its Retry, and the retry undoes once, wherever the graph raised."""
    journal = tmp_path / "journal"
    async with acted(house, room, journal, f"undo={where}") as it:
        await room.press("alice", await it.card(), "undo")
        assert isinstance((await it.ended()).state, Failed)
        (opening,) = await it.shown(MessageKind.OPENING)
        told = await it.card() if where == "breaks" else (await it.shown(MessageKind.OUTCOME))[-1]
        for message in (opening, told):
            assert "⚠️" in room.read(message)
            assert "✅" not in room.read(message)

        mend(journal)
        await room.press("alice", told, "retry")

        await it.until(lambda: _is_over(it), "the end")
        assert "Undone" in await it.outcome()
        did, raised, undone = lines(journal)
        assert (did, raised.split()[0]) == ("done", "raised")
        assert undone.split()[-1] == raised.split()[-1]
        await it.agree("@alice", opening=["Undone"])


async def _is_over(it: Case) -> bool:
    return isinstance((await it.task()).state, Ended)
