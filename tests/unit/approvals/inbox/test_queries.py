"""What an inbox holds and in which order, and when a summary is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.inbox import queries
from bot.approvals.inbox.queries import Known, Row, channels_asked, groups_asked
from bot.approvals.model import inbox
from bot.approvals.model.actor import COMMAND
from bot.approvals.model.decision import Respond, Vote
from bot.approvals.model.errors import InvalidSchedule, Unreachable
from bot.approvals.model.ids import Person
from bot.approvals.model.inbox import Look, Only, Schedule, Section, Sending, Summary
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Escalate, Expire, Step, UndoTerms, one_stage
from bot.approvals.model.question import Risk, Verdict
from bot.approvals.model.request import Delegation, Passed, Pending, Request
from bot.approvals.model.task import Task
from bot.approvals.rules.matching import Policies
from bot.approvals.services.messages.wanted import opening_of
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import (
    ALICE,
    BOB,
    CAROL,
    CHANNEL,
    FIRST,
    GUS,
    RITA,
    World,
    a_request,
    a_world,
    policy,
    question,
)
from tests.unit.approvals.undoing import WINDOW, a_window

HOUR = timedelta(hours=1)
GRAVITY = [Risk.CRITICAL, Risk.HIGH, Risk.MEDIUM, None, Risk.LOW]


def expiring(risk: Risk | None, after: timedelta | None) -> Request:
    steps = () if after is None else (Step(after=after, action=Expire()),)
    return a_request(of=policy(steps=steps), asks=question(risk=risk))


# --- The order --------------------------------------------------------------------------------------------


def test_the_graver_comes_first_and_of_those_as_grave_what_expires_sooner() -> None:
    spans = [HOUR, 2 * HOUR, timedelta(days=3650), None]
    ordered = [expiring(risk, after) for risk in GRAVITY for after in spans]

    assert all(inbox.urgency(one) < inbox.urgency(two) for one, two in pairwise(ordered))


@pytest.mark.parametrize(
    ("state", "late"),
    [
        (Pending(due_at=None), False),
        (Pending(due_at=None, taken=(0,)), True),
        (Pending(due_at=None, reminded_at=MORNING), True),
    ],
)
def test_what_was_reminded_of_is_overdue(state: Pending, late: bool) -> None:
    assert inbox.overdue(a_request(state=state)) is late


def test_a_look_chooses_by_risk_lateness_and_graph() -> None:
    low, high = expiring(Risk.LOW, HOUR), expiring(Risk.HIGH, HOUR)
    late = replace(low, state=Pending(due_at=None, taken=(0,)))

    def shown(look: Look) -> list[bool]:
        return [look.shows(request) for request in (low, high, late)]

    assert shown(Look()) == [True, True, True]
    assert shown(Look(only=Only.GRAVE)) == [False, True, False]
    assert shown(Look(only=Only.OVERDUE)) == [False, False, True]
    assert shown(Look(graph="cleanup")) == [True, True, True]
    assert shown(Look(graph="deploy")) == [False, False, False]


@pytest.mark.parametrize("section", list(Section))
def test_each_list_has_its_own_page(section: Section) -> None:
    look = Look().turned(section, 3)

    assert [look.page(each) for each in Section] == [3 if each is section else 0 for each in Section]


# --- When -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ("09:00 weekdays", "09:00 weekdays"),
        ("9 Weekdays", "09:00 weekdays"),
        ("9:30", "09:30 weekdays"),
        ("18:05 daily", "18:05 daily"),
        ("0:00 weekends", "00:00 weekends"),
        ("8:30 thu,mon", "08:30 mon,thu"),
        ("8:30 Thursday,MON", "08:30 mon,thu"),
        ("23:59 sat,sun", "23:59 weekends"),
    ],
)
def test_a_time_and_days_are_read_as_people_write_them(words: str, read: str) -> None:
    assert str(Schedule.read(words.split())) == read


@pytest.mark.parametrize(
    "words",
    ["", "noon", "24:00", "9:60", "9:5", "9.30 daily", "09:00 sometimes", "09:00 mon,xyz", "09:00 mo", "9 daily now"],
)
def test_what_is_no_time_or_no_days_is_refused_with_right_lines(words: str) -> None:
    with pytest.raises(InvalidSchedule, match="is not a time and days"):
        Schedule.read(words.split())


FRIDAY = datetime(2026, 3, 27, 8, 30, tzinfo=UTC)  # Europe changes to summer time on the Sunday after it


@pytest.mark.parametrize(
    ("words", "zone", "moments"),
    [
        ("09:00 weekdays", "UTC", ["2026-03-27 09:00", "2026-03-30 09:00"]),
        ("09:00 weekdays", "", ["2026-03-27 09:00", "2026-03-30 09:00"]),
        ("09:00 weekdays", "No/Where", ["2026-03-27 09:00", "2026-03-30 09:00"]),
        ("09:00 weekdays", "Europe/Berlin", ["2026-03-30 07:00", "2026-03-31 07:00"]),
        ("09:00 daily", "Europe/Berlin", ["2026-03-28 08:00", "2026-03-29 07:00"]),
        ("02:30 sun", "Europe/Berlin", ["2026-03-29 01:30", "2026-04-05 00:30"]),
        ("09:00 fri", "Pacific/Auckland", ["2026-04-02 20:00", "2026-04-09 21:00"]),
    ],
)
def test_the_next_moment_is_at_that_time_where_the_person_is(words: str, zone: str, moments: list[str]) -> None:
    schedule = Schedule.read(words.split())

    first = schedule.after(FRIDAY, zone)

    assert [f"{at:%Y-%m-%d %H:%M}" for at in (first, schedule.after(first, zone))] == moments


@given(
    st.builds(
        Schedule,
        hour=st.integers(0, 23),
        minute=st.integers(0, 59),
        days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    ),
    st.integers(0, 20 * 365 * 24 * 60).map(lambda minutes: MORNING + minutes * timedelta(minutes=1)),
    st.sampled_from(["UTC", "America/St_Johns", "Asia/Kolkata", "Pacific/Kiritimati", "Europe/Berlin"]),
)
def test_a_next_moment_lies_ahead_within_eight_days_and_on_a_chosen_day(
    schedule: Schedule, now: datetime, zone: str
) -> None:
    at = schedule.after(now, zone)

    assert now < at <= now + timedelta(days=8)
    assert (at - HOUR).astimezone(inbox.zone_of(zone)).weekday() in {
        (day - n) % 7 for day in schedule.days for n in (0, 1)
    }


def test_a_schedule_without_days_is_none() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        Schedule(hour=9, minute=0, days=()).after(MORNING, "UTC")


def test_a_summary_is_due_at_its_time_or_when_an_unsent_one_may_be_tried_again() -> None:
    summary = Summary(schedule=Schedule.read(["9"]), next_at=MORNING)
    sending = Sending(id=opening_of(a_task()).id, since=MORNING, not_before=MORNING - HOUR)

    assert summary.due_at == MORNING
    assert replace(summary, sending=sending).due_at == MORNING - HOUR
    assert replace(summary, sending=replace(sending, not_before=MORNING + HOUR)).due_at == MORNING


def a_task() -> Task:
    request = a_request()
    return Task(
        id=request.task_id,
        thread_id=request.thread_id,
        graph="cleanup",
        inputs={},
        requester=RITA,
        channel=CHANNEL,
        created_at=MORNING,
    )


# --- What waits -------------------------------------------------------------------------------------------


def known(names: set[str]) -> Known:
    return Known(names=frozenset(names))


def voted(request: Request, by: Person) -> Request:
    vote = Vote(person=by, verdicts=(Respond(value="x"),), version=1, digest=request.digest, at=MORNING)
    return replace(request, votes=(vote,))


def test_it_waits_for_those_who_may_answer_and_have_not() -> None:
    request = a_request(of=policy(approvers=("U-ALICE", "@Leads", "U-RITA")))

    assert queries.waits_for(request, ALICE, known({"u-alice"}))
    assert queries.waits_for(request, BOB, known({"u-bob", "@leads"}))
    assert not queries.waits_for(request, CAROL, known({"u-carol"}))
    assert not queries.waits_for(request, RITA, known({"u-rita", "@leads"}))
    assert not queries.waits_for(voted(request, ALICE), ALICE, known({"u-alice"}))
    assert queries.waits_for(voted(request, ALICE), BOB, known({"@leads"}))


def test_it_waits_for_whoever_was_given_a_vote_and_no_more_for_whoever_gave_it() -> None:
    given = Delegation(by=ALICE, to=CAROL, at=MORNING)
    request = replace(a_request(of=policy(approvers=("U-ALICE", "U-BOB"))), delegations=(given,))

    assert queries.waits_for(request, CAROL, known({"u-carol"}))
    assert queries.waits_for(request, BOB, known({"u-bob"}))
    assert not queries.waits_for(request, ALICE, known({"u-alice"}))
    assert not queries.waits_for(voted(request, CAROL), CAROL, known({"u-carol"}))


def test_whose_stage_has_agreed_it_waits_for_no_more() -> None:
    stages = (*one_stage(("U-ALICE",)), *one_stage(("U-ALICE", "U-BOB")))
    request = replace(
        a_request(of=replace(policy(), stages=stages)), passed=(Passed(verdicts=(), voters=(ALICE,), at=MORNING),)
    )

    assert not queries.waits_for(request, ALICE, known({"u-alice"}))
    assert queries.waits_for(request, BOB, known({"u-bob"}))


def test_the_channels_that_policies_ask_are_known_by_their_names() -> None:
    later = (
        Step(after=HOUR, action=Escalate(to=("#on-call", "@leads"))),
        Step(after=2 * HOUR, action=Expire()),
    )
    asking = replace(policy(), stages=one_stage(("#ops", "C123", "carol@example.com", "U1"), steps=later))

    assert channels_asked(Policies(rules=(), otherwise=asking)) == ("#ops", "C123", "#on-call")


def test_the_groups_and_channels_that_may_undo_are_known_by_their_names() -> None:
    """An offer to undo waits for the people under `undo`, so their inboxes have to find it."""
    undoing = replace(policy(), undo=UndoTerms(approvers=("@leads", "#ops", "U1")))

    policies = Policies(rules=(), otherwise=undoing)

    assert (groups_asked(policies), channels_asked(policies)) == (("@leads",), ("#ops",))


async def test_whoever_is_in_a_channel_that_is_asked_is_waited_for(world: World) -> None:
    world.directory.groups["#ops"] = [BOB]
    reading = replace(world.inboxes, channels=lambda: ("#ops", "#other"))

    assert (await reading.known(BOB)).names == {"u-bob", "#ops"}
    assert (await reading.known(CAROL)).names == {"u-carol"}


async def test_who_cannot_be_looked_up_is_told_so(world: World) -> None:
    world.directory.down = True

    with pytest.raises(Unreachable):
        await world.inboxes.waiting(ALICE)


async def test_an_inbox_holds_what_waits_what_was_asked_for_and_what_was_decided(world: World) -> None:
    first, second = await world.started(), await world.started()
    await world.vote(ALICE, on=await world.request(first))

    mine = await world.inboxes.contents(ALICE, Look(), lambda section: 5)
    ritas = await world.inboxes.contents(RITA, Look(), lambda section: 5)
    guests = await world.inboxes.contents(GUS, Look(), lambda section: 5)

    assert [row.records.task.id for row in mine.waiting.rows] == [second.id]
    assert [row.records.task.id for row in mine.decided.rows] == [first.id]
    assert (mine.all_waiting, mine.overdue, mine.graphs, mine.asked.total) == (1, 0, ("cleanup",), 0)
    assert {row.records.task.id for row in ritas.asked.rows} == {first.id, second.id}
    assert (ritas.waiting.total, guests.all_waiting) == (0, 1)


async def test_what_can_be_undone_waits_for_nobody() -> None:
    """It is not counted, so no summary and no reminder names it. Whoever may undo it finds it in a list of its own."""
    async with a_world({FIRST: question()}, {WINDOW: a_window()}) as world:
        task = await world.started()
        await world.vote(ALICE, on=await world.request(task))
        await world.settle()
        window = await world.request(task, WINDOW)

        ritas = await world.inboxes.contents(RITA, Look(), lambda section: 5)
        bobs = await world.inboxes.contents(BOB, Look(), lambda section: 5)

        assert (ritas.all_waiting, ritas.waiting.rows, ritas.overdue) == (0, (), 0)
        assert [row.request for row in ritas.undoable.rows] == [window]
        assert ritas.undoable.total == 1
        assert bobs.undoable.rows == ()
        assert await world.inboxes.waiting(RITA) == ()
        assert not await world.inboxes.waits(window, RITA)


async def test_what_cannot_be_undone_is_in_no_list() -> None:
    async with a_world({WINDOW: a_window(Verdict.KEEP)}) as world:
        await world.started()

        ritas = await world.inboxes.contents(RITA, Look(), lambda section: 5)

        assert (ritas.all_waiting, ritas.undoable.rows) == (0, ())


async def test_what_goes_on_stands_before_what_has_ended(world: World) -> None:
    going = await world.started()
    world.clock.advance(HOUR)
    ended = await world.started()
    await world.tasks.cancel(world.actor(RITA, COMMAND), ended.id)

    assert [task.id for task in await world.inboxes.asked(RITA)] == [going.id, ended.id]


async def test_a_page_that_is_no_more_is_the_last_one(world: World) -> None:
    for _ in range(3):
        await world.started()

    page = (await world.inboxes.contents(ALICE, Look(waiting=7), lambda section: 2)).waiting

    assert (page.number, page.pages, page.total, len(page.rows)) == (1, 2, 3, 1)


async def test_a_row_knows_where_in_slack_it_is_to_be_seen(world: World) -> None:
    task = await world.started()
    opening, card = [await world.message(task, kind) for kind in (MessageKind.OPENING, MessageKind.CARD)]
    assert opening.ref is not None
    records = await world.storage.records_of(task.id)

    row, about = Row(records=records), Row(records=records, request=await world.request(task))
    unposted = Row(records=replace(records, messages=(replace(opening, ref=None),)))
    elsewhere = Row(records=replace(records, task=replace(task, thread_ts=card.ref.ts if card.ref else None)))

    assert (row.place, row.thread_ts) == (opening.ref, None)
    assert (about.place, about.thread_ts) == (card.ref, opening.ref.ts)
    assert (unposted.place, unposted.thread_ts) == (None, None)
    assert elsewhere.thread_ts == elsewhere.records.task.thread_ts != None  # noqa: E711
