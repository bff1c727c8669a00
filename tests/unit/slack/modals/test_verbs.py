"""Modals carry the question's own verbs, and say truthfully who will read a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.model.caller import task_id_of
from bot.approvals.model.ids import Person, Program
from bot.approvals.model.question import Question, Verdict
from bot.approvals.model.request import Request
from bot.slack.modals import answer_modal
from bot.slack.modals.answer_modal import Modal
from tests.unit.slack import limits
from tests.unit.slack.samples import ALICE, DELETE, POLICY, REFUND, question, request

READ_HERE = "The requester reads it here; the agent is not told it."
BILLING = Program(name="billing")
TOLD = "The requester reads it here, and the agent is told it."


def asked(shape: str = "question_details", *, private: bool = False, needed: bool = False, **changes: str) -> Request:
    policy = replace(POLICY, private=private, reasons=(Verdict.REJECT,) if needed else ())
    return request(question(shape=shape, **changes), policy=policy)


def called(requester: Person | Program = BILLING, *, private: bool = False) -> Request:
    """What a program asks."""
    return replace(asked(private=private), task_id=task_id_of("7" * 20), graph="billing", requester=requester)


def own(about: Question | None = None) -> Request:
    labels = {"approve": "Accept", "reject": "Ignore", "respond": "Reply"}
    return request(replace(about or question(), labels=labels))


def hint(modal: Modal) -> str | None:
    block = next((block for block in modal["blocks"] if block["type"] == "input"), None)
    return None if block is None else str(block["hint"]["text"])


def test_a_modal_has_the_questions_own_verb() -> None:
    named = {modal["title"]["text"] for modal in (answer_modal.reject(own()), answer_modal.approve(own()))}

    assert named == {"Ignore", "Accept"}
    assert answer_modal.reject(own())["submit"]["text"] == "Ignore"
    assert answer_modal.respond(own())["title"]["text"] == "Reply"
    assert answer_modal.reject(request())["title"]["text"] == "Reject"
    assert answer_modal.edit(own())["submit"]["text"] == "Save and accept"


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        (asked("tool_calls"), TOLD),
        (asked("tool_approval"), TOLD),
        (asked(convention="object"), TOLD),
        (asked(convention="boolean"), READ_HERE),
        (asked("agent_inbox"), READ_HERE),
        (asked("elicitation"), READ_HERE),
        (asked("breakpoint"), "The requester reads it here."),
        (
            asked("tool_calls", private=True),
            "The agent is told it. It is not shown in Slack, as this request is private.",
        ),
        (asked("agent_inbox", private=True), None),
        (
            asked("agent_inbox", private=True, needed=True),
            "The policy asks for it. It is kept in the audit log and not shown in Slack; the agent is not told it.",
        ),
        (called(), "It is shown here, and billing is told it."),
        (called(ALICE), "The requester reads it here, and billing is told it."),
        (called(private=True), "billing is told it. It is not shown in Slack, as this request is private."),
    ],
)
def test_a_reason_says_who_reads_it_and_is_absent_if_nobody_does(about: Request, sentence: str | None) -> None:
    modal = answer_modal.reject(about)

    limits.check_modal(modal)
    assert hint(modal) == sentence


def test_one_by_one_says_the_same_at_each_item() -> None:
    several = replace(question(DELETE, REFUND), shape="agent_inbox")
    modal = answer_modal.each(own(several))
    (first, _) = [block for block in modal["blocks"] if str(block.get("block_id")).startswith("words")]

    assert first["label"]["text"] == "Reason or answer"
    assert first["hint"]["text"] == "A reason: the requester reads it here; the agent is not told it."
    items = tuple(replace(item, verdicts=(Verdict.APPROVE, Verdict.REJECT)) for item in several.items)
    plain = answer_modal.each(own(replace(several, items=items)))
    labels = [block["label"]["text"] for block in plain["blocks"] if str(block.get("block_id")).startswith("words")]
    assert labels == ["Reason, if you choose Ignore"] * 2


def test_whoever_answers_all_at_once_reads_how_many() -> None:
    assert "This answers all 2 actions." in str(answer_modal.reject(request(question(DELETE, REFUND)))["blocks"])
