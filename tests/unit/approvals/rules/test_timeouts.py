"""What time does to a request as a pure function: reminders, escalations and the end."""

from datetime import timedelta

from bot.approvals.model.decision import Expired
from bot.approvals.model.policy import Escalate, Expire, Remind, Step
from bot.approvals.model.request import Pending
from bot.approvals.rules import schedule, timeouts
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, a_request, policy
from tests.unit.approvals.rules.deciding import cast

HOUR = timedelta(hours=1)

LEADS = Escalate(to=("@leads",))
LADDER = policy(
    steps=(
        Step(after=1 * HOUR, action=Remind()),
        Step(after=2 * HOUR, action=LEADS),
        Step(after=3 * HOUR, action=Remind()),
        Step(after=4 * HOUR, action=Escalate(to=("@leads", "U-BOSS"))),
        Step(after=5 * HOUR, action=Expire()),
    )
)


def test_the_first_step_is_due_from_the_opening_on() -> None:
    assert schedule.first_due(a_request(of=LADDER)) == Pending(due_at=MORNING + HOUR)


def test_a_policy_without_steps_has_nothing_due() -> None:
    request = a_request(of=policy())

    assert schedule.first_due(request) == Pending(due_at=None)
    assert timeouts.next_step(request, MORNING + 999 * HOUR).request is request


def test_nothing_happens_before_its_time() -> None:
    request = a_request(of=LADDER)

    assert timeouts.next_step(request, MORNING + HOUR - timedelta(microseconds=1)).request is request


def test_steps_are_taken_one_after_the_other_each_at_its_time() -> None:
    reminded = timeouts.next_step(a_request(of=LADDER), MORNING + 1 * HOUR)
    escalated = timeouts.next_step(reminded.request, MORNING + 2 * HOUR)

    assert (reminded.remind, reminded.escalate) == (True, ())
    assert reminded.request.state == Pending(due_at=MORNING + 2 * HOUR, taken=(0,))
    assert (escalated.remind, escalated.escalate) == (False, (LEADS,))
    assert escalated.request.state == Pending(due_at=MORNING + 3 * HOUR, taken=(0, 1))
    assert "@leads" in escalated.request.approvers


def test_a_step_is_taken_once() -> None:
    reminded = timeouts.next_step(a_request(of=LADDER), MORNING + HOUR).request

    assert timeouts.next_step(reminded, MORNING + HOUR).request is reminded


def test_after_a_downtime_a_reminder_before_an_escalation_is_dropped() -> None:
    due = timeouts.next_step(a_request(of=LADDER), MORNING + 2 * HOUR)

    assert (due.remind, due.escalate) == (False, (LEADS,))


def test_after_a_downtime_all_escalations_are_made_up_for_and_the_last_reminder_is_kept() -> None:
    three = timeouts.next_step(a_request(of=LADDER), MORNING + 3 * HOUR)
    four = timeouts.next_step(a_request(of=LADDER), MORNING + 4 * HOUR)

    assert (three.remind, three.escalate) == (True, (LEADS,))
    assert not four.remind
    assert four.request.open.escalated_to == ("@leads", "U-BOSS")
    assert four.request.state == Pending(due_at=MORNING + 5 * HOUR, taken=(0, 1, 2, 3))


def test_after_a_downtime_past_the_deadline_nobody_is_bothered_any_more() -> None:
    due = timeouts.next_step(a_request(of=LADDER), MORNING + 30 * HOUR)

    assert due.request.decision == Expired(at=MORNING + 30 * HOUR)
    assert (due.remind, due.escalate) == (False, ())
    assert due.request.open.escalated_to == ()


def test_the_last_step_leaves_nothing_due() -> None:
    remind_once = policy(steps=(Step(after=HOUR, action=Remind()),))

    due = timeouts.next_step(a_request(of=remind_once), MORNING + HOUR)

    assert due.request.state == Pending(due_at=None, taken=(0,))


def test_time_does_nothing_to_a_request_that_is_settled() -> None:
    settled = cast(a_request(of=LADDER), ALICE)

    assert timeouts.next_step(settled, MORNING + 30 * HOUR).request is settled
