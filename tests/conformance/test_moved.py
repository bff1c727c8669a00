"""What `Storage` promises of a request that belongs to another interrupt from now on, and is open again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import Expired, Keep, Outcome, Undo, WindowClosed
from bot.approvals.model.errors import Conflict
from bot.approvals.model.ids import InterruptId
from bot.approvals.model.policy import CloseWindow, OnStale, Step, UndoTerms, one_stage
from bot.approvals.model.question import Verdict, Window
from bot.approvals.model.request import (
    Before,
    Decided,
    Delivered,
    NotUsed,
    Pending,
    Reopened,
    ReopenedBy,
    Request,
    RequestState,
    Superseded,
)
from bot.approvals.model.task import Ended, Task
from bot.approvals.model.undo_offer import UndoOffer
from bot.approvals.ports.storage import Change, Storage
from tests.conformance.stores import Store
from tests.support.builders import (
    MINUTE,
    NOON,
    a_message,
    a_person,
    a_policy,
    a_question,
    a_request,
    a_task,
    an_answer,
    an_event,
    an_item,
    decided,
)

LATER = InterruptId("interrupt-after-it-looked-again")
TOLD = Delivered(decision=an_answer(), at=NOON)


@pytest.fixture
async def task(storage: Storage) -> Task:
    task = a_task()
    await storage.create_task(task, an_event("started", task))
    return task


@pytest.fixture
async def told(storage: Storage, task: Task) -> Request:
    """A request whose answer the agent has."""
    return await settled(storage, task, TOLD)


async def settled(storage: Storage, task: Task, state: RequestState) -> Request:
    request = await opened(storage, a_request(task=task))
    return await storage.save_request(replace(request, state=state), an_event("settled", request))


async def opened(storage: Storage, request: Request) -> Request:
    return await storage.open_request(request, an_event("opened", request))


def asked_there(request: Request, id: InterruptId = LATER, **changes: object) -> Change:
    """The change that asks the request again, as the question of this interrupt."""
    values: dict[str, object] = {"interrupt_id": id, "state": Pending(due_at=NOON), "version": request.version + 1}
    renewed = replace(request, **values | changes)  # type: ignore[arg-type]
    return Change(record=renewed, event=an_event("asked_anew", request), moves=True)


async def test_it_is_the_request_of_its_new_interrupt_and_no_other_is_opened_there(
    storage: Storage, task: Task, told: Request
) -> None:
    await storage.save_all([asked_there(told)])
    other = a_request("other", task, interrupt_id=LATER)

    moved = await storage.request(told.id)
    assert (moved.interrupt_id, moved.revision, moved.version) == (LATER, told.revision + 1, told.version + 1)
    assert await storage.open_request(other, an_event("opened", other)) == moved
    with pytest.raises(Conflict):
        await storage.save_all([Change(record=other, event=an_event("opened", other), opens=True)])
    assert await storage.requests_of(task.id) == (moved,)


async def test_the_interrupt_that_it_had_may_have_another_request(storage: Storage, task: Task, told: Request) -> None:
    await storage.save_all([asked_there(told)])

    other = await opened(storage, a_request("other", task, interrupt_id=told.interrupt_id))

    assert other.id == "other"
    assert [each.id for each in await storage.requests_of(task.id)] == [told.id, "other"]


async def test_it_does_not_move_to_an_interrupt_that_has_a_request(storage: Storage, task: Task, told: Request) -> None:
    other = await opened(storage, a_request("other", task, interrupt_id=LATER))
    events = await storage.history(task.id)

    with pytest.raises(Conflict):
        await storage.save_all([asked_there(told)])

    assert await storage.requests_of(task.id) == (told, other)
    assert await storage.history(task.id) == events


async def test_another_thread_may_have_the_same_interrupt(storage: Storage, told: Request) -> None:
    elsewhere = a_task("elsewhere")
    await storage.create_task(elsewhere, an_event("started", elsewhere))
    await opened(storage, a_request("elsewhere", elsewhere, interrupt_id=LATER))

    await storage.save_all([asked_there(told)])

    assert (await storage.request(told.id)).interrupt_id == LATER


async def test_it_moves_as_often_as_its_agent_looks_again_and_back_too(storage: Storage, told: Request) -> None:
    for interrupt in (LATER, InterruptId("third"), told.interrupt_id):
        current = await storage.request(told.id)
        await storage.save_all([asked_there(current, interrupt)])

    assert (await storage.request(told.id)).interrupt_id == told.interrupt_id


async def test_its_delivery_may_be_recorded_by_the_same_change(storage: Storage, task: Task) -> None:
    begun = await settled(storage, task, decided(attempts=1))
    delivered = replace(begun, state=TOLD)

    await storage.save_all(
        [
            Change(record=delivered, event=an_event("delivered", begun)),
            asked_there(replace(delivered, revision=begun.revision + 1)),
        ]
    )

    assert (await storage.request(begun.id)).interrupt_id == LATER
    assert [event.kind for event in await storage.history(task.id)][-2:] == ["delivered", "asked_anew"]


async def test_one_that_changed_since_it_was_read_does_not_move(storage: Storage, told: Request) -> None:
    with pytest.raises(Conflict):
        await storage.save_all([asked_there(replace(told, revision=told.revision - 1))])

    assert await storage.request(told.id) == told


async def test_a_change_that_does_not_say_so_moves_nothing(storage: Storage, task: Task, told: Request) -> None:
    """Its interrupt still has this request."""
    await storage.save_all([replace(asked_there(told), moves=False)])

    found = await opened(storage, a_request("other", task, interrupt_id=told.interrupt_id))
    assert found.id == told.id


async def test_of_many_that_move_to_one_interrupt_at_once_exactly_one_does(store: Store) -> None:
    handles = [await store.open() for _ in range(3)]
    task = a_task()
    await handles[0].create_task(task, an_event("started", task))
    requests = [await opened(handles[0], a_request(f"request-{number}", task)) for number in range(6)]

    results = await asyncio.gather(
        *(handles[number % 3].save_all([asked_there(each)]) for number, each in enumerate(requests)),
        return_exceptions=True,
    )

    assert sorted(map(type, results), key=str) == sorted([type(None), *[Conflict] * 5], key=str)
    there = [each for each in await handles[1].requests_of(task.id) if each.interrupt_id == LATER]
    assert len(there) == 1


async def test_it_survives_that_every_process_ends(store: Store) -> None:
    storage = await store.open()
    task = a_task()
    await storage.create_task(task, an_event("started", task))
    told = await settled(storage, task, TOLD)
    await storage.save_all([asked_there(told)])

    storage = await store.reopen()

    other = a_request("other", task, interrupt_id=LATER)
    assert (await storage.open_request(other, an_event("opened", other))).id == told.id


# --- Open again ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state",
    [
        TOLD,
        decided(attempts=1),
        decided(next_try=None),
        Superseded(at=NOON, decision=an_answer(), changed=True),
        Delivered(decision=WindowClosed(at=NOON), at=NOON),
    ],
    ids=["delivered", "begun", "failed", "superseded", "closed"],
)
@pytest.mark.parametrize("moves", [True, False])
async def test_whatever_it_was_it_waits_for_its_approvers_again(
    storage: Storage, task: Task, state: RequestState, moves: bool
) -> None:
    request = await settled(storage, task, state)
    assert await storage.waiting_for(["UAPP"], 9) == ()
    assert await storage.due(NOON, 9) == ()

    change = replace(asked_there(request), moves=moves)
    await storage.save_all([change if moves else replace(change, record=_here(request))])

    (again,) = await storage.requests_of(task.id)
    assert isinstance(again.state, Pending)
    assert await storage.due(NOON, 9) == await storage.waiting_for(["UAPP"], 9) == (again,)
    assert await storage.unsettled() == (task.id,)
    assert await storage.undelivered(NOON + 1000 * MINUTE, 9) == ()


def _here(request: Request) -> Request:
    return replace(request, state=Pending(due_at=NOON), version=request.version + 1)


async def test_its_next_decision_is_delivered_like_any_other(storage: Storage, task: Task, told: Request) -> None:
    await storage.save_all([asked_there(told)])
    again = await storage.request(told.id)

    saved = await storage.save_request(replace(again, state=decided()), an_event("voted", again))

    assert await storage.undelivered(NOON, 9) == (saved,)
    assert await storage.waiting_for(["UAPP"], 9) == await storage.due(NOON, 9) == ()


async def test_its_card_is_out_of_date_and_it_keeps_its_place(storage: Storage, task: Task) -> None:
    first = a_request("first", task)
    await storage.open_request(first, an_event("opened", first), [a_message("card", first, shown=0)])
    second = await opened(storage, a_request("second", task))

    await storage.save_all([asked_there(await storage.request(first.id))])

    assert [message.id for message in await storage.out_of_date(NOON, 9)] == ["card"]
    assert [each.id for each in await storage.requests_of(task.id)] == ["first", second.id]


async def test_a_purge_takes_it_away_with_both_its_interrupts(storage: Storage, task: Task, told: Request) -> None:
    await storage.save_all([asked_there(told)])
    moved = await storage.request(told.id)
    await storage.save_request(replace(moved, state=Superseded(at=NOON)), an_event("superseded", moved))
    ended = await _ended(storage, task)

    await storage.purge(ended.id, an_event("purged", ended))

    await storage.create_task(task, an_event("started", task))
    for number, interrupt in enumerate((LATER, told.interrupt_id)):
        again = await opened(storage, a_request(f"again-{number}", task, interrupt_id=interrupt))
        assert again.id == f"again-{number}"


async def _ended(storage: Storage, task: Task) -> Task:
    return await storage.save_task(replace(task, state=Ended(outcome="done", at=NOON)), an_event("ended", task))


# --- What follows a yes -------------------------------------------------------------------------


WINDOW = a_question(
    shape="undo_window",
    items=(an_item("move", verdicts=(Verdict.UNDO, Verdict.KEEP)),),
    window=Window(length=10 * MINUTE, at=NOON, how="Moves it back", problem="It gave none"),
)
TERMS = a_policy(
    stages=one_stage(("UAPP",), steps=(Step(after=10 * MINUTE, action=CloseWindow()),)),
    hold=timedelta(seconds=30),
    valid_for=60 * MINUTE,
    on_stale=OnStale.STOP,
    undo=UndoTerms(approvers=("@leads", "UAPP"), requester=False, held=("UAPP",)),
)
CLOSED = WindowClosed(at=NOON)
UNDONE = an_answer(verdicts=(Undo(),))
BEFORE = Before(question=a_question(), decision=an_answer(), times=2, why=NotUsed.WORLD_CHANGED)


@pytest.mark.parametrize(
    "state",
    [
        Pending(due_at=NOON + 10 * MINUTE),
        decided(decision=UNDONE, held=Pending(due_at=NOON, taken=(0,))),
        decided(held=Pending(due_at=None), held_until=NOON + MINUTE, valid_until=NOON + 61 * MINUTE),
        decided(decision=CLOSED),
        Delivered(decision=an_answer(verdicts=(Keep(),)), at=NOON, valid_until=NOON + MINUTE),
        Delivered(decision=CLOSED, at=NOON),
        *(Superseded(at=NOON, decision=each, changed=True) for each in (UNDONE, CLOSED, Expired(at=NOON), an_answer())),
        Superseded(at=NOON),
    ],
    ids=repr,
)
@pytest.mark.parametrize("outcome", [None, Outcome.UNDO, Outcome.KEEP, Outcome.CLOSED])
async def test_all_that_follows_a_yes_comes_back_as_it_was(
    storage: Storage, task: Task, state: RequestState, outcome: Outcome | None
) -> None:
    offer = UndoOffer(request_id=a_request("w").id, version=2, digest=WINDOW.digest, until=NOON, outcome=outcome)
    reopened = Reopened(by=a_person("UAPP"), at=NOON, why=ReopenedBy.STOPPED)
    request = a_request(
        task=task, question=WINDOW, policy=TERMS, state=state, before=BEFORE, reopened=reopened, undo=offer
    )

    stored = await opened(storage, request)

    found = await storage.request(stored.id)
    assert found == request
    assert repr(found) == repr(request)
    assert found.digest == request.digest


async def test_a_held_decision_is_undelivered_from_the_end_of_its_hold_on(storage: Storage, task: Task) -> None:
    until = NOON + MINUTE
    held = await settled(storage, task, decided(until, held=Pending(due_at=None), held_until=until))
    assert isinstance(held.state, Decided)

    assert await storage.undelivered(until - timedelta(microseconds=1), 9) == ()
    assert await storage.undelivered(until, 9) == (held,)
    assert await storage.waiting_for(["UAPP"], 9) == ()


async def test_a_window_waits_for_whoever_asked_for_the_action_until_it_closes(storage: Storage, task: Task) -> None:
    terms = a_policy(stages=one_stage((), steps=TERMS.stages[0].steps), undo=UndoTerms())
    state = Pending(due_at=NOON + 10 * MINUTE)
    request = await opened(storage, a_request(task=task, question=WINDOW, policy=terms, state=state))

    assert await storage.waiting_for(["UREQ"], 9) == (request,)
    assert await storage.due(NOON + 10 * MINUTE, 9) == (request,)
