"""Records survive their way through storage to the letter."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.approvals.model import policy
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.caller import Caller, Consumed
from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Choose,
    Expired,
    Keep,
    Outcome,
    Reject,
    Respond,
    Undo,
    Vote,
    WindowClosed,
)
from bot.approvals.model.hours import Hours
from bot.approvals.model.ids import JSON, MessageRef, Person, Program
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.question import Item, Question, Risk, Verdict, Window
from bot.approvals.model.request import (
    Before,
    Decided,
    Delivered,
    Edit,
    Extension,
    NotUsed,
    OpenStage,
    Passed,
    Pending,
    Reopened,
    ReopenedBy,
    Request,
    Superseded,
)
from bot.approvals.model.task import Ended, Failed, Failure, Running, Starting, Task, TaskCancelled, Waiting
from bot.approvals.model.undo_offer import UndoOffer
from bot.storage.codec import decode, encode
from tests.support.builders import NOON, a_message, a_person, a_question, a_request, a_task, an_event, an_item

# --- Anything that a record can hold ------------------------------------------------------------

texts = st.text(st.characters(), max_size=12)  # control characters and lone surrogates among them
numbers = st.integers() | st.integers(-(10**60), 10**60) | st.floats(allow_nan=False)
json_values: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
json_objects = st.dictionaries(texts, json_values, max_size=3)
moments = st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(fold=0))  # UTC has no fold
spans = st.timedeltas(timedelta(days=-36500), timedelta(days=36500))
counts = st.integers(min_value=0, max_value=2**53)


def tuples(inner: st.SearchStrategy[Any], size: int = 2) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(inner, max_size=size).map(tuple)


def maybe(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | inner


people = st.builds(Person, team_id=texts, user_id=texts)
askers = people | st.builds(Program, name=texts)
refs = st.builds(MessageRef, channel=texts, ts=texts)
callers = st.builds(
    Caller,
    source=texts,
    token=texts,
    key=texts,
    body=texts,
    url=texts,
    run=texts,
    callback_url=texts,
    metadata=json_objects,
    consumed=maybe(st.builds(Consumed, at=moments, execution=texts)),
)
failures = st.builds(Failure, error_id=texts, summary=texts, at=moments)

task_states = st.one_of(
    st.builds(Starting),
    st.builds(Running),
    st.builds(Waiting),
    st.builds(Ended, outcome=texts, at=moments),
    st.builds(Failed, failure=failures, retryable=st.booleans()),
    st.builds(TaskCancelled, by=askers, at=moments),
)
tasks = st.builds(
    Task,
    id=texts,
    thread_id=texts,
    graph=texts,
    inputs=json_objects,
    requester=askers,
    channel=texts,
    created_at=moments,
    caller=maybe(callers),
    state=task_states,
    revision=counts,
)

items = st.builds(
    Item,
    name=texts,
    arguments=json_objects,
    verdicts=tuples(st.sampled_from(Verdict), 5),
    schema=json_values,
)
questions = st.builds(
    Question,
    shape=texts,
    title=texts,
    items=st.lists(items, min_size=1, max_size=2).map(tuple),
    text=texts,
    choices=tuples(texts),
    form=json_values,
    risk=maybe(st.sampled_from(Risk)),
    convention=texts,
    labels=st.dictionaries(texts, texts, max_size=3),
    payload=json_values,
    window=maybe(st.builds(Window, length=spans, at=maybe(moments), how=texts, problem=texts)),
    look_again=texts,
)
steps = st.builds(
    policy.Step,
    after=spans,
    action=st.one_of(
        st.builds(policy.Remind),
        st.builds(policy.Warn),
        st.builds(policy.Escalate, to=tuples(texts), via=st.sampled_from(policy.Via), adds=st.booleans()),
        st.builds(policy.Expire),
        st.builds(policy.Consent),
        st.builds(policy.Pick, choice=texts),
        st.builds(policy.Overdue),
        st.builds(policy.CloseWindow),
    ),
)
stages = st.builds(
    policy.Stage,
    groups=tuples(st.builds(policy.Group, approvers=tuples(texts), needed=counts)),
    name=texts,
    steps=tuples(steps).map(lambda taken: tuple(sorted(taken, key=lambda step: step.after))),
    remind_every=maybe(spans),
    reject_quorum=counts,
)
hours = st.builds(
    Hours,
    start=st.just(time(9, 30)),
    end=st.sampled_from([time(17, 15), time()]),
    days=st.just((0, 4)),
    zone=texts,
    holidays=tuples(st.dates()),
)
policies = st.builds(
    policy.Policy,
    name=texts,
    stages=st.lists(stages, min_size=1, max_size=3).map(tuple),
    self_approval=st.booleans(),
    reasons=tuples(st.sampled_from(Verdict)),
    hours=maybe(hours),
    channel=texts,
    private=st.booleans(),
    confirm=st.booleans(),
    auto=maybe(st.builds(policy.Auto, approve=st.booleans(), why=texts)),
    max_rounds=maybe(counts),
    via=tuples(texts),
    hold=spans,
    valid_for=maybe(spans),
    on_stale=st.sampled_from(policy.OnStale),
    undo=st.builds(policy.UndoTerms, approvers=tuples(texts), requester=st.booleans(), held=tuples(texts)),
)
item_verdicts = st.one_of(
    st.builds(Approve, reason=texts),
    st.builds(Reject, reason=texts),
    st.builds(Respond, value=json_values),
    st.builds(Choose, choice=texts),
    st.builds(Undo),
    st.builds(Keep),
)
votes = st.builds(
    Vote,
    person=people,
    verdicts=tuples(item_verdicts),
    version=counts,
    digest=texts,
    at=moments,
    surface=maybe(texts),
    stage=counts,
    through=texts,
)
decisions = st.one_of(
    st.builds(
        Answered, verdicts=tuples(item_verdicts), voters=tuples(people), edited=st.booleans(), at=moments, ruled=texts
    ),
    st.builds(Expired, at=moments),
    st.builds(Cancelled, by=askers, at=moments),
    st.builds(WindowClosed, at=moments),
)
pending = st.builds(Pending, due_at=maybe(moments), taken=tuples(counts), reminded_at=maybe(moments))
request_states = st.one_of(
    pending,
    st.builds(
        Decided,
        decision=decisions,
        attempts=counts,
        next_try=maybe(moments),
        failure=maybe(failures),
        held=maybe(pending),
        held_until=maybe(moments),
        valid_until=maybe(moments),
    ),
    st.builds(Delivered, decision=decisions, at=moments, valid_until=maybe(moments)),
    st.builds(Superseded, at=moments, decision=maybe(decisions), changed=st.booleans()),
)
undo_offers = st.builds(
    UndoOffer,
    request_id=texts,
    version=counts,
    digest=texts,
    until=moments,
    outcome=st.sampled_from([None, Outcome.UNDO, Outcome.KEEP, Outcome.CLOSED]),
)
requests = st.builds(
    Request,
    id=texts,
    task_id=texts,
    thread_id=texts,
    interrupt_id=texts,
    graph=texts,
    requester=askers,
    proposed=questions,
    question=questions,
    policy=policies,
    place=texts,
    opened_at=moments,
    open=st.builds(
        OpenStage,
        opened_at=moments,
        asked=tuples(people),
        short=counts,
        zones=tuples(texts),
        untold=tuples(texts),
        missing=tuples(counts),
        escalated_to=tuples(texts),
        escalated_held=tuples(texts),
        extension=maybe(st.builds(Extension, by=people, measure=spans, at=moments)),
    ),
    passed=tuples(st.builds(Passed, verdicts=tuples(item_verdicts), voters=tuples(people), at=moments)),
    state=request_states,
    version=counts,
    edits=tuples(st.builds(Edit, person=people, at=moments)),
    votes=tuples(votes),
    before=maybe(st.builds(Before, question=questions, decision=decisions, times=counts, why=st.sampled_from(NotUsed))),
    reopened=maybe(st.builds(Reopened, by=people, at=moments, why=st.sampled_from(ReopenedBy))),
    undo=maybe(undo_offers),
    revision=counts,
)
messages = st.builds(
    Message,
    id=texts,
    kind=st.sampled_from(MessageKind),
    task_id=texts,
    created_at=moments,
    request_id=maybe(texts),
    to=maybe(people),
    ref=maybe(refs),
    shown=st.integers(min_value=-1, max_value=2**53),
    fingerprint=maybe(texts.filter(bool)),
    attempted=st.booleans(),
    tries=counts,
    not_before=maybe(moments),
    abandoned=maybe(texts.filter(bool)),
    revision=counts,
)
events = st.builds(
    AuditEvent,
    kind=texts,
    at=moments,
    task_id=texts,
    request_id=maybe(texts),
    person=maybe(people),
    through=texts,
    data=json_objects,
)


# --- What holds ---------------------------------------------------------------------------------


@given(st.one_of(tasks, requests, messages, events))
@example(a_task())
@example(a_task(requester=Program(name="billing"), state=TaskCancelled(by=Program(name="billing"), at=NOON)))
@example(a_request())
@example(a_message("s", a_request()))
@example(an_event("opened", a_request()))
def test_a_record_comes_back_as_it_was(record: Any) -> None:
    text = encode(record)
    back: Any = decode(type(record), text)

    assert back == record
    assert repr(back) == repr(record)  # `==` would take 1, 1.0 and True for the same


@given(json_values)
def test_a_payload_comes_back_with_its_digest(payload: JSON) -> None:
    question = a_question(payload=payload, form=payload, items=(an_item(arguments={"": payload}),))
    request = a_request(question=question)

    back = decode(Request, encode(request))

    assert back.digest == request.digest
    assert repr(back.question.payload) == repr(payload)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_nan_and_the_infinities_are_kept(number: float) -> None:
    task = a_task(inputs={"amount": number})

    back = decode(Task, encode(task))

    assert repr(back.inputs["amount"]) == repr(number)


def test_a_value_that_looks_like_a_record_stays_a_value() -> None:
    value: JSON = {"type": "Approve", "at": "2030-01-02T12:00:00+00:00", "": [{"type": "Expired"}]}
    vote = Vote(person=a_person(), verdicts=(Respond(value=value),), version=1, digest="", at=NOON)

    back = decode(Request, encode(a_request(votes=(vote,))))

    assert back.votes[0].verdicts == (Respond(value=value),)


def test_times_are_written_in_utc() -> None:
    berlin = timezone(timedelta(hours=1))
    task = a_task(created_at=datetime(2030, 1, 2, 13, 0, tzinfo=berlin))

    text = encode(task)

    assert json.loads(text)["created_at"] == "2030-01-02T12:00:00+00:00"
    assert decode(Task, text) == task


def test_a_time_without_a_zone_is_refused() -> None:
    naive = datetime(2030, 1, 2)  # noqa: DTZ001

    with pytest.raises(ValueError, match="no time zone"):
        encode(a_task(created_at=naive))
