"""`effects.look_again`: an approved node asks once more if the world is no longer what was approved."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from langgraph._internal._constants import CONFIG_KEY_SCRATCHPAD
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.config import get_config
from langgraph.graph import START, StateGraph
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from graphs import effects
from tests.graphs.threads import Killed, Thread
from tests.support.agent_stage import a_stage

APPROVED = {"question": "Pay?", "details": {"amount": "10.00"}}
NOW = {"question": "Pay?", "details": {"amount": "12.00"}}


class State(TypedDict, total=False):
    answer: Any


class World:
    """What is true, and a graph that looks at it before it acts."""

    def __init__(self, now: Any = None, approved: Any = None) -> None:
        self.now = NOW if now is None else now
        self.approved = APPROVED if approved is None else approved
        self.deaths = 0

    def thread(self) -> Thread:
        def act(state: State) -> State:
            answer = effects.look_again(self.approved, self.now)
            if self.deaths:
                self.deaths -= 1
                raise Killed
            return {"answer": answer}

        graph = StateGraph(State)
        graph.add_node("act", act)
        graph.add_edge(START, "act")
        return Thread(graph, InMemorySaver())


def digest(payload: Any) -> str:
    """As the bot makes it of the approved payload."""
    text = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


class TestTheFirstLook:
    async def test_the_same_world_asks_nothing(self) -> None:
        """Whatever the order of its keys is."""
        thread = World({"details": {"amount": "10.00"}, "question": "Pay?"}).thread()

        assert await thread.start() is None
        assert await thread.state() == {"answer": None}

    async def test_another_world_is_asked_with_the_digest_of_what_was_approved(self) -> None:
        """So the bot finds the card of the approved question."""
        asked = await World().thread().start()

        assert asked == {**NOW, "look_again": digest(APPROVED)}

    @pytest.mark.parametrize(
        ("before", "now"), [(True, 1), (1, 1.0), (False, 0), (None, 0), ("1", 1), ("é", "e\u0301"), ([1, 2], [2, 1])]
    )
    async def test_values_are_compared_to_the_letter(self, before: object, now: object) -> None:
        """Python takes some of them for the same."""
        asked = await World({"value": now}, {"value": before}).thread().start()

        assert asked["look_again"] == digest({"value": before})

    async def test_neither_payload_is_changed(self) -> None:
        """A graph may keep them in its state."""
        now, approved = dict(NOW), dict(APPROVED)

        await World(now, approved).thread().start()

        assert (now, approved) == (NOW, APPROVED)


class TestTheAnswer:
    async def test_comes_back_to_the_node(self) -> None:
        """As it would from `interrupt`."""
        thread = World().thread()
        await thread.start()

        await thread.answer({"approved": True})

        assert await thread.state() == {"answer": {"approved": True}}

    async def test_of_nothing_is_no_yes(self) -> None:
        """None means that all is the same, so a null must not come back as None."""
        thread = World().thread()
        await thread.start()

        await thread.answer(None)

        assert await thread.state() == {"answer": False}

    async def test_is_taken_by_a_question_even_if_the_world_is_as_it_was_approved(self) -> None:
        """A node that finished without its question would have acted, and nothing of it would be stored."""
        world = World()
        thread = world.thread()
        await thread.start()
        world.now = APPROVED

        await thread.answer({"approved": False})

        assert await thread.state() == {"answer": {"approved": False}}

    async def test_is_taken_again_after_a_crash(self) -> None:
        """The answer is stored, the result of the node is not."""
        world = World()
        thread = world.thread()
        await thread.start()
        world.now, world.deaths = APPROVED, 1
        with pytest.raises(Killed):
            await thread.answer({"approved": False})

        await thread.proceed()

        assert await thread.state() == {"answer": {"approved": False}}

    async def test_is_taken_too_if_it_names_no_question(self) -> None:
        """As in a program that resumes with a bare value."""
        world = World()
        thread = world.thread()
        thread.config["configurable"].pop("__pregel_strict_resume")
        await thread.start()
        world.now = APPROVED

        await thread.graph.ainvoke(Command(resume={"approved": False}), thread.config, durability="sync")

        assert await thread.state() == {"answer": {"approved": False}}

    async def test_of_another_node_is_not_taken_for_one(self) -> None:
        """The node before asked; this one has not."""
        world = World(APPROVED)
        looked: list[object] = []

        def ask(state: State) -> State:
            return {"answer": effects.look_again(APPROVED, NOW)}

        def act(state: State) -> State:
            looked.append(effects.look_again(world.approved, world.now))
            return {}

        graph = StateGraph(State)
        graph.add_node("ask", ask)
        graph.add_node("act", act)
        graph.add_edge(START, "ask")
        graph.add_edge("ask", "act")
        thread = Thread(graph, InMemorySaver())
        await thread.start()

        assert await thread.answer({"approved": True}) is None
        assert looked == [None]


class TestWithTheBot:
    """The bot hands out an answer only to the question that people were shown."""

    async def test_a_world_that_changed_again_is_the_next_question(self, tmp_path: Path) -> None:
        """Also if it is the one that was approved first. The node acts once, after an answer to what it asked last."""
        world = {"amount": "10.00"}
        acted: list[tuple[str, object]] = []

        def question() -> dict[str, Any]:
            return {"question": f"Pay {world['amount']}?", "details": dict(world), "answer": "object"}

        def ask(state: State) -> State:
            interrupt({"question": "Pay 10.00?", "details": {"amount": "10.00"}, "answer": "object"})
            return {}

        def act(state: State) -> State:
            approved = {"question": "Pay 10.00?", "details": {"amount": "10.00"}, "answer": "object"}
            acted.append((world["amount"], effects.look_again(approved, question())))
            return {"answer": world["amount"]}

        graph = StateGraph(State)
        graph.add_node("ask", ask)
        graph.add_node("act", act)
        graph.add_edge(START, "ask")
        graph.add_edge("ask", "act")
        async with a_stage(tmp_path, graph) as stage:
            task = await stage.started()
            for amount, shown in [("12.00", "Pay 10.00?"), ("14.00", "Pay 12.00?"), ("10.00", "Pay 14.00?")]:
                open_ = await stage.question(task)
                assert open_.question.title == shown
                world["amount"] = amount
                await stage.approve(open_)
            last = await stage.question(task)
            acted_before = list(acted)
            await stage.approve(last)
            state = (await stage.graph.aget_state({"configurable": {"thread_id": task.thread_id}})).values

        assert last.question.title == "Pay 10.00?"
        assert acted_before == []
        assert acted == [("10.00", {"approved": True, "feedback": ""})]
        assert state == {"answer": "10.00"}


async def test_canary_the_scratchpad_has_the_answers_of_the_running_task() -> None:
    """`look_again` reads this private thing: its key, its list of answers, and the answer that names no question."""
    seen: list[tuple[list[Any], Any]] = []
    assert effects._SCRATCHPAD == CONFIG_KEY_SCRATCHPAD

    def ask(state: State) -> State:
        pad = get_config()["configurable"][effects._SCRATCHPAD]
        seen.append((list(pad.resume), pad.get_null_resume(False)))
        interrupt("first")
        interrupt("second")
        return {}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    thread = Thread(graph, InMemorySaver())
    await thread.start()
    await thread.answer("by its id")
    thread.config["configurable"].pop("__pregel_strict_resume")
    await thread.graph.ainvoke(Command(resume="without an id"), thread.config, durability="sync")

    assert seen == [([], None), (["by its id"], None), (["by its id"], "without an id")]
