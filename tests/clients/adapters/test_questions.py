"""What adapters ask, as the bot reads it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.approvals.model.question import Question, Verdict
from bot.engines import questions
from countersign import Countersign
from countersign.adapters._calls import Call
from countersign.adapters.crewai import HumanInput
from tests.clients.adapters.people import Answered, approves


def read(asked: Any) -> Question:
    return questions.read(asked)


@pytest.mark.parametrize("editable", [True, False])
def test_a_call_offers_edits_only_where_they_reach_the_tool(editable: bool) -> None:
    """People see the tool's arguments, and are offered what the framework can carry out."""
    call = Call(key="k", name="delete_file", arguments={"path": "/x"}, description="To save space", editable=editable)

    question = read(call.question)

    item = question.items[0]
    assert (item.name, item.arguments, question.text) == ("delete_file", {"path": "/x"}, "To save space")
    assert set(item.verdicts) == {Verdict.APPROVE, Verdict.REJECT} | ({Verdict.EDIT} if editable else set())


def test_a_result_can_be_accepted_refused_or_commented(api: Answered, client: Countersign) -> None:
    """The provider of `human_input=True` needs words as well as a yes and a no."""
    api.people = [approves]
    HumanInput(client, key="report-1")._ask("a report", "write a report")

    question = read(api.questions[0])

    assert question.title == "Accept this result?"
    assert question.items[0].arguments == {"task": "write a report", "result": "a report"}
    assert set(question.items[0].verdicts) == {Verdict.APPROVE, Verdict.REJECT, Verdict.RESPOND}
