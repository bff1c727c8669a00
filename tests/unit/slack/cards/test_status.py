"""What an open card says of who has answered, what is missing, and what stands beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.caller import Caller
from bot.approvals.model.decision import Approve, Choose, Reject, Respond
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import (
    Action,
    Consent,
    Expire,
    Group,
    Overdue,
    Pick,
    Stage,
    Step,
    one_stage,
)
from bot.approvals.model.request import Comment, Delegation, Passed, Pending, Request, Then, Unreached
from bot.approvals.ports.slack import View
from bot.slack import actions
from bot.slack.cards import notices, render, status_lines, turns
from tests.support.builders import staged
from tests.unit.slack import limits, samples
from tests.unit.slack.samples import ALICE, BOB, CAROL, DAVE, NOW, POLICY, request, view, vote

HOUR = timedelta(hours=1)


def asked(*stages: Stage, **changes: object) -> Request:
    """A request under these stages, nothing of which has come yet."""
    made = request(policy=replace(POLICY, stages=stages or one_stage(("@finance",), 2)))
    return replace(made, state=Pending(due_at=None), **changes)  # type: ignore[arg-type]


def stage(*steps: Step, **terms: object) -> Stage:
    return one_stage(("U0BOB", "U0CAROL"), 1, steps, **terms)[0]


def words(of: Request) -> str:
    return "\n".join(limits.texts(status_lines.standing(of), "mrkdwn"))


# --- Votes ----------------------------------------------------------------------------------------------


def test_one_answer_of_anybody_is_not_counted_before_it_comes() -> None:
    shown = words(asked(stage(Step(after=HOUR, action=Expire()))))

    assert shown.startswith("Needs <@U0BOB> or <@U0CAROL> by <!date^")
    assert "so far" not in shown


def test_what_is_missing_is_said_before_the_first_vote() -> None:
    many = asked(one_stage(tuple(f"@team-{number}" for number in range(5)), 2)[0])

    assert words(asked()) == "Needs 2 of @finance · 0 so far"
    assert "so far" not in words(many), "it is not worth a line of its own"
    assert words(asked(stage(), stage())) == "Stage 1 of 2: needs <@U0BOB> or <@U0CAROL>"


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ((Approve(),), "✓ <@U0BOB>"),
        ((Reject(reason="no"),), "✗ <@U0BOB>"),
        ((Respond(value="x"),), "✓ <@U0BOB> answered"),
        ((Choose(choice="<!channel> *left*"),), "✓ <@U0BOB> chose &lt;!channel&gt; left"),
        ((Approve(), Approve()), "✓ <@U0BOB>"),
        ((Approve(), Reject(reason="no")), "✗ <@U0BOB> answered one by one"),
    ],
)
def test_votes_are_shown_as_they_come(verdicts: tuple[Approve | Reject | Respond | Choose, ...], said: str) -> None:
    first = asked()

    shown = words(replace(first, votes=(vote(BOB, first, *verdicts),), open=replace(first.open, missing=(1,))))

    assert shown.startswith(f"Needs 1 more of @finance (<@U0CAROL>)\n{said} <!date^")


def test_each_group_has_its_own_number() -> None:
    groups = (Group(approvers=("@security",)), Group(approvers=("@finance",), needed=2))
    first = asked(Stage(groups=groups))

    shown = words(replace(first, votes=(vote(BOB, first),), open=replace(first.open, missing=(1, 1))))

    assert shown.startswith("Needs 1 more of @security and 1 more of @finance\n✓ <@U0BOB> <!date^")


def test_votes_of_a_request_of_before_are_counted_as_they_are() -> None:
    first = asked()

    assert words(replace(first, votes=(vote(BOB, first),))).startswith("Needs 1 more of @finance (<@U0CAROL>)\n✓")


def test_rejections_are_counted_where_one_is_not_enough() -> None:
    first = asked(one_stage(("@finance",), 2, reject_quorum=2)[0])

    assert "1 of 2 rejections" in words(
        replace(first, votes=(vote(BOB, first, Reject(reason="no")),), open=replace(first.open, missing=(2,)))
    )


def test_a_stage_says_which_it_is_and_who_has_agreed_before() -> None:
    lead, finance = stage(name="team lead"), replace(stage(), name="finance")

    shown = words(asked(lead, finance, passed=(Passed(verdicts=(Approve(),), voters=(BOB,), at=NOW),)))

    assert shown.startswith("Stage 2 of 2, finance: needs <@U0BOB> or <@U0CAROL>")
    assert "Agreed before: <@U0BOB>" in shown
    assert "Stage 1 of 2: needs" in words(asked(replace(lead, name=""), finance))


def test_a_delegate_is_named_with_whose_vote_they_have_until_they_answer() -> None:
    given = asked(delegations=(Delegation(by=BOB, to=DAVE, at=NOW),))

    assert "<@U0DAVE> answers for <@U0BOB>" in words(given)
    voted = words(replace(given, votes=(vote(DAVE, given),), open=replace(given.open, missing=(1,))))
    assert "✓ <@U0DAVE> for <@U0BOB> <!date^" in voted
    assert "answers for" not in voted


def test_there_is_something_to_withdraw_once_somebody_voted_or_delegated() -> None:
    first = asked()

    def withdraws(of: Request) -> bool:
        return any(each["action_id"] == actions.WITHDRAW for each in limits.buttons(status_lines.standing(of)))

    assert not withdraws(first)
    assert withdraws(replace(first, votes=(vote(BOB, first),)))
    assert withdraws(replace(first, delegations=(Delegation(by=BOB, to=DAVE, at=NOW),)))


def test_those_who_have_not_answered_are_delegates_rather_than_who_gave_them_their_vote() -> None:
    first = staged(asked(delegations=(Delegation(by=BOB, to=DAVE, at=NOW),)), asked=(ALICE, BOB, CAROL))

    assert turns.people(first) == "<@U0DAVE> and <@U0CAROL>"
    assert turns.people(replace(first, votes=(vote(CAROL, first),))) == "<@U0DAVE>"
    everybody = replace(first, votes=(vote(CAROL, first), vote(DAVE, first)))
    assert turns.people(everybody) == turns.NOBODY
    assert (
        turns.people(replace(first, open=replace(first.open, escalated_to=("@on-call",))))
        == "<@U0DAVE>, <@U0CAROL> and @on-call"
    )


# --- Time -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (Expire(), ""),
        (Consent(), "\nSilence approves it"),
        (Pick(choice="left"), "\nSilence chooses left"),
        (Overdue(), "\nIt keeps waiting after that"),
    ],
)
def test_what_silence_does_stands_beside_the_deadline(action: Action, said: str) -> None:
    shown = words(asked(stage(Step(after=HOUR, action=action))))

    assert f"|2026-03-04 10:30 UTC>{said}" in shown
    assert "Next:" not in shown


@pytest.mark.parametrize("action", [Consent(), Pick(choice="left")])
def test_after_an_objection_the_card_does_not_say_that_silence_approves(action: Action) -> None:
    request = asked(stage(Step(after=HOUR, action=action)))

    shown = words(replace(request, objections=(ALICE,)))

    assert "Silence no longer counts as an answer, because somebody objected" in shown
    assert "Silence approves" not in shown
    assert "Silence chooses" not in shown


def test_an_extension_says_by_how_much_and_whose_it_was() -> None:
    busy = render.draw(samples.every_view()["card, with all that people did"])

    assert "4 hours more, by <@U0CAROL>" in "\n".join(limits.texts(busy.blocks, "mrkdwn"))


# --- Beside the card ------------------------------------------------------------------------------------


def test_the_last_question_stands_on_the_card_in_words_that_ping_nobody() -> None:
    shown = words(asked(comments=(Comment(by=CAROL, text="<!channel> *why*?", at=NOW),)))

    assert "<@U0CAROL> asked: &lt;!channel&gt; why?" in shown
    two = words(asked(comments=(Comment(by=BOB, text="a", at=NOW), Comment(by=CAROL, text="b", at=NOW))))
    assert "<@U0CAROL> asked: b (1 earlier question in the thread)" in two


def test_a_question_is_told_to_the_requester_and_can_be_answered_in_the_thread() -> None:
    card = render.draw(samples.every_view()["comment"])

    assert card.text == "<@U0BOB> asks <@U0ALICE>: Is anybody still reading them?"
    assert "Please answer here in the thread" in "\n".join(limits.texts(card.blocks, "mrkdwn"))


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (Then.OTHERS, "The others who were to be asked have the card."),
        (Then.NEXT, "the next on the list are asked now"),
        (Then.END, "<@U0ALICE>, and nobody else is on the list"),
    ],
)
def test_whom_no_dm_reached_is_told_with_what_follows(then: Then, said: str) -> None:
    missing = asked(
        unreached=(
            Unreached(person=DAVE, why="user_disabled", asked_at=NOW, then=then),
            Unreached(person=BOB, why="something_new", asked_at=NOW + HOUR),
        )
    )

    shown = notices.unreached_text(missing, NOW)

    assert shown.startswith("<@U0DAVE> could not be asked by direct message: the account is deactivated.")
    assert said in shown
    assert "<@U0BOB>" not in shown
    assert "something_new" in notices.unreached_text(missing, NOW + HOUR)


def test_a_name_that_means_nobody_is_told_as_it_is_written() -> None:
    missing = asked(unreached=(Unreached(name="@no-one", why="", asked_at=NOW, then=Then.END),))

    assert "@no-one means nobody here, so nobody was asked by that name." in notices.unreached_text(missing, NOW)


def test_whoever_delegated_is_told_that_their_delegate_was_not() -> None:
    missing = asked(
        delegations=(Delegation(by=BOB, to=DAVE, at=NOW),),
        unreached=(Unreached(person=DAVE, why="user_disabled", asked_at=NOW),),
    )

    assert notices.unreached_text(missing, NOW).startswith("<@U0BOB>, <@U0DAVE> could not be told by direct message")


def test_a_reminder_that_the_requester_sends_says_so() -> None:
    nudge = render.draw(samples.every_view()["nudge"])

    assert "⏰ <@U0ALICE> is still waiting for <@U0ERIN>, by <!date^" in "\n".join(limits.texts(nudge.blocks, "mrkdwn"))
    assert nudge.text.startswith("<@U0ALICE> reminds you. Refund order A-10442. High risk. ")
    settled = render.draw(view(MessageKind.NUDGE, samples.every_view()["card, approved"].request))
    assert "Reminder: ✅ Approved by <@U0BOB>" in "\n".join(limits.texts(settled.blocks, "mrkdwn"))


# --- A program that could not be told --------------------------------------------------------------------


def test_the_thread_says_that_a_program_could_not_be_told_and_that_the_decision_stands() -> None:
    caller = Caller(
        source="billing-service",
        token="billing",
        key="k",
        body="0" * 64,
        callback_url="https://hooks.example.com/secret?k=v",
    )
    message = replace(samples.message(MessageKind.UNTOLD), refused="it answered 500")
    shown = render.draw(View(message=message, task=replace(samples.task(), caller=caller)))

    words = (
        "*billing-service* could not be told at hooks.example.com: it answered 500. The decision stands, and it can "
        "still fetch it."
    )
    assert shown.text == words
    assert list(limits.texts(shown.blocks, "mrkdwn")) == [words]


def test_what_is_not_known_of_it_is_left_out() -> None:
    shown = render.draw(View(message=samples.message(MessageKind.UNTOLD), task=samples.task()))

    assert shown.text.startswith("The program that asked could not be told at its own address: it did not answer. ")
