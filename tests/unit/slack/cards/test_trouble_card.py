"""What operators read of each trouble: what happened, what it means, what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.ids import ChannelId, MessageId, MessageRef, RequestId, TaskId, Ts
from bot.approvals.model.trouble import About, Trouble, TroubleKind
from bot.slack import lines
from bot.slack.cards import trouble_card
from bot.slack.cards.render import Card, Urgency
from tests.support.builders import NOON
from tests.unit.slack.limits import check_message, texts

ADDRESS = "https://acme.slack.com/"
PLACE = MessageRef(channel=ChannelId("C1"), ts=Ts("1700000000.000100"))
OF_TASK = About(task_id=TaskId("7a55"), name="payment", why="ConnectionError", error_id="e7f3", place=PLACE)
OF_REQUEST = About(task_id=TaskId("7a55"), request_id=RequestId("req_1"), name="refunds", place=PLACE)
SAID = {
    TroubleKind.UNDELIVERED: (OF_TASK, "A decision has not reached payment.", "`countersign tasks retry 7a55`"),
    TroubleKind.FAILED: (OF_TASK, "payment was stopped by an error.", "`countersign tasks retry 7a55`"),
    TroubleKind.UNREACHED: (OF_REQUEST, "Nobody could be asked what refunds asks.", "`countersign policy apply req_1`"),
    TroubleKind.UNANSWERABLE: (
        OF_REQUEST,
        "A request under the policy refunds cannot be answered.",
        "`countersign policy apply req_1`",
    ),
    TroubleKind.POLICY: (
        About(name="refunds", why="@finance is nobody in this workspace."),
        "The policy refunds does not fit this workspace.",
        "`countersign check`",
    ),
    TroubleKind.WEBHOOK: (
        replace(OF_REQUEST, name="hooks.example.com", why="it answered 500"),
        "A program could not be told at hooks.example.com.",
        "`GET /v1/requests/req_1`",
    ),
    TroubleKind.SERVER: (About(name="prod"), "The LangGraph Server prod does not answer.", "`countersign check`"),
    TroubleKind.CHAIN: (
        About(name="1,234", why="Its link was altered."),
        "The audit log was changed at entry 1,234.",
        "`countersign audit verify`",
    ),
    TroubleKind.MORE: (
        About(count=15),
        "There are more troubles than are told of at once.",
        "`countersign tasks list --state stuck`",
    ),
}


def a_trouble(kind: TroubleKind, about: About | None = None) -> Trouble:
    return Trouble(id=MessageId("m1"), kind=kind, subject="s", about=about or SAID[kind][0], since=NOON)


def drawn(trouble: Trouble) -> Card:
    return trouble_card.draw(trouble, ADDRESS)


def read(card: Card) -> str:
    return "\n".join(texts(list(card.blocks), "mrkdwn"))


@pytest.mark.parametrize("kind", TroubleKind)
def test_a_trouble_says_what_happened_and_what_to_do_in_a_few_lines(kind: TroubleKind) -> None:
    """The notification says the first part, and a phone shows it all."""
    card = drawn(a_trouble(kind))
    _, said, command = SAID[kind]

    assert card.text == said
    assert read(card).startswith("⚠️ *")
    assert read(card).split("\n")[-2] == command  # a phone breaks no command that has a line of its own
    assert "since <!date^" in read(card)
    assert lines.height(list(card.blocks)) <= 9
    check_message(card.text, list(card.blocks))
    check_message(card.text, list(card.small))
    assert card.urgency is Urgency.PASSING


@pytest.mark.parametrize("kind", TroubleKind)
def test_one_that_is_resolved_says_after_how_long_and_nothing_to_do(kind: TroubleKind) -> None:
    """In two lines and a footer."""
    card = drawn(replace(a_trouble(kind), resolved_at=NOON + timedelta(minutes=12), again_at=NOON))

    assert card.text.startswith("Resolved after 12 minutes: ")
    assert read(card).startswith("✅ *Resolved after 12 minutes*\n")
    assert "What to do" not in read(card)
    assert "again" not in read(card)
    assert " cannot " not in card.text
    assert len(card.blocks) == 2


def test_the_error_has_its_id_and_a_link_leads_to_the_card() -> None:
    """So that a person finds the trace, and the thread."""
    said = read(drawn(a_trouble(TroubleKind.UNDELIVERED)))

    assert "<https://acme.slack.com/archives/C1/p1700000000000100|Open it>" in said
    assert "ConnectionError, error id `e7f3`" in said


def test_reasons_are_said_as_sentences() -> None:
    """Before what follows from them."""
    assert "It answered 500. Nothing tries again." in read(drawn(a_trouble(TroubleKind.WEBHOOK)))
    assert "Its link was altered. Somebody" in read(drawn(a_trouble(TroubleKind.CHAIN)))


def test_a_request_without_a_card_has_no_link_and_is_to_be_asked_again() -> None:
    """Nobody can answer it where it was asked."""
    said = read(drawn(a_trouble(TroubleKind.UNREACHED, replace(OF_REQUEST, place=None))))

    assert "Open it" not in said
    assert "`countersign tasks cancel 7a55`" in said


def test_one_that_came_back_says_since_when() -> None:
    """And it says when it began."""
    said = read(drawn(replace(a_trouble(TroubleKind.SERVER), again_at=NOON + timedelta(minutes=5))))

    assert "· again <!date^" in said


def test_what_lasted_for_no_time_lasted_a_moment() -> None:
    """There is no empty span."""
    assert drawn(replace(a_trouble(TroubleKind.SERVER), resolved_at=NOON)).text.startswith("Resolved after a moment: ")


def test_names_of_rules_and_addresses_may_be_missing() -> None:
    """Words stand in their place."""
    nameless = About(why="there is no channel #x that the bot can see.", count=1)

    assert drawn(a_trouble(TroubleKind.POLICY, nameless)).text == "A rule's match does not fit this workspace."
    assert drawn(a_trouble(TroubleKind.WEBHOOK, nameless)).text == "A program could not be told at its address."
    assert "1 more trouble waits" in read(drawn(a_trouble(TroubleKind.MORE, nameless)))


def test_nothing_that_others_wrote_is_formatted_or_longer_than_slack_takes() -> None:
    """Names and reasons come from files, programs and servers."""
    wild = About(
        task_id=TaskId("t"),
        request_id=RequestId("r"),
        name="<!here> `x` *y* " * 99,
        why="<@U1> ~z~ " * 999,
        place=PLACE,
    )
    for kind in TroubleKind:
        for about in (wild, replace(wild, error_id="e" * 999)):
            card = drawn(a_trouble(kind, about))
            check_message(card.text, list(card.blocks))
            assert "<!here>" not in read(card)
            assert "<@U1>" not in read(card)
