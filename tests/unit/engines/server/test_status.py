"""How a thread stands, from what a real server sent about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.model.agent import Phase
from bot.approvals.model.decision import Answered, Approve, Reject
from bot.approvals.model.question import Verdict, with_arguments
from bot.approvals.model.request import Decided, Request
from bot.approvals.model.task import Failed, Failure
from bot.engines.server.stops import Stops
from tests.support.builders import NOON, a_request
from tests.unit.engines.server.recordings import by_others, look, ours, read, recorded, theirs, tried

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("thread", "phase", "places"),
    [
        ("created", Phase.LOST, []),
        ("plain_waiting", Phase.WAITING, ["ask"]),
        ("plain_done", Phase.DONE, []),
        ("plain_done_stale", Phase.DONE, []),
        ("twice_first", Phase.WAITING, ["twice"]),
        ("twice_second", Phase.WAITING, ["twice"]),
        ("twice_stale", Phase.WAITING, ["twice"]),
        ("parallel_waiting", Phase.WAITING, ["left", "right"]),
        ("parallel_half", Phase.WAITING, ["right"]),
        ("nested_waiting", Phase.WAITING, ["inner/ask"]),
        ("sent_waiting", Phase.WAITING, ["part", "part"]),
        ("sent_half", Phase.WAITING, ["part"]),
        ("form_waiting", Phase.WAITING, ["fill_in"]),
        ("form_proceeded", Phase.WAITING, ["fill_in"]),
        ("raising_waiting", Phase.WAITING, ["fall"]),
        ("raising_done", Phase.DONE, []),
        ("stop_waiting", Phase.WAITING, ["before pay"]),
        ("stop_after", Phase.WAITING, ["before pay"]),
        ("slow_running", Phase.BUSY, []),
        ("slow_cancelled", Phase.FAILED, []),
        ("failing", Phase.FAILED, []),
        ("replayed", Phase.STOPPED, []),
    ],
)
def test_the_phase_and_what_is_asked(thread: str, phase: Phase, places: list[str]) -> None:
    status = read(thread)

    assert (status.phase, [asked.place for asked in status.asked]) == (phase, places)
    assert (status.answered, status.failure) == (frozenset(), None)


@pytest.mark.parametrize("thread", ["raising_failed", "raising_failed_again", "form_refused"])
def test_an_answer_that_was_sent_before_an_error_counts_as_taken(thread: str) -> None:
    """Nothing tells whether the node has it. So it is never sent again, also after further tries have failed."""
    (listed,) = [each["id"] for each in recorded(thread)["state"]["tasks"][0]["interrupts"]]

    status = read(thread)

    assert (status.phase, status.asked, status.answered) == (Phase.FAILED, (), frozenset({listed}))


def test_a_question_that_others_have_answered_before_an_error_is_open_no_more() -> None:
    """Their answer may be stored: a vote in Slack would let it run, whatever the vote says."""
    status = read("raising_failed", runs=by_others(recorded("raising_failed")["runs"]))

    assert (status.phase, status.asked, status.answered) == (Phase.FAILED, (), frozenset())


def test_a_list_of_answers_by_others_counts_for_whatever_was_open() -> None:
    """As Agent Inbox sends it, which names no interrupt."""
    runs = by_others(recorded("raising_failed")["runs"], kwargs={"command": {"resume": [{"type": "accept"}]}})

    status = read("raising_failed", runs=runs)

    assert (status.asked, status.answered) == ((), frozenset())


def test_an_error_is_told_once_with_the_id_of_its_run() -> None:
    """By the task that waits for that run, and not again after it was recorded."""
    runs = tried(recorded("failing")["runs"])
    known = Failure(error_id="1", summary="RuntimeError", at=NOON)

    told = read("failing", runs=runs).failure
    later = read("failing", runs=runs).failure
    recorded_already = read("failing", runs=runs, task=replace(ours(), state=Failed(failure=known, retryable=True)))
    retried = read("failing", runs=runs, task=replace(ours(), tries=2))

    assert told is not None
    assert told == later
    assert (told.summary, runs[0]["run_id"].endswith(told.error_id)) == ("RuntimeError", True)
    assert (recorded_already.failure, retried.failure) == (None, None)


def test_a_run_that_a_shutdown_began_again_has_not_failed() -> None:
    status = read("replayed", runs=tried(recorded("replayed")["runs"]))

    assert (status.phase, status.failure) == (Phase.STOPPED, None)


def test_a_run_that_was_cancelled_on_the_server_says_so() -> None:
    status = read("slow_cancelled", runs=tried(recorded("slow_cancelled")["runs"]))

    assert status.failure is not None
    assert status.failure.summary == "it was cancelled on the server"


@pytest.mark.parametrize("thread", ["failing", "slow_cancelled"])
def test_what_others_began_and_broke_off_is_over(thread: str) -> None:
    """The bot does not go on with it."""
    status = read(thread, task=theirs(), runs=by_others(recorded(thread)["runs"]))

    assert (status.phase, status.stopped, status.asked) == (Phase.DONE, True, ())
    assert status.outcome.startswith("Stopped: the run ended on the server")


def test_a_question_of_a_broken_branch_of_others_is_asked() -> None:
    thread = recorded("parallel_half")
    thread["state"]["tasks"][0] |= {"result": None, "error": "RuntimeError()"}
    runs = by_others(thread["runs"], status="error")

    status = read("parallel_half", task=theirs(), state=thread["state"], runs=runs)

    assert (status.phase, [asked.place for asked in status.asked]) == (Phase.WAITING, ["right"])


def test_an_outcome_is_what_the_graph_says_or_its_last_message() -> None:
    state = recorded("plain_done")["state"]
    blocks = [{"type": "text", "text": "All "}, {"type": "text", "text": "done."}]
    spoken = {**state, "values": {"messages": [{"type": "ai", "content": blocks}]}}

    assert read("plain_done").outcome == "done with 1"
    assert read("plain_done", state=spoken).outcome == "All done."
    assert read("plain_done", state={**state, "values": "text"}).outcome == "text"
    assert read("plain_done", state={**state, "values": [1]}).outcome == ""


def test_the_models_own_reason_stands_before_the_words_of_the_tools_author() -> None:
    """It is in the message that makes the calls which are asked about."""
    state = recorded("plain_waiting")["state"]
    call = {"name": "Refund", "args": {"order": "o-1", "amount": 40}, "id": "1"}
    said = {"type": "ai", "content": "The parcel was late.", "tool_calls": [call]}
    other = {**said, "tool_calls": [{**call, "args": {}}]}

    told = read("plain_waiting", state={**state, "values": {"messages": [said, {"type": "human"}]}})
    unrelated = read("plain_waiting", state={**state, "values": {"messages": [other]}})

    assert told.asked[0].question.text.startswith("The parcel was late.")
    assert "parcel" not in unrelated.asked[0].question.text


# --- Breakpoints --------------------------------------------------------------------------------


def test_a_breakpoint_stands_and_asks_about_the_state() -> None:
    status = read("stop_waiting")

    (asked,) = status.asked
    (item,) = asked.question.items
    assert status.stands == asked.interrupt_id == f"breakpoint:{checkpoint('stop_waiting')}"
    assert item.verdicts == (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT)
    assert item.arguments["amount"] == 40
    assert item.arguments["outcome"] is None


def test_a_breakpoint_that_is_not_drawn_is_known_by_a_run_that_ended_in_order() -> None:
    """As one that somebody asked for when they began the run."""
    assert read("stop_waiting", stops=Stops()).asked[0].question.title == "Before pay: go on?"


@pytest.mark.parametrize("status", ["error", "interrupted"])
def test_a_drawn_breakpoint_holds_whatever_became_of_the_last_run(status: str) -> None:
    """To go on without input would pass it."""
    runs = [{**recorded("stop_waiting")["runs"][0], "status": status}]

    assert read("stop_waiting", runs=runs).stands is not None
    assert read("stop_waiting", runs=runs, stops=Stops()).phase is Phase.STOPPED
    asked_for = [{**runs[0], "kwargs": {"interrupt_before": ["pay"]}}]
    assert read("stop_waiting", runs=asked_for, stops=Stops()).stands is not None


def test_a_breakpoint_that_was_approved_is_passed_by_whoever_comes_next() -> None:
    approved = {
        **recorded("stop_waiting")["runs"][0],
        "status": "error",
        "metadata": {
            "countersign_request": "r v1",
            "countersign_interrupt": f"breakpoint:{checkpoint('stop_waiting')}",
        },
    }

    status = read("stop_waiting", runs=[approved, *recorded("stop_waiting")["runs"]])

    assert (status.phase, status.stands) == (Phase.STOPPED, None)


def test_a_breakpoint_after_a_node_is_named_after_it() -> None:
    stops = Stops(after=frozenset({"prepare"}))

    assert read("stop_after", stops=stops).asked[0].question.title == "After prepare: go on?"


def test_a_breakpoint_within_a_graph_is_one_question_that_cannot_be_edited() -> None:
    status = read("stop_within", stops=Stops(before=frozenset({"inner:pay"})))

    (asked,) = status.asked
    assert asked.question.items[0].verdicts == (Verdict.APPROVE, Verdict.REJECT)
    assert asked.interrupt_id.startswith(f"breakpoint:{checkpoint('stop_within')}:")


def test_an_edit_that_was_written_is_gone_on_with() -> None:
    status = read("stop_edited", requests=[edited()])

    assert (status.phase, status.stands) == (Phase.STOPPED, None)
    assert status.answered == {edited().interrupt_id}


def test_an_edit_that_the_state_does_not_hold_is_asked_again() -> None:
    status = read("stop_edited", requests=[edited(amount=21)])

    assert status.stands == f"breakpoint:{checkpoint('stop_edited')}"
    assert status.not_taken == {edited().interrupt_id}


def test_an_edit_after_which_something_else_comes_next_is_asked_again() -> None:
    state = recorded("stop_edited")["state"]
    state["tasks"][0]["name"] = "another"

    status = read("stop_edited", requests=[edited()], state=state)

    assert status.asked[0].question.title == "Before another: go on?"
    assert status.not_taken == {edited().interrupt_id}


def test_a_change_that_nobody_approved_is_asked_about() -> None:
    """Somebody else changed the state at the breakpoint."""
    status = read("stop_edited")

    assert status.stands == f"breakpoint:{checkpoint('stop_edited')}"
    assert status.not_taken == frozenset()


def test_a_rejection_that_ended_the_thread_is_told() -> None:
    asked = read("stop_waiting").asked[0]
    parent = recorded("stop_rejected")["state"]["parent_checkpoint"]["checkpoint_id"]
    request = decided(
        a_request(
            question=asked.question,
            interrupt_id=f"breakpoint:{parent}",
            fingerprint=asked.fingerprint,
            place=asked.place,
        ),
        Reject(reason="not today"),
    )

    status = read("stop_rejected", requests=[request])

    assert (status.phase, status.stopped) == (Phase.DONE, True)
    assert status.outcome == "Stopped: before pay it was rejected. not today"
    assert read("stop_rejected").stopped is False


def test_what_send_gives_a_node_is_not_shown_so_nobody_approves_it() -> None:
    (asked,) = read("sent_stop", stops=Stops(before=frozenset({"part"}))).asked

    assert [item.verdicts for item in asked.question.items] == [(Verdict.REJECT,)]


def test_what_is_asked_has_the_same_fingerprint_at_each_look() -> None:
    for thread in ("plain_waiting", "stop_waiting", "form_waiting"):
        one, other = read(thread).asked[0], read(thread).asked[0]
        assert one.fingerprint == other.fingerprint


def checkpoint(thread: str) -> str:
    return str(look(thread).state["checkpoint"]["checkpoint_id"])


def edited(amount: int = 20) -> Request:
    """The request whose edit made the state of `stop_edited`: approved, and begun to be delivered."""
    asked = read("stop_waiting").asked[0]
    parent = recorded("stop_edited")["state"]["parent_checkpoint"]["checkpoint_id"]
    arguments = {**asked.question.items[0].arguments, "amount": amount}
    request = a_request(question=asked.question, interrupt_id=f"breakpoint:{parent}", fingerprint=asked.fingerprint)
    return decided(replace(request, question=with_arguments(asked.question, 0, arguments)), Approve())


def decided(request: Request, verdict: Approve | Reject) -> Request:
    decision = Answered(verdicts=(verdict,), voters=(), edited=False, at=NOON)
    return replace(request, state=Decided(decision=decision, next_try=NOON, attempts=1))


@pytest.mark.parametrize(
    ("configurable", "expected"),
    [
        ({"__otel_traceparent__": TRACE}, TRACE),
        ({"__otel_traceparent__": "of no form"}, None),
        ({"__otel_traceparent__": 7}, None),
        (None, None),
    ],
)
def test_a_server_that_traces_says_where_its_run_is_found(configurable: object, expected: str | None) -> None:
    """It keeps that with the run; whatever else stands there is ignored."""
    runs = recorded("plain_waiting")["runs"]
    runs[0]["kwargs"] = {**runs[0]["kwargs"], "config": {"configurable": configurable}}

    assert read("plain_waiting", runs=runs).trace == expected
