"""What `Storage` promises of the lists of requests: whom they wait for, and who voted on them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.audit import PURGED
from bot.approvals.model.decision import Vote
from bot.approvals.model.policy import Expire, Step, one_stage
from bot.approvals.model.question import Risk
from bot.approvals.model.request import Delegation, Passed, Pending, Request
from bot.approvals.model.task import Task, TaskCancelled
from bot.approvals.ports.storage import Storage
from tests.conformance.stores import Store
from tests.support.builders import NOON, a_person, a_policy, a_question, a_request, a_task, an_event, decided, staged

EXPIRES = (Step(after=timedelta(hours=2), action=Expire()),)


@pytest.fixture
async def task(storage: Storage) -> Task:
    task = a_task()
    await storage.create_task(task, an_event("started", task))
    return task


async def stored(storage: Storage, request: Request) -> Request:
    return await storage.open_request(request, an_event("opened", request))


def asking(id: str, task: Task, *names: str, risk: Risk | None = None, hours: int = 0) -> Request:
    """A request of these approvers; one of `hours` expires so much later than the others."""
    opened = task.created_at + timedelta(hours=hours)
    return staged(
        a_request(
            id,
            task,
            policy=a_policy(stages=one_stage(names, steps=EXPIRES)),
            question=a_question(risk=risk),
            opened_at=opened,
        ),
        opened_at=opened,
    )


async def ids(storage: Storage, *refs: str, limit: int = 10) -> list[str]:
    return [request.id for request in await storage.waiting_for(refs, limit)]


def a_vote(request: Request, user_id: str = "UAPP", minutes: int = 5) -> Vote:
    at = NOON + timedelta(minutes=minutes)
    return Vote(person=a_person(user_id), verdicts=(), version=request.version, digest=request.digest, at=at)


# --- Whom it waits for ------------------------------------------------------------------------------------


async def test_what_waits_is_found_by_any_of_its_approvers_names_once(storage: Storage, task: Task) -> None:
    request = await stored(storage, asking("one", task, "UBOB", "@Ops-Leads", "Carol@Example.com"))
    await stored(storage, asking("two", task, "UDAVE"))

    assert await ids(storage, "UBOB") == ["one"]
    assert await ids(storage, "@ops-leads") == ["one"]
    assert await ids(storage, "carol@example.COM", "UBOB", "@OPS-LEADS") == ["one"]
    assert await ids(storage, "UNOBODY") == []
    assert await ids(storage) == []
    assert await storage.waiting_for(["UBOB"], 10) == (request,)


async def test_the_graver_waits_first_and_of_those_as_grave_what_expires_sooner(storage: Storage, task: Task) -> None:
    await stored(storage, asking("low", task, "UBOB", risk=Risk.LOW))
    await stored(storage, asking("unsaid", task, "UBOB"))
    await stored(storage, asking("medium", task, "@ops", risk=Risk.MEDIUM))
    await stored(storage, asking("high-later", task, "@ops", risk=Risk.HIGH, hours=2))
    await stored(storage, asking("high-sooner", task, "UBOB", risk=Risk.HIGH, hours=1))
    await stored(storage, asking("critical", task, "UBOB", "@ops", risk=Risk.CRITICAL, hours=3))

    assert await ids(storage, "UBOB", "@ops") == ["critical", "high-sooner", "high-later", "medium", "unsaid", "low"]
    assert await ids(storage, "@ops", "UBOB", limit=2) == ["critical", "high-sooner"]


async def test_what_never_expires_waits_after_what_does(storage: Storage, task: Task) -> None:
    await stored(storage, a_request("never", task, policy=a_policy(stages=one_stage(("UBOB",)))))
    await stored(storage, asking("later", task, "UBOB", hours=24 * 365))

    assert await ids(storage, "UBOB") == ["later", "never"]


async def test_what_is_decided_waits_for_nobody_and_waits_again_once_it_is_asked_again(
    storage: Storage, task: Task
) -> None:
    request = await stored(storage, asking("one", task, "UBOB", "@ops"))
    saved = await storage.save_request(replace(request, state=decided()), an_event("decided", request))

    assert await ids(storage, "UBOB", "@ops") == []

    await storage.save_request(replace(saved, state=Pending(due_at=None)), an_event("asked again", request))

    assert await ids(storage, "UBOB", "@ops") == ["one"]


async def test_who_was_given_a_vote_it_waits_for_until_that_is_taken_back(storage: Storage, task: Task) -> None:
    request = await stored(storage, asking("one", task, "UBOB"))
    given = Delegation(by=a_person("UBOB"), to=a_person("UDAVE"), at=NOON)

    saved = await storage.save_request(replace(request, delegations=(given,)), an_event("delegated", request))
    assert await ids(storage, "UDAVE") == ["one"]
    await storage.save_request(replace(saved, delegations=()), an_event("withdrawn", request))

    assert await ids(storage, "UDAVE") == []
    assert await ids(storage, "UBOB") == ["one"]


async def test_whom_a_step_adds_it_waits_for_from_then_on(storage: Storage, task: Task) -> None:
    request = await stored(storage, asking("one", task, "UBOB"))

    assert await ids(storage, "@on-call") == []

    saved = await storage.save_request(
        replace(request, open=replace(request.open, escalated_to=("@on-call",))), an_event("escalated", request)
    )

    assert await ids(storage, "@on-call") == await ids(storage, "UBOB") == ["one"]

    fewer = replace(saved, policy=a_policy(stages=one_stage(("UCAROL",))), open=replace(saved.open, escalated_to=()))
    await storage.save_request(fewer, an_event("moved", request))

    assert await ids(storage, "@on-call", "UBOB") == []
    assert await ids(storage, "UCAROL") == ["one"]


async def test_a_change_of_its_risk_moves_it(storage: Storage, task: Task) -> None:
    first = await stored(storage, asking("first", task, "UBOB", risk=Risk.MEDIUM))
    await stored(storage, asking("second", task, "UBOB", risk=Risk.HIGH))

    graver = replace(first, question=a_question(risk=Risk.CRITICAL))
    await storage.save_request(graver, an_event("asked anew", first))

    assert await ids(storage, "UBOB") == ["first", "second"]


async def test_a_save_that_loses_moves_nothing(storage: Storage, task: Task) -> None:
    request = await stored(storage, asking("one", task, "UBOB"))
    await storage.save_request(request, an_event("touched", request))

    with pytest.raises(Exception, match="changed by somebody else"):
        await storage.save_request(replace(request, state=decided()), an_event("decided", request))

    assert await ids(storage, "UBOB") == ["one"]


async def test_what_waits_is_found_by_a_process_that_starts_later(store: Store) -> None:
    storage = await store.open()
    task = a_task()
    await storage.create_task(task, an_event("started", task))
    await stored(storage, asking("one", task, "UBOB"))

    assert await ids(await store.reopen(), "UBOB") == ["one"]


async def test_whom_a_later_stage_asks_it_waits_for_once_that_is_reached(storage: Storage, task: Task) -> None:
    stages = (*one_stage(("ULEAD",)), *one_stage(("UMONEY",)))
    request = await stored(storage, a_request("one", task, policy=a_policy(stages=stages)))

    assert (await ids(storage, "ULEAD"), await ids(storage, "UMONEY")) == (["one"], [])

    passed = (Passed(verdicts=(), voters=(a_person("ULEAD"),), at=NOON),)
    await storage.save_request(replace(request, passed=passed), an_event("voted", request))

    assert (await ids(storage, "ULEAD"), await ids(storage, "UMONEY")) == ([], ["one"])


# --- Who voted ----------------------------------------------------------------------------------------------


async def test_what_somebody_voted_on_is_theirs_the_latest_vote_first(storage: Storage, task: Task) -> None:
    first, second = [await stored(storage, a_request(id, task)) for id in ("first", "second")]
    for request, minutes in ((first, 9), (second, 5)):
        voted = replace(request, votes=(a_vote(request, "UBOB", minutes), a_vote(request, "UCAROL", 14 - minutes)))
        await storage.save_request(voted, an_event("voted", request))

    assert [request.id for request in await storage.answered_by(a_person("UBOB"), 10)] == ["first", "second"]
    assert [request.id for request in await storage.answered_by(a_person("UCAROL"), 10)] == ["second", "first"]
    assert [request.id for request in await storage.answered_by(a_person("UBOB"), 1)] == ["first"]
    assert await storage.answered_by(a_person("UBOB", "T2"), 10) == ()


async def test_a_vote_that_is_void_is_nobodys(storage: Storage, task: Task) -> None:
    request = await stored(storage, a_request("one", task))
    voted = await storage.save_request(replace(request, votes=(a_vote(request),)), an_event("voted", request))

    await storage.save_request(replace(voted, votes=()), an_event("edited", request))

    assert await storage.answered_by(a_person("UAPP"), 10) == ()


async def test_what_is_purged_stands_on_no_list(storage: Storage) -> None:
    task = a_task(state=TaskCancelled(by=a_person(), at=NOON))
    await storage.create_task(task, an_event("started", task))
    request = await stored(storage, asking("one", task, "UBOB"))
    await storage.save_request(replace(request, votes=(a_vote(request, "UBOB"),)), an_event("voted", request))

    await storage.purge(task.id, an_event(PURGED, task))

    assert await ids(storage, "UBOB") == []
    assert await storage.answered_by(a_person("UBOB"), 10) == ()
