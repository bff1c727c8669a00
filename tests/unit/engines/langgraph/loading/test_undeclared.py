"""A graph that asks without saying how it wants its answer is named in the log, once, with what declares it."""

from __future__ import annotations

import logging

import pytest
import yaml

from bot.approvals.model.agent import Asked, Phase, ThreadStatus
from bot.approvals.model.ids import JSON, InterruptId
from bot.engines import questions
from bot.engines.langgraph.loading.undeclared import Undeclared, sentence


def asks(*values: JSON, convention: str = "") -> ThreadStatus:
    asked = [
        Asked(interrupt_id=InterruptId(str(number)), question=questions.read(value, None, convention))
        for number, value in enumerate(values)
    ]
    return ThreadStatus(phase=Phase.WAITING, asked=tuple(asked))


def test_each_graph_is_named_once_however_often_it_asks(caplog: pytest.LogCaptureFixture) -> None:
    undeclared = Undeclared()

    with caplog.at_level(logging.WARNING):
        for graph in ("pay", "mail", "pay"):
            undeclared.look(graph, asks("Go on?"))

    assert [record.getMessage() for record in caplog.records] == [sentence("pay"), sentence("mail")]


@pytest.mark.parametrize(
    "status",
    [
        asks(),
        asks({"question": "Go?", "details": {}}),
        asks({"question": "Which?", "answer": "text"}),
        asks("Go?", convention="boolean"),
        asks({"question": "Which?", "options": ["a"]}),
    ],
)
def test_a_graph_whose_questions_say_it_is_not_named(status: ThreadStatus, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Undeclared().look("pay", status)

    assert not caplog.records


@pytest.mark.parametrize("graph", ["pay", "pay-now", "größer", "a: b", "9lives", 'with "quotes"'])
def test_the_line_can_be_pasted_into_the_policies(graph: str) -> None:
    line = sentence(graph).partition("): ")[2]

    assert yaml.safe_load(line) == {"approvals": {graph: {"answer": "boolean"}}}
