"""The domain drives agents on a real server: each question is asked once, and each answer is given to it alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import Reject
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Delivered, Pending, Superseded
from bot.approvals.model.task import Ended, Failed, TaskCancelled, Waiting
from bot.engines.server.status import INTENT, INTERRUPT
from tests.server.stage import LEASE, Stage
from tests.support.builders import NOON

YES: JSON = {"decisions": [{"type": "approve"}]}
pytestmark = pytest.mark.heavy


async def test_a_question_is_answered_once_and_the_agent_goes_on(stage: Stage) -> None:
    task = await stage.started("plain")
    (request,) = await stage.open(task)

    await stage.answer(request)
    await stage.drive(task)

    state = (await stage.now(task)).state
    assert isinstance(state, Ended)
    assert (state.outcome, state.stopped) == ("done with 1", False)
    assert stage.effects("ask", task) == [YES]
    assert len(await stage.runs(task)) == 2
    assert (await stage.history(task)).count("delivered") == 1


async def test_a_no_reaches_the_agent_as_a_no(stage: Stage) -> None:
    task = await stage.started("plain")
    (request,) = await stage.open(task)

    await stage.answer(request, Reject(reason="too much"))

    assert stage.effects("ask", task) == [{"decisions": [{"type": "reject", "message": "too much"}]}]


async def test_an_edit_reaches_the_agent(stage: Stage) -> None:
    task = await stage.started("plain")
    (request,) = await stage.open(task)

    await stage.answer(await stage.edit(request, amount=20))

    assert "20" in str(stage.effects("ask", task))


async def test_one_node_asks_twice_and_each_question_gets_its_own_answer(stage: Stage) -> None:
    task = await stage.started("twice")
    (first,) = await stage.open(task)
    await stage.answer(first)
    (second,) = await stage.open(task)

    await stage.answer(second, Reject(reason="not this"))

    ((one, other),) = stage.effects("twice", task)  # type: ignore[misc, str-unpack]
    assert one != other
    assert "not this" in str(other)
    assert (first.proposed.title, second.proposed.title) == ("The first one?", "The second one?")


@pytest.mark.parametrize(("graph", "places"), [("parallel", ["left", "right"]), ("sent", ["part", "part"])])
async def test_questions_side_by_side_are_answered_in_any_order(stage: Stage, graph: str, places: list[str]) -> None:
    task = await stage.started(graph)
    asked = await stage.open(task)

    for request in reversed(asked):
        await stage.answer(request)

    assert [request.place for request in asked] == places
    assert isinstance((await stage.now(task)).state, Ended)
    assert all(isinstance(request.state, Delivered) for request in await stage.requests(task))
    assert len(stage.effects("act", task)) == 1


async def test_a_graph_within_a_graph_asks(stage: Stage) -> None:
    task = await stage.started("nested")
    (request,) = await stage.open(task)

    await stage.answer(request)

    assert request.place == "inner/ask"
    assert isinstance((await stage.now(task)).state, Ended)


async def test_an_answer_that_the_graph_refuses_is_asked_again(stage: Stage) -> None:
    """Its check knows more than its JSON Schema says."""
    task = await stage.started("form")
    (request,) = await stage.open(task)

    await stage.answer(request, stage.value({"approved": True, "amount": 13}))
    (again,) = await stage.open(task)
    await stage.answer(again, stage.value({"approved": True, "amount": 2}))

    assert again.id == request.id
    (event,) = [event for event in await stage.storage.history(task.id) if event.kind == "asked_again"]
    assert event.data["objection"] == "The graph did not take the last answer. amount: Value error, 13 brings bad luck"
    assert stage.effects("fill_in", task) == [{"approved": True, "amount": 2}]
    assert isinstance((await stage.now(task)).state, Ended)


async def test_after_an_error_the_answer_is_not_sent_again(stage: Stage) -> None:
    """The node has it already: the run goes on without an answer."""
    task = await stage.started("raising")
    (request,) = await stage.open(task)
    flag = stage.server.touch(f"raise-{task.inputs['key']}")

    await stage.answer(request)
    failed = (await stage.now(task)).state
    flag.unlink()
    await stage.retry(task)

    assert isinstance(failed, Failed)
    assert failed.failure.summary == "RuntimeError"
    assert isinstance((await stage.now(task)).state, Ended)
    assert len(stage.effects("fall", task)) == 2
    answers = [run for run in await stage.runs(task) if INTERRUPT in run["metadata"]]
    assert len(answers) == 1
    assert answers[0]["run_id"].endswith(failed.failure.error_id)


async def test_an_error_before_any_question_is_told_and_may_be_retried(stage: Stage) -> None:
    task = await stage.started("failing")

    failed = (await stage.now(task)).state
    await stage.drive(task)
    runs = len(await stage.runs(task))
    await stage.retry(task)

    assert isinstance(failed, Failed)
    assert (failed.failure.summary, failed.retryable) == ("RuntimeError", True)
    assert runs == 1
    assert len(await stage.runs(task)) == 2


async def test_a_long_run_is_followed_and_then_looked_at_again(stage: Stage) -> None:
    """Until it is over, nothing is said of how the thread stands, and its progress is told."""
    task = await stage.task("slow")
    bot = stage.another_bot(followed=timedelta(seconds=1))

    over = await stage.drive(task, bot=bot)
    looked = await stage.drive(task, bot=bot)
    meanwhile = (await stage.now(task)).state
    stage.server.touch(f"go-{task.inputs['key']}")
    await stage.settled(task)
    done = await stage.drive(task, bot=bot)

    assert (over, looked, done) == (False, False, True)
    assert not isinstance(meanwhile, Ended | Failed)
    assert {"work", "step 1", "step 2"} <= set(stage.heard.words)
    assert isinstance((await stage.now(task)).state, Ended)
    assert len(await stage.runs(task)) == 1


async def test_an_answer_goes_only_to_what_was_shown(stage: Stage) -> None:
    """If the node asks something else under the same id by now, nothing is sent."""
    task = await stage.started("plain")
    (request,) = await stage.open(task)
    shown = replace(request, proposed=replace(request.proposed, payload={"other": 1}), fingerprint=None)

    status = await stage.engine.resume(task, LEASE, request.interrupt_id, YES, NOON, [shown])

    assert status.is_open(request.interrupt_id)
    assert len(await stage.runs(task)) == 1


async def test_of_two_bots_one_answers(stage: Stage) -> None:
    """As if the lease had not kept them apart: the server takes one run at a time, and the second answer is refused."""
    task = await stage.started("twice")
    (request,) = await stage.open(task)
    await stage.decide(request)

    await stage.race(task, request)
    await stage.settled(task)
    await stage.drive(task)

    (second,) = await stage.open(task)
    assert second.proposed.title == "The second one?"
    assert stage.effects("twice", task) == []


async def test_a_run_of_another_process_is_waited_for(stage: Stage) -> None:
    """It begins the run and dies. The next process finds it, and begins no other."""
    task = await stage.started("slow_after_answer")
    (request,) = await stage.open(task)
    await stage.decide(request)

    gone = await stage.drive(task, bot=stage.another_bot(followed=timedelta(0)))
    busy = await stage.drive(task)
    stage.server.touch(f"go-{task.inputs['key']}")
    await stage.settled(task)
    await stage.drive(task)

    assert (gone, busy) == (False, False)
    assert isinstance((await stage.now(task)).state, Ended)
    assert len([run for run in await stage.runs(task) if str(run["metadata"].get(INTENT)).startswith(request.id)]) == 1


async def test_what_others_answer_first_is_superseded(stage: Stage) -> None:
    task = await stage.started("plain")
    (request,) = await stage.open(task)

    await stage.answer_elsewhere(task, request.interrupt_id, YES)
    await stage.drive(task)

    assert isinstance((await stage.requests(task))[0].state, Superseded)
    assert isinstance((await stage.now(task)).state, Ended)


async def test_a_decision_for_what_others_have_answered_is_not_sent(stage: Stage) -> None:
    """A thread that came to a good end keeps it."""
    task = await stage.started("plain")
    (request,) = await stage.open(task)
    await stage.decide(request, Reject(reason="no"))
    await stage.answer_elsewhere(task, request.interrupt_id, YES)

    await stage.drive(task)

    assert stage.effects("ask", task) == [YES]
    assert (await stage.foreign.thread(task.thread_id))["status"] == "idle"
    assert isinstance((await stage.requests(task))[0].state, Superseded)


async def test_a_cancelled_task_leaves_its_thread_alone(stage: Stage) -> None:
    task = await stage.started("plain")

    await stage.cancel(task)
    await stage.drive(task)

    assert isinstance((await stage.now(task)).state, TaskCancelled)
    assert stage.effects("ask", task) == []
    assert (await stage.foreign.thread(task.thread_id))["status"] == "interrupted"


async def test_a_cancelled_task_has_its_run_stopped(stage: Stage) -> None:
    task = await stage.task("slow")
    await stage.drive(task, bot=stage.another_bot(followed=timedelta(0)))

    await stage.engine.cancel(task)
    await stage.settled(task)

    assert [run["status"] for run in await stage.runs(task)] == ["interrupted"]


async def test_a_run_that_was_cancelled_on_the_server_is_not_begun_again(stage: Stage) -> None:
    task = await stage.task("slow")
    await stage.drive(task, bot=stage.another_bot(followed=timedelta(0)))
    (run,) = await stage.runs(task)
    await stage.foreign.cancel(task.thread_id, run["run_id"])
    await stage.settled(task)

    await stage.drive(task)

    state = (await stage.now(task)).state
    assert isinstance(state, Failed)
    assert (state.failure.summary, state.retryable) == ("it was cancelled on the server", True)
    assert len(await stage.runs(task)) == 1


async def test_the_context_of_the_first_run_is_that_of_the_others(stage: Stage) -> None:
    """Otherwise the server gives a node that goes on after a question another context than the one that asked."""
    thread_id = await stage.begun_elsewhere("in_context", key="staging", context={"place": "staging"})
    task = await stage.task("in_context", thread_id=thread_id, watched=True, key="staging")
    await stage.drive(task)
    (request,) = await stage.open(task)

    await stage.answer(request)

    assert stage.effects("in_context", task) == ["staging"]


async def test_inputs_that_the_agent_does_not_take_begin_nothing(stage: Stage) -> None:
    task = await stage.task("plain", inputs={})

    await stage.drive(task)

    state = (await stage.now(task)).state
    assert isinstance(state, Ended)
    assert state.stopped
    assert "key is missing" in state.outcome


async def test_an_agent_that_the_server_does_not_have_is_missing(stage: Stage) -> None:
    task = await stage.started("nowhere")

    state = (await stage.now(task)).state

    assert isinstance(state, Failed)
    assert state.failure.gone is not None
    assert state.failure.gone.name == "nowhere"


# --- Breakpoints --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("graph", "title"),
    [
        ("stop", "Before pay: go on?"),
        ("stop_after", "After prepare: go on?"),
        ("stop_within", "Before pay: go on?"),
    ],
)
async def test_a_breakpoint_is_asked_about_and_passed(stage: Stage, graph: str, title: str) -> None:
    task = await stage.started(graph)
    (request,) = await stage.open(task)

    await stage.answer(request)

    assert request.proposed.title == title
    assert stage.effects("pay", task) == [[40, ["prepared"]]]
    assert isinstance((await stage.now(task)).state, Ended)


async def test_an_edited_state_is_what_runs(stage: Stage) -> None:
    """Also if a reducer would add to what is there."""
    task = await stage.started("stop")
    (request,) = await stage.open(task)

    await stage.answer(await stage.edit(request, amount=20, answers=["other"]))

    assert stage.effects("pay", task) == [[20, ["other"]]]
    assert all(isinstance(each.state, Delivered) for each in await stage.requests(task))


@pytest.mark.parametrize("graph", ["stop", "stop_within"])
async def test_a_rejected_breakpoint_ends_the_thread(stage: Stage, graph: str) -> None:
    task = await stage.started(graph)
    (request,) = await stage.open(task)

    await stage.answer(request, Reject(reason="not today"))
    await stage.drive(task)

    state = (await stage.now(task)).state
    assert isinstance(state, Ended)
    assert (state.outcome, state.stopped) == ("Stopped: before pay it was rejected. not today", True)
    assert stage.effects("pay", task) == []
    assert (await stage.foreign.state(task.thread_id))["tasks"] == []


async def test_a_process_that_dies_after_an_edit_leaves_what_the_next_one_runs(stage: Stage) -> None:
    task = await stage.started("stop")
    (request,) = await stage.open(task)
    await stage.decide(await stage.edit(request, amount=20))
    await stage.edited_and_died(task, request, amount=20)

    await stage.drive(task)

    assert stage.effects("pay", task) == [[20, ["prepared"]]]
    assert [type(each.state) for each in await stage.requests(task)] == [Delivered]


async def test_arguments_that_the_server_does_not_show_are_approved_by_nobody(stage: Stage) -> None:
    """Those of `Send`, before a breakpoint."""
    task = await stage.started("sent_after_stop")
    (request,) = await stage.open(task)

    assert [item.verdicts for item in request.proposed.items] == [(Verdict.REJECT,)]
    assert "`part`" in request.proposed.text


# --- Threads of others --------------------------------------------------------------------------


async def test_a_thread_of_others_is_answered_too(stage: Stage) -> None:
    thread_id = await stage.begun_elsewhere("plain", key="theirs")
    task = await stage.task("plain", thread_id=thread_id, watched=True, key="theirs")
    await stage.drive(task)
    (request,) = await stage.open(task)

    await stage.answer(request)

    assert isinstance((await stage.now(task)).state, Ended)
    assert stage.effects("ask", task)[-1] == YES


async def test_a_run_of_others_that_broke_off_is_left_to_them(stage: Stage) -> None:
    thread_id = await stage.begun_elsewhere("failing")
    task = await stage.task("failing", thread_id=thread_id, watched=True)

    await stage.drive(task)

    state = (await stage.now(task)).state
    assert isinstance(state, Ended)
    assert (state.stopped, "RuntimeError" in state.outcome) == (True, True)
    assert len(await stage.runs(task)) == 1


async def test_a_stale_click_of_others_leaves_the_question_open(stage: Stage) -> None:
    """The thread reads `error` then, and is waiting all the same."""
    task = await stage.started("twice")
    (first,) = await stage.open(task)
    await stage.answer(first)
    await stage.answer_elsewhere(task, first.interrupt_id, "late", strict=True)

    await stage.drive(task)

    (second,) = await stage.open(task)
    assert isinstance(second.state, Pending)
    assert (await stage.foreign.thread(task.thread_id))["status"] == "error"
    assert isinstance((await stage.now(task)).state, Waiting)
    await stage.answer(second)
    assert isinstance((await stage.now(task)).state, Ended)
