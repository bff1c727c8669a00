"""What `/task` says in private, for every state of a task and of a request."""

from __future__ import annotations

import pytest

from bot.approvals.model.agent import Graph
from bot.approvals.model.decision import Cancelled, Expired, Reject
from bot.approvals.model.policy import one_stage
from bot.approvals.model.request import Delivered, RequestState, Superseded
from bot.approvals.model.task import Ended, Failed, Failure, Running, Starting, TaskCancelled, TaskState, Waiting
from bot.slack.inbox import task_list
from bot.slack.text import moment
from tests.support.builders import NOON, a_person, a_policy, a_question, a_request, a_task, an_answer, decided

FAILURE = Failure(error_id="1a2b3c4d", summary="KeyError", at=NOON)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (Starting(), "▶️ working"),
        (Running(), "▶️ working"),
        (Waiting(), "⏳ waits for an answer"),
        (Ended(outcome="moved 3 files", at=NOON), "✅ moved 3 files"),
        (Ended(outcome="Stopped: it asked too often", at=NOON, stopped=True), "🛑 Stopped · it asked too often"),
        (Failed(failure=FAILURE, retryable=True), "⚠️ stopped by an error (`1a2b3c4d`)"),
        (TaskCancelled(by=a_person(), at=NOON), "🚫 Cancelled by <@UREQ>"),
    ],
)
def test_each_state_of_a_task_has_its_words(state: TaskState, said: str) -> None:
    assert task_list.task_list([(a_task(state=state), [])]) == (
        f"*Your tasks*, newest first\n• `task-1` *cleanup* · {said} · started {moment(NOON)}"
    )


def test_an_empty_list_says_how_to_fill_it() -> None:
    assert task_list.task_list([]) == "You have started no task yet. `/task` opens a form to start one."


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (decided(decision=an_answer()), f"✅ Approved by <@UAPP> · {moment(an_answer().at)}"),
        (decided(decision=an_answer(edited=True)), f"✅ Approved with changes by <@UAPP> · {moment(an_answer().at)}"),
        (decided(decision=an_answer(verdicts=(Reject(),))), f"⛔ Rejected by <@UAPP> · {moment(an_answer().at)}"),
        (Delivered(decision=Expired(at=NOON), at=NOON), f"⌛ Expired: nobody answered by {moment(NOON)}"),
        (Delivered(decision=Cancelled(by=a_person(), at=NOON), at=NOON), f"🚫 Cancelled by <@UREQ> · {moment(NOON)}"),
        (Superseded(at=NOON), f"🚫 No longer needed: the agent moved on without an answer · {moment(NOON)}"),
    ],
)
def test_each_state_of_a_request_has_its_words(state: RequestState, said: str) -> None:
    status = task_list.task_status(a_task(), [a_request(state=state)])

    assert status.splitlines()[1] == f"• Delete old files?: {said}"


def test_a_pending_request_says_until_when_it_waits_if_it_ever_ends() -> None:
    request = a_request()
    endless = a_request(policy=a_policy(stages=one_stage(("UAPP",))))

    first, second = task_list.task_status(a_task(), [request, endless]).splitlines()[1:]

    assert request.deadline is not None
    assert first.endswith(f": ⏳ waits for <@UAPP> and @operators, by {moment(request.deadline)}")
    assert second.endswith(": ⏳ waits for <@UAPP>")


def test_a_status_says_who_started_it_where_and_what_came_of_it() -> None:
    status = task_list.task_status(a_task(state=Ended(outcome="moved <3> files\nkept 2", at=NOON)), [])

    assert status.splitlines() == [
        f"`task-1` *cleanup* · ✅ moved &lt;3&gt; files · started {moment(NOON)} by <@UREQ> in <#C1>",
        "moved &lt;3&gt; files",
        "kept 2",
    ]


def test_what_a_graph_says_can_neither_mention_nor_flood() -> None:
    hostile = "<!channel> " + "x" * 9000
    graph = Graph(name="<b>", description="", inputs=(), unavailable=hostile)
    said = [
        task_list.task_status(a_task(graph="<!here>", state=Ended(outcome=hostile, at=NOON)), []),
        task_list.task_status(a_task(), [a_request(question=a_question(title=hostile))]),
        task_list.help_text([graph], ["/task <!channel>"]),
    ]

    assert not [text for text in said if "<!channel" in text or "<!here" in text or "<b>" in text]
    assert max(len(text) for text in said) < 3000


def test_help_names_every_subcommand() -> None:
    said = task_list.help_text([], [])

    assert [word for word in task_list.SUBCOMMANDS if word != "help" and f"/task {word}" not in said] == []
    assert "Not available here" not in said
