"""Records that an older version wrote are read, and go on as they were meant."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model import policy
from bot.approvals.model.decision import Approve, Cancelled, Decision, Expired, Vote
from bot.approvals.model.ids import JSON
from bot.approvals.model.message import Message
from bot.approvals.model.question import Question
from bot.approvals.model.request import Extension, OpenStage, Pending, Request, Superseded
from bot.approvals.model.task import Task, TaskCancelled
from bot.storage.codec import decode, encode
from tests.support.builders import NOON, a_message, a_person, a_question, a_request, a_task, an_answer, decided


def test_a_field_that_an_older_record_lacks_takes_its_default() -> None:
    older = json.loads(encode(a_message("s", a_task())))
    del older["abandoned"]

    back = decode(Message, json.dumps(older))

    assert back == a_message("s", a_task())


def test_empty_text_in_an_older_message_means_that_it_is_not_there() -> None:
    absent = ("fingerprint", "digest", "refused", "abandoned")
    older = {**json.loads(encode(a_message("s", a_task()))), **dict.fromkeys(absent, "")}

    back = decode(Message, json.dumps(older))

    assert back == a_message("s", a_task())


def test_an_older_record_knows_no_program() -> None:
    """A task has no caller, a vote came from Slack, and whoever asked or cancelled is a person."""
    task = a_task(state=TaskCancelled(by=a_person("UREQ"), at=NOON))
    request = a_request(votes=(a_vote(),), state=decided(decision=Cancelled(by=a_person("UREQ"), at=NOON)))
    older_task, older_request = json.loads(encode(task)), json.loads(encode(request))
    del older_task["caller"], older_request["votes"][0]["through"], older_request["policy"]["via"]

    assert older_task["requester"] == {"team_id": "T1", "user_id": "UREQ"}
    assert decode(Task, json.dumps(older_task)) == task
    assert decode(Request, json.dumps(older_request)) == request


BEFORE_STAGES = {
    "name": "two hours",
    "approvers": ["UAPP", "@operators"],
    "quorum": 2,
    "self_approval": False,
    "reason_required": True,
    "steps": [
        {"after": 3600.0, "action": {"type": "Remind"}},
        {"after": 7200.0, "action": {"to": ["@leads"], "type": "Escalate"}},
        {"after": 10800.0, "action": {"type": "Expire"}},
    ],
    "max_rounds": 3,
}
"""A policy as it was written when it had one list of approvers."""


def before_stages(state: dict[str, object], **policy: object) -> str:
    """A request of that time, which had been asked at noon."""
    record = json.loads(encode(a_request(opened_at=NOON, votes=(a_vote(),))))
    record["asked"] = record.pop("open")["asked"]
    for later in ("passed", "renewed_at"):
        del record[later]
    del record["votes"][0]["stage"]
    return json.dumps({**record, "policy": BEFORE_STAGES | policy, "state": state})


def a_vote() -> Vote:
    return Vote(person=a_person(), verdicts=(Approve(),), version=1, digest="", at=NOON)


def a_bare_question_of_before(payload: JSON, convention: str = "text") -> Question:
    """As it is read today, from a record of when bare questions took words alone and choices had no values beside
    them."""
    asked = a_question(shape="text", convention=convention, payload=payload)
    record = json.loads(encode(a_request(question=asked, proposed=asked)))
    for question in (record["question"], record["proposed"]):
        del question["options"]
    del record["objections"], record["policy"]["self_answer"]
    back = decode(Request, json.dumps(record))
    assert back.question == back.proposed
    assert (back.objections, back.policy.self_answer) == ((), True)
    return back.question


@pytest.mark.parametrize("payload", ["Do you approve?", {"question": "Go?"}, {"answer": "object"}, None, 7])
def test_a_bare_question_of_before_takes_words_alone_and_declares_nothing(payload: JSON) -> None:
    question = a_bare_question_of_before(payload)

    assert question == a_question(shape="text", convention="unrejectable", payload=payload)
    assert a_bare_question_of_before(payload, "").convention == "unrejectable"


def test_one_that_declared_that_it_wants_words_still_does() -> None:
    assert a_bare_question_of_before({"question": "Which?", "answer": "text"}).convention == "text"
    assert a_bare_question_of_before("Go?", "approve/reject").convention == "approve/reject"


@pytest.mark.parametrize("convention", ["text", "undeclared", "unrejectable"])
def test_a_question_of_today_is_read_as_it_was_written(convention: str) -> None:
    asked = a_question(shape="text", convention=convention, payload="Which?")

    assert decode(Request, encode(a_request(question=asked, proposed=asked))).question == asked


def test_a_request_of_before_stages_goes_on_with_the_policy_that_it_has() -> None:
    older = before_stages({"due_at": "2030-01-02T15:00:00+00:00", "next_step": 2, "type": "Pending"})

    back = decode(Request, older)

    hour = timedelta(hours=1)
    steps = (
        policy.Step(after=hour, action=policy.Remind()),
        policy.Step(after=2 * hour, action=policy.Escalate(to=("@leads",))),
        policy.Step(after=3 * hour, action=policy.Expire()),
    )
    stages = policy.one_stage(("UAPP", "@operators"), 2, steps)
    assert back.policy == policy.Policy(name="two hours", stages=stages, max_rounds=3)
    assert back.state == Pending(due_at=NOON + 3 * hour, taken=(0, 1))
    assert (back.open.opened_at, back.deadline, back.stage_number) == (NOON, NOON + 3 * hour, 0)
    assert back.stage_votes == (a_vote(),)
    assert decode(Request, encode(back)) == back


def test_a_settled_request_of_before_stages_is_read_too() -> None:
    older = before_stages({"at": "2030-01-02T15:00:00+00:00", "type": "Superseded"}, reason_required=False)

    back = decode(Request, older)

    assert (back.policy.reasons, back.state) == ((), Superseded(at=NOON + timedelta(hours=3)))


def test_a_request_of_before_open_stages_keeps_all_that_was_told_of_its_stage() -> None:
    """What requests had as fields of their own is read into the record of the open stage."""
    hour = timedelta(hours=1)
    stage = OpenStage(
        opened_at=NOON + hour,
        asked=(a_person("UAPP"),),
        short=1,
        zones=("Europe/Berlin",),
        untold=("S1 cannot be looked up.",),
        missing=(2,),
        escalated_to=("@leads", "UKEY"),
        escalated_held=("UKEY",),
        extension=Extension(by=a_person("UAPP"), measure=hour, at=NOON),
    )
    request = a_request(open=stage)
    older = json.loads(encode(request))
    flat = older.pop("open")
    flat["stage_opened_at"] = flat.pop("opened_at")

    assert decode(Request, json.dumps(older | flat)) == request


def test_a_request_of_before_open_stages_may_lack_what_was_told_of_its_stage_later() -> None:
    older = json.loads(encode(a_request()))
    opened_at = older.pop("open")["opened_at"]

    back = decode(Request, json.dumps(older | {"stage_opened_at": opened_at, "asked": []}))

    assert back == a_request(open=OpenStage(opened_at=back.open.opened_at))


@pytest.mark.parametrize("attempts", [0, 1])
def test_an_answer_that_was_held_is_held_until_its_delivery_was_due(attempts: int) -> None:
    """It is not held any more if its delivery was begun."""
    state = decided(held=Pending(due_at=NOON), attempts=attempts)
    older = json.loads(encode(a_request(state=state)))
    del older["state"]["held_until"]

    back = decode(Request, json.dumps(older))

    assert back.state == replace(state, held_until=None if attempts else NOON)


@pytest.mark.parametrize("decision", [an_answer(), Expired(at=NOON), Cancelled(by=a_person(), at=NOON), None])
def test_a_decision_that_was_not_used_did_not_say_its_type(decision: Decision | None) -> None:
    request = a_request(state=Superseded(at=NOON, decision=decision))
    older = json.loads(encode(request))
    (older["state"]["decision"] or {}).pop("type", None)

    assert decode(Request, json.dumps(older)) == request
