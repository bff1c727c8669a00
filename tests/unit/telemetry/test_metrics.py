"""What each fact does to the metrics of its process."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.approvals.model.decision import Approve, Cancelled, Choose, Expired, Keep, Outcome, Reject, Undo
from bot.approvals.model.facts import (
    ApiAnswered,
    Fact,
    LeaseLost,
    ProcessStarted,
    Recorded,
    ServerAway,
    ServerReached,
    SlackAcknowledged,
    SlackCalled,
    SlackLimited,
    StorageAnswered,
    StorageUnreachable,
    SweepEnded,
    WebhookTried,
)
from bot.approvals.model.ids import TaskId, ThreadId
from bot.approvals.model.policy import Escalate, Step, Via, one_stage
from bot.approvals.model.question import Risk
from bot.approvals.model.request import Decided, Delivered, Request, Superseded, Then, Unreached
from bot.telemetry.metrics import MAX_NAMES, OTHER, Metrics
from bot.telemetry.people import WORDS
from tests.support.builders import MINUTE, NOON, a_person, a_policy, a_question, a_request, an_answer, an_event, decided


class Counted:
    """Metrics that have been told of facts."""

    def __init__(self, *facts: Fact) -> None:
        self.metrics = Metrics(now=lambda: 1234.5)
        for fact in facts:
            self.metrics.take(fact)

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"countersign_{name}", labels)

    def all_of(self, name: str) -> dict[tuple[str, ...], float]:
        """What is not zero, by the values of its labels."""
        return {
            tuple(sample.labels.values()): sample.value
            for metric in self.metrics.registry.collect()
            for sample in metric.samples
            if sample.name == f"countersign_{name}" and sample.value
        }


def recorded(kind: str, request: Request, **changes: Any) -> Recorded:
    return Recorded(entry=an_event(kind, request, **changes), about=request)


# --- People -------------------------------------------------------------------------------------


def test_a_request_is_counted_by_graph_and_risk() -> None:
    risky = a_request("r1", question=a_question(risk=Risk.HIGH))

    counted = Counted(recorded("opened", risky), recorded("opened", a_request("r2")), recorded("edited", risky))

    assert counted.all_of("requests_total") == {("cleanup", "high"): 1, ("cleanup", "none"): 1}


@pytest.mark.parametrize(
    ("kind", "decision", "outcome"),
    [
        ("voted", an_answer(), "approved"),
        ("voted", an_answer(edited=True), "edited"),
        ("voted", an_answer(verdicts=(Reject(),)), "rejected"),
        ("voted", an_answer(verdicts=(Choose(choice="a"),)), "chosen"),
        ("voted", an_answer(verdicts=(Approve(), Reject())), "mixed"),
        ("voted", an_answer(verdicts=(Undo(),)), "undone"),
        ("voted", an_answer(verdicts=(Keep(),)), "kept"),
        ("opened", an_answer(voters=(), ruled="small"), "approved"),
        ("ruled", an_answer(voters=(), ruled="silence"), "approved"),
        ("expired", Expired(at=NOON), "expired"),
    ],
)
def test_a_decision_is_counted_once_when_it_is_made(kind: str, decision: Any, outcome: str) -> None:
    """What follows from it is not another decision."""
    made = a_request(state=decided(decision=decision))
    begun = replace(made, state=decided(decision=decision, attempts=1))
    done = replace(made, state=Delivered(decision=decision, at=NOON + MINUTE))

    counted = Counted(
        recorded(kind, made),
        recorded("commented", made),
        recorded("resume_begun", begun),
        recorded("delivery_failed", begun),
        recorded("delivered", done),
    )

    assert counted.all_of("decisions_total") == {("cleanup", outcome): 1}


def test_every_outcome_has_its_word() -> None:
    assert set(WORDS) == set(Outcome)


def test_a_vote_that_settles_nothing_is_no_decision() -> None:
    assert Counted(recorded("voted", a_request())).all_of("decisions_total") == {}


def test_a_cancelled_request_is_counted_when_it_is_done_with() -> None:
    """A program's is at once, an agent's when its thread was closed."""
    cancelled = Cancelled(by=a_person(), at=NOON)
    open_ = a_request(state=Decided(decision=cancelled))
    closed = a_request(state=Delivered(decision=cancelled, at=NOON))

    agents = Counted(recorded("cancelled", open_), recorded("delivered", closed))
    programs = Counted(recorded("cancelled", closed))

    assert agents.all_of("decisions_total") == programs.all_of("decisions_total") == {("cleanup", "cancelled"): 1}
    assert agents.all_of("delivery_seconds_count") == {}


def test_a_question_that_is_gone_before_anybody_decided_is_superseded() -> None:
    gone = a_request(state=Superseded(at=NOON))
    after = a_request(state=Superseded(at=NOON, decision=an_answer()))

    counted = Counted(recorded("superseded", gone), recorded("superseded", after))

    assert counted.all_of("decisions_total") == {("cleanup", "superseded"): 1}


def test_the_time_to_an_answer_is_that_of_people() -> None:
    """Neither silence nor a rule of the policy is an answer of theirs."""
    answered = a_request("r1", opened_at=NOON, state=decided(decision=an_answer(at=NOON + 2 * MINUTE)))
    ruled = a_request("r2", opened_at=NOON, state=decided(decision=an_answer(voters=(), ruled="small")))
    expired = a_request("r3", opened_at=NOON, state=decided(decision=Expired(at=NOON + 9 * MINUTE)))

    counted = Counted(recorded("voted", answered), recorded("opened", ruled), recorded("expired", expired))

    assert counted.value("decision_seconds_sum", graph="cleanup") == 120
    assert counted.value("decision_seconds_count", graph="cleanup") == 1


def test_refusals_are_counted_by_reason() -> None:
    request = a_request()
    counted = Counted(
        recorded("refused", request, data={"why": "MayNotVote"}),
        recorded("refused", request, data={"why": "MayNotVote"}),
        Recorded(entry=an_event("refused", request, data={"why": "Unreachable"})),
    )

    assert counted.all_of("refusals_total") == {("MayNotVote",): 2, ("Unreachable",): 1}


def test_escalations_are_counted_by_their_way_and_by_whom_they_reached() -> None:
    steps = (
        Step(after=MINUTE, action=Escalate(to=("@leads",))),
        Step(after=MINUTE * 2, action=Escalate(to=("#ops",), via=Via.CHANNEL)),
    )
    request = a_request(policy=a_policy(stages=one_stage(("U1",), 1, steps)))

    def after(missed: tuple[Unreached, ...], to: str) -> Recorded:
        return recorded("escalated", replace(request, unreached=missed), data={"to": [to]})

    one = Unreached(name="U9", why="is gone", asked_at=NOON)
    before = Unreached(name="U9", why="is gone", asked_at=NOON - MINUTE, then=Then.NEXT)
    counted = Counted(
        after((), "@leads"),
        after((one,), "@leads"),
        after((replace(one, then=Then.NEXT),), "@leads"),
        after((before,), "#ops"),
    )

    assert counted.all_of("escalations_total") == {
        ("dm", "all"): 1,
        ("dm", "some"): 1,
        ("dm", "nobody"): 1,
        ("channel", "all"): 1,
    }


def test_a_deadline_with_nobody_reached_is_counted() -> None:
    """Not one at which somebody had been asked."""
    request = a_request(state=decided(decision=Expired(at=NOON)))
    nobody = replace(request, open=replace(request.open, asked=()))
    somebody = replace(request, open=replace(request.open, asked=(a_person("U7"),)))

    counted = Counted(recorded("expired", nobody), recorded("expired", somebody), recorded("voted", nobody))

    assert counted.value("unreached_total") == 1


# --- Delivery -----------------------------------------------------------------------------------


def test_a_delivery_takes_from_the_decision_or_the_end_of_its_hold() -> None:
    state = Delivered(decision=an_answer(at=NOON), at=NOON + timedelta(seconds=90))
    held = a_policy(hold=timedelta(seconds=80))

    counted = Counted(
        recorded("delivered", a_request("r1", state=state)),
        recorded("delivered", a_request("r2", state=state, policy=held, task_id=TaskId("caller-1"))),
    )

    assert counted.value("delivery_seconds_sum", engine="langgraph") == 90
    assert counted.value("delivery_seconds_sum", engine="caller") == 10


def test_a_clock_that_is_put_back_makes_no_sum_fall() -> None:
    """Prometheus would take it for a new start, and count all of it again."""
    answer = an_answer(at=NOON - MINUTE)
    answered = a_request("r1", opened_at=NOON, state=decided(decision=answer))
    delivered = a_request("r2", state=Delivered(decision=Expired(at=NOON), at=NOON - MINUTE))

    counted = Counted(recorded("voted", answered), recorded("delivered", delivered))

    assert counted.value("decision_seconds_count", graph="cleanup") == 1
    assert counted.value("decision_seconds_sum", graph="cleanup") == 0
    assert counted.value("delivery_seconds_count", engine="langgraph") == 1
    assert counted.value("delivery_seconds_sum", engine="langgraph") == 0


def test_a_failed_delivery_is_counted_by_graph() -> None:
    assert Counted(recorded("delivery_failed", a_request())).all_of("delivery_failures_total") == {("cleanup",): 1}


# --- Slack, the machine, programs ---------------------------------------------------------------


def test_calls_of_slack_are_counted_and_timed_by_method() -> None:
    counted = Counted(
        SlackCalled(method="chat.update", outcome="done", seconds=0.2),
        SlackCalled(method="chat.update", outcome="limited", seconds=0.1),
        SlackLimited(method="chat.update", seconds=30),
        SlackAcknowledged(kind="interactive", seconds=0.02),
    )

    assert counted.all_of("slack_calls_total") == {("chat.update", "done"): 1, ("chat.update", "limited"): 1}
    assert counted.value("slack_call_seconds_count", method="chat.update") == 2
    assert counted.value("slack_retry_after_seconds_total", method="chat.update") == 30
    assert counted.value("ack_seconds_bucket", kind="interactive", le="0.05") == 1
    assert counted.value("slack_last_envelope_timestamp_seconds") == 1234.5


def test_a_sweep_that_was_cut_short_is_no_success() -> None:
    counted = Counted(SweepEnded(role="gateway", seconds=0.1, cut_short=True), SweepEnded(role="worker", seconds=0.1))

    assert counted.all_of("sweep_seconds_count") == {("gateway",): 1, ("worker",): 1}
    assert counted.all_of("sweep_last_success_timestamp_seconds") == {("worker",): 1234.5}


def test_the_machines_troubles_are_counted() -> None:
    counted = Counted(
        LeaseLost(task_id=TaskId("t"), thread_id=ThreadId("t")),
        StorageAnswered(verb="read", seconds=0.002),
        StorageUnreachable(verb="read", error="x"),
    )

    assert counted.value("leases_lost_total") == 1
    assert counted.value("storage_seconds_bucket", verb="read", le="0.005") == 1
    assert counted.value("storage_unreachable_total") == 1


def test_engines_are_up_once_they_can_run_agents() -> None:
    """Before a worker has started, none can."""
    started = ProcessStarted(role="worker", owner="w", version="1", store="sqlite")
    counted = Counted(
        ServerReached(server="prod"), ServerReached(server="staging"), ServerAway(server="prod", error="")
    )
    assert counted.value("engine_up", engine="langgraph") == 0

    counted.metrics.take(started)

    assert counted.all_of("engine_up") == {("langgraph",): 1, ("staging",): 1}
    assert counted.value("engine_up", engine="prod") == 0


def test_calls_of_the_api_and_webhooks_are_counted() -> None:
    """An alert has to see the first webhook that is given up, so there is a zero before it."""
    counted = Counted(
        ApiAnswered(method="GET", route="/v1/requests/{id}", code=200, seconds=0.1),
        WebhookTried(**_webhook(), outcome="delivered"),
    )

    assert counted.all_of("api_requests_total") == {("/v1/requests/{id}", "200"): 1}
    assert counted.value("webhook_deliveries_total", outcome="delivered") == 1
    assert counted.value("webhook_deliveries_total", outcome="given_up") == 0


def test_the_pulse_says_how_late_the_loop_is_and_what_waits() -> None:
    counted = Counted()

    counted.metrics.pulse(lag=0.25, lanes={"delivery": 3, "sync": 0})

    assert counted.value("loop_lag_seconds") == 0.25
    assert counted.all_of("lane_depth") == {("delivery",): 3}


def test_names_without_end_do_not_make_series_without_end() -> None:
    """Whatever a program calls itself."""
    counted = Counted(*(recorded("opened", a_request(graph=f"graph {number}")) for number in range(MAX_NAMES + 50)))

    found = counted.all_of("requests_total")

    assert len(found) == MAX_NAMES + 1
    assert found[OTHER, "none"] == 50


def _webhook() -> dict[str, Any]:
    request = a_request()
    return {"task_id": request.task_id, "request_id": request.id, "webhook": "w", "tries": 1}
