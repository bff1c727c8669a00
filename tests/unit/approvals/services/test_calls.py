"""Programs that ask: one request for each key, its decision handed over once, and nothing stored of a wrong call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from bot.approvals.model.call_errors import (
    AlreadyConsumed,
    ChannelMissing,
    ChannelNotAllowed,
    InvalidCursor,
    KeyUsedOtherwise,
    NoSuchChannel,
    NoSuchRequester,
    NotSettled,
    NotYourSource,
    OfAgent,
    Ungoverned,
)
from bot.approvals.model.caller import Consumed, is_of_caller, request_id_of
from bot.approvals.model.decision import Answered, Approve, Cancelled, Expired, Reject
from bot.approvals.model.errors import (
    AlreadySettled,
    CountersignError,
    InvalidInputs,
    NotFound,
    OwnRequest,
    TaskFinished,
    Unreachable,
)
from bot.approvals.model.ids import ChannelId, Program, RequestId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Auto, Expire, Step
from bot.approvals.model.question import Item
from bot.approvals.model.request import Delivered, Pending
from bot.approvals.model.server import OnServer, server_of
from bot.approvals.model.task import Ended, Failed, Failure, Starting, Task, TaskCancelled
from bot.approvals.model.webhook import WebhookKind
from bot.approvals.ports.storage import Storage
from bot.approvals.rules.calls import CallStatus
from bot.approvals.rules.matching import ConditionFailed, Facts, Policies, Rule
from bot.approvals.services.call_reading import CallReading, Page
from bot.approvals.services.calls import Call, Made
from tests.support.fakes.shop import CALLBACK, KIM, REFUND, SOURCES, TOKEN, Shop, a_call
from tests.support.fakes.world import ALICE, CHANNEL, FIRST, SECOND, World, a_world, policy, question

HOUR = timedelta(hours=1)


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


async def stored(shop: Shop) -> int:
    """How many tasks the shop has made."""
    return len(await shop.world.storage.tasks_from(SOURCES, 100))


async def told(shop: Shop, made: Made) -> list[WebhookKind]:
    return [each.kind for each in await shop.world.storage.webhooks_of(made.task.id)]


# --- To ask -------------------------------------------------------------------------------------


async def test_a_question_is_recorded_before_anybody_is_asked(shop: Shop) -> None:
    made = await shop.ask(a_call(url="https://shop.example.com/1", run="run-7", metadata={"order": 1}))

    task = await shop.task(made)
    assert (made.new, made.task) == (True, task)
    assert is_of_caller(task.id)
    assert (task.graph, task.requester, task.channel) == ("shop", Program(name="shop"), CHANNEL)
    assert task.caller is not None
    assert (task.caller.token, task.caller.run, task.caller.metadata) == ("shop-prod", "run-7", {"order": 1})
    (event,) = await shop.world.history(task, "started")
    assert (event.person, event.through) == (None, "shop-prod")
    assert event.data["inputs"] == {"question": REFUND}
    assert shop.world.work.deliveries == [task.id]


async def test_people_are_asked_what_the_program_asked(shop: Shop) -> None:
    request = await shop.asked()

    assert isinstance(request.state, Pending)
    assert request.id == request_id_of(request.task_id)
    assert dict(request.question.items[0].arguments) == {"order": "o-1", "amount": 40}
    assert len(shop.world.messenger.of(MessageKind.CARD)) == 1


async def test_a_schema_says_what_the_answer_has_to_be(shop: Shop) -> None:
    await shop.ask(question="How much?", schema={"type": "integer"})
    await shop.settle()

    view = (await shop.reading.tasks(SOURCES, 1)).tasks[0]
    assert view.requests[0].question.form == {"type": "integer"}


async def test_the_same_key_and_body_give_the_same_request(shop: Shop) -> None:
    first = await shop.ask()
    await shop.settle()

    again = await shop.ask()

    assert (again.new, again.task.id) == (False, first.task.id)
    assert await stored(shop) == 1
    assert len(await shop.world.requests(first.task)) == 1


async def test_a_key_that_was_used_for_something_else_is_refused(shop: Shop) -> None:
    await shop.ask()

    with pytest.raises(KeyUsedOtherwise) as refused:
        await shop.ask(a_call(body="another body"))

    assert "order-1" in str(refused.value)
    assert await stored(shop) == 1


async def test_sources_have_keys_of_their_own(shop: Shop) -> None:
    both = replace(TOKEN, sources=("shop", "desk"))
    one = await shop.ask(token=both)
    other = await shop.ask(a_call(source="desk"), token=both)

    assert (one.new, other.new) == (True, True)
    assert one.task.id != other.task.id


async def test_of_several_calls_at_once_with_one_key_one_is_recorded(shop: Shop) -> None:
    made = await asyncio.gather(*(shop.ask() for _ in range(5)))

    assert [each.new for each in made].count(True) == 1
    assert len({each.task.id for each in made}) == 1
    assert await stored(shop) == 1


async def test_of_two_calls_at_once_with_one_key_and_two_bodies_one_is_refused(shop: Shop) -> None:
    made = await asyncio.gather(shop.ask(), shop.ask(a_call(body="another")), return_exceptions=True)

    assert sorted(type(each).__name__ for each in made) == ["KeyUsedOtherwise", "Made"]


async def test_a_named_person_is_the_requester_and_may_not_answer(shop: Shop) -> None:
    shop.go_under(Policies(rules=(), otherwise=policy(approvers=("U-ALICE", "UKIM"))))

    request = await shop.asked(a_call(requester="UKIM"))

    assert request.requester == KIM
    with pytest.raises(OwnRequest):
        await shop.world.vote(KIM, on=request)


WRONG: list[tuple[Call, type[CountersignError]]] = [
    (a_call(source="bank"), NotYourSource),
    (a_call(requester="UNOBODY"), NoSuchRequester),
    (a_call(requester="@group"), NoSuchRequester),
    (a_call(requester="away@example.com"), NoSuchRequester),
    (a_call(channel="#nowhere"), NoSuchChannel),
    (a_call(channel="nonsense"), NoSuchChannel),
    (a_call(channel="#secret"), NoSuchChannel),
    (a_call(channel="#dev"), ChannelNotAllowed),
]


@pytest.mark.parametrize(("call", "refusal"), WRONG, ids=lambda each: getattr(each, "__name__", ""))
async def test_a_wrong_call_is_refused_at_once_and_nothing_is_stored(
    shop: Shop, call: Call, refusal: type[CountersignError]
) -> None:
    shop.world.directory.refused |= {"away@example.com": "cannot be looked up", "#secret": "cannot be looked up"}

    with pytest.raises(refusal) as refused:
        await shop.ask(call)

    assert str(refused.value)
    assert await stored(shop) == 0


async def test_a_channel_must_be_named_by_the_call_or_by_its_token(shop: Shop) -> None:
    anywhere = replace(TOKEN, channels=())

    with pytest.raises(ChannelMissing) as missing:
        await shop.ask(token=anywhere)
    made = await shop.ask(a_call(channel="#dev"), token=anywhere)

    assert str(missing.value)
    assert made.task.channel == "C2"


async def test_a_channel_may_be_named_by_its_id(shop: Shop) -> None:
    assert (await shop.ask(a_call(channel="C1"))).task.channel == "C1"


async def test_a_channel_that_the_bot_is_not_in_is_refused(shop: Shop) -> None:
    shop.world.directory.elsewhere.add(ChannelId("C1"))

    for call in (a_call(channel="C1"), a_call()):  # named, and the token's own
        with pytest.raises(NoSuchChannel) as refused:
            await shop.ask(call)
        assert "nobody could be asked there" in str(refused.value)

    assert await stored(shop) == 0


async def test_what_no_policy_can_be_chosen_for_is_refused(shop: Shop) -> None:
    shop.go_under(failing())

    with pytest.raises(Ungoverned) as refused:
        await shop.ask()

    assert "the amount is no number" in str(refused.value)
    assert await stored(shop) == 0


def failing() -> Policies:
    def when(facts: Facts, items: Sequence[Item]) -> Sequence[bool]:
        raise ConditionFailed("the amount is no number.")

    return Policies(rules=(Rule(policy=policy(name="large"), when=when),), otherwise=policy())


# --- While Slack is away ------------------------------------------------------------------------


async def test_nothing_is_lost_while_slack_is_away(shop: Shop) -> None:
    """It is recorded, and the sweep has it asked."""
    anywhere = replace(TOKEN, channels=())
    shop.go_under(Policies(rules=(), otherwise=policy(approvers=("@leads",))))
    shop.world.directory.groups["@leads"] = [ALICE]
    shop.world.directory.down = True

    made = await shop.ask(a_call(channel="C1"), token=anywhere)
    with pytest.raises(Unreachable):
        await shop.settle()
    unasked = await shop.of(request_id_of(made.task.id))
    shop.world.directory.down = False
    orphans = await shop.world.storage.orphans(shop.world.now, 10, elsewhere=True)

    assert (unasked.status, unasked.request) == (CallStatus.PENDING, None)
    assert [task.id for task in orphans] == [made.task.id]
    await shop.delivery.drive(made.task.id)
    (request,) = await shop.world.requests(made.task)
    assert isinstance(request.state, Pending)


async def test_a_rule_that_needs_slack_is_looked_at_later(shop: Shop) -> None:
    named = Policies(rules=(Rule(policy=policy(name="hers"), requesters=("@ops",)),), otherwise=policy())
    shop.go_under(named)
    shop.world.directory.untold.add("@ops")

    made = await shop.ask()

    assert made.new


@pytest.mark.parametrize("name", ["UKIM", "#ops"])
async def test_a_name_that_slack_does_not_explain_is_asked_for_again(shop: Shop, name: str) -> None:
    call = a_call(requester="UKIM", channel="#ops")
    shop.world.directory.untold.add(name)

    with pytest.raises(Unreachable):
        await shop.ask(call)

    assert await stored(shop) == 0


# --- What failed before anybody was asked -------------------------------------------------------


async def test_the_same_call_again_tries_what_failed_before_anybody_was_asked(shop: Shop) -> None:
    made = await shop.ask()
    await shop.world.storage.save_task(
        replace(made.task, state=Failed(failure=a_failure(shop), retryable=True)),
        (await shop.world.history(made.task, "started"))[0],
    )

    again = await shop.ask()
    await shop.settle()

    assert again.task.state == Starting()
    (event,) = await shop.world.history(made.task, "retried")
    assert event.through == "shop-prod"
    assert len(await shop.world.requests(made.task)) == 1


def a_failure(shop: Shop) -> Failure:
    return Failure(error_id="e1", summary="ConditionFailed", at=shop.world.now)


async def test_a_policy_that_fails_later_is_a_failure_of_the_task(shop: Shop) -> None:
    made = await shop.ask()
    shop.go_under(failing())

    await shop.settle()

    assert isinstance((await shop.task(made)).state, Failed)
    view = await shop.of(request_id_of(made.task.id))
    assert (view.status, view.request) == (CallStatus.PENDING, None)


# --- Decisions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [Approve(), Reject(reason="no")], ids=["yes", "no"])
async def test_a_decision_shows_once_it_is_handed_over(shop: Shop, verdict: Approve | Reject) -> None:
    request = await shop.asked()

    await shop.world.vote(ALICE, verdict, on=request)
    before = await shop.of(request.id)
    await shop.settle()
    after = await shop.of(request.id)

    assert (before.status, after.status) == (CallStatus.PENDING, CallStatus.DECIDED)
    assert after.request is not None
    assert isinstance(after.request.decision, Answered)
    assert isinstance(after.task.state, Ended)


async def test_a_decision_is_told_once_and_no_message_besides_the_card_says_so(shop: Shop) -> None:
    request = await shop.asked()

    await shop.world.vote(ALICE, on=request)
    await shop.settle()
    await shop.delivery.drive(request.task_id)

    (webhook,) = await shop.world.storage.webhooks_of(request.task_id)
    assert (webhook.kind, webhook.request_id, webhook.url) == (WebhookKind.DECIDED, request.id, CALLBACK)
    assert webhook.next_try == shop.world.now
    assert shop.world.messenger.of(MessageKind.OUTCOME) == []


async def test_whether_a_call_has_asked_before(shop: Shop) -> None:
    before = await shop.calls.has_asked(TOKEN, a_call())
    await shop.ask()

    assert (before, await shop.calls.has_asked(TOKEN, a_call())) == (False, True)


async def test_who_wants_no_callback_gets_none(shop: Shop) -> None:
    request = await shop.asked(a_call(callback_url=""))

    await shop.world.vote(ALICE, on=request)
    await shop.settle()

    assert await shop.world.storage.webhooks_of(request.task_id) == ()


async def test_a_program_reads_how_its_webhook_fares_once_there_is_one(shop: Shop) -> None:
    request = await shop.asked()
    assert await shop.reading.webhook(await shop.of(request.id)) is None

    await shop.world.vote(ALICE, on=request)
    await shop.settle()

    (webhook,) = await shop.world.storage.webhooks_of(request.task_id)
    assert await shop.reading.webhook(await shop.of(request.id)) == webhook


async def test_silence_is_told_as_such(shop: Shop) -> None:
    shop.go_under(Policies(rules=(), otherwise=policy(steps=(Step(after=HOUR, action=Expire()),))))
    made = await shop.ask()
    await shop.settle()

    await shop.later(2 * HOUR)

    view = await shop.of(request_id_of(made.task.id))
    assert view.status is CallStatus.EXPIRED
    assert view.request is not None
    assert isinstance(view.request.decision, Expired)
    assert await told(shop, made) == [WebhookKind.EXPIRED]


async def test_a_policy_that_answers_by_itself_is_told_like_people(shop: Shop) -> None:
    shop.go_under(Policies(rules=(), otherwise=replace(policy(), auto=Auto(approve=True, why="it is small"))))

    made = await shop.ask()
    await shop.settle()

    view = await shop.of(request_id_of(made.task.id))
    assert view.status is CallStatus.DECIDED
    assert await told(shop, made) == [WebhookKind.DECIDED]


# --- To cancel ----------------------------------------------------------------------------------


async def test_a_cancelled_request_can_no_longer_be_answered(shop: Shop) -> None:
    request = await shop.asked()

    view = await shop.cancel(request.id, "the order was withdrawn")
    await shop.settle()

    assert view.status is CallStatus.CANCELLED
    assert view.task.state == TaskCancelled(by=Program(name="shop"), at=shop.world.now)
    with pytest.raises(AlreadySettled):
        await shop.world.vote(ALICE, on=request)
    events = await shop.world.history(view.task, "cancelled")
    assert [(each.person, each.through) for each in events] == [(None, "shop-prod")] * 2
    assert {each.data["reason"] for each in events} == {"the order was withdrawn"}
    assert [each.data.get("outcome") for each in events].count("cancelled") == 1
    assert len(await shop.world.storage.webhooks_of(view.task.id)) == 1


async def test_a_request_is_cancelled_once(shop: Shop) -> None:
    request = await shop.asked()
    await shop.cancel(request.id)

    view = await shop.cancel(request.id)

    assert view.status is CallStatus.CANCELLED
    assert len(await shop.world.history(view.task, "cancelled")) == 2
    await shop.settle()
    assert shop.world.messenger.of(MessageKind.OUTCOME) == []  # the card says it


async def test_a_request_that_nobody_was_asked_yet_is_cancelled_and_told(shop: Shop) -> None:
    made = await shop.ask()

    view = await shop.cancel(request_id_of(made.task.id))
    await shop.settle()

    assert (view.status, view.request) == (CallStatus.CANCELLED, None)
    assert await told(shop, made) == [WebhookKind.CANCELLED]
    assert await shop.world.requests(made.task) == ()


async def test_a_request_that_nobody_was_asked_yet_is_cancelled_in_silence(shop: Shop) -> None:
    made = await shop.ask(a_call(callback_url=""))

    await shop.cancel(request_id_of(made.task.id))

    assert await told(shop, made) == []


@pytest.mark.parametrize("delivered", [False, True], ids=["decided", "handed over"])
async def test_what_was_decided_is_not_cancelled(shop: Shop, delivered: bool) -> None:
    request = await shop.asked()
    await shop.world.vote(ALICE, on=request)
    if delivered:
        await shop.settle()

    with pytest.raises(AlreadySettled):
        await shop.cancel(request.id)

    assert await shop.world.history(await shop.world.task(request.task_id), "cancelled") == []


async def test_a_person_who_cancels_is_told_of_as_well(shop: Shop) -> None:
    request = await shop.asked(a_call(requester="UKIM"))

    await shop.world.tasks.cancel(shop.world.actor(KIM), request.task_id)
    await shop.settle()

    view = await shop.of(request.id)
    assert view.status is CallStatus.CANCELLED
    assert view.request is not None
    assert view.request.state == Delivered(decision=Cancelled(by=KIM, at=shop.world.now), at=shop.world.now)
    assert [each.kind for each in await shop.world.storage.webhooks_of(request.task_id)] == [WebhookKind.CANCELLED]
    assert shop.world.messenger.of(MessageKind.OUTCOME) == []


# --- To consume ---------------------------------------------------------------------------------


async def test_a_decision_is_consumed_by_one_execution(shop: Shop) -> None:
    request = await shop.asked()
    await shop.world.vote(ALICE, on=request)
    await shop.settle()

    view = await shop.consume(request.id, "run-1")
    again = await shop.consume(request.id, "run-1")
    with pytest.raises(AlreadyConsumed) as refused:
        await shop.consume(request.id, "run-2")

    assert view.task.caller is not None
    assert view.task.caller.consumed == Consumed(at=shop.world.now, execution="run-1")
    assert again.task == view.task
    assert "run-1" in str(refused.value)
    (event,) = await shop.world.history(view.task, "consumed")
    assert (event.through, event.request_id, event.data["execution"]) == ("shop-prod", request.id, "run-1")
    assert event.digest == request.digest


async def test_the_card_says_that_the_decision_was_taken(shop: Shop) -> None:
    request = await shop.asked()
    await shop.world.vote(ALICE, on=request)
    await shop.settle()
    before = await shop.world.storage.request(request.id)

    await shop.consume(request.id)
    await shop.settle()

    records = await shop.world.storage.records_of(request.task_id)
    (card,) = [each for each in records.messages if each.kind is MessageKind.CARD]
    assert before.revision < records.requests[0].revision == card.shown
    assert shop.world.messenger.of(MessageKind.OUTCOME) == []


async def test_of_several_executions_at_once_one_gets_the_decision(shop: Shop) -> None:
    request = await shop.asked()
    await shop.world.vote(ALICE, on=request)
    await shop.settle()

    got = await asyncio.gather(*(shop.consume(request.id, f"run-{n}") for n in range(5)), return_exceptions=True)

    assert [isinstance(each, AlreadyConsumed) for each in got].count(False) == 1


async def test_nothing_is_consumed_before_it_is_settled(shop: Shop) -> None:
    request = await shop.asked()

    with pytest.raises(NotSettled) as refused:
        await shop.consume(request.id)

    assert request.id in str(refused.value)


async def test_what_was_cancelled_before_anybody_was_asked_can_be_consumed(shop: Shop) -> None:
    """The one that asks for it learns that there is no approval."""
    made = await shop.ask()
    await shop.cancel(request_id_of(made.task.id))

    view = await shop.consume(request_id_of(made.task.id))

    assert view.status is CallStatus.CANCELLED


# --- Agents -------------------------------------------------------------------------------------


async def test_an_agent_is_started_once_for_a_key(shop: Shop) -> None:
    made = await shop.calls.start(TOKEN, a_call(), "cleanup", {"days": 3}, shop.world.now)
    again = await shop.calls.start(TOKEN, a_call(), "cleanup", {"days": 3}, shop.world.now)

    assert (made.new, again.new, again.task.id) == (True, False, made.task.id)
    assert not is_of_caller(made.task.id)
    assert (made.task.graph, made.task.inputs) == ("cleanup", {"days": 3})
    with pytest.raises(KeyUsedOtherwise):
        await shop.calls.start(TOKEN, a_call(body="other"), "cleanup", {}, shop.world.now)


async def test_an_agent_on_a_server_is_started_once_for_a_key(shop: Shop) -> None:
    made = await shop.calls.start(TOKEN, a_call(), "prod/cleanup", {}, shop.world.now)
    again = await shop.calls.start(TOKEN, a_call(), "prod/cleanup", {}, shop.world.now)

    assert (made.new, again.new, again.task) == (True, False, made.task)
    assert (made.task.graph, made.task.server) == ("cleanup", OnServer(name="prod"))
    assert server_of(made.task.id) == "prod"


async def test_an_agent_whose_inputs_do_not_fit_is_not_started(shop: Shop) -> None:
    shop.inputs.problems = {"days": "must be a number"}

    with pytest.raises(InvalidInputs):
        await shop.calls.start(TOKEN, a_call(), "cleanup", {"days": "x"}, shop.world.now)

    assert await stored(shop) == 0


async def an_agent(shop: Shop) -> Made:
    """A task of an agent that asks."""
    made = await shop.calls.start(TOKEN, a_call(), "cleanup", {}, shop.world.now)
    await shop.world.settle()
    return made


async def test_an_agent_that_asks_is_cancelled_with_its_task(shop: Shop) -> None:
    made = await an_agent(shop)
    (request,) = await shop.world.requests(made.task)

    with pytest.raises(OfAgent):
        await shop.cancel(request.id)
    with pytest.raises(OfAgent) as refused:
        await shop.consume(request.id)
    records = await shop.calls.cancel_task(made.task.id, SOURCES, TOKEN, shop.world.now)
    again = await shop.calls.cancel_task(made.task.id, SOURCES, TOKEN, shop.world.now)

    assert made.task.id in str(refused.value)
    assert isinstance(records.task.state, TaskCancelled)
    assert records.task == again.task
    assert [each.decision for each in records.requests] == [Cancelled(by=Program(name="shop"), at=shop.world.now)]
    assert await told(shop, made) == []


async def test_what_was_decided_before_its_task_is_cancelled_stays_decided() -> None:
    async with a_world({FIRST: question(), SECOND: question()}) as world:
        shop = Shop(world)
        made = await an_agent(shop)
        await world.vote(ALICE, on=await world.request(made.task, FIRST))

        records = await shop.calls.cancel_task(made.task.id, SOURCES, TOKEN, world.now)

        assert [type(each.decision) for each in records.requests] == [Answered, Cancelled]


async def test_an_agent_that_has_ended_is_not_cancelled(shop: Shop) -> None:
    made = await an_agent(shop)
    (request,) = await shop.world.requests(made.task)
    await shop.world.vote(ALICE, on=request)
    await shop.world.settle()

    with pytest.raises(TaskFinished):
        await shop.calls.cancel_task(made.task.id, SOURCES, TOKEN, shop.world.now)


# --- To read ------------------------------------------------------------------------------------


async def test_another_source_sees_what_does_not_exist(shop: Shop) -> None:
    request = await shop.asked()

    for sources, id in (((), request.id), (("bank",), request.id), (SOURCES, RequestId("req_0")), (SOURCES, "r")):
        with pytest.raises(NotFound) as refused:
            await shop.reading.of(RequestId(id), sources)
        assert str(refused.value) == f"There is no request `{id}`."
    with pytest.raises(NotFound):
        await shop.calls.consume(request.id, ("bank",), TOKEN, "run-1", shop.world.now)
    with pytest.raises(NotFound):
        await shop.calls.cancel(request.id, ("bank",), TOKEN, shop.world.now)


async def test_what_people_started_is_no_programs(shop: Shop) -> None:
    task = await shop.world.started()
    (request,) = await shop.world.requests(task)

    with pytest.raises(NotFound):
        await shop.of(request.id)


async def test_the_history_of_a_request_is_that_of_its_task(shop: Shop) -> None:
    request = await shop.asked()
    agent = await an_agent(shop)
    (of_agent,) = await shop.world.requests(agent.task)

    mine = await shop.reading.history(request.id, SOURCES)
    agents = await shop.reading.history(of_agent.id, SOURCES)

    assert mine[0].kind == "started"
    assert {each.request_id for each in agents} == {of_agent.id}


async def test_what_waits_for_somebody_is_found_by_their_names(shop: Shop) -> None:
    request = await shop.asked()
    await shop.world.started()

    (found,) = await shop.reading.waiting_for(["U-ALICE"], SOURCES)

    assert (found.id, found.status) == (request.id, CallStatus.PENDING)
    assert await shop.reading.waiting_for(["U-ALICE"], ("bank",)) == ()
    assert await shop.reading.waiting_for(["U-STRANGER"], SOURCES) == ()


@pytest.mark.parametrize("pages", [1, 2, 3, 7])
async def test_pages_follow_each_other_without_gaps(shop: Shop, pages: int) -> None:
    keys = [f"order-{number}" for number in range(6)]
    for key in keys:
        await shop.ask(a_call(key))
        shop.world.clock.advance(timedelta(seconds=1))

    seen, cursor = list[str](), ""
    while True:
        page = await shop.reading.tasks(SOURCES, pages, cursor)
        seen += [each.task.caller.key for each in page.tasks if each.task.caller]
        if not (cursor := page.cursor):
            break

    assert seen == keys[::-1]


@pytest.mark.parametrize("cursor", ["nonsense", "12", "x~caller-1", "9" * 400 + "~caller-1"])
async def test_a_cursor_that_no_list_gave_is_refused(shop: Shop, cursor: str) -> None:
    with pytest.raises(InvalidCursor) as refused:
        await shop.reading.tasks(SOURCES, 10, cursor)

    assert cursor in str(refused.value)


async def test_what_is_removed_while_a_list_is_read_is_left_out(shop: Shop) -> None:
    made = await shop.ask()
    task = (await shop.cancel(request_id_of(made.task.id))).task
    found = await shop.world.storage.tasks_from(SOURCES, 10)
    await shop.world.storage.purge(task.id, (await shop.world.history(task, "cancelled"))[0])

    class Late:
        """The records as they are now, behind a list from before."""

        async def tasks_from(self, *_: object, **__: object) -> Sequence[Task]:
            return found

        def __getattr__(self, name: str) -> object:
            return getattr(shop.world.storage, name)

    page = await CallReading(storage=cast(Storage, Late())).tasks(SOURCES, 10)

    assert page == Page(tasks=(), cursor="")
