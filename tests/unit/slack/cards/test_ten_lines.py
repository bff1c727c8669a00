"""Standard cards, as they come from agents: each is at most ten lines of 60 characters with one row of buttons, and can
be answered. What is longer folds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.approvals.model.decision import Approve, Expired, Reject
from bot.approvals.model.ids import JSON
from bot.approvals.model.policy import CardTerms, Expire, Policy, Remind, Step, one_stage
from bot.approvals.model.question import Item, Question, Verdict
from bot.approvals.model.request import Comment, Delegation, Edit, Request
from bot.engines import questions
from bot.slack import actions, button_width, lines
from bot.slack.cards import render
from bot.slack.cards.render import MAX_LINES, Card
from tests.unit.slack import limits, samples
from tests.unit.slack.cards.reading import labels, seen
from tests.unit.slack.samples import ALICE, BOB, CAROL, DAVE, FAILURE, NOW, answered, decided, request, view

STEPS = (Step(after=timedelta(hours=1), action=Remind()), Step(after=timedelta(hours=24), action=Expire()))
ONE = Policy(name="ops", stages=one_stage(("@ops-leads",), 1, STEPS), extend=timedelta(hours=4))
TWO = Policy(name="finance", stages=one_stage(("@finance",), 2, STEPS), confirm=True)


def tools(*calls: tuple[str, dict[str, JSON]]) -> Question:
    """Calls of tools, as LangChain's middleware asks about them."""
    asked: list[JSON] = [{"name": name, "args": args, "description": "Please check this"} for name, args in calls]
    decisions: list[JSON] = ["approve", "edit", "reject"]
    configs: list[JSON] = [{"action_name": name, "allowed_decisions": decisions} for name, _ in calls]
    return questions.read({"action_requests": asked, "review_configs": configs})


PAYMENT = questions.read(
    {
        "question": "Pay 9,000.00 EUR to Foss & Co?",
        "details": {"payee": "Foss & Co", "amount": "9000.00", "currency": "EUR", "purpose": "Consulting, Q4"},
        "reason": "9,000.00 EUR is more than the 100.00 EUR that need no approval.",
        "risk_level": "high",
        "answer": "object",
    }
)
STANDARD: dict[str, tuple[Question, Policy]] = {
    "payment": (PAYMENT, TWO),
    "deletion": (
        questions.read(
            {
                "question": "Move 3 files of /srv/logs to the trash?",
                "details": {"folder": "/srv/logs", "files": ["a.log", "b.log", "c.log"], "bytes": 48_318_382_080},
                "reason": "They were not changed for 30 days. They go to /srv/trash, and can be moved back from there.",
                "risk_level": "medium",
            }
        ),
        ONE,
    ),
    "e-mail": (
        questions.read(
            {
                "question": "Send this e-mail to ann@acme.example?",
                "options": ["send", "change", "cancel"],
                "details": {
                    "to": "ann@acme.example",
                    "subject": "Your invoice",
                    "text": "Dear Ann,\nyour invoice is attached.\nBest, Bob",
                    "draft": "1 of at most 3",
                },
                "reason": "You asked for a reply to Ann.",
                "risk_level": "medium",
            }
        ),
        ONE,
    ),
    "deployment": (
        questions.read(
            {
                "question": "Deploy api 2.4.1 to production?",
                "action": "deploy_service",
                "details": {"service": "api", "version": "2.4.1", "replicas": 6, "rollback": True},
                "reason": "It fixes the login error.",
                "risk_level": "high",
            }
        ),
        TWO,
    ),
    "plan": (
        questions.read(
            {
                "question": "How shall I go on?",
                "options": [
                    "Keep the newest copy of each file and delete the rest",
                    "Move everything to cold storage and delete nothing",
                    "Stop here",
                ],
                "reason": "Two folders hold the same files.",
            }
        ),
        ONE,
    ),
    "clarification": (
        questions.read(
            {
                "type": "clarification_needed",
                "question": "Some questions before this can begin",
                "questions": ["Which quarter?", "Which format?"],
                "details": {"task": "Make the report"},
                "reason": "Two things are not clear.",
            }
        ),
        ONE,
    ),
    "quality check": (
        questions.read(
            {
                "type": "quality_check",
                "question": "Do rows 1 to 3 of 30 look right?",
                "samples": [{"row": number, "text": f"Dear Ann {number}"} for number in range(3)],
                "details": {"file": "names.csv", "template": "Dear {name}", "approved so far": 0},
                "reason": "This shows 3 of 3 rows.",
            }
        ),
        ONE,
    ),
    "one tool call": (tools(("send_email", {"to": "ann@acme.example", "subject": "Invoice", "draft": False})), ONE),
    "three tool calls": (
        tools(
            ("send_email", {"to": "ann@acme.example", "subject": "Invoice"}),
            ("create_event", {"title": "Call", "at": "2026-03-05T10:00:00Z", "minutes": 30}),
            ("archive_file", {"path": "/in/a.pdf", "keep": True}),
        ),
        ONE,
    ),
    "form": (
        questions.read(
            {"question": "Where should it go?", "details": {"order": "A-10442"}, "reason": "The address is missing."},
            {"type": "object", "properties": {"street": {"type": "string"}}, "required": ["street"]},
        ),
        ONE,
    ),
    "breakpoint": (
        Question(
            shape="breakpoint",
            title="Before publish: go on?",
            items=(
                Item(
                    name="",
                    arguments={"topic": "Bees", "draft": None, "words": 812},
                    verdicts=(Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT),
                ),
            ),
        ),
        ONE,
    ),
}


def asked(name: str) -> Request:
    question, policy = STANDARD[name]
    made = request(question, policy=policy)
    return replace(made, open=replace(made.open, asked=(BOB, CAROL, DAVE)))


def drawn(of: Request) -> Card:
    return render.draw(view(asked=of))


def rows(card: Card) -> list[dict[str, Any]]:
    return [block for block in card.blocks if block["type"] == "actions"]


@pytest.mark.parametrize("name", STANDARD)
def test_a_standard_card_is_ten_lines_with_one_row_of_buttons_and_is_answered_on_the_spot(name: str) -> None:
    card = drawn(asked(name))

    (buttons,) = rows(card)
    assert lines.height(card.blocks, lines.WIDE) <= MAX_LINES
    assert lines.height([buttons], lines.WIDE) == 1
    assert "Review…" not in labels(card)
    assert buttons["elements"][-1]["type"] == "overflow"
    assert button_width.width(buttons["elements"]) <= button_width.ROOM
    assert buttons["elements"][-2]["action_id"] == "view_all" or _options(buttons)[0] == "view_all"


def _options(buttons: dict[str, Any]) -> list[str]:
    """What the menu leads to, in order."""
    return [actions.chosen(option["value"])[0] for option in buttons["elements"][-1]["options"]]


@pytest.mark.parametrize("name", STANDARD)
def test_settled_it_is_no_higher(name: str) -> None:
    of = asked(name)
    long = Reject(reason="Because of *this*, that and a third reason. " * 20)
    rejected = answered(*[long] * len(of.question.items))

    for state in (
        decided(answered(*[Approve()] * len(of.question.items)), FAILURE),
        decided(rejected),
        decided(Expired(at=NOW)),
    ):
        card = drawn(replace(of, state=state))
        assert lines.height(card.blocks, lines.WIDE) <= MAX_LINES
        assert "Details" in labels(card)


def read(card: Card) -> list[str]:
    return lines.lines(card.blocks, lines.WIDE)


def test_a_payment_is_read_at_a_glance() -> None:
    assert read(drawn(asked("payment"))) == [
        "⏳ Pay 9,000.00 EUR to Foss & Co?",
        "@U0ALICE · 9,000.00 EUR is more than the 100.00 EUR that",
        "need no approval. · High risk",
        "Payee  Foss & Co               Amount  9,000.00 EUR",
        "Purpose  Consulting, Q4",
        "Needs 2 of @finance by tomorrow at 12:21 PM · 0 so far",
        "[Approve] [Reject…] [Details] [⋯]",
    ]


def test_three_calls_are_read_call_by_call() -> None:
    assert read(drawn(asked("three tool calls"))) == [
        "⏳ Send email, create event and archive file?",
        "@U0ALICE · Please check this",
        "1. Send email  To ann@acme.example · Subject Invoice",
        "2. Create event  Title Call · At tomorrow at 12:21 PM ·",
        "   Minutes 30",
        "3. Archive file  /in/a.pdf · Keep Yes",
        "Needs 1 of @ops-leads by tomorrow at 12:21 PM",
        "[Approve all] [Reject…] [Details] [⋯]",
    ]


def test_what_people_did_and_changed_does_not_fold_a_card() -> None:
    of = asked("one tool call")
    busy = replace(
        of,
        comments=(Comment(by=BOB, text="Is the amount right?", at=NOW),),
        delegations=(Delegation(by=BOB, to=ALICE, at=NOW),),
        renewed_at=NOW,
    )

    assert "Review…" not in labels(drawn(busy))
    assert "Is the amount right?" in seen(drawn(busy))
    payment = asked("payment")
    items = tuple(replace(item, arguments={**item.arguments, "amount": "90.00"}) for item in payment.question.items)
    edited = replace(payment, question=replace(payment.question, items=items), edits=(Edit(person=BOB, at=NOW),))
    assert "Review…" not in labels(drawn(edited))
    assert "90.00" in seen(drawn(edited))


# --- Folding ------------------------------------------------------------------------------------


def long(keys: Sequence[str] = (), summary: tuple[str, ...] = ()) -> Card:
    arguments: dict[str, JSON] = {f"step {number}": f"something of about this length, {number}" for number in range(12)}
    question = replace(PAYMENT, items=(replace(PAYMENT.items[0], arguments=arguments),), summary=summary)
    return drawn(request(question, policy=replace(ONE, card=CardTerms(keys=tuple(keys)))))


def test_what_does_not_fit_folds_to_ten_lines_and_is_answered_after_a_review() -> None:
    card = long()

    assert lines.height(card.blocks, lines.WIDE) <= MAX_LINES
    assert labels(card) == ["Review…"]
    assert re.search(r"… (Step \d+, )+.* in \*Review…\*", seen(card))


def test_many_calls_fold_and_none_is_approved_unseen() -> None:
    calls: list[tuple[str, dict[str, JSON]]] = [(f"call_{number}", {"number": number}) for number in range(12)]

    card = drawn(request(tools(*calls)))

    assert labels(card) == ["Review…"]
    assert lines.height(card.blocks, lines.WIDE) <= MAX_LINES
    assert re.search(r"… [1-9] more actions in \*Review…\*", seen(card))
    assert "1. Call 0  Number 0" in read(card)


def test_a_reason_that_folds_ends_in_three_dots_and_counts_no_characters() -> None:
    card = drawn(request(replace(PAYMENT, text="word " * 200)))

    assert any(line.startswith("word ") and line.endswith("word…") for line in read(card))
    assert "characters in all" not in seen(card)


def test_a_folded_card_keeps_what_the_owner_wants_first_then_what_the_question_wants() -> None:
    shown = read(long(keys=("step 11",), summary=("step 7", "step 11")))

    named = [line.split("  ")[0] for line in shown if line.startswith("Step")]
    assert named[:3] == ["Step 11", "Step 7", "Step 0"]


def test_a_long_title_stands_in_full_in_the_body_and_counts() -> None:
    title = "\n".join(f"{number}. this has to be decided before the release can go out" for number in range(4))
    tall = replace(PAYMENT, title=title * 3)

    whole, folded = drawn(request(replace(PAYMENT, title=title, text=""))), drawn(request(tall))

    assert read(whole)[0] == "⏳ cleanup asks"
    assert title in seen(whole)
    assert "Review…" in labels(folded)
    assert lines.height(folded.blocks, lines.WIDE) <= MAX_LINES


# --- Titles -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "title"),
    [
        ({"details": {"path": "/srv/logs", "recursive": True}, "action": "delete_files"}, "Delete files /srv/logs?"),
        ({"details": {"recursive": True, "path": "/srv/logs"}, "action": "delete_files"}, "Delete files /srv/logs?"),
        ({"details": {"amount": "9000.00", "currency": "EUR"}, "answer": "object"}, "Amount: 9,000.00 EUR"),
        ({"details": {"all": ["a", "b"]}, "reason": "The disk is full.", "answer": "object"}, "The disk is full."),
        ({"details": {"all": ["a", "b"]}, "answer": "object"}, "cleanup asks"),
    ],
)
def test_without_a_question_the_most_telling_value_is_the_title(payload: JSON, title: str) -> None:
    card = drawn(request(questions.read(payload)))

    assert read(card)[0] == f"⏳ {title}"


def test_what_a_key_wants_first_is_the_most_telling() -> None:
    question = tools(("delete_files", {"size": 12, "why": "The disk is full"}))

    card = drawn(request(replace(question, summary=("why",))))

    assert read(card)[0] == "⏳ Delete files The disk is full?"


def test_nothing_is_said_twice() -> None:
    question = replace(PAYMENT, text="Pay 9,000.00 EUR to Foss & Co?\n\nIt is due.\n\nConsulting, Q4")

    shown = seen(drawn(request(question)))

    assert shown.count("Pay 9,000.00 EUR to Foss & Co?") == 1
    assert shown.count("Consulting, Q4") == 1
    assert "It is due." in shown


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Run delete_files?", False),
        ("Delete files of March?", False),
        ("Shall I delete_files?", True),
        ("Delete_files_now", True),
        ("Tidy up?", True),
    ],
)
def test_an_action_has_its_name_unless_the_title_begins_with_it(title: str, shown: bool) -> None:
    item = Item(name="delete_files", arguments={"path": "/srv", "all": True}, verdicts=samples.YES_OR_NO)

    card = drawn(request(samples.question(item, title=title)))

    assert ("*Action*  Delete files" in seen(card)) is shown


# --- Who and why --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "beside"),
    [
        ("The disk is full & slow.", True),
        ("<!channel> look", False),
        ("It is *urgent*", False),
        (":warning: look", False),
        ("Low risk", False),
        ("fine · Approved by @bob", False),
        ("Two\nlines", False),
        ("long " * 40, False),
    ],
)
def test_a_reason_stands_beside_who_asks_only_if_it_cannot_pass_for_something_else(reason: str, beside: bool) -> None:
    card = drawn(request(samples.question(samples.REFUND, text=reason)))

    who = next(block for block in card.blocks if block["type"] == "context")["elements"][0]["text"]
    assert (text_of(reason) in who) is beside
    assert beside or reason.strip() in "\n".join(limits.texts(card.blocks, "text"))


def text_of(reason: str) -> str:
    return reason.strip().replace("&", "&amp;")


# --- Values -------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["a*b*c", "_x_", "~y~", "`z`", "<@U0EVIL>", ":tada:", "http://x.example", "a\tb"])
def test_what_mrkdwn_interprets_never_stands_in_a_column(value: str) -> None:
    item = Item(name="", arguments={"x": value, "y": "1", "z": "2", value: "3"}, verdicts=samples.YES_OR_NO)

    card = drawn(request(samples.question(item, text="")))

    fields = [each["text"] for block in card.blocks for each in block.get("fields", [])]
    assert fields == ["*Y*  1", "*Z*  2"]
    assert value in "".join(limits.texts(card.blocks, "text")).replace("⟨U+0009⟩", "\t")


def test_a_moment_is_shown_in_the_readers_zone() -> None:
    item = Item(name="", arguments={"at": "2026-03-04T13:30:00+01:00"}, verdicts=samples.YES_OR_NO)

    card = drawn(request(samples.question(item)))

    (date,) = [
        run
        for block in card.blocks
        if block["type"] == "rich_text"
        for part in block["elements"]
        for run in part["elements"]
        if run["type"] == "date"
    ]
    assert (date["timestamp"], date["fallback"]) == (1772627400, "2026-03-04T13:30:00+01:00")


def test_the_owners_labels_are_shown() -> None:
    terms = CardTerms(labels={"payee": "Paid to"})

    assert "*Paid to*  Foss &amp; Co" in seen(drawn(request(PAYMENT, policy=replace(TWO, card=terms))))


def test_an_entry_with_a_comma_is_never_taken_for_two() -> None:
    item = Item(
        name="", arguments={"to": ["a, b", "c"], "cc": ["d", "e"], "bcc": ["f, g", "h · i"]}, verdicts=samples.YES_OR_NO
    )

    shown = read(drawn(request(samples.question(item, text=""))))

    assert "To  a, b · c" in shown
    assert "Cc  d, e" in shown
    assert "• f, g" in shown
