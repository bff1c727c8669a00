"""What was left when a decision was final once it was made goes on, on both stores.

That version wrote the files of `before_undo`, on a clock that stood at `MORNING` in the end. Alice has agreed to
`two_votes`, of two who must. She has answered `worded` in words, and the order `worded` of the shop, a moment ago.
`failed` raised an error on her answer. Bob has approved `away` and the order `away`, and no process lived on to tell
their agents. `superseded` was answered by somebody else, and `renewed` asked something else than was approved. The
orders `decided` and `consumed` have been decided; only of the first, the shop's server has not heard yet. Alice has
approved `moving`, a task of the graph `cleanup`, whose folder was away when it came to move the files. Nobody has
answered `cleanup`, `payment`, `tool` and the order `open`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.approvals.model.actor import Shown
from bot.approvals.model.call_errors import AlreadyConsumed, NotSettled
from bot.approvals.model.decision import Answered, Approve, Expired, Reject, Respond
from bot.approvals.model.errors import CountersignError
from bot.approvals.model.request import Decided, Delivered, NotUsed, Pending, Request, RequestState, Superseded
from bot.approvals.model.task import Ended, Failed
from bot.approvals.ports.slack import View
from bot.approvals.rules.calls import CallStatus
from bot.approvals.services.audit.proof import Intact, verify
from bot.approvals.services.calls import Call
from bot.slack.cards import render
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, BOB, RITA
from tests.upgrade.before_undo_left import CALLBACK, SHOP, TOKEN, Left, every_task, opened
from tests.upgrade.left import TWO_HOURS

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

OPEN = ("two_votes", "renewed", "tool", "cleanup", "payment")
"""The agents whose questions wait for a vote."""
ORDERS = ("open", "decided", "consumed", "away", "worded")


@pytest.fixture(params=["sqlite", "redis"])
async def left(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Left]:
    monkeypatch.setenv("PAYMENT_LEDGER", str(tmp_path / "ledger.db"))
    async with opened(request, tmp_path) as left:
        yield left


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that `cleanup` may clean. Its question names the trash from where the process stands."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "var" / "files"


# --- All of it ------------------------------------------------------------------------------------


async def test_all_of_it_comes_to_its_end_and_acts_once(left: Left, root: Path, tmp_path: Path) -> None:
    """And the audit log goes on from where it was left."""
    files = await left.below(root)
    await left.below(tmp_path / "back", "moving")
    before = await verify(left.storage)
    assert isinstance(before, Intact)

    await left.vote(await left.request("two_votes"), by=BOB)
    for graph in ("renewed", "tool"):
        await left.vote(await left.request(graph))
    for graph in ("cleanup", "payment"):
        await left.answer(graph, Approve())
    await left.vote(await left.order("open"))
    await left.stage.tasks.retry(left.stage.actor(RITA), (await left.task("moving")).id)
    await left.later(MINUTE)
    await left.later(timedelta(hours=1))
    for key in ("open", "decided", "away", "worded"):
        await left.consume(key)

    for task in await every_task(left.storage):
        assert isinstance(task.state, Ended), task.graph
        for request in await left.storage.requests_of(task.id):
            assert isinstance(request.state, Delivered | Superseded), task.graph
    told = dict(left.acted)
    assert len(told) == len(left.acted)
    assert told == dict.fromkeys(("two_votes", "renewed", "failed", "away"), True) | {
        "tool": {"type": "approve"},
        "worded": "eu-west",
    }
    assert [path.exists() for path in files] == [False, False]
    assert in_trash(root) == in_trash(tmp_path / "back") == [path.name for path in files]
    assert payments(tmp_path) == [("ACME Ltd", "310.10")]
    assert sorted(body["data"]["metadata"]["order"] for _, body in left.receiver.got) == [
        "away",
        "decided",
        "open",
        "worded",
    ]
    now = left.stage.clock.now
    assert await left.storage.due_webhooks(now + timedelta(days=1), 9) == ()
    for callers in (False, True):
        assert await left.storage.undelivered(now + timedelta(days=1), 9, elsewhere=callers) == ()
    after = await verify(left.storage, before.head)
    assert isinstance(after, Intact)
    assert after.entries > before.entries


async def test_silence_is_still_no_consent(left: Left, root: Path, tmp_path: Path) -> None:
    files = await left.below(root)
    waiting = [await left.request(graph) for graph in OPEN]

    await left.later(TWO_HOURS)
    await left.later(TWO_HOURS)  # a shipped graph may ask in other words by now

    for request in waiting:
        assert isinstance((await left.storage.request(request.id)).decision, Expired), request.graph
        assert isinstance((await left.request(request.graph)).decision, Expired), request.graph
        assert isinstance((await left.task(request.graph)).state, Ended), request.graph
    assert isinstance((await left.order("open")).decision, Expired)
    assert {graph for graph, told in left.acted if told is True} == {"failed", "away"}
    assert all(path.exists() for path in files)
    assert payments(tmp_path) == []


async def test_nobody_is_asked_anew_before_anybody_answers(left: Left) -> None:
    """What people were shown is still what is asked, to the letter."""
    before = [await left.request(graph) for graph in (*OPEN, "worded", "failed")]

    for request in before:
        await left.stage.delivery.look(request.task_id)
        await left.stage.delivery.drive(request.task_id)

    for request in before:
        now = await left.storage.request(request.id)
        assert replace(now, revision=request.revision) == request, request.graph
        assert now.digest == request.digest, request.graph
        assert "asked_anew" not in [event.kind for event in await left.storage.history(request.task_id)], request.graph
    assert left.acted == []


async def test_what_is_over_stays_as_it_is(left: Left) -> None:
    over = [(await left.task(graph), await left.request(graph)) for graph in ("delivered", "superseded")]

    await left.later(MINUTE)
    for task, request in over:
        await left.stage.delivery.drive(task.id)
        with pytest.raises(CountersignError):
            await left.stage.answers.take_back(left.stage.actor(BOB), request.id)
    await left.settle()

    assert [(await left.task(task.graph), await left.request(task.graph)) for task, _ in over] == over
    assert not {"delivered", "superseded"} & {graph for graph, _ in left.acted}


async def test_every_message_of_it_can_be_drawn(left: Left) -> None:
    for task in await every_task(left.storage):
        requests = await left.storage.requests_of(task.id)
        by_id = {request.id: request for request in requests}
        for message in await left.storage.messages_of(task.id):
            own = by_id[message.request_id] if message.request_id is not None else None
            assert render.draw(View(message=message, task=task, request=own, requests=requests)).fingerprint


# --- Votes ----------------------------------------------------------------------------------------


async def test_the_second_vote_decides_with_the_first(left: Left) -> None:
    request = await left.request("two_votes")
    assert [vote.person for vote in request.votes] == [ALICE]

    await left.vote(request)
    still = await left.storage.request(request.id)
    await left.vote(request, by=BOB)

    assert isinstance(still.state, Pending)
    decision = (await left.storage.request(request.id)).decision
    assert isinstance(decision, Answered)
    assert decision.voters == (ALICE, BOB)
    assert left.acted == [("two_votes", True)]


async def test_a_no_is_a_no(left: Left) -> None:
    for graph in ("two_votes", "renewed", "tool"):
        await left.vote(await left.request(graph), Reject(reason="no"), by=BOB)

    assert left.acted == [("two_votes", False), ("renewed", False), ("tool", {"type": "reject", "message": "no"})]


async def test_what_was_shown_then_can_be_voted_on(left: Left) -> None:
    """The button on a card that Slack still shows names its version and digest of then."""
    request = await left.request("tool")
    shown = Shown.of(request)

    await left.later(MINUTE)
    await left.stage.answers.vote(left.stage.actor(ALICE), shown, (Approve(),))
    await left.settle()

    assert ("tool", {"type": "approve"}) in left.acted


async def test_what_was_decided_before_is_in_view(left: Left) -> None:
    first, request = await left.storage.requests_of((await left.task("renewed")).id)

    assert request.before is not None
    assert (request.before.times, request.before.why) == (1, NotUsed.ASKED_ELSE)
    assert (request.before.question.title, request.question.title) == ("Pay 10?", "Pay 12?")
    assert request.before.decision == first.decision
    assert isinstance(first.state, Superseded)
    assert isinstance(first.decision, Answered)


# --- Answers in words -----------------------------------------------------------------------------


async def test_words_are_held_for_their_minute_and_then_delivered(left: Left) -> None:
    held = [await left.request("worded"), await left.order("worded")]

    await left.later(MINUTE - SECOND)
    early = [await left.storage.request(request.id) for request in held]
    status = (await left.shown("worded")).status
    await left.later(SECOND)

    assert [state_of(request) for request in (*held, *early)] == [(Decided, 0)] * 4
    assert status is CallStatus.PENDING
    for request in held:
        assert isinstance((await left.storage.request(request.id)).state, Delivered)
        with pytest.raises(CountersignError):
            await left.stage.answers.take_back(left.stage.actor(ALICE), request.id)
    assert told_in_words(left) == (["eu-west"], ["eu-west"])


async def test_words_that_are_held_can_be_stopped_as_any_decision_can(left: Left) -> None:
    for request in (await left.request("worded"), await left.order("worded")):
        stopped = await left.stage.answers.stop(left.stage.actor(BOB), request.id)

        assert isinstance(request.state, Decided)
        assert request.state.held_until == MORNING + MINUTE
        assert isinstance(stopped.state, Pending)
        assert stopped.votes == ()
    await left.later(2 * MINUTE)

    assert told_in_words(left) == ([], [])


async def test_words_can_still_be_taken_back_and_others_given(left: Left) -> None:
    held = [await left.request("worded"), await left.order("worded")]

    for request in held:
        with pytest.raises(CountersignError):
            await left.stage.answers.take_back(left.stage.actor(BOB), request.id)
        taken = await left.stage.answers.take_back(left.stage.actor(ALICE), request.id)
        assert isinstance(taken.state, Pending)
        assert (taken.votes, taken.version, taken.deadline) == ((), request.version, request.deadline)
        assert "taken_back" in [event.kind for event in await left.storage.history(request.task_id)]
    await left.later(2 * MINUTE)
    nothing = told_in_words(left)
    for request in held:
        await left.vote(request, Respond(value="ap-south"), by=BOB)
    await left.later(2 * MINUTE)

    assert nothing == ([], [])
    assert told_in_words(left) == (["ap-south"], ["ap-south"])


# --- Decisions on their way -----------------------------------------------------------------------


async def test_a_decision_that_failed_is_delivered_when_its_pause_is_over(left: Left) -> None:
    await left.later(19 * SECOND)
    early = await left.request("failed")
    with pytest.raises(CountersignError):  # the agent had it
        await left.stage.answers.take_back(left.stage.actor(ALICE), early.id)
    await left.later(SECOND)

    assert isinstance(early.state, Decided)
    assert early.state.attempts == 1
    assert isinstance((await left.request("failed")).state, Delivered)
    assert left.acted.count(("failed", True)) == 1


async def test_a_decision_that_failed_is_retried_by_a_person(left: Left) -> None:
    task = await left.task("failed")
    assert isinstance(task.state, Failed)

    await left.stage.tasks.retry(left.stage.actor(RITA), task.id)
    await left.settle()
    await left.later(MINUTE)

    assert isinstance((await left.request("failed")).state, Delivered)
    assert left.acted.count(("failed", True)) == 1


async def test_a_decision_that_failed_can_be_made_anew(left: Left) -> None:
    request = await left.request("failed")

    again = await left.stage.answers.answer_again(left.stage.actor(BOB), request.id)
    await left.vote(again, Reject(reason="the bank is closed"), by=BOB)
    await left.later(MINUTE)

    assert isinstance((await left.request("failed")).state, Delivered)
    assert [told for graph, told in left.acted if graph == "failed"] == [False]


async def test_a_decision_that_no_process_began_to_deliver_is_delivered_once(left: Left) -> None:
    """It cannot be taken back: it was final when it was made, and nobody knows what it was before."""
    request = await left.request("away")

    for person in (ALICE, BOB, RITA):
        with pytest.raises(CountersignError):
            await left.stage.answers.take_back(left.stage.actor(person), request.id)
    await left.later(timedelta(0))
    await left.later(MINUTE)

    assert isinstance((await left.request("away")).state, Delivered)
    assert isinstance((await left.task("away")).state, Ended)
    assert left.acted.count(("away", True)) == 1


# --- Shipped graphs -------------------------------------------------------------------------------


async def test_files_that_were_listed_then_are_moved(left: Left, root: Path) -> None:
    files = await left.below(root)

    await left.answer("cleanup", Approve())
    await left.later(timedelta(hours=1))

    task = await left.task("cleanup")
    assert isinstance(task.state, Ended)
    assert task.state.outcome.startswith("Moved 2 files")
    assert in_trash(root) == [path.name for path in files]


async def test_files_whose_folder_was_away_are_moved_when_somebody_retries(left: Left, root: Path) -> None:
    files = await left.below(root, "moving")
    task, approved = await left.task("moving"), await left.request("moving")

    await left.stage.tasks.retry(left.stage.actor(RITA), task.id)
    await left.later(timedelta(hours=1))

    assert isinstance(task.state, Failed)
    assert isinstance((await left.task("moving")).state, Ended)
    assert isinstance(approved.state, Delivered)
    assert in_trash(root) == [path.name for path in files]


async def test_files_that_nobody_wants_moved_stay(left: Left, root: Path) -> None:
    files = await left.below(root)

    await left.answer("cleanup", Reject(reason="the audit needs them"))
    await left.later(timedelta(hours=1))

    assert isinstance((await left.task("cleanup")).state, Ended)
    assert all(path.exists() for path in files)
    assert not (root / ".trash").exists()


@pytest.mark.parametrize(
    ("verdict", "paid"), [(Approve(), [("ACME Ltd", "310.10")]), (Reject(), [])], ids=["yes", "no"]
)
async def test_a_payment_is_made_once_or_not_at_all(
    left: Left, tmp_path: Path, verdict: Approve | Reject, paid: list[tuple[str, str]]
) -> None:
    await left.answer("payment", verdict)
    await left.later(timedelta(hours=1))
    await left.stage.delivery.drive((await left.task("payment")).id)

    assert isinstance((await left.task("payment")).state, Ended)
    assert payments(tmp_path) == paid


# --- Orders ---------------------------------------------------------------------------------------


async def test_the_shop_is_told_of_what_was_decided_once_its_server_is_back(left: Left) -> None:
    webhook = await left.webhook("decided")
    assert (webhook.attempts, webhook.failure) == (1, "it answered 503")

    await left.later(timedelta(0))
    await left.later(timedelta(hours=1))

    told = [(id, body["type"], body["data"]["status"]) for id, body in left.receiver.got if id == webhook.id]
    assert told == [(webhook.id, "request.decided", "decided")]
    assert (await left.webhook("decided")).delivered_at == MORNING


async def test_a_decision_is_consumed_by_one_execution(left: Left) -> None:
    first = await left.consume("decided")
    again = await left.consume("decided")

    assert (first.status, again.task.caller) == (CallStatus.DECIDED, first.task.caller)
    for key in ("decided", "consumed"):
        with pytest.raises(AlreadyConsumed):
            await left.consume(key, "run-2")
    assert (await left.consume("consumed")).task.caller == (await left.shown("consumed")).task.caller


async def test_an_open_order_is_decided_told_and_consumed(left: Left) -> None:
    with pytest.raises(NotSettled):
        await left.consume("open")

    await left.vote(await left.order("open"), by=BOB)
    await left.later(timedelta(0))

    assert (await left.consume("open")).status is CallStatus.DECIDED
    webhook = await left.webhook("open")
    assert [body["data"]["decision"]["approved"] for id, body in left.receiver.got if id == webhook.id] == [True]


async def test_an_order_whose_gateway_was_away_is_handed_over(left: Left) -> None:
    with pytest.raises(NotSettled):
        await left.consume("away")

    await left.later(timedelta(0))

    assert (await left.consume("away")).status is CallStatus.DECIDED
    webhook = await left.webhook("away")
    assert [id for id, _ in left.receiver.got].count(webhook.id) == 1


async def test_the_same_call_makes_no_second_order(left: Left) -> None:
    for key in ORDERS:
        call = Call(source=SHOP, key=key, body=f"body of {key}", callback_url=CALLBACK)
        made = await left.calls.ask(TOKEN, call, None, None, left.stage.clock.now)

        assert not made.new
        assert len(await left.storage.requests_of(made.task.id)) == 1


# --- Within ---------------------------------------------------------------------------------------


def state_of(request: Request) -> tuple[type[RequestState], int]:
    """Of a decision, how often its delivery was begun."""
    return type(request.state), request.state.attempts if isinstance(request.state, Decided) else -1


def told_in_words(left: Left) -> tuple[list[object], list[object]]:
    """What `worded` and the shop were told."""
    orders = [body["data"] for _, body in left.receiver.got]
    return (
        [told for graph, told in left.acted if graph == "worded"],
        [order["decision"]["answer"] for order in orders if order["metadata"] == {"order": "worded"}],
    )


def in_trash(root: Path) -> list[str]:
    return sorted(path.name for path in (root / ".trash").rglob("*") if path.is_file())


def payments(folder: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(folder / "ledger.db")) as ledger:
        if not ledger.execute("SELECT 1 FROM sqlite_master WHERE name = 'payments'").fetchone():
            return []
        return list(ledger.execute("SELECT payee, amount FROM payments"))
