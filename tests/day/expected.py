"""What each kind of fact is expected to leave behind in the day: its line, its metric, and its alert."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

How: TypeAlias = Literal["rises", "is above 0", "falls to 0", "is there"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric that a fact moves, and how."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    how: How = "rises"

    def __str__(self) -> str:
        labels = ",".join(f'{name}="{value}"' for name, value in self.labels.items())
        return f"{self.name}{{{labels}}}" if labels else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of fact."""

    event: str
    metric: Metric | None = None
    """None if none is promised."""
    alert: str | None = None
    line: bool = True
    """Whether it has a line."""
    only: Mapping[str, str | bool] = field(default_factory=dict)
    """What its line says, if only some lines of this event count."""

    def __str__(self) -> str:
        told = " ".join(f"{name}={str(value).lower()}" for name, value in self.only.items())
        return f"{self.event} {told}".strip()


def rises(name: str, **labels: str) -> Metric:
    return Metric(name=f"countersign_{name}", labels=labels)


def stands(name: str, how: How, **labels: str) -> Metric:
    return Metric(name=f"countersign_{name}", labels=labels, how=how)


EXPECTED: Final = (
    # people
    Row(event="audit.started"),
    Row(event="audit.running"),
    Row(event="audit.opened", metric=rises("requests_total")),
    Row(event="audit.shown"),
    Row(event="audit.waiting"),
    Row(event="audit.viewed"),
    Row(event="audit.revealed"),
    Row(event="audit.voted", metric=rises("decisions_total", outcome="approved")),
    Row(event="audit.voted", metric=rises("decisions_total", outcome="rejected"), only={"outcome": "reject"}),
    Row(event="audit.withdrawn"),
    Row(event="audit.refused", metric=rises("refusals_total")),
    Row(event="audit.commented"),
    Row(event="audit.extended"),
    Row(event="audit.delegated"),
    Row(event="audit.nudged"),
    Row(event="audit.reminded"),
    Row(event="audit.escalated", metric=rises("escalations_total", reached="nobody")),
    Row(event="audit.unreached"),
    Row(event="audit.expired", metric=rises("unreached_total"), alert="CountersignNobodyReached"),
    Row(event="audit.cancelled"),
    Row(event="audit.token_added", line=False),
    # delivery
    Row(event="audit.resume_begun"),
    Row(event="audit.resume_repeated"),
    Row(event="audit.delivered", metric=rises("delivery_seconds_count")),
    Row(event="audit.ended"),
    Row(event="audit.delivery_failed", metric=rises("delivery_failures_total")),
    Row(
        event="audit.failed",
        metric=stands("tasks_failed", "is above 0"),
        alert="CountersignTasksFailed",
    ),
    Row(event="audit.retried"),
    Row(event="run.ended"),
    Row(event="rule.chosen"),
    Row(event="trouble.began"),
    Row(event="trouble.ended"),
    # Slack
    Row(event="slack.called", metric=rises("slack_calls_total", outcome="done")),
    Row(event="slack.limited", metric=rises("slack_retry_after_seconds_total")),
    Row(event="slack.held_back"),
    Row(event="slack.acknowledged", metric=rises("ack_seconds_count"), alert="CountersignAcknowledgementsSlow"),
    Row(event="slack.connected", metric=stands("slack_connected", "is above 0")),
    Row(
        event="slack.disconnected",
        metric=stands("slack_connected", "falls to 0"),
        alert="CountersignSlackDisconnected",
    ),
    # processes
    Row(event="process.started", metric=stands("build_info", "is there")),
    Row(event="process.draining"),
    Row(event="process.ended", alert="CountersignDown"),
    Row(event="process.gone"),
    Row(event="role.ended"),
    Row(
        event="worker.ended",
        metric=stands("engine_up", "falls to 0", engine="langgraph"),
        alert="CountersignEngineDown",
    ),
    Row(event="sweep.ended", metric=rises("sweep_seconds_count")),
    Row(event="sweep.ended", only={"cut_short": True}, alert="CountersignNoSweep"),
    Row(event="job.put_off"),
    Row(event="lease.lost", metric=rises("leases_lost_total")),
    # storage, servers, programs
    Row(event="storage.answered", metric=rises("storage_seconds_count"), line=False),
    Row(event="storage.unreachable", metric=rises("storage_unreachable_total")),
    Row(event="server.reached", metric=stands("engine_up", "is above 0", engine="far")),
    Row(event="server.away", metric=stands("engine_up", "falls to 0", engine="far")),
    Row(event="api.answered", metric=rises("api_requests_total")),
    Row(event="webhook.tried", metric=rises("webhook_deliveries_total", outcome="failed")),
    Row(event="audit.webhook_delivered", metric=rises("webhook_deliveries_total", outcome="delivered")),
    Row(
        event="audit.webhook_given_up",
        metric=rises("webhook_deliveries_total", outcome="given_up"),
        alert="CountersignWebhookGivenUp",
    ),
)

OF_NO_FACT: Final = {
    "CountersignUndelivered": stands("oldest_undelivered_seconds", "is above 0"),
    "CountersignMessagesStale": stands("oldest_stale_seconds", "is above 0"),
}
"""Alerts that look at what lasts, and not at what happens: by their name, the metric."""

_UNDO = "the graphs of the day have no action that can be undone"
_SERVER = "the LangGraph Server of the day is a stub: it says that it is there, and runs nothing"
_CODE = "no graph is changed while it waits"
_HELD = "no policy of the day holds decisions, and no decision of it becomes too old"
_EDIT = "the graphs of the day offer no edit"
NOT_THERE: Final = {
    "audit.adopted": _SERVER,
    "audit.task_reopened": _SERVER,
    "audit.stopped_there": "no graph of the day has a breakpoint",
    "audit.reworded": _HELD,
    "audit.taken_back": _HELD,
    "audit.delivery_stopped": _HELD,
    "audit.stale": _HELD,
    "audit.window_closed": _UNDO,
    "audit.undo_offered": _UNDO,
    "audit.undo_settled": _UNDO,
    "audit.edited": _EDIT,
    "audit.asked_anew": "no graph of the day asks something else in the same place",
    "audit.asked_later": "no graph of the day asks with a time in its question",
    "audit.asked_again": "every graph of the day takes the answer that it gets",
    "audit.not_taken": "every graph of the day takes the answer that it gets",
    "audit.reopened": "nobody opens a question again; the failed delivery is tried again instead",
    "audit.ruled": "silence is a rejection in the policies of the day",
    "audit.unattached": "nothing of the day is so long that it needs a file",
    "audit.code_missing": _CODE,
    "audit.code_back": _CODE,
    "audit.superseded": "no question of the day is gone before its answer",
    "audit.drained": "runs of the day end within the grace period",
    "audit.policy_applied": "nobody changes the policy file",
    "audit.card_applied": "nobody changes the policy file",
    "audit.consumed": "the program of the day is told by webhook, and consumes nothing",
    "audit.stopped": "silence stops no task in the policies of the day",
    "audit.lost": "no state of a graph is lost: Redis keeps its file",
    "audit.token_revoked": "nobody revokes a token",
    "audit.checkpoints_deleted": "retention is days, and the records' clock is Redis' own",
    "audit.records_deleted": "retention is days, and the records' clock is Redis' own",
}
"""Events that do not happen in the day, and why. Their lines are held by `tests/unit/telemetry`."""
