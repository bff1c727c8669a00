"""Roles are forked after the policies were read: each evaluates conditions with a process of its own."""

from __future__ import annotations

import os

from bot.approvals.model.ids import ChannelId
from bot.approvals.rules.matching import Facts
from bot.policy_file.conditions import Evaluator
from bot.runtime.children import Channel, Children
from tests.support.builders import a_person, a_question


def facts(amount: int) -> Facts:
    return Facts(
        graph="payment",
        channel=ChannelId("C1"),
        requester=a_person(),
        inputs={"amount": amount},
        question=a_question(),
    )


def test_forked_processes_do_not_share_an_evaluator() -> None:
    evaluator = Evaluator()
    is_large = evaluator.compiled("task.inputs.amount > 100")
    items = a_question().items
    children = Children()

    def evaluate(channel: Channel) -> int:
        for number in range(50):
            assert list(is_large(facts(number * 10), items)) == [number > 10] * len(items)
        evaluator.rest()
        channel.send(done=os.getpid())
        return 0

    forked = [children.fork(f"role {number}", evaluate) for number in range(2)]
    for number in range(50):
        assert list(is_large(facts(number * 10), items)) == [number > 10] * len(items)

    for child in forked:
        assert child.channel.received(30) == {"done": child.pid}
        assert os.waitpid(child.pid, 0)[1] == 0
        child.channel.socket.close()
    evaluator.rest()
