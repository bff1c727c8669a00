"""A plain sentence behind a graph's name: which graphs take one, and what of it they are given."""

from __future__ import annotations

import pytest

from bot.approvals.model.agent import Graph, Input
from bot.slack.listeners.task_command import spoken


def an_input(name: str, kind: str = "string", *, required: bool = True) -> Input:
    return Input(name=name, schema={"type": kind}, required=required)


ASSISTANT = Graph(name="assistant", description="", inputs=(an_input("messages"), an_input("files", required=False)))
WRITER = Graph(name="writer", description="", inputs=(an_input("topic"), an_input("words", "integer", required=False)))
BUYER = Graph(name="buyer", description="", inputs=(an_input("what"), an_input("why")))
COUNTER = Graph(name="counter", description="", inputs=(an_input("days", "integer"),))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("assistant please tidy up", ["assistant", "messages=please tidy up"]),
        ("assistant don't do a=b, please", ["assistant", "messages=don't do a=b, please"]),
        ('assistant "please tidy up"', ["assistant", "messages=please tidy up"]),
        ('assistant say "hi" and "bye"', ["assistant", 'messages=say "hi" and "bye"']),
        ('assistant "hi" and "bye"', ["assistant", 'messages="hi" and "bye"']),
        ("assistant \u201cplease tidy up\u201d", ["assistant", "messages=please tidy up"]),
        ('assistant messages="please tidy up"', []),
        ("assistant", []),
        ("writer the sea at night", ["writer", "topic=the sea at night"]),
        ("writer tpoic=sea", []),
        ("writer the sea words=9", []),
        ("buyer a chair", []),
        ("counter 30", []),
        ("nobody please tidy up", []),
        ("", []),
    ],
)
def test_a_sentence_is_the_one_text_that_a_graph_wants(line: str, words: list[str]) -> None:
    assert spoken([ASSISTANT, WRITER, BUYER, COUNTER], line) == words
