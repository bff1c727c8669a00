"""An undo window: who may undo, until when, and what silence means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Expired,
    ItemVerdict,
    Keep,
    Outcome,
    Reject,
    Undo,
    WindowClosed,
)
from bot.approvals.model.errors import AlreadySettled
from bot.approvals.model.ids import Person, Program, RequestId, TaskId
from bot.approvals.model.policy import (
    Auto,
    CloseWindow,
    Consent,
    Expire,
    Group,
    Policy,
    Remind,
    Stage,
    Step,
    UndoTerms,
    one_stage,
)
from bot.approvals.model.question import Verdict
from bot.approvals.model.request import Decided, Delivered, Pending, Request, RequestState, Superseded
from bot.approvals.model.task import Failure
from bot.approvals.model.undo_offer import UndoOffer
from bot.approvals.rules import eligible, lifecycle, schedule, timeouts, voting, windows
from bot.approvals.rules.matching import Facts, Policies, Rule
from bot.approvals.rules.timeouts import Due
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import ALICE, BOB, CHANNEL, RITA, a_request, policy, question
from tests.unit.approvals.rules.deciding import cast
from tests.unit.approvals.undoing import HOUR, LENGTH, MINUTE, a_window, window_request

BILLING = Program(name="billing")
DAY = timedelta(days=1)
STRICT = replace(
    policy(
        approvers=("U-ALICE",),
        quorum=2,
        self_approval=True,
        steps=(Step(after=MINUTE, action=Remind()), Step(after=HOUR, action=Consent())),
        extend=HOUR,
    ),
    auto=Auto(approve=True, why="small"),
    hold=HOUR,
    valid_for=HOUR,
    confirm=True,
    max_rounds=1,
)
"""A policy whose every term is about approving."""
STAGED = Policy(
    name="staged",
    stages=(
        Stage(groups=(Group(approvers=("@security", "U-BOB"), held=("U-BOB",)), Group(approvers=("@finance",)))),
        *one_stage(("@leads", "@finance")),
    ),
    undo=UndoTerms(requester=False),
)


# --- Terms --------------------------------------------------------------------------------------


def test_nothing_that_a_policy_says_about_approving_applies_to_a_window() -> None:
    terms = windows.under(STRICT, a_window(), RITA)

    assert [stage.steps for stage in terms.stages] == [(Step(after=LENGTH, action=CloseWindow()),)]
    assert (terms.auto, terms.extend, terms.valid_for, terms.max_rounds, terms.hours) == (None,) * 5
    assert (terms.reasons, terms.hold, terms.confirm, terms.self_approval) == ((), timedelta(), False, False)
    assert terms.stages[0].needed == 1
    assert (terms.name, terms.undo) == (STRICT.name, STRICT.undo)


def test_any_other_question_is_governed_as_its_policy_says() -> None:
    assert windows.under(STRICT, question(), RITA) is STRICT


def test_the_policies_govern_a_window_by_the_terms_of_windows() -> None:
    facts = Facts(graph="cleanup", channel=CHANNEL, requester=RITA, inputs={}, question=a_window())
    otherwise, rule = Policies(rules=(), otherwise=STRICT), Rule(policy=STRICT, graphs=("cleanup",))

    for policies in (otherwise, Policies(rules=(rule,), otherwise=policy())):
        assert policies.select(facts) == windows.under(STRICT, a_window(), RITA)


def test_unless_the_policy_names_others_the_requester_alone_undoes() -> None:
    request = window_request(of=replace(STAGED, undo=UndoTerms()))

    assert request.asked_requester == RITA
    assert request.approvers == ()
    assert eligible.standing(request, {}, frozenset()).people == {RITA}


def test_those_whom_the_policy_names_undo_beside_the_requester_or_instead() -> None:
    for requester, asked in ((True, RITA), (False, None)):
        terms = UndoTerms(approvers=("@ops", "U-BOB"), requester=requester, held=("U-BOB",))
        request = window_request(of=replace(STAGED, undo=terms))
        assert request.asked_requester == asked
        assert request.approvers == ("@ops", "U-BOB")
        assert request.held == {"U-BOB"}


@pytest.mark.parametrize(
    ("requester", "terms"),
    [
        (RITA, UndoTerms(requester=False)),
        (BILLING, UndoTerms()),
        (BILLING, UndoTerms(requester=False)),
    ],
)
def test_if_the_requester_may_not_or_is_a_program_everybody_who_approves_may(
    requester: Person | Program, terms: UndoTerms
) -> None:
    """Those of every stage, as each of them approved it."""
    request = window_request(of=replace(STAGED, undo=terms), requester=requester)

    assert request.approvers == ("@security", "U-BOB", "@finance", "@leads")
    assert request.held == {"U-BOB"}
    assert request.asked_requester is None
    assert eligible.may_answer(request, ALICE)


def test_a_requester_who_may_not_undo_does_not_come_in_by_a_name_of_the_policy() -> None:
    terms = UndoTerms(approvers=("U-RITA",), requester=False)

    assert not eligible.may_answer(window_request(of=replace(STRICT, undo=terms)), RITA)


# --- Time ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "asked_at", "began"),
    [
        pytest.param(None, None, MORNING, id="nothing is known"),
        pytest.param(None, MORNING - MINUTE, MORNING, id="it does not say when it acted"),
        pytest.param(None, MORNING + HOUR, MORNING, id="it does not say so, and its clock is ahead"),
        pytest.param(MORNING - 5 * MINUTE, None, MORNING - 5 * MINUTE, id="it acted five minutes ago"),
        pytest.param(MORNING - 5 * MINUTE, MORNING - MINUTE, MORNING - 4 * MINUTE, id="four minutes before it asked"),
        pytest.param(MORNING - HOUR, MORNING - HOUR + MINUTE, MORNING - MINUTE, id="its clock is behind ours"),
        pytest.param(MORNING + HOUR, MORNING + HOUR + MINUTE, MORNING - MINUTE, id="its clock is ahead of ours"),
        pytest.param(MORNING + HOUR, None, MORNING, id="it acts in the future"),
        pytest.param(MORNING + HOUR, MORNING - MINUTE, MORNING, id="it acts after it asked"),
        pytest.param(datetime(1970, 1, 1, tzinfo=UTC), None, datetime(1970, 1, 1, tzinfo=UTC), id="1970"),
    ],
)
def test_a_window_counts_from_how_long_ago_the_agent_acted_when_it_asked(
    says: datetime | None, asked_at: datetime | None, began: datetime
) -> None:
    request = window_request(a_window(at=says), asked_at=asked_at)

    assert request.open.opened_at == began
    assert request.deadline == began + LENGTH
    assert request.state == Pending(due_at=began + LENGTH)


def test_a_program_is_taken_at_its_word_however_late_people_are_asked() -> None:
    """Its request was made by our clock, and its window does not grow while Slack is away."""
    made = MORNING - HOUR
    asked = replace(
        window_request(a_window(at=made - MINUTE), asked_at=made), task_id=TaskId("caller-1"), graph="billing-service"
    )

    assert windows.begun(asked, MORNING).open.opened_at == made - MINUTE


def test_what_is_no_window_counts_from_its_opening() -> None:
    assert windows.begun(a_request(), MORNING) == a_request()
    assert schedule.enter_stage(a_request(), MORNING + HOUR).open.opened_at == MORNING + HOUR


def test_a_stage_that_begins_anew_gives_a_window_no_more_time() -> None:
    request = window_request(a_window(at=MORNING))

    assert schedule.enter_stage(request, MORNING + 5 * MINUTE).deadline == MORNING + LENGTH


def test_a_window_that_is_asked_anew_counts_from_the_action_that_it_tells_of_now() -> None:
    """The node ran again, and has acted again: the policy is the same, and its time is another."""
    request = window_request(a_window(at=MORNING), now=MORNING)
    again = replace(a_window(at=MORNING + 5 * MINUTE), payload={"at": "later"})

    renewed = lifecycle.ask_anew(request, again, request.policy, MORNING + 6 * MINUTE)

    assert (renewed.version, renewed.deadline) == (2, MORNING + 5 * MINUTE + LENGTH)
    assert renewed.state == Pending(due_at=MORNING + 5 * MINUTE + LENGTH)


# --- Silence ------------------------------------------------------------------------------------


def test_a_window_closes_at_its_end_and_not_before_and_approves_nothing() -> None:
    request = window_request()
    end = MORNING + LENGTH

    assert timeouts.next_step(request, end - timedelta(microseconds=1)) == Due(request=request)
    closed = timeouts.next_step(request, end + HOUR).request
    assert closed.state == Decided(decision=WindowClosed(at=end), next_try=end + HOUR)
    assert closed.decision is not None
    assert closed.decision.outcome is Outcome.CLOSED
    assert not isinstance(closed.decision, Answered | Expired)


@pytest.mark.parametrize(
    "request_",
    [a_request(of=policy(steps=(Step(after=MINUTE, action=Expire()),))), cast(window_request(), RITA, Undo())],
    ids=["an approval", "a window that was undone"],
)
def test_only_a_window_that_is_open_closes(request_: Request) -> None:
    assert windows.closed(request_, MORNING + DAY) is request_


def test_a_window_that_was_asked_of_nobody_without_an_end_stays_open() -> None:
    request = replace(window_request(), policy=replace(policy(), stages=one_stage(())))

    assert windows.closed(request, MORNING + DAY) is request


# --- Answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [Undo(), Keep()])
def test_one_person_is_enough_to_undo_or_to_keep(verdict: ItemVerdict) -> None:
    decision = cast(window_request(of=STRICT), RITA, verdict).decision

    assert isinstance(decision, Answered)
    assert (decision.verdicts, decision.voters) == ((verdict,), (RITA,))
    assert decision.outcome is (Outcome.UNDO if isinstance(verdict, Undo) else Outcome.KEEP)


@pytest.mark.parametrize("verdict", [Approve(), Reject(reason="no")])
def test_a_window_is_neither_approved_nor_rejected(verdict: ItemVerdict) -> None:
    assert not voting.takes(window_request(), (verdict,))


def test_an_approval_is_neither_undone_nor_kept_and_what_cannot_be_undone_is_only_kept() -> None:
    assert not voting.takes(a_request(), (Undo(),))
    assert not voting.takes(a_request(), (Keep(),))
    assert not voting.takes(window_request(a_window(Verdict.KEEP)), (Undo(),))
    assert voting.takes(window_request(a_window(Verdict.KEEP)), (Keep(),))


def test_only_an_undo_wants_something_undone() -> None:
    assert windows.wants_undo(cast(window_request(), RITA, Undo()))
    for other in (cast(window_request(), RITA, Keep()), timeouts.next_step(window_request(), MORNING + DAY).request):
        assert not windows.wants_undo(other)
    assert not windows.wants_undo(window_request())


def test_only_what_can_be_undone_is_offered() -> None:
    assert windows.can_undo(window_request())
    assert not windows.can_undo(window_request(a_window(Verdict.KEEP)))
    assert not windows.can_undo(a_request())


# --- The approval -------------------------------------------------------------------------------


def agreed(id: str, minutes: int, *verdicts: ItemVerdict, state: Callable[[Request], Request]) -> Request:
    verdict = verdicts or (Approve(),)
    decision = Answered(verdicts=verdict, voters=(ALICE,), edited=False, at=MORNING + minutes * MINUTE)
    request = a_request(state=Decided(decision=decision, next_try=MORNING))
    return state(replace(request, id=RequestId(id)))


def taken(request: Request) -> Request:
    return lifecycle.delivered(lifecycle.attempted(request), MORNING + HOUR)


OFFER = UndoOffer(request_id=RequestId("w0"), version=1, digest="d", until=MORNING)
FIRST_YES = agreed("a", 1, state=taken)
LAST_YES = agreed("b", 2, state=lifecycle.attempted)
WINDOW_BEFORE = taken(cast(window_request(), RITA, Undo()))


@pytest.mark.parametrize(
    ("requests", "led"),
    [
        pytest.param([], None, id="nothing was asked"),
        pytest.param([FIRST_YES, LAST_YES], "b", id="the last that the agent got"),
        pytest.param([LAST_YES, FIRST_YES], "b", id="in whatever order they were opened"),
        pytest.param([FIRST_YES, agreed("n", 3, Reject(reason="no"), state=taken)], "a", id="not a no"),
        pytest.param(
            [agreed("m", 3, Reject(reason="no"), Approve(), state=taken)], "m", id="a yes to one of two actions"
        ),
        pytest.param([FIRST_YES, agreed("d", 3, state=lambda each: each)], "a", id="not what is on its way"),
        pytest.param([FIRST_YES, a_request()], None, id="not if another is open beside it"),
        pytest.param([FIRST_YES, window_request()], "a", id="another window may be open"),
        pytest.param([FIRST_YES, WINDOW_BEFORE], "a", id="an undo has led to nothing that is undone"),
        pytest.param([FIRST_YES, replace(LAST_YES, undo=OFFER)], None, id="not if it has an offer already"),
        pytest.param([a_request(state=Delivered(decision=Expired(at=MORNING), at=MORNING))], None, id="not silence"),
        pytest.param(
            [a_request(state=Superseded(at=MORNING, decision=FIRST_YES.decision))], None, id="not what was not taken"
        ),
    ],
)
def test_the_approval_that_led_to_an_action(requests: list[Request], led: str | None) -> None:
    found = windows.approval_of(requests)

    assert (found.id if found is not None else None) == led


def test_an_approval_tells_where_until_when_and_in_which_version_it_can_be_undone() -> None:
    window = window_request()

    assert windows.offered(FIRST_YES, window).undo == UndoOffer(
        request_id=window.id, version=1, digest=window.digest, until=MORNING + LENGTH
    )


def test_an_undo_that_failed_is_retried_and_never_answered_otherwise() -> None:
    """It may be half done. After the window's end, nobody could choose it again, and it would count as kept."""
    failure = Failure(error_id="e1", summary="OSError", at=MORNING)
    failed = window_request(state=Decided(decision=UNDONE, attempts=1, failure=failure))

    with pytest.raises(AlreadySettled):
        lifecycle.answered_differently(failed, MORNING)


UNDONE = Answered(verdicts=(Undo(),), voters=(BOB,), edited=False, at=MORNING)


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (Pending(due_at=None), None),
        (Decided(decision=UNDONE), None),
        (Delivered(decision=UNDONE, at=MORNING), Outcome.UNDO),
        (Delivered(decision=replace(UNDONE, verdicts=(Keep(),)), at=MORNING), Outcome.KEEP),
        (Delivered(decision=WindowClosed(at=MORNING), at=MORNING), Outcome.CLOSED),
        (Delivered(decision=Cancelled(by=RITA, at=MORNING), at=MORNING), Outcome.CLOSED),
        (Superseded(at=MORNING), Outcome.CLOSED),
        (Superseded(at=MORNING, decision=UNDONE, changed=True), Outcome.CLOSED),
        (Superseded(at=MORNING, decision=UNDONE, stopped=True), Outcome.CLOSED),
        (Superseded(at=MORNING, decision=UNDONE), Outcome.UNDO),
    ],
)
def test_what_became_of_an_offer_is_what_the_agent_was_told(state: RequestState, outcome: Outcome | None) -> None:
    window = replace(window_request(), state=state)

    assert windows.became_of(window) == outcome
    offer = windows.offered(FIRST_YES, window).undo
    assert offer is not None
    assert offer.outcome == outcome


def test_an_offer_whose_question_became_another_is_closed() -> None:
    withdrawn = windows.withdrawn(replace(FIRST_YES, undo=OFFER))

    assert withdrawn.undo == replace(OFFER, outcome=Outcome.CLOSED)
    assert windows.withdrawn(FIRST_YES) == FIRST_YES
