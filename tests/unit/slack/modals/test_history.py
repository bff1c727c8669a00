"""A trail in words: each kind of event has its sentence, and nothing that somebody wrote can pretend to be ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.audit import AuditEvent, event_of
from bot.approvals.model.caller import Caller
from bot.approvals.model.ids import ChannelId, MessageRef, Person, Program, TeamId, Ts, UserId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.task import Task
from bot.slack.blocks import MODAL_BLOCKS
from bot.slack.modals import history_modal
from bot.slack.modals.views import Modal
from bot.slack.text import moment
from tests.support.builders import NOON, a_message, a_request, a_task
from tests.unit.slack import limits

BOB = Person(team_id=TeamId("T1"), user_id=UserId("U0BOB"))
TASK = a_task()
REQUEST = a_request(task=TASK)
CARD = a_message("card", REQUEST, ref=MessageRef(channel=ChannelId("C1"), ts=Ts("1.2")))


def an_event(kind: str, **data: Any) -> AuditEvent:
    return event_of(REQUEST, kind, NOON, person=BOB, data=data)


def words(modal: Modal) -> str:
    return str(modal["blocks"])


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (an_event("started", graph="cleanup"), "<@U0BOB> started *cleanup*."),
        (an_event("card_applied", by="root"), "root applied the labels that the policy file has for cards."),
        (replace(an_event("cancelled", by="olga, by command"), person=None), "olga, by command, cancelled it."),
        (
            replace(an_event("cancelled", by="olga, by command", reason="stuck <!here>"), person=None),
            "olga, by command, cancelled it: “stuck &lt;!here&gt;”",
        ),
        (an_event("cancelled"), "<@U0BOB> cancelled it."),
        (
            replace(an_event("retried", by="olga, by command"), person=None),
            "olga, by command, had the agent try again.",
        ),
        (an_event("shown", **{"as": "copy"}), "The card was shown to <@U0BOB>."),
        (replace(an_event("shown", channel="C1"), person=None), "The card was shown to <#C1>."),
        (an_event("shown", **{"as": "file"}), "The file with everything that is asked was shown to <@U0BOB>."),
        (an_event("viewed"), "<@U0BOB> viewed all of it."),
        (an_event("voted", verdicts=["approve"]), "<@U0BOB> approved."),
        (
            an_event("voted", verdicts=["approve"], outcome="edit"),
            "<@U0BOB> approved. That settled it: *approved with changes*.",
        ),
        (
            an_event("voted", verdicts=["approve", "reject"], said=[{}, {"reason": "no <!here>"}]),
            "<@U0BOB> approved; rejected: “no &lt;!here&gt;”.",
        ),
        (an_event("voted", verdicts=["respond"], said=[{"value": {"a": 1}}]), '<@U0BOB> answered: “{"a": 1}”.'),
        (an_event("voted"), "<@U0BOB> answered."),
        (
            an_event("edited", edited="pay", was={"sum": 5, "old": 1}, **{"is": {"sum": 7, "new": "`x`"}}),
            "<@U0BOB> changed `sum` from `5` to `7`, `old` away, which was `1` and `new` to `x`, which was not there "
            "of `pay`.",
        ),
        (an_event("edited"), "<@U0BOB> changed it."),
        (an_event("refused", why="OwnRequest"), "<@U0BOB> was refused: OwnRequest"),
        (
            an_event("escalated", to=["@leads", "U0DORA"]),
            "Nobody had answered, so @leads and <@U0DORA> were asked as well.",
        ),
        (an_event("escalated"), "Nobody had answered, so others were asked as well."),
        (an_event("delegated", to="U0DORA"), "<@U0BOB> gave their vote to <@U0DORA>."),
        (an_event("commented", text="Why <now>?"), "<@U0BOB> asked the requester: “Why &lt;now&gt;?”"),
        (an_event("commented"), "<@U0BOB> asked the requester something."),
        (an_event("extended"), "<@U0BOB> gave it more time."),
        (
            an_event("extended", deadline=NOON.isoformat()),
            f"<@U0BOB> gave it more time: it ends {moment(NOON)}.",
        ),
        (an_event("unreached", why="user_disabled"), "The card could not be sent to <@U0BOB>."),
        (replace(an_event("unreached", channel="C1"), person=None), "The card could not be sent to <#C1>."),
        (an_event("taken_back"), "<@U0BOB> took the answer back."),
        (an_event("voted", verdicts=["undo"], outcome="undo"), "<@U0BOB> chose *Undo*. That settled it: *undo*."),
        (an_event("voted", verdicts=["keep"], outcome="keep"), "<@U0BOB> chose *Keep*. That settled it: *keep*."),
        (
            an_event("delivery_stopped", decision="approve"),
            "<@U0BOB> stopped the decision (*approved*) before the agent got it.",
        ),
        (an_event("delivery_stopped"), "<@U0BOB> stopped the decision before the agent got it."),
        (replace(an_event("window_closed"), person=None), "It stays: the time to undo it was over."),
        (
            replace(an_event("stale"), person=None),
            "The agent could not be given the decision in time, so the decision was not used.",
        ),
        (replace(an_event("undo_offered"), person=None), "The agent did it, and offers to undo that."),
        (replace(an_event("undo_settled"), person=None), "The offer to undo it is over."),
        (replace(an_event("opened"), person=None), "The agent asked."),
        (
            replace(an_event("opened", question={"window": {"how": "Moves it back"}}), person=None),
            "The agent said what it has done, and how that can be undone.",
        ),
        (
            replace(an_event("webhook_delivered", host="hooks.example.com"), person=None),
            "The program was told at hooks.example.com.",
        ),
        (
            replace(an_event("webhook_given_up", host="hooks.example.com", failure="it answered 500"), person=None),
            "The program could not be told at hooks.example.com: it answered 500.",
        ),
        (an_event("ended", result="4 moved"), "The task finished: 4 moved"),
        (an_event("ended"), "The task finished."),
        (an_event("failed", error_id="e1"), "An error stopped the task (error id `e1`)."),
        (replace(an_event("cancelled"), person=None), "Somebody cancelled it."),
        (an_event("changed_its_mind"), "<@U0BOB>: changed its mind."),
        (replace(an_event("grown_old"), person=None), "Grown old."),
    ],
    ids=lambda value: value.kind if isinstance(value, AuditEvent) else "",
)
def test_what_happened_is_a_sentence(event: AuditEvent, told: str) -> None:
    assert history_modal.sentence(event) == told


def test_a_request_shows_its_own_events_and_those_of_its_task_with_when_where_and_on_what() -> None:
    events = [
        AuditEvent(kind="started", at=NOON, task_id=TASK.id, person=BOB, surface=COMMAND, data={"graph": "cleanup"}),
        AuditEvent(kind="running", at=NOON, task_id=TASK.id),
        replace(an_event("viewed", version=2), surface="card"),
        an_event("retried"),
        replace(an_event("refused", said="of another request"), request_id=a_request("other").id),
    ]

    shown = words(history_modal.trail(TASK, REQUEST, events, [CARD]))

    assert "3 events" in shown
    assert "started *cleanup*" in shown
    assert "by command" in shown
    assert f"on the card · version 2 · digest `{REQUEST.digest[:12]}` · rule `two hours`" in shown
    assert shown.count("digest `") == 1
    assert "of another request" not in shown
    assert "of another request" in words(history_modal.trail(TASK, None, events, [CARD]))


def test_of_a_private_request_it_tells_who_and_when_and_nothing_of_what() -> None:
    private = replace(REQUEST, policy=replace(REQUEST.policy, private=True))
    events = [
        an_event("voted", verdicts=["reject"], said=[{"reason": "swordfish"}], outcome="reject"),
        an_event("edited", edited="pay", was={"key": "swordfish"}, **{"is": {}}),
        an_event("refused", why="VerdictNotOffered", said="`swordfish` is not among its choices"),
    ]

    for request in (private, None):
        shown = words(history_modal.trail(TASK, request, events, [CARD], private={private.id}))
        assert "<@U0BOB> rejected. That settled it: *rejected*." in shown
        assert "<@U0BOB> changed it." in shown
        assert "<@U0BOB> was refused: VerdictNotOffered" in shown
        assert "swordfish" not in shown
        assert "digest" not in shown
        assert private.question.title not in shown


def test_a_trail_has_pages_with_ways_to_the_neighbours_and_keeps_slacks_limits() -> None:
    long = "<!channel> " * 1000
    events = [
        replace(an_event("refused", said=long, why="x"), at=NOON + timedelta(minutes=number))
        for number in range(2 * history_modal.MAX_EVENTS_PER_PAGE + 1)
    ]

    pages = [history_modal.trail(TASK, REQUEST, events, [CARD], page) for page in (0, 1, 2, 99)]

    buttons = [[button["text"]["text"] for button in limits.buttons(page["blocks"])] for page in pages]
    assert buttons == [["Later"], ["Earlier", "Later"], ["Earlier"], ["Earlier"]]
    assert pages[3] == pages[2]
    for page in pages:
        limits.check_modal(page)
        assert len(page["blocks"]) <= MODAL_BLOCKS


def test_every_kind_of_surface_that_people_act_on_is_named() -> None:
    for kind in (MessageKind.CARD, MessageKind.COPY, MessageKind.OUTCOME):
        message = replace(CARD, kind=kind)
        shown = words(history_modal.trail(TASK, REQUEST, [replace(an_event("retried"), surface="card")], [message]))
        assert " · on the " in shown


# --- Programs -----------------------------------------------------------------------------------

CALLER = Caller(source="billing_service", token="billing", key="k", body="", run="nightly")
CALLED = a_task("caller-12ab", requester=Program(name="billing_service"), graph="billing_service", caller=CALLER)
STARTED = a_task(requester=BOB, caller=CALLER)


def by_program(kind: str, task: Task, *, of_request: bool = True, **data: Any) -> AuditEvent:
    event = event_of(a_request(task=task), kind, NOON, through="billing", data=data)
    return event if of_request else replace(event, request_id=None, digest="", rule="")


@pytest.mark.parametrize(
    ("task", "event", "told"),
    [
        (CALLED, by_program("started", CALLED, of_request=False), "*billing_service* asked."),
        (replace(CALLED, requester=BOB), by_program("started", CALLED), "*billing_service* asked for <@U0BOB>."),
        (STARTED, by_program("started", STARTED), "*billing_service* started *cleanup* for <@U0BOB>."),
        (CALLED, by_program("opened", CALLED), "People were asked."),
        (STARTED, by_program("opened", STARTED), "The agent asked."),
        (
            CALLED,
            by_program("resume_begun", CALLED, told=True),
            "*billing_service* can fetch the decision, which is `true`.",
        ),
        (CALLED, by_program("resume_begun", CALLED), "*billing_service* can fetch the decision."),
        (CALLED, by_program("superseded", CALLED), "It was no longer needed."),
        (CALLED, by_program("consumed", CALLED, execution="run <7>"), "for its execution `run &lt;7&gt;`."),
        (CALLED, by_program("consumed", CALLED), "*billing_service* took the decision."),
        (
            CALLED,
            by_program("cancelled", CALLED, reason="paid <!here>"),
            "*billing_service* withdrew it: “paid &lt;!here&gt;”.",
        ),
        (CALLED, by_program("cancelled", CALLED), "*billing_service* withdrew it."),
        (STARTED, by_program("cancelled", STARTED), "*billing_service* cancelled it."),
        (CALLED, by_program("retried", CALLED), "*billing_service* had it tried again."),
        (CALLED, replace(by_program("voted", CALLED, verdicts=["approve"]), person=BOB), "<@U0BOB> approved."),
        (CALLED, by_program("expired", CALLED), "Nobody answered in time."),
    ],
)
def test_what_a_program_did_is_told_by_its_name(task: Task, event: AuditEvent, told: str) -> None:
    assert told in words(history_modal.trail(task, None, [event], []))


def test_a_vote_from_another_page_is_told_with_the_page() -> None:
    voted = event_of(REQUEST, "voted", NOON, person=BOB, through="por*tal_1", data={"verdicts": ["approve"]})

    assert "through *portal_1*" in words(history_modal.trail(TASK, REQUEST, [voted], []))


def test_what_a_program_did_is_told_once() -> None:
    request = a_request(task=CALLED)
    both = [by_program("cancelled", CALLED, of_request=of_request) for of_request in (True, False)]
    repeated = [by_program(kind, CALLED, of_request=False) for kind in ("delivered", "ended")]

    shown = words(history_modal.trail(CALLED, request, [*both, *repeated], []))

    assert shown.count("withdrew it") == 1
    assert "1 event'" in shown
    assert "withdrew it" in words(history_modal.trail(CALLED, None, both[1:], []))
