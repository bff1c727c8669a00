"""Agents on a LangGraph Server: where they run, which thread asks, and what people here can and cannot do about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Cancelled, Reject
from bot.approvals.model.errors import NotYours
from bot.approvals.model.ids import JSON, Person, Program, TaskId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.question import Window
from bot.approvals.model.request import Decided, Delivered, Request, RequestState, Superseded
from bot.approvals.model.server import OnServer, task_of_thread, thread_on
from bot.approvals.model.task import Ended, Failed, Running, Task, TaskCancelled, TaskState, Waiting
from bot.approvals.ports.slack import View
from bot.approvals.services.messages.masked import Masking
from bot.secrets.detector import Detector
from bot.slack import lines, refusals
from bot.slack.cards import programs, render, side_action_menu
from bot.slack.cards.render import Card
from bot.slack.inbox import request_row, task_list
from bot.slack.modals import history_modal, side_action_modals
from tests.unit.slack import limits, samples
from tests.unit.slack.cards.reading import labels, seen
from tests.unit.slack.samples import ALICE, BOB, FAILURE, NOW, answered

THREAD = samples.task().thread_id
ID = task_of_thread("prod", THREAD)
LATER = NOW + timedelta(hours=1)
NOBODY = thread_on("prod")
OURS = OnServer(name="prod")
WATCHED = OnServer(name="prod", watched=True)
PARENT = "5b1e7c52-8f5a-4a26-93df-3ac3bde1d2c7"
TITLE = "Deploy 2.14.0?"
SECRET = "ghp_" + "aB3dE6gH9" * 4


def on(server: OnServer, requester: Person | Program = ALICE, state: TaskState | None = None, **inputs: JSON) -> Task:
    task = samples.task(state or Waiting(), **inputs)
    return replace(task, id=ID, graph="deploy", server=server, requester=requester, inputs=inputs)


def asked(requester: Person | Program = ALICE, state: RequestState | None = None, **changes: object) -> Request:
    about = samples.question(samples.REFUND, title=TITLE, text="", risk=None)
    return samples.request(about, state, task_id=ID, graph="deploy", requester=requester, **changes)


def drawn(task: Task, *requests: Request, kind: MessageKind = MessageKind.CARD, doing: str | None = None) -> Card:
    message = replace(samples.message(kind), task_id=ID)
    only = requests[0] if requests else None
    card = render.draw(View(message=message, task=task, request=only, requests=requests, doing=doing))
    limits.check_message(card.text, list(card.blocks))
    return card


def opening(task: Task, *requests: Request, doing: str | None = None) -> list[str]:
    return lines.lines(drawn(task, *requests, kind=MessageKind.OPENING, doing=doing).blocks, 200)


def outcome(task: Task, *requests: Request) -> Card:
    return drawn(task, *requests, kind=MessageKind.OUTCOME)


# --- Who asks, and where ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requester", "card", "copy", "row"),
    [
        (
            ALICE,
            "<@U0ALICE> · on *prod*",
            "<@U0ALICE> in <#C0OPS> for deploy on *prod*",
            "<@U0ALICE> · on *prod* · by ",
        ),
        (
            NOBODY,
            "Asked by a thread on *prod*",
            "Asked by a thread on *prod* in <#C0OPS> for deploy",
            "A thread on *prod* · by ",
        ),
    ],
)
def test_a_card_and_a_row_say_on_which_server_it_is_asked(
    requester: Person | Program, card: str, copy: str, row: str
) -> None:
    task, request = on(WATCHED, requester), asked(requester)

    assert card in seen(drawn(task, request))
    assert copy in seen(drawn(task, request, kind=MessageKind.COPY))
    assert f"\n{row}" in request_row.line(request, "place")


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (on(OURS, to="staging"), "@U0ALICE started deploy on prod · To staging"),
        (on(WATCHED), "A thread of deploy on prod asks for @U0ALICE"),
        (on(WATCHED, NOBODY), "A thread of deploy on prod asks"),
        (on(WATCHED, NOBODY, Ended(outcome="", at=LATER)), "A thread of deploy on prod asked"),
    ],
)
def test_the_opening_says_what_was_started_where_or_which_thread_asks(task: Task, said: str) -> None:
    card = drawn(task, asked(task.requester), kind=MessageKind.OPENING)

    assert opening(task, asked(task.requester))[0] == said
    assert card.text.startswith(f"{said.partition(' · ')[0]}.".replace("@U0ALICE", "<@U0ALICE>"))


@pytest.mark.parametrize(
    ("server", "requester", "said"),
    [
        (OURS, ALICE, "<@U0ALICE> asks for deploy on prod in <#C0OPS>."),
        (WATCHED, ALICE, "A thread of deploy on prod asks for <@U0ALICE> in <#C0OPS>."),
        (WATCHED, NOBODY, "A thread of deploy on prod asks in <#C0OPS>."),
    ],
)
def test_a_notification_says_it_too(server: OnServer, requester: Person | Program, said: str) -> None:
    assert said in drawn(on(server, requester), asked(requester)).text


@pytest.mark.parametrize(
    ("server", "requester", "said"),
    [
        (OURS, ALICE, "Done for <@U0ALICE> on prod in <#C0OPS>."),
        (WATCHED, NOBODY, "Done by a thread on prod in <#C0OPS>."),
    ],
)
def test_a_notification_says_where_something_was_done(server: OnServer, requester: Person | Program, said: str) -> None:
    window = Window(length=timedelta(minutes=10), how="Rolls back")
    request = asked(requester)
    request = replace(request, question=replace(request.question, window=window))

    assert said in drawn(on(server, requester), request).text


@pytest.mark.parametrize(
    ("parent", "said"),
    [
        (PARENT, "started by the thread 5b1e7c52…"),
        (f"{PARENT} (deploy)", "started by the thread 5b1e7c52…"),
        (f"{PARENT} (deploy <!here>\n*)", "subagent deploy &lt;!here&gt; of the thread 5b1e7c52…"),
        ("<https://evil.example|prod>", "started by &lt;https://evil.example|prod&gt;"),
    ],
)
def test_what_started_a_thread_is_told_in_words_that_do_nothing(parent: str, said: str) -> None:
    """Whoever starts a thread writes its metadata."""
    task = on(replace(WATCHED, parent=parent), NOBODY)

    assert f" · {said}" in seen(drawn(task, asked(NOBODY)))
    assert f" · {said}" in seen(drawn(task, asked(NOBODY), kind=MessageKind.COPY))
    assert said.replace("&lt;", "<").replace("&gt;", ">") in opening(task)[0].replace("*", "").replace("  ", " ")


def test_a_long_parent_is_cut() -> None:
    task = on(replace(WATCHED, parent=f"{PARENT} ({'x' * 500})"), NOBODY)

    assert len(opening(task)[0]) < 200


def test_a_secret_in_what_started_a_thread_is_masked() -> None:
    task = on(replace(WATCHED, parent=f"{PARENT} ({SECRET})"), NOBODY)
    view = View(message=samples.message(MessageKind.OPENING), task=task, requests=())
    masking = Masking(secrets=Detector(), marks=lambda _: (), learned=len)

    assert SECRET in str(render.draw(view).blocks)
    assert SECRET not in str(render.draw(masking.view(view)).blocks)


def test_lists_of_tasks_say_where_they_run() -> None:
    started, watched = on(OURS), on(WATCHED, NOBODY)

    assert f"`{ID}` *deploy* on *prod* · ⏳ waits for an answer · started " in task_list.task_list([(started, [])])
    assert "· asked <!date" in task_list.task_list([(watched, [])])
    assert " by a thread on *prod* in <#C0OPS>" in task_list.task_status(watched, [])


# --- What it waits for --------------------------------------------------------------------------


def test_a_decision_that_a_server_has_not_taken_waits_for_that_server() -> None:
    request = asked(state=Decided(decision=answered(), next_try=NOW))

    assert "· waiting for *prod*" in seen(drawn(on(OURS), request))
    assert opening(on(OURS), request)[1] == f"✅ {TITLE} · Approved by @U0BOB · waiting for prod"


def test_the_opening_says_that_the_server_does_not_answer() -> None:
    """Nothing works, so it does not say so."""
    away = "waiting for the server prod, which does not answer"
    request = asked(state=Decided(decision=answered(), next_try=NOW))

    assert opening(on(OURS), request, doing=away)[1].endswith(f"Approved by @U0BOB · {away}")
    assert opening(on(OURS, state=Running()), doing=away)[1] == f"▶️ W{away[1:]}"
    assert opening(on(OURS, state=Running()), doing="reading files")[1] == "▶️ Working: reading files"


def test_an_agent_on_a_server_is_told_and_reports_by_the_servers_name() -> None:
    rejected = Delivered(decision=answered(Reject(reason="")), at=LATER)

    assert "the agent on *prod* was told" in seen(drawn(on(OURS), asked(state=rejected))).lower()
    assert programs.agent(samples.request()) == "the agent"


# --- What ends ----------------------------------------------------------------------------------


def test_a_question_that_others_answered_is_no_longer_needed() -> None:
    """Only that the thread has moved on can be seen, so no more is said."""
    request = asked(NOBODY, Superseded(at=LATER))
    why = "No longer needed: the thread on *prod* moved on without an answer from here"

    assert why in seen(drawn(on(WATCHED, NOBODY), request))
    assert why in request_row.line(request, "place")


def test_a_question_of_a_stopped_task_says_that_it_was_stopped() -> None:
    request = asked(NOBODY, Superseded(at=LATER, stopped=True))

    assert "No longer needed: the task was stopped" in seen(drawn(on(WATCHED, NOBODY), request))


def test_a_cancelled_task_says_that_its_agent_was_not_told() -> None:
    request = asked(state=Delivered(decision=Cancelled(by=ALICE, at=LATER), at=LATER))
    task = on(WATCHED, state=TaskCancelled(by=ALICE, at=LATER))

    assert "· the agent on *prod* was not told" in seen(drawn(task, request))
    assert opening(task, request)[1] == "🚫 Cancelled by @U0ALICE · the agent on prod was not told"
    assert "not told" not in opening(samples.task(TaskCancelled(by=ALICE, at=LATER)), samples.request())[1]


@pytest.mark.parametrize(
    ("server", "title", "said"),
    [
        (OURS, "Cancel the task", "the agent is not resumed"),
        (WATCHED, "Cancel the request", "The thread on *prod* is not told: it waits on, and can be answered there."),
    ],
)
def test_the_modal_says_what_cancelling_ends(server: OnServer, title: str, said: str) -> None:
    modal = side_action_modals.cancel(asked(), on(server))

    limits.check_modal(modal)
    assert modal["title"]["text"] == modal["submit"]["text"] == title
    assert said in str(modal)


def test_the_menu_offers_to_cancel_to_a_person_alone() -> None:
    def offered(request: Request) -> set[str]:
        (menu,) = side_action_menu.menu(request)
        return {each["text"]["text"] for each in menu["options"]}

    assert offered(asked()) - offered(asked(NOBODY)) == {"Ask the requester…", "Send a reminder", "Cancel…"}


def test_a_run_of_others_that_failed_is_not_offered_to_be_retried() -> None:
    """An answer from here that did not get through is."""
    failed = Failed(failure=FAILURE, retryable=True)
    answer = asked(state=Decided(decision=answered(), failure=FAILURE, next_try=NOW))
    theirs = outcome(on(WATCHED, NOBODY, failed), asked(NOBODY))

    assert labels(theirs) == []
    assert "Whoever started the thread on *prod* can run it again" in seen(theirs)
    assert labels(outcome(on(WATCHED, NOBODY, failed), answer)) == ["Retry"]
    assert labels(outcome(on(OURS, state=failed), asked())) == ["Retry"]


def test_an_outcome_that_is_not_the_last_says_where_it_goes_on() -> None:
    assert "*deploy* on *prod* waits for an answer" in seen(outcome(on(WATCHED), asked()))


# --- What else is said about it -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "server", "said"),
    [
        ("started", OURS, "<@U0BOB> started *deploy* on *prod*."),
        (
            "adopted",
            replace(WATCHED, parent=PARENT),
            "A thread of *deploy* on *prod*, started by the thread 5b1e7c52…, asked something for <@U0ALICE>, so "
            "people here are asked.",
        ),
        ("task_reopened", WATCHED, "The thread on *prod* asked something new, so the task goes on."),
        ("cancelled", WATCHED, "<@U0BOB> ended the request here. The thread on *prod* was not told."),
        ("cancelled", OURS, "<@U0BOB> cancelled it."),
        ("superseded", WATCHED, "It was no longer needed: the thread on *prod* had moved on."),
        ("lost", OURS, "The thread was gone from *prod*, so the task ended."),
    ],
)
def test_the_history_says_what_happened_on_the_server(kind: str, server: OnServer, said: str) -> None:
    event = AuditEvent(kind=kind, at=NOW, task_id=TaskId(ID), person=BOB)

    assert said in str(history_modal.trail(on(server), None, [event], ()))


def test_a_task_of_a_thread_is_nobodys() -> None:
    assert refusals.worded(NotYours(ID, NOBODY)) == (
        f"Task `{ID}` belongs to a thread on *prod*, so nobody can do that here."
    )
