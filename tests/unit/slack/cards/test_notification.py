"""Why somebody gets a DM, and what a notification says in the characters that a telephone shows of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.approvals.model.hours import Hours
from bot.approvals.model.ids import ChannelId, MessageId, Person
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.policy import Escalate, Expire, Policy, Step, Via, one_stage
from bot.approvals.model.question import Question, Risk
from bot.approvals.model.request import Delegation, Delivered, Edit, Passed, Request, Then, Unreached
from bot.approvals.ports.slack import View
from bot.slack import lines
from bot.slack.cards import notices, notification, render
from tests.support.builders import staged
from tests.unit.slack import limits, samples
from tests.unit.slack.samples import BOB, CAROL, DAVE, NOW, TEAM, answered, request, vote

HOUR = timedelta(hours=1)
LEADS = Escalate(to=("@leads",))
OPS = Escalate(to=("#ops",), via=Via.CHANNEL)
END = Step(after=24 * HOUR, action=Expire())


def policy(*steps: Step, needed: int = 1, hours: Hours | None = None) -> Policy:
    return Policy(name="pay", stages=one_stage(("@finance",), needed, (*steps, END)), hours=hours)


ESCALATES = policy(Step(after=4 * HOUR, action=LEADS))


def asked(terms: Policy = ESCALATES, about: Question | None = None, **changes: Any) -> Request:
    return request(about or payment(), policy=terms, **changes)


def payment(title: str = "Pay 9,000.00 EUR to Foss & Co?", risk: Risk | None = Risk.HIGH) -> Question:
    return samples.question(samples.REFUND, title=title, risk=risk)


def copied(at: timedelta = 4 * HOUR, to: Person | None = DAVE, channel: str = "") -> Message:
    made = replace(samples.message(MessageKind.COPY), to=to, created_at=NOW + at)
    return replace(made, to=None, channel=ChannelId(channel)) if channel else made


def why(message: Message, about: Request) -> str:
    return notification.seen(notices.reason_for(message, samples.task(), about))


def read(about: Request, message: Message | None = None) -> str:
    """The message's text as people see it."""
    shown = message or samples.message(MessageKind.CARD)
    card = render.draw(View(message=shown, task=samples.task(), request=about))
    limits.check_message(card.text, list(card.blocks))
    return notification.seen(card.text)


# --- Why somebody is asked --------------------------------------------------------------------------


DELEGATED = Delegation(by=BOB, to=DAVE, at=NOW + 5 * HOUR, stage=0)
VOTED = replace(vote(BOB, request()), at=NOW + HOUR)


@pytest.mark.parametrize(
    ("message", "about", "sentence"),
    [
        (
            copied(),
            asked(),
            "You are asked because nobody answered for 4 hours (@U0BOB and @U0CAROL, in @C0OPS).",
        ),
        (
            copied(4 * HOUR + timedelta(seconds=20)),
            asked(votes=(VOTED,)),
            "You are asked because not enough people answered in 4 hours (@U0CAROL, in @C0OPS).",
        ),
        (
            copied(),
            asked(edits=(Edit(person=BOB, at=NOW + HOUR),)),
            "You are asked because not enough people answered in 4 hours (@U0BOB and @U0CAROL, in @C0OPS).",
        ),
        (
            copied(),
            staged(asked(), asked=()),
            "You are asked because nobody answered for 4 hours (@finance, in @C0OPS).",
        ),
        (
            copied(to=BOB),
            asked(),
            "You are asked because nobody answered for 4 hours (@U0CAROL, in @C0OPS).",
        ),
        (
            copied(channel="C0LEADS"),
            asked(policy(Step(after=4 * HOUR, action=OPS))),
            "This is asked because nobody answered for 4 hours (@U0BOB and @U0CAROL, in @C0OPS).",
        ),
        (
            copied(),
            asked(state=Delivered(decision=answered(), at=NOW + 5 * HOUR)),
            "You were asked because nobody had answered for 4 hours (@U0BOB and @U0CAROL, in @C0OPS).",
        ),
        (
            copied(timedelta(seconds=3)),
            asked(policy(Step(after=timedelta(), action=LEADS))),
            "You are asked by direct message because the policy pay says so.",
        ),
        (
            copied(2 * HOUR),
            asked(unreached=(Unreached(name="@gone", why="", asked_at=NOW + 2 * HOUR, then=Then.NEXT),)),
            "You are asked by direct message because the others could not be reached.",
        ),
        (copied(5 * HOUR), asked(delegations=(DELEGATED,)), "@U0BOB asks you to answer in their place."),
        (
            copied(5 * HOUR),
            asked(delegations=(DELEGATED,), state=Delivered(decision=answered(), at=NOW + 6 * HOUR)),
            "@U0BOB asked you to answer in their place.",
        ),
    ],
    ids=[
        "escalated",
        "some answered",
        "edited",
        "unresolved",
        "asked again",
        "channel",
        "settled",
        "at once",
        "unreached",
        "delegate",
        "delegate, settled",
    ],
)
def test_a_direct_message_begins_with_why_it_came(message: Message, about: Request, sentence: str) -> None:
    assert why(message, about) == sentence
    card = render.draw(View(message=message, task=samples.task(), request=about))
    assert " ".join(lines.lines(card.blocks, 200)).startswith(sentence)
    assert " ".join(lines.lines(card.small, 200)).startswith(sentence)


def test_the_last_escalation_is_the_one_that_asked() -> None:
    later = policy(Step(after=4 * HOUR, action=LEADS), Step(after=8 * HOUR, action=Escalate(to=("@ceo",))))

    assert "for 8 hours" in why(copied(8 * HOUR), asked(later))
    assert "for 4 hours" in why(copied(4 * HOUR), asked(later))


@pytest.mark.parametrize(
    ("message", "about"),
    [
        (samples.message(MessageKind.CARD), asked()),
        (copied(6 * HOUR), asked()),  # a delegation that was withdrawn since
        (copied(HOUR), asked()),
        (copied(timedelta(), channel="C0PAY"), asked(replace(ESCALATES, channel="C0PAY"))),
        (copied(4 * HOUR), staged(asked(passed=()), opened_at=NOW + 9 * HOUR)),
    ],
    ids=["card", "withdrawn", "too early", "the policy's channel", "an earlier stage"],
)
def test_no_reason_is_named_that_the_records_do_not_give(message: Message, about: Request) -> None:
    assert why(message, about) == ""
    assert "asked because" not in read(about, message)


def test_a_delegation_of_an_earlier_stage_is_told_as_past() -> None:
    two = Policy(name="two", stages=(*ESCALATES.stages, *one_stage(("@ceo",), steps=(END,))))
    moved = asked(
        two,
        delegations=(DELEGATED,),
        passed=(Passed(verdicts=(), voters=(CAROL,), at=NOW + 6 * HOUR),),
    )

    assert (
        why(copied(5 * HOUR), staged(moved, opened_at=NOW + 6 * HOUR)) == "@U0BOB asked you to answer in their place."
    )


# --- The first characters ---------------------------------------------------------------------------

UNTIL = "Due tomorrow at 12:21 PM."
STANDARD = {
    "payment": "Pay 9,000.00 EUR to Foss & Co?",
    "deletion": "Move 4 files of logs to the trash?",
    "e-mail": "Send this e-mail to ada@example.org?",
    "deployment": "Deploy 1.4.2 to production?",
    "plan": "How shall I go on?",
    "clarification": "By when is it needed?",
    "quality": "Do these samples look right?",
    "tool": "Issue refund: A-10442",
    "tools": "3 actions",
    "form": "Which cost centre?",
    "breakpoint": "Before publish: go on?",
}
WAYS = {
    "card": (samples.message(MessageKind.CARD), asked(), ""),
    "escalation": (copied(), asked(), "Nobody answered for 4 hours."),
    "delegation": (copied(5 * HOUR), asked(delegations=(DELEGATED,)), "@U0BOB asks you to answer for them."),
}


@pytest.mark.parametrize("title", STANDARD.values(), ids=STANDARD)
@pytest.mark.parametrize("way", WAYS)
def test_what_matters_stands_in_the_first_characters(title: str, way: str) -> None:
    message, about, reason = WAYS[way]
    text = read(replace(about, question=payment(title)), message)

    first = text[: notification.GLANCE]
    whole = title if title[-1] == "?" else f"{title}."
    assert first.startswith(" ".join(each for each in (reason, whole, "High risk.", UNTIL) if each))


def test_a_long_title_leaves_room_for_the_deadline_and_follows_in_full() -> None:
    title = "Move the files of " + "logs and " * 20 + "traces to the trash?"

    text = read(asked(about=payment(title)), copied())

    assert UNTIL in text[: notification.GLANCE]
    assert text.startswith("Nobody answered for 4 hours. Move the files of")
    assert f"In full: {title}" in text


def test_the_text_has_everything_in_order_and_in_sentences() -> None:
    assert read(asked(replace(policy(Step(after=4 * HOUR, action=LEADS), needed=2))), copied()) == (
        "Nobody answered for 4 hours. Pay 9,000.00 EUR to Foss & Co? High risk. Due tomorrow at 12:21 PM. "
        "2 people have to answer. @U0ALICE asks for cleanup in @C0OPS. Proposed: Issue refund. "
        "Who may answer: @U0BOB and @U0CAROL."
    )


def test_a_low_risk_is_not_said_and_a_missing_deadline_is() -> None:
    endless = replace(ESCALATES, stages=one_stage(("@finance",)))

    text = read(asked(endless, payment(risk=Risk.LOW)))

    assert text.startswith("Pay 9,000.00 EUR to Foss & Co? There is no deadline. @U0ALICE asks")


def test_a_settled_card_says_how() -> None:
    text = read(asked(state=Delivered(decision=answered(), at=NOW)))

    assert text == "Pay 9,000.00 EUR to Foss & Co? ✅ Approved by @U0BOB, tomorrow at 12:21 PM."


def test_a_private_request_is_not_told_in_its_notification() -> None:
    assert "9,000" not in read(asked(replace(ESCALATES, private=True)), copied())


@pytest.mark.parametrize("kind", [MessageKind.REMINDER, MessageKind.NUDGE])
def test_a_reminder_has_title_risk_and_deadline_in_its_first_characters(kind: MessageKind) -> None:
    message = replace(samples.message(kind), id=MessageId("m"))

    first = read(asked(), message)[: notification.GLANCE]

    sent = "@U0ALICE reminds you." if kind is MessageKind.NUDGE else "Reminder."
    assert first.startswith(f"{sent} Pay 9,000.00 EUR to Foss & Co? High risk. {UNTIL}")


def test_a_name_of_people_is_never_a_mention_of_everybody() -> None:
    hostile = payment("<!channel> <@U0EVIL>")

    card = render.draw(View(message=copied(), task=samples.task(), request=asked(about=hostile)))

    assert "<!channel" not in card.text
    assert "<@U0EVIL" not in card.text
    assert TEAM not in card.text
