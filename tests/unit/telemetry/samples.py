"""One fact of each kind, with all that it may hold."""

from __future__ import annotations

from typing import Final

from bot.approvals.model.facts import (
    ApiAnswered,
    Fact,
    JobPutOff,
    LeaseLost,
    ProcessDraining,
    ProcessEnded,
    ProcessGone,
    ProcessStarted,
    Recorded,
    RoleEnded,
    RuleChosen,
    RunEnded,
    ServerAway,
    ServerReached,
    SlackAcknowledged,
    SlackCalled,
    SlackConnected,
    SlackDisconnected,
    SlackHeldBack,
    SlackLimited,
    StorageAnswered,
    StorageUnreachable,
    SweepEnded,
    TroubleBegan,
    TroubleEnded,
    WebhookTried,
    WorkerEnded,
)
from bot.approvals.model.ids import RequestId, TaskId, ThreadId
from bot.approvals.model.trouble import TroubleKind
from tests.support.builders import a_person, a_request, an_event

TASK: Final = TaskId("task-1")
REQUEST: Final = RequestId("request-1")
OWNER: Final = "worker-1f2e3d4c"

EACH: Final[tuple[Fact, ...]] = (
    Recorded(entry=an_event("voted", a_request(), person=a_person("UBOB"))),
    SlackCalled(method="chat.update", outcome="refused", seconds=0.25, error="channel_not_found"),
    SlackLimited(method="chat.update", seconds=30.0),
    SlackHeldBack(method="chat.update", seconds=7.5),
    SlackAcknowledged(kind="interactive", seconds=0.05),
    SlackConnected(away=2.5),
    SlackDisconnected(announced=True),
    ProcessStarted(role="gateway", version="1.0", store="redis", owner=OWNER),
    ProcessDraining(role="gateway", owner=OWNER, seconds=20.0),
    ProcessEnded(role="gateway", owner=OWNER),
    WorkerEnded(owner=OWNER, why="over_memory", code=-9, task_id=TASK, memory=1_000_000_000, pause=0.2),
    RoleEnded(role="gateway", code=-9, pause=0.2),
    JobPutOff(queue="delivery", key=TASK, error="Unreachable from ConnectionError"),
    SweepEnded(role="gateway", seconds=0.125, cut_short=True, error="Unreachable"),
    LeaseLost(task_id=TASK, thread_id=ThreadId("thread-1")),
    ProcessGone(owner=OWNER),
    StorageAnswered(verb="read", seconds=0.001),
    StorageUnreachable(verb="change", error="SQLITE_FULL"),
    RunEnded(task_id=TASK, engine="langgraph", seconds=1.5),
    ServerReached(server="prod"),
    ServerAway(server="prod", error="ConnectError"),
    TroubleBegan(kind=TroubleKind.FAILED, subject="7a555753"),
    TroubleEnded(kind=TroubleKind.FAILED, subject="7a555753", seconds=720.5),
    ApiAnswered(route="/v1/requests/{id}", method="GET", code=200, seconds=0.01, token="billing"),
    WebhookTried(task_id=TASK, request_id=REQUEST, webhook="msg-1", outcome="failed", tries=2, error="status 500"),
    RuleChosen(task_id=TASK, rule="payments", passed_over=("interns", "nights")),
)
