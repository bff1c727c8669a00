"""A task's opening and outcome: what was started, what it asks and whose turn it is, and the truth about its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import Answered, Approve, Cancelled, Choose, Decision, Expired, Reject, Respond
from bot.approvals.model.ids import JSON, Operator, RequestId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import CardTerms, Expire, Overdue, Policy, Step, one_stage
from bot.approvals.model.question import Question
from bot.approvals.model.request import Decided, Delegation, Delivered, Pending, Request, Superseded
from bot.approvals.model.task import Ended, Failed, Running, Task, TaskCancelled, Waiting
from bot.approvals.ports.slack import View
from bot.slack import lines
from bot.slack.cards import decision_words, endings, render
from bot.slack.cards.render import Card
from tests.support.builders import staged
from tests.unit.slack import limits, samples
from tests.unit.slack.samples import ALICE, BOB, CAROL, DAVE, FAILURE, NOW, answered, decided, request, vote

LATER = NOW + timedelta(hours=1)
FINANCE = Policy(name="pay", stages=one_stage(("@finance",), steps=(Step(after=timedelta(hours=4), action=Expire()),)))
PAID = "Paid 9,000.00 EUR to Foss & Co: entry 1 of ledger.db."
NOT_PAID = "Nothing was paid: 9,000.00 EUR to Foss & Co was not approved."


def payment(state: object = None, **inputs: JSON) -> Task:
    given: dict[str, JSON] = inputs or {"payee": "Foss & Co", "amount": "9000.00", "note": ""}
    return replace(samples.task(state, **given), graph="payment")  # type: ignore[arg-type]


def asked(
    decision: Decision | None = None, title: str = "Pay 9,000.00 EUR to Foss & Co?", **changes: object
) -> Request:
    about: Question = samples.question(samples.REFUND, title=title)
    state = Pending(due_at=None) if decision is None else Delivered(decision=decision, at=LATER)
    made = request(about, state, policy=FINANCE)
    return replace(made, **changes)  # type: ignore[arg-type]


def drawn(kind: MessageKind, of: Task, *requests: Request, doing: str | None = None) -> Card:
    made = View(message=samples.message(kind), task=of, requests=requests, doing=doing)
    card = render.draw(made)
    limits.check_message(card.text, list(card.blocks))
    limits.check_message(card.text, list(card.small))
    return card


def opening(of: Task, *requests: Request, doing: str | None = None) -> list[str]:
    return lines.lines(drawn(MessageKind.OPENING, of, *requests, doing=doing).blocks, 200)


def outcome(of: Task, *requests: Request) -> list[str]:
    return lines.lines(drawn(MessageKind.OUTCOME, of, *requests).blocks, 200)


def ended(text: str = PAID, *, stopped: bool = False) -> Task:
    return payment(Ended(outcome=text, at=LATER, stopped=stopped))


def by(*people: object, verdict: object = None, at: int = 0, edited: bool = False) -> Answered:
    made = answered(*(verdict if isinstance(verdict, tuple) else (verdict or Approve(),)), edited=edited)
    return replace(made, voters=people or (BOB,), at=NOW + timedelta(minutes=at))  # type: ignore[arg-type]


# --- The task -----------------------------------------------------------------------------------


def test_the_first_line_is_the_task_with_its_inputs_in_peoples_words() -> None:
    """Once each, without empty ones, and without the task's id."""
    of = payment(payee="Foss & Co", older_than="30d", count=9000, urgent=True, cc=["a", "b"], note="", more=1)

    first, *_ = opening(of)

    assert first == (
        "@U0ALICE started payment · Payee Foss & Co · Older than 30 days · Count 9,000 · Urgent Yes · 2 more"
    )
    assert of.id not in "\n".join(opening(of))


def test_inputs_have_the_names_that_their_owner_chose() -> None:
    policy = replace(FINANCE, card=CardTerms(labels={"amount": "Total"}))

    assert opening(payment(), asked(policy=policy))[0].endswith("· Total 9,000.00")


def test_a_value_cannot_forge_a_line_or_a_mention() -> None:
    card = drawn(MessageKind.OPENING, payment(note="x\n✅ Paid <!channel> *bold*"))

    assert "Note x ✅ Paid <!channel> *bold*" in lines.lines(card.blocks, 200)[0]
    assert "<!channel" not in "".join(limits.texts(card.blocks, "mrkdwn")) + card.text


# --- What it asks, and whose turn it is -----------------------------------------------------------

WAITS = "⏳ Pay 9,000.00 EUR to Foss & Co? · "
UNTIL = ", by tomorrow at 12:21 PM"
TWO = replace(FINANCE, stages=one_stage(("@finance",), 2, FINANCE.stages[0].steps))


@pytest.mark.parametrize(
    ("requests", "line"),
    [
        ((asked(),), f"{WAITS}@finance{UNTIL}"),
        ((asked(policy=TWO),), f"{WAITS}2 of @finance{UNTIL}"),
        (
            (
                replace(
                    staged(asked(policy=TWO), missing=(1,)),
                    votes=(vote(BOB, asked()),),
                ),
            ),
            f"{WAITS}1 more of @U0CAROL{UNTIL}",
        ),
        ((asked(delegations=(Delegation(by=BOB, to=DAVE, at=NOW, stage=0),)),), f"{WAITS}@U0DAVE and @U0CAROL{UNTIL}"),
        ((staged(asked(), asked=(ALICE,)),), f"{WAITS}nobody can answer it{UNTIL}"),
        ((staged(asked(), asked=(ALICE,), escalated_to=("U0DAVE",)),), f"{WAITS}@U0DAVE{UNTIL}"),
        (
            (asked(policy=replace(FINANCE, stages=one_stage(("@a", "@b", "@c", "@d")))),),
            f"{WAITS}@a, @b, @c and 1 more",
        ),
        (
            (asked(), asked(id=RequestId("b"), opened_at=LATER), asked(id=RequestId("c"), opened_at=LATER)),
            f"{WAITS}@finance{UNTIL} · and 2 more",
        ),
        ((asked(by(BOB)), asked(title="Really?")), f"⏳ Really? · @finance{UNTIL}"),
        ((asked(policy=replace(FINANCE, private=True)),), f"⏳ To be approved: Issue refund · @finance{UNTIL}"),
        ((asked(title=" "),), f"⏳ Issue refund: A-10442 · @finance{UNTIL}"),
    ],
    ids=[
        "one",
        "two",
        "after a vote",
        "delegated",
        "nobody",
        "escalated",
        "many",
        "several",
        "next",
        "private",
        "bare",
    ],
)
def test_the_second_line_is_the_question_and_whose_turn_it_is(requests: tuple[Request, ...], line: str) -> None:
    assert opening(payment(Waiting()), *requests)[1:] == [line]


def test_what_is_late_says_since_when() -> None:
    late = one_stage(("@finance",), steps=(Step(after=timedelta(hours=1), action=Overdue()),))
    overdue = asked(policy=replace(FINANCE, stages=late), state=Pending(due_at=None, taken=(0,)))

    assert opening(payment(Waiting()), overdue)[1] == f"{WAITS}@finance, overdue since tomorrow at 12:21 PM"


def test_a_task_that_asks_nothing_now_is_working() -> None:
    assert opening(payment(Running()))[1:] == ["▶️ Working"]
    assert opening(payment(Waiting()), asked(by(BOB)))[1:] == ["▶️ Working"]
    assert opening(payment(Running()), asked(by(BOB)), doing="row 7 of 9")[1:] == ["▶️ Working: row 7 of 9"]


def test_a_decision_that_is_held_is_told_with_when_the_agent_gets_it() -> None:
    """The task does not work yet, and the decision can still be called off."""
    held = Decided(decision=by(BOB), held=Pending(due_at=None), held_until=NOW + timedelta(seconds=30))

    (line,) = opening(payment(Waiting()), asked(state=held))[1:]

    assert line.startswith("✅ Pay 9,000.00 EUR to Foss & Co? · Approved by @U0BOB · the agent gets it ")
    assert opening(payment(Waiting()), asked(state=replace(held, attempts=1)))[1:] == ["▶️ Working"]


# --- How it ended ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "requests", "line"),
    [
        (
            ended(),
            (asked(by(BOB, DAVE)),),
            "✅ Paid 9,000.00 EUR to Foss & Co: entry 1 of ledger.db · approved by @U0BOB and @U0DAVE",
        ),
        (
            ended(),
            (asked(by(BOB, edited=True)),),
            "✅ Paid 9,000.00 EUR to Foss & Co: entry 1 of ledger.db · approved with changes by @U0BOB",
        ),
        (ended(), (), "✅ Paid 9,000.00 EUR to Foss & Co: entry 1 of ledger.db"),
        (ended("finished"), (), "✅ Done · the agent reported nothing"),
        (ended("finished"), (asked(by(BOB)),), "✅ Approved by @U0BOB · the agent reported nothing"),
        (ended("finished"), (asked(by(BOB, verdict=Reject(reason="no"))),), "⛔ Rejected by @U0BOB"),
        (
            ended(NOT_PAID),
            (asked(by(BOB, verdict=Reject(reason="no"))),),
            "⛔ Rejected by @U0BOB · Nothing was paid: 9,000.00 EUR to Foss & Co was not approved",
        ),
        (ended("finished"), (asked(Expired(at=LATER)),), "⌛ Expired: nobody answered by tomorrow at 12:21 PM"),
        (
            ended(NOT_PAID),
            (asked(Expired(at=LATER)),),
            "⌛ Expired: nobody answered by tomorrow at 12:21 PM · "
            "Nothing was paid: 9,000.00 EUR to Foss & Co was not approved",
        ),
        (ended("Filed."), (asked(by(BOB, verdict=Respond(value="x"))),), "✅ Filed · answered by @U0BOB"),
        (ended("Sent."), (asked(by(BOB, verdict=Choose(choice="send"))),), "✅ Sent · answered by @U0BOB"),
        (
            ended("Ran 1."),
            (asked(by(BOB, verdict=(Approve(), Reject(), Reject()))),),
            "✅ Ran 1 · 1 of 3 approved by @U0BOB",
        ),
        (
            ended("Ran 1."),
            (asked(by(BOB, verdict=(Approve(), Respond(value=1)))),),
            "✅ Ran 1 · answered one by one by @U0BOB",
        ),
        (
            ended("Ran 0."),
            (asked(by(BOB, verdict=(Reject(), Respond(value=1)))),),
            "⛔ 0 of 2 approved by @U0BOB · Ran 0",
        ),
        (
            ended("Done."),
            (asked(by(BOB, at=1)), asked(by(CAROL, at=2, verdict=Reject()))),
            "⛔ Rejected by @U0CAROL · 1 of 2 questions approved · Done",
        ),
        (
            ended("Done."),
            (asked(by(CAROL, at=3)), asked(by(BOB, at=1, verdict=Reject())), asked(Expired(at=NOW))),
            "✅ Done · approved by @U0CAROL · 1 of 3 questions approved",
        ),
        (
            ended(),
            (asked(replace(by(), voters=(), ruled="It is below the limit")),),
            "✅ Paid 9,000.00 EUR to Foss & Co: entry 1 of ledger.db · approved by its policy: It is below the limit",
        ),
        (
            ended("Stopped: before publish it was rejected.", stopped=True),
            (asked(state=Delivered(decision=by(BOB, verdict=Reject()), at=LATER, stopped=True)),),
            "🛑 Rejected by @U0BOB · the task was stopped there",
        ),
        (
            ended("Stopped: before publish it was rejected.", stopped=True),
            (asked(state=Delivered(decision=Expired(at=LATER), at=LATER, stopped=True)),),
            "🛑 Expired: nobody answered by tomorrow at 12:21 PM · the task was stopped there",
        ),
        (
            ended("Stopped: It has asked 3 times.", stopped=True),
            (asked(by(BOB, verdict=Reject())),),
            "🛑 Stopped · It has asked 3 times",
        ),
        (
            ended("Stopped: nobody answered.", stopped=True),
            (asked(state=Superseded(at=LATER, decision=Expired(at=LATER), stopped=True)),),
            "🛑 Expired: nobody answered by tomorrow at 12:21 PM · the task was stopped there",
        ),
        (
            ended(),
            (asked(state=Superseded(at=LATER, decision=by(BOB, verdict=Reject()))),),
            "⚠️ Rejected by @U0BOB, but the agent may not have been told · "
            "Paid 9,000.00 EUR to Foss & Co: entry 1 of ledger.db",
        ),
        (
            ended(),
            (asked(state=Superseded(at=LATER, decision=by(BOB, verdict=Reject()), changed=True)), asked(by(DAVE))),
            "✅ Paid 9,000.00 EUR to Foss & Co: entry 1 of ledger.db · approved by @U0DAVE",
        ),
        (
            payment(Failed(failure=FAILURE, retryable=True)),
            (asked(by(BOB)),),
            "⚠️ Stopped by an error (KeyError), error id e7f3a91c",
        ),
        (
            payment(TaskCancelled(by=ALICE, at=LATER)),
            (asked(Cancelled(by=ALICE, at=LATER)),),
            "🚫 Cancelled by @U0ALICE",
        ),
    ],
)
def test_the_last_line_is_the_truth_about_the_end(of: Task, requests: tuple[Request, ...], line: str) -> None:
    shown = opening(of, *requests)

    assert shown[1:] == [line]


@pytest.mark.parametrize("decision", [by(BOB, verdict=Reject()), Expired(at=LATER)])
@pytest.mark.parametrize("said", ["finished", "Finished.", PAID])
def test_after_a_no_or_silence_no_message_says_that_it_finished_or_looks_like_a_yes(
    decision: Decision, said: str
) -> None:
    for kind in (MessageKind.OPENING, MessageKind.OUTCOME):
        card = drawn(kind, ended(said), asked(decision))
        seen = "\n".join([card.text, *lines.lines(card.blocks, 200), *lines.lines(card.small, 200)])

        assert decision_words.APPROVED not in seen
        assert "payment finished" not in seen
        assert (decision_words.REJECTED in seen) or (decision_words.EXPIRED in seen)


def test_a_task_that_an_error_stopped_may_still_ask() -> None:
    of = payment(Failed(failure=FAILURE, retryable=True))

    assert opening(of, asked())[1:] == [
        "⚠️ Stopped by an error (KeyError), error id e7f3a91c",
        f"{WAITS}@finance{UNTIL}",
    ]


# --- The outcome, for the requester -----------------------------------------------------------------


def test_the_outcome_is_the_agents_report_then_who_decided_and_a_ping() -> None:
    card = drawn(MessageKind.OUTCOME, ended(f"{PAID}\nBy bank."), asked(by(BOB, DAVE)))

    assert lines.lines(card.blocks, 200) == [f"✅ {PAID}", "By bank.", "Approved by @U0BOB and @U0DAVE · @U0ALICE"]
    assert card.text == f"✅ {PAID} By bank. Approved by <@U0BOB> and <@U0DAVE>, <@U0ALICE>.".replace("&", "&amp;")


def test_after_a_no_the_decision_comes_before_what_the_agent_says() -> None:
    of = ended(NOT_PAID)

    assert outcome(of, asked(by(BOB, verdict=Reject()))) == ["⛔ Rejected by @U0BOB · @U0ALICE", NOT_PAID]
    assert outcome(of, asked(Expired(at=LATER))) == [
        "⌛ Expired: nobody answered by tomorrow at 12:21 PM · @U0ALICE",
        NOT_PAID,
    ]


@pytest.mark.parametrize(
    ("of", "requests", "shown"),
    [
        (ended("finished"), (asked(by(BOB)),), ["✅ Approved by @U0BOB · the agent reported nothing · @U0ALICE"]),
        (ended(), (), [f"✅ {PAID}", "Nobody had to be asked · @U0ALICE"]),
        (
            ended("Stopped: before publish it was rejected. Too early.", stopped=True),
            (asked(state=Delivered(decision=by(BOB, verdict=Reject()), at=LATER, stopped=True)),),
            [
                "🛑 Rejected by @U0BOB · the task was stopped there · @U0ALICE",
                "before publish it was rejected. Too early.",
            ],
        ),
        (
            payment(Failed(failure=FAILURE, retryable=True)),
            (),
            ["⚠️ Stopped by an error (KeyError), error id e7f3a91c · @U0ALICE", "[Retry]"],
        ),
        (
            payment(Failed(failure=FAILURE, retryable=False)),
            (),
            ["⚠️ Stopped by an error (KeyError), error id e7f3a91c. It cannot go on from there · @U0ALICE"],
        ),
        (payment(TaskCancelled(by=ALICE, at=LATER)), (), ["🚫 Cancelled by @U0ALICE"]),
        (payment(Running()), (), ["payment is being tried again"]),
        (payment(Waiting()), (), ["payment waits for an answer"]),
    ],
)
def test_every_outcome_pings_its_requester(of: Task, requests: tuple[Request, ...], shown: list[str]) -> None:
    assert outcome(of, *requests) == shown
    assert of.finished is False or "<@U0ALICE>" in drawn(MessageKind.OUTCOME, of, *requests).text


def test_an_outcome_that_was_overtaken_is_no_longer_told() -> None:
    card = render.draw(View(message=samples.message(MessageKind.OUTCOME), task=ended(), current=False))

    assert lines.lines(card.blocks) == ["This was tried again. The result is below."]


# --- The same words in every list ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (Delivered(decision=by(BOB), at=LATER), "✅ Approved by <@U0BOB> · <!date"),
        (decided(by(BOB), FAILURE), "✅ Approved by <@U0BOB> · the agent has not taken it yet · <!date"),
        (Superseded(at=LATER), "🚫 No longer needed: the agent moved on without an answer · <!date"),
        (Superseded(at=LATER, stopped=True), "🚫 No longer needed: the task was stopped · <!date"),
        (Superseded(at=LATER, decision=by(BOB)), "✅ Approved by <@U0BOB> · the agent may not have been told · <!date"),
        (
            Superseded(at=LATER, decision=by(BOB), changed=True),
            "✅ Approved by <@U0BOB> · not used: the agent asks something else now · <!date",
        ),
        (
            Superseded(at=LATER, decision=by(BOB), stopped=True),
            "✅ Approved by <@U0BOB> · the task was stopped there · <!date",
        ),
        (Delivered(decision=Expired(at=LATER), at=LATER), "⌛ Expired: nobody answered by <!date"),
        (Superseded(at=LATER, decision=Cancelled(by=ALICE, at=LATER)), "🚫 Cancelled by <@U0ALICE> · <!date"),
        (Pending(due_at=None), ""),
    ],
)
def test_a_settled_request_says_what_was_decided_and_what_became_of_it(state: object, said: str) -> None:
    shown = endings.of_request(asked(state=state))

    assert shown.startswith(said)
    assert bool(shown) is bool(said)


def test_what_an_operator_cancelled_says_who_and_why() -> None:
    """On the task and on its card, and nothing that they typed can pretend to be ours."""
    who, why = Operator(login="olga <!here>"), "the *server* is gone"
    of = payment(TaskCancelled(by=who, at=LATER, reason=why))

    shown = outcome(of, asked(Cancelled(by=who, at=LATER, reason=why)))

    assert shown[0].startswith("🚫 Cancelled by an operator (olga <!here>): “the server is gone”")
    assert decision_words.ended_by(who, why) == ("Cancelled by an operator (olga &lt;!here&gt;): “the server is gone”")
    assert decision_words.ended_by(Operator(login="olga")) == "Cancelled by an operator (olga)"
