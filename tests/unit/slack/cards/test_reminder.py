"""A reminder says who is still waited for, what for and until when; afterwards, how it was settled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.approvals.model.decision import Expired
from bot.approvals.model.request import Delegation, Delivered, Request
from bot.slack import lines
from bot.slack.cards.reminder import reminder
from tests.unit.slack import samples
from tests.unit.slack.samples import BOB, DAVE, NOW, answered, request, vote


def said(asked: Request, *, nudged: bool = False) -> list[str]:
    return lines.lines(reminder(asked, NOW + timedelta(hours=1), nudged=nudged))


def test_a_reminder_is_two_lines() -> None:
    assert said(request()) == [
        "⏰ Still waiting for @U0BOB and @U0CAROL, by tomorrow at",
        "12:21 PM",
        "Delete 214 log files",
    ]
    assert said(request(), nudged=True)[0].startswith("⏰ @U0ALICE is still waiting for @U0BOB and @U0CAROL")


def test_only_those_who_have_not_answered_are_reminded() -> None:
    voted = request(votes=(vote(BOB, request()),))
    delegated = request(delegations=(Delegation(by=BOB, to=DAVE, at=NOW, stage=0),))

    assert said(voted)[0].startswith("⏰ Still waiting for @U0CAROL, by")
    assert said(delegated)[0].startswith("⏰ Still waiting for @U0DAVE and @U0CAROL, by")


def test_a_reminder_of_something_without_deadline_names_none() -> None:
    stage = replace(samples.POLICY.stages[0], steps=())

    assert (
        said(request(policy=replace(samples.POLICY, stages=(stage,))))[0] == "⏰ Still waiting for @U0BOB and @U0CAROL"
    )


def test_once_it_is_settled_a_reminder_says_only_how() -> None:
    approved = request(state=Delivered(decision=answered(), at=NOW))
    expired = request(state=Delivered(decision=Expired(at=NOW), at=NOW))

    assert said(approved) == ["Reminder: ✅ Approved by @U0BOB · tomorrow at 12:21 PM"]
    assert said(expired) == ["Reminder: ⌛ Expired: nobody answered by tomorrow at 12:21 PM"]
