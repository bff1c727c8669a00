"""What is seen in records, policies, servers and the audit log."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.approvals.model.audit import Head
from bot.approvals.model.caller import Caller, Consumed, task_id_of
from bot.approvals.model.ids import MessageId
from bot.approvals.model.policy import one_stage
from bot.approvals.model.request import Unreached
from bot.approvals.model.task import Failed, Failure, Task
from bot.approvals.model.trouble import About, Trouble, TroubleKind
from bot.approvals.model.webhook import Webhook
from bot.approvals.ports.slack import PlaceGone
from bot.approvals.ports.storage import Change
from bot.approvals.rules.matching import Policies
from bot.approvals.services.audit.proof import Broken
from bot.approvals.services.troubles import chain, records
from bot.approvals.services.troubles.chain import OfTheLog
from bot.approvals.services.troubles.policies import LOOK_AGAIN, OfPolicies
from bot.approvals.services.troubles.records import FromRecords
from bot.approvals.services.troubles.servers import OfServers
from bot.approvals.services.troubles.source import Sight
from tests.support.builders import a_message, a_request, a_task, a_webhook, an_event, decided, staged
from tests.support.fakes.world import ALICE, BOB, FIRST, RITA, World, a_world, policy
from tests.unit.approvals.services.troubles.watching import Watcher

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def known(kind: TroubleKind, subject: str, at: datetime) -> Trouble:
    return Trouble(id=MessageId("m"), kind=kind, subject=subject, about=About(), since=at)


# --- Records ------------------------------------------------------------------------------------


@pytest.fixture
def watcher(world: World) -> Watcher:
    """A gateway that watches the world's records."""
    return Watcher(world, sources=(FromRecords(storage=world.storage),))


async def failing(world: World) -> Task:
    """A task whose agent raises on its answer, until nothing tries again by itself."""
    world.engine.failures[FIRST] = 99
    task = await world.started()
    await world.vote(ALICE, on=await world.request(task))
    await world.settle()
    for _ in range(9):
        await world.later(HOUR)
    return await world.task(task.id)


async def test_a_decision_that_is_given_up_is_told_once_and_resolved_by_a_retry(world: World, watcher: Watcher) -> None:
    """Not while it is still tried by itself, and not anew while a retry is under way."""
    world.engine.failures[FIRST] = 99
    task = await world.started()
    await world.vote(ALICE, on=await world.request(task))
    await world.settle()
    await watcher.pass_by()
    assert watcher.told == []

    for _ in range(9):
        await world.later(HOUR)
    await watcher.pass_by(MINUTE, MINUTE)
    assert watcher.told == [f"undelivered {task.id} lasts: ValueError"]

    await world.tasks.retry(world.actor(RITA), task.id)
    await watcher.pass_by(MINUTE)
    assert watcher.told == [f"undelivered {task.id} lasts: ValueError"]
    await world.settle()  # it fails again
    await watcher.pass_by(MINUTE)
    assert watcher.told == [f"undelivered {task.id} lasts: ValueError"]

    world.engine.failures[FIRST] = 0
    await world.tasks.retry(world.actor(RITA), task.id)
    await world.settle()
    await watcher.pass_by(MINUTE)
    assert watcher.told == [f"undelivered {task.id} over: ValueError"]


async def test_the_message_names_the_error_and_leads_to_the_card(world: World, watcher: Watcher) -> None:
    """That is all that it says of the task."""
    task = await failing(world)
    request = await world.request(task)
    card = next(each for each in await world.storage.messages_of(task.id) if each.request_id == request.id)
    opening = next(each for each in await world.storage.messages_of(task.id) if each.request_id is None)
    assert opening.ref is not None
    await watcher.pass_by()

    (trouble,) = (await watcher.records()).values()

    assert isinstance(task.state, Failed)
    assert trouble.about == About(
        task_id=task.id,
        request_id=request.id,
        name="cleanup",
        why="ValueError",
        error_id=task.state.failure.error_id,
        place=card.ref,
        thread_ts=opening.ref.ts,
    )


async def test_a_task_that_fails_before_it_asks_is_told_too(world: World, watcher: Watcher) -> None:
    """No decision waits then, and its opening is what it leads to."""
    world.engine.no_checkpoint = 1
    task = await world.started()
    await watcher.pass_by(MINUTE)
    assert [each.split(":")[0] for each in watcher.told] == [f"failed {task.id} lasts"]

    await world.tasks.cancel(world.actor(RITA), task.id)
    await world.settle()
    await watcher.pass_by(MINUTE)

    assert [each.split(":")[0] for each in watcher.told] == [f"failed {task.id} over"]


async def stored(world: World, id: str, task: Task | None = None, **changes: Any) -> Task:
    """A task that waits for people, with one request."""
    task = task or a_task(f"task-of-{id}")
    request = a_request(id, task, **changes)
    await world.storage.create_task(task, an_event("started", task), [a_message(f"opening-of-{id}", task)])
    await world.storage.open_request(request, an_event("opened", request))
    return task


async def test_requests_that_nobody_can_answer_or_was_asked_are_told_until_they_are_settled(
    world: World, watcher: Watcher
) -> None:
    """Each is one trouble."""
    short = staged(a_request(), short=1, asked=()).open
    untold = staged(a_request(), asked=(), untold=("@ops cannot be looked up.",)).open
    missed = Unreached(person=a_request().open.asked[0], why="user_disabled", asked_at=world.now + 9999 * HOUR * 24)
    await stored(world, "well")
    await stored(world, "short", open=short)
    await stored(world, "untold", open=untold)
    await stored(world, "missed", unreached=(missed,))
    await stored(world, "some", unreached=(replace(missed, person=BOB),))
    await watcher.pass_by(MINUTE, MINUTE)
    assert sorted(watcher.told) == [
        "unanswerable short lasts",
        "unanswerable untold lasts: @ops cannot be looked up.",
        "unreached missed lasts: user_disabled",
    ]

    for id in ("short", "untold", "missed"):
        request = await world.storage.request(a_request(id).id)
        await world.storage.save_request(replace(request, state=decided()), an_event("decided", request))
    await watcher.pass_by(MINUTE)

    assert [each.split(":")[0].split()[-1] for each in watcher.told] == ["over"] * 3


async def test_a_request_whose_card_cannot_be_posted_is_told_without_a_link(world: World, watcher: Watcher) -> None:
    """It is over once it is cancelled."""
    world.messenger.fail("post", PlaceGone("is_archived"))
    task = await world.started()
    await watcher.pass_by(MINUTE)
    (trouble,) = (await watcher.records()).values()
    assert (trouble.kind, trouble.about.place) == (TroubleKind.UNREACHED, None)
    assert "is_archived" in str(trouble.about.why)

    await world.tasks.cancel(world.actor(RITA), task.id)
    await watcher.pass_by(MINUTE)

    assert "over" in watcher.told[0]


async def test_a_webhook_that_was_given_up_is_told_until_the_program_has_its_decision(
    world: World, watcher: Watcher
) -> None:
    """By then it knows, however it got it."""
    caller = Caller(source="billing", token="t", key="k", body="b", callback_url="https://hooks.example.com/x?secret")
    task = await stored(world, "r1", a_task(task_id_of("r1" * 16), caller=caller))
    request = await world.storage.request(a_request("r1").id)
    webhook = a_webhook("msg", request, next_try=None, failure="it answered 500", created_at=world.now)
    change = Change(record=replace(request, state=decided()), event=an_event("decided", request), webhooks=[webhook])
    await world.storage.save_all([change])
    await watcher.pass_by(MINUTE, MINUTE)
    (trouble,) = (await watcher.records()).values()
    assert watcher.told == ["webhook msg lasts: it answered 500"]
    assert trouble.about.name == "hooks.example.com"

    task = await world.storage.task(task.id)
    consumed = replace(caller, consumed=Consumed(at=world.now, execution="x"))
    await world.storage.save_task(replace(task, caller=consumed), an_event("consumed", task))
    await watcher.pass_by(MINUTE)

    assert watcher.told == ["webhook msg over: it answered 500"]


async def test_a_trouble_whose_records_are_gone_is_over(world: World) -> None:
    """Nobody can mend what is not there, and of some troubles no task is known."""
    source = FromRecords(storage=world.storage)
    gone = known(TroubleKind.FAILED, "t1", world.now)
    purged = replace(known(TroubleKind.FAILED, "t2", world.now), about=About(task_id=a_task("t2").id))
    others = known(TroubleKind.SERVER, "prod", world.now)

    assert await source.look([gone, purged, others], world.now) == Sight(over=[gone.key, purged.key])


async def test_a_look_reads_a_page_of_each_list_and_the_next_one_goes_on(
    world: World, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many have failed, and however many of them are known."""
    monkeypatch.setattr(records, "PAGE", 2)
    for number in range(5):
        at = world.now + number * MINUTE
        state = Failed(failure=Failure(error_id="e", summary="ValueError", at=at), retryable=True)
        task = a_task(f"t{number}", state=state)
        await world.storage.create_task(task, an_event("started", task))
    counts = []
    for _ in range(4):
        await watcher.pass_by(MINUTE)
        counts.append(len(await watcher.records()))
    assert counts == [2, 4, 5, 5]

    for number in range(5):
        task = await world.storage.task(a_task(f"t{number}").id)
        await world.storage.save_task(replace(task, state=a_task().state), an_event("retried", task))
        ended = replace(task, state=Failed(failure=state.failure, retryable=False), revision=task.revision + 1)
        await world.storage.save_task(ended, an_event("lost", task))
    await watcher.pass_by(MINUTE, MINUTE, MINUTE)

    assert all(each.endswith("over: ValueError") for each in watcher.told)


async def test_pages_of_requests_and_webhooks_go_on_too(
    world: World, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No list is left at its first page."""
    monkeypatch.setattr(records, "PAGE", 1)
    caller = Caller(source="billing", token="t", key="k", body="b", callback_url="https://hooks.example.com/x")
    for number in range(3):
        task = a_task(task_id_of(f"r{number}" * 16), caller=caller)
        request = staged(a_request(f"r{number}", task), short=1, asked=())
        webhook = a_webhook(f"msg-{number}", request, next_try=None, created_at=world.now)
        await world.storage.create_task(task, an_event("started", task))
        await world.storage.open_request(request, an_event("opened", request))
        change = Change(record=task, event=an_event("told", task), webhooks=[webhook])
        await world.storage.save_all([change])
    await watcher.pass_by(MINUTE, MINUTE, MINUTE)

    assert sorted(subject for _, subject in await watcher.records()) == ["msg-0", "msg-1", "msg-2", "r0", "r1", "r2"]


async def test_a_task_that_is_purged_while_it_is_looked_at_is_no_trouble(world: World) -> None:
    """The list still had it, and its records are gone."""

    class Late:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.storage, name)

        async def failed_tasks(self, *_: object) -> tuple[Task, ...]:
            return (
                a_task("gone", state=Failed(failure=Failure(error_id="e", summary="", at=world.now), retryable=True)),
            )

        async def webhooks_given_up(self, *_: object) -> tuple[Webhook, ...]:
            return (a_webhook("msg", a_request(task=a_task("gone")), next_try=None),)

    assert await FromRecords(storage=Late()).look([], world.now) == Sight(over=[])


# --- Policies -----------------------------------------------------------------------------------


async def test_a_policy_that_names_nobody_is_told_until_it_is_corrected() -> None:
    """The names are looked up again now and then, and at once if the file was read anew."""
    wrong = policy(name="refunds", approvers=("@finance",))
    async with a_world(otherwise=wrong) as world:
        policies = world.policies
        watcher = Watcher(world, sources=(OfPolicies(policies=lambda: policies, directory=world.directory),))
        await watcher.pass_by(MINUTE)
        (told,) = watcher.told
        assert told.startswith("policy refunds lasts: @finance is nobody in this workspace.")

        world.directory.groups["@finance"] = [ALICE]
        await watcher.pass_by(MINUTE)
        assert watcher.told == [told]
        await watcher.pass_by(LOOK_AGAIN)
        assert watcher.told[0].startswith("policy refunds over")

        policies = Policies(rules=(), otherwise=replace(wrong, stages=one_stage(("@nobody",), 1, ())))
        await watcher.pass_by(MINUTE)
        assert watcher.told[-1].startswith("policy refunds lasts: @nobody")


async def test_names_that_slack_does_not_say_are_neither_trouble_nor_mended() -> None:
    """They are looked up again with the next sweep."""
    async with a_world(otherwise=policy(approvers=("@finance",))) as world:
        watcher = Watcher(world, sources=(OfPolicies(policies=lambda: world.policies, directory=world.directory),))
        world.directory.down = True
        await watcher.pass_by(MINUTE)
        assert await watcher.records() == {}

        world.directory.down = False
        await watcher.pass_by(MINUTE)
        world.directory.down = True
        await watcher.pass_by(LOOK_AGAIN)

        assert [each.open for each in (await watcher.records()).values()] == [True]


# --- Servers ------------------------------------------------------------------------------------


async def test_a_server_is_told_if_it_does_not_answer_for_a_while(world: World) -> None:
    """One that is started anew is not, and one that is back is over."""
    away = {"prod": True, "test": True}
    watcher = Watcher(world, sources=(OfServers(away=lambda: away),))
    await watcher.pass_by(MINUTE)
    away["test"] = False
    await watcher.pass_by(MINUTE / 2)
    assert watcher.told == []

    await watcher.pass_by(MINUTE / 2, MINUTE)
    assert watcher.told == ["server prod lasts"]
    del away["prod"]
    await watcher.pass_by(MINUTE)

    assert watcher.told == ["server prod over"]


async def test_a_server_that_is_known_to_be_away_stays_so_for_another_gateway(world: World) -> None:
    """It need not wait anew, and does not call it mended."""
    source = OfServers(away=lambda: {"prod": True})

    sight = await source.look([known(TroubleKind.SERVER, "prod", world.now)], world.now)

    assert sight == Sight(lasting={(TroubleKind.SERVER, "prod"): About(name="prod")}, over=[])


# --- The audit log ------------------------------------------------------------------------------


async def test_an_audit_log_that_was_altered_is_told_and_its_repair_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at what is new comes once a minute, and its end is kept."""
    await world.started()
    watcher = Watcher(world, sources=(OfTheLog(storage=world.storage),))
    await watcher.pass_by(MINUTE)
    head = await world.storage.head()
    assert await world.storage.verified() == head
    assert watcher.told == []

    async def broken(_storage: object, since: Head | None, _limit: int) -> Broken:
        assert since == head
        return Broken(number=1234, why="Its link was altered.")

    with monkeypatch.context() as patched:
        patched.setattr(chain, "follow", broken)
        await watcher.pass_by(MINUTE / 2)
        assert watcher.told == []
        await watcher.pass_by(MINUTE / 2, MINUTE)
        assert watcher.told == ["chain log lasts: Its link was altered."]
    assert (await watcher.records())[TroubleKind.CHAIN, "log"].about.name == "1,234"
    await watcher.pass_by(MINUTE)

    assert watcher.told == ["chain log over: Its link was altered."]
    assert await world.storage.verified() == head
