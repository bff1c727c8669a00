"""What a card shows of how its request stands, and of what its policy wants."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.approvals.model.decision import Approve, Reject, Respond
from bot.approvals.model.ids import JSON
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Overdue, Step, one_stage
from bot.approvals.model.question import Item, Verdict
from bot.approvals.model.request import Before, Decided, Delivered, Edit, Pending, Superseded
from bot.approvals.model.task import Failed, Gone, Part
from bot.slack import actions
from bot.slack.cards import render
from bot.slack.cards.render import Urgency
from tests.support.builders import staged
from tests.unit.slack import limits, samples
from tests.unit.slack.cards.reading import labels, seen
from tests.unit.slack.samples import FAILURE, NOW, POLICY, REFUND, answered, decided, request, view


def test_nobody_who_may_answer_is_said_plainly() -> None:
    card = render.draw(samples.every_view()["card, nobody may answer"])

    assert "*Nobody may answer*: the policy `ops` names no approvers" in seen(card)


def test_a_requester_who_is_the_only_approver_is_nobody() -> None:
    card = render.draw(view(asked=staged(request(), asked=(samples.ALICE,))))

    assert "*Nobody may answer*: <@U0ALICE> asked, and requesters may not answer their own requests" in seen(card)


def test_approvers_that_were_not_found_are_named_as_the_policy_names_them() -> None:
    policy = replace(POLICY, stages=one_stage(("@ops-leads", "ann@acme.example")))

    card = render.draw(view(asked=staged(request(policy=policy), asked=(), escalated_to=("S0ONCALL",))))

    assert "Needs 1 of @ops-leads, ann@acme.example and <!subteam^S0ONCALL>" in seen(card)


def test_a_quorum_shows_who_has_voted() -> None:
    shown = seen(render.draw(samples.every_view()["card, quorum"]))

    assert "Needs 1 more: <@U0CAROL> by <!date^" in shown
    assert "\n✓ <@U0BOB> <!date^" in shown


def test_after_a_decision_there_is_nothing_to_press_but_the_whole_and_its_history() -> None:
    card = render.draw(samples.every_view()["card, approved"])

    assert labels(card) == ["Details", "History"]
    assert seen(card).startswith("✅ ")
    assert "\nApproved by <@U0BOB>" in seen(card)


def test_approved_and_gone_on_are_two_facts() -> None:
    approved = seen(render.draw(view(asked=request(state=decided(answered())))))
    delivered = seen(render.draw(view(asked=request(state=Delivered(decision=answered(), at=NOW)))))

    assert " · waiting for the agent" in approved
    assert "told" not in approved
    assert " · the agent was told" in delivered
    assert "waiting" not in delivered


def test_an_answer_that_was_never_seen_to_get_through_is_told_as_that() -> None:
    state = Superseded(at=NOW, decision=answered())

    shown = seen(render.draw(view(asked=request(state=state))))

    assert shown.startswith("⚠️ ")
    assert "\nApproved by <@U0BOB>, <!date^" in shown
    assert "the answer may not have reached the agent" in shown


def test_a_failed_delivery_says_when_it_tries_again_and_offers_to_try_now() -> None:
    card = render.draw(samples.every_view()["card, failed"])

    assert "*Stopped by an error* (KeyError), error id `e7f3a91c`. It tries again <!date^" in seen(card)
    assert labels(card)[0] == "Retry now"


def test_a_delivery_that_gave_up_says_so() -> None:
    state = Decided(decision=answered(), failure=FAILURE)

    assert "It will not try again by itself." in seen(render.draw(view(asked=request(state=state))))


def test_silence_is_told_as_silence() -> None:
    card = render.draw(samples.every_view()["card, expired"])

    assert seen(card).startswith("⌛ ")
    assert "\nExpired: nobody answered by <!date^" in seen(card)


def test_a_copy_says_where_it_comes_from() -> None:
    assert "<@U0ALICE> in <#C0OPS> for cleanup · " in seen(render.draw(samples.every_view()["copy, pending"]))


def test_a_failed_outcome_can_be_retried_only_where_that_can_help() -> None:
    lost = render.draw(view(MessageKind.OUTCOME, of=samples.task(Failed(failure=FAILURE, retryable=False))))
    stopped = render.draw(samples.every_view()["outcome, failed"])

    assert labels(lost) == []
    (retry,) = limits.buttons(stopped.blocks)
    assert actions.target(retry["value"]) == actions.TaskTarget(task=samples.task().id)


def test_an_outcome_that_was_overtaken_offers_nothing() -> None:
    of = samples.task(Failed(failure=FAILURE, retryable=True))

    card = render.draw(view(MessageKind.OUTCOME, of=of, current=False))

    assert labels(card) == []


def test_only_a_text_that_misleads_stands_in_quotes() -> None:
    arguments: dict[str, JSON] = {"text": "5", "edge": " x", "empty": "", "null": "null", "list": "[]", "gone": None}
    item = Item(name="set", arguments=arguments, verdicts=samples.EVERYTHING)

    shown = seen(render.draw(view(asked=request(samples.question(item)))))

    for words in ("*Text*  5", '*Edge*  " x"', '*Empty*  ""', '*Null*  "null"', '*List*  "[]"', "*Gone*  -"):
        assert words in shown


def test_a_text_of_several_lines_is_shown_as_lines_unless_it_reads_like_something_else() -> None:
    arguments: dict[str, JSON] = {"text": "Dear Ada,\n\nit is paid.", "json": '["a",\n"b"]'}

    item = Item(name="send", arguments=arguments, verdicts=samples.YES_OR_NO)

    card = render.draw(view(asked=request(samples.question(item, text=""))))

    assert {"Dear Ada,\n\nit is paid.", json.dumps(arguments["json"])} <= set(limits.texts(card.blocks, "text"))


def test_records_are_a_line_each_with_their_names_in_bold() -> None:
    rest: list[JSON] = [{"row": number} for number in range(3, 33)]
    rows: list[JSON] = [{"row": 1, "text": "fine   *row* 2"}, {"row": 2, "text": "2"}, *rest]

    card = render.draw(view(asked=request(samples.question(Item(name="", arguments={"rows": rows}, verdicts=())))))

    (listed,) = [part for block in card.blocks for part in block.get("elements", []) if "list" in part["type"]]
    first, second, *_ = [[(run["text"], "style" in run) for run in line["elements"]] for line in listed["elements"]]
    assert first == [("Row", True), (" 1", False), (" · ", False), ("Text", True), (" fine   *row* 2", False)]
    assert second[-1] == (" 2", False)
    assert f"{len(listed['elements'])} of 32" in seen(card)


def test_the_same_record_is_drawn_the_same() -> None:
    assert render.draw(view()).fingerprint == render.draw(view()).fingerprint
    assert render.draw(view()).fingerprint != render.draw(view(asked=request(state=decided(answered())))).fingerprint


def test_decisions_go_ahead_of_questions_and_questions_of_reminders() -> None:
    urgencies = [
        render.draw(samples.every_view()[name]).urgency for name in ("card, approved", "card, pending", "reminder")
    ]

    assert urgencies == [Urgency.DECISION, Urgency.QUESTION, Urgency.NOTICE]


def test_a_card_without_its_request_is_a_bug() -> None:
    with pytest.raises(ValueError, match="without its request"):
        render.draw(replace(view(), request=None))


def test_a_verdict_of_approval_needs_no_words() -> None:
    card = render.draw(view(asked=request(state=decided(answered(Approve(), edited=True)))))

    assert "Approved with changes by <@U0BOB>" in seen(card)


def test_a_question_that_changed_while_it_waited_says_so_until_it_is_answered() -> None:
    renewed = replace(request(), renewed_at=NOW, version=2)
    settled = replace(renewed, state=decided(answered()))

    for said in (seen(render.draw(view(asked=renewed))), render.draw(view(asked=renewed)).text):
        assert "asks something else now" in said
    assert "asks something else now" in json.dumps(render.render_small(view(asked=renewed)))
    for said in (seen(render.draw(view(asked=settled))), render.draw(view(asked=settled)).text):
        assert "asks something else now" not in said


# --- What the policy wants ------------------------------------------------------------------------

PRIVATE = replace(POLICY, private=True)


SECRET = samples.question(
    Item(name="refund", arguments={"order": "A-10442"}, verdicts=(Verdict.APPROVE, Verdict.CHOOSE, Verdict.REJECT)),
    title="Refund order A-10442?",
    text="A-10442 was late",
)


@pytest.mark.parametrize("kind", [MessageKind.CARD, MessageKind.COPY, MessageKind.REMINDER])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"edits": (Edit(person=samples.BOB, at=NOW),)},
        {"state": decided(answered(Respond(value="A-10442")))},
        {"state": decided(answered(Reject(reason="not A-10442")))},
    ],
    ids=["open", "edited", "answered", "rejected"],
)
def test_a_private_request_shows_nothing_of_what_it_asks(kind: MessageKind, changes: dict[str, Any]) -> None:
    asked = replace(request(SECRET, policy=PRIVATE), **changes)
    asked = replace(asked, question=replace(asked.question, choices=("A-10442", "none")))

    card = render.draw(view(kind, asked))

    assert "A-10442" not in json.dumps([card.text, card.blocks, card.small])
    assert "Refund" in json.dumps([card.text, card.blocks]) or kind is MessageKind.REMINDER


def test_a_private_card_is_answered_after_a_review_alone() -> None:
    card = render.draw(view(asked=request(SECRET, policy=PRIVATE)))

    assert labels(card) == ["Review…"]
    assert "Only people who may answer can see what is asked" in seen(card)


def test_an_approval_that_has_to_say_why_opens_a_form() -> None:
    card = render.draw(
        view(asked=request(samples.question(REFUND), policy=replace(POLICY, reasons=(Verdict.APPROVE,))))
    )

    (approve, *_) = limits.buttons(card.blocks)
    assert (approve["text"]["text"], approve["action_id"]) == ("Approve…", actions.APPROVE_WHY)


def test_a_policy_may_have_slack_ask_once_more() -> None:
    asked = request(samples.question(REFUND), policy=replace(POLICY, confirm=True))
    choosing = replace(samples.question(REFUND, choices=("left", "right")))
    choosing = replace(choosing, items=(replace(REFUND, verdicts=(Verdict.CHOOSE,)),))

    (approve, *_) = limits.buttons(render.draw(view(asked=asked)).blocks)
    (choice, *_) = limits.buttons(render.draw(view(asked=request(choosing, policy=asked.policy))).blocks)

    assert approve["confirm"]["confirm"]["text"] == "Approve"
    assert approve["confirm"]["title"]["text"] == "Approve?"
    assert approve["confirm"]["text"]["text"] == "Delete 214 log files. Yours is the only approval that is needed."
    assert choice["confirm"]["confirm"]["text"] == "Choose"
    assert choice["confirm"]["text"]["text"] == "left. Yours is the only answer that is needed."


def test_a_quorum_that_too_few_can_give_is_said_while_it_is_open() -> None:
    asked = staged(request(policy=replace(POLICY, stages=one_stage(("U0BOB",), 3))), asked=(samples.BOB,), short=2)

    assert "3 people must agree, but only 1 can." in seen(render.draw(view(asked=asked)))


def test_what_a_policy_answered_by_itself_says_that_nobody_did() -> None:
    ruled = replace(answered(Approve()), voters=(), ruled="Reading changes nothing")

    card = render.draw(view(asked=request(state=decided(ruled))))

    assert "Approved by its policy, <!date^" in seen(card)


def test_what_waits_on_past_its_deadline_says_that_it_is_overdue() -> None:
    late = Step(after=timedelta(hours=1), action=Overdue())
    patient = replace(POLICY, stages=one_stage(("U0BOB",), steps=(late,)))
    waiting = request(policy=patient)
    overdue = replace(waiting, state=Pending(due_at=None, taken=(0,)))

    cards_of = [render.draw(view(kind, overdue)) for kind in (MessageKind.CARD, MessageKind.REMINDER)]

    assert "*Overdue*" in seen(cards_of[0])
    assert "Still waiting for <@U0BOB> and <@U0CAROL>, overdue since" in seen(cards_of[1])
    assert "Overdue since" in cards_of[1].text
    before = render.draw(view(MessageKind.REMINDER, waiting))
    assert "Due <!date" in before.text
    assert "*Overdue*" not in seen(render.draw(view(asked=waiting)))


def test_what_was_decided_before_stands_beside_what_is_asked_instead() -> None:
    """Who decided it, how it differs, and, if it happens again and again, what its owner can do."""
    old = request(state=decided(answered()))
    before = Before(question=replace(old.question, title="Pay 10?"), decision=answered())

    once = seen(render.draw(view(asked=request(before=before))))
    twice = seen(render.draw(view(asked=request(before=replace(before, times=2)))))

    assert "<@U0BOB> approved what it asked before" in once
    assert "That was not used: nothing was run." in once
    assert "Pay 10?" in once
    assert "`bind`" not in once
    assert "2 times in a row" in twice
    assert "`bind`" in twice


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        (Gone(part=Part.STEP, name="gate"), "The step `gate` is missing from the agent's code."),
        (Gone(part=Part.GRAPH, name="pay"), "The agent `pay` is missing, or cannot be loaded."),
        (Gone(part=Part.STOP, name="act"), "The agent no longer stops at `act`. Nothing was run."),
        (Gone(part=Part.QUESTION, name="gate"), "The agent no longer asks this at `gate`."),
    ],
)
def test_a_card_says_which_part_of_the_code_is_missing(gone: Gone, words: str) -> None:
    assert words in seen(render.draw(view(asked=request(gone=gone))))
    assert words in seen(render.draw(view(asked=request(state=decided(answered()), gone=gone))))


def test_told_and_stopped_are_two_facts() -> None:
    told = seen(render.draw(view(asked=request(state=Delivered(decision=answered(), at=NOW)))))
    stopped = seen(render.draw(view(asked=request(state=Delivered(decision=answered(), at=NOW, stopped=True)))))
    untold = seen(render.draw(view(asked=request(state=Superseded(decision=answered(), at=NOW, stopped=True)))))
    changed = seen(render.draw(view(asked=request(state=Superseded(decision=answered(), at=NOW, changed=True)))))

    assert " · the agent was told" in told
    for words in (stopped, untold, changed):
        assert "the agent was told" not in words
    assert stopped.startswith("🛑 ")
    assert " · the task was stopped there" in stopped
    assert " · the task was stopped there" in untold
    assert "The agent asks something else now and was not told" in changed
