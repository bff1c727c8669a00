"""What the policy file says, as people see it: each rule is of one action, and its test starts that."""

from __future__ import annotations

from simulator.client import Simulator
from tests.support.stage import Bot, Room

GRAPHS = ("proposal",)
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 1h
rules:
  - name: payments
    match: {action: pay, when: arguments.amount > 1000}
    approvers: ["@finance"]
    quorum: 2
  - name: groups
    match: {action: grouped}
    groups:
      - {approvers: ["@on-call"], quorum: 1}
      - {approvers: ["@finance"], quorum: 1}
  - name: stages
    match: {action: staged}
    sequence:
      - {name: lead, approvers: ["@ops-leads"], deadline: 30m}
      - {name: finance, approvers: [U0DAVE], deadline: 2h}
  - name: owners
    match: {action: owned}
    approvers: [arguments.owner]
  - name: members
    match: {action: incident}
    approvers: ["#incidents"]
  - name: outsiders
    match: {action: outside}
    approvers: [U0ERIN, U0FRANK]
    quorum: 2
  - name: private
    match: {action: secret}
    channel: "#ops"
    private: yes
  - name: careful
    match: {action: careful}
    confirm: yes
    reason_required: both
  - name: votes
    match: {action: voted}
    approvers: ["@ops-leads", "@on-call"]
    reject_quorum: 2
  - name: own
    match: {action: own, requester: "@ops-leads"}
    self_approval: yes
  - name: reads
    match: {action: "read_*"}
    auto: {approve: Reading changes nothing}
  - name: silent
    match: {action: silent}
    deadline: 1s
    on_timeout: approve
    i_accept_silence: yes
  - name: patient
    match: {action: patient}
    deadline: 1s
    on_timeout: wait
  - name: reminded
    match: {action: reminded}
    remind_every: 1s
    escalate:
      - {after: 1s, to: ["#general"], as: channel, add_approvers: no}
      - {after: 2s, to: [U0DAVE]}
  - name: few
    match: {action: few}
    approvers: ["@ops-leads"]
    quorum: 3
  - name: nobody
    match: {action: nobody}
    approvers: ["@no-such-group"]
"""


async def test_a_payment_above_an_amount_takes_two_and_one_below_it_does_not(bot: Bot, room: Room) -> None:
    small = await room.start("/task proposal action=pay amount=1000")
    await small.approved("carol")
    large = await room.start("/task proposal action=pay amount=1001")
    card = await large.card("Needs 2 of @finance")

    refused = await room.pressing("carol", card, "approve")
    await room.press("bob", card, "approve")
    await large.card("Needs 1 more of @finance (@dave)", "✓ @bob")
    await room.press("dave", card, "approve")

    assert "You may not answer this request" in refused
    await large.settled("Approved by @bob and @dave")


async def test_a_condition_that_cannot_be_worked_out_stops_the_task_and_says_why(bot: Bot, room: Room) -> None:
    thread = await room.start("/task proposal action=pay")

    stopped = room.read(await thread.ended("Stopped by an error"))

    assert "the rule payments cannot be worked out: there is no key" in stopped.replace("`", "")
    assert await thread.cards() == []


async def test_each_group_needs_one_of_its_own(bot: Bot, room: Room) -> None:
    thread = await room.start("/task proposal action=grouped")
    card = await thread.card()

    await room.press("dave", card, "approve")
    await thread.card("Needs 1 more of @finance", "✓ @dave")
    await room.press("bob", card, "approve")

    await thread.settled("Approved by @dave and @bob")


async def test_the_stages_are_asked_one_after_the_other(bot: Bot, room: Room) -> None:
    thread = await room.start("/task proposal action=staged")
    card = await thread.card("Stage 1 of 2, lead", "needs 1 of @ops-leads")

    early = await room.pressing("dave", card, "approve")
    await room.press("bob", card, "approve")
    await thread.card("Stage 2 of 2, finance", "needs @dave", "Agreed before: @bob")
    late = await room.pressing("carol", card, "approve")
    await room.press("dave", card, "approve")

    assert "Who may: @bob, @carol" in early
    assert "Who may: @dave" in late
    await thread.settled("Approved by @bob and @dave")


async def test_a_key_of_the_question_names_who_may_answer(bot: Bot, room: Room) -> None:
    thread = await room.start("/task proposal action=owned owner=dave@example.com")
    card = await thread.card("Needs @dave")

    assert "You may not answer this request" in await room.pressing("bob", card, "approve")
    await thread.approved("dave")


async def test_a_key_that_names_nobody_is_said_on_the_card(bot: Bot, room: Room) -> None:
    nobody = await room.start("/task proposal action=owned owner=nobody")
    empty = await room.start("/task proposal action=nobody")

    assert "obody" in room.read(await nobody.card())
    assert "obody" in room.read(await empty.card())
    assert "policy nobody: @no-such-group is nobody in this workspace" in bot.log


async def test_a_channels_members_may_answer(bot: Bot, room: Room) -> None:
    thread = await room.start("/task proposal action=incident")
    card = await thread.card("Needs 1 of #incidents")

    assert "You may not answer this request. Who may: @bob, @carol" in await room.pressing("dave", card, "approve")
    await thread.approved("carol")


async def test_a_guest_and_one_of_another_company_may_answer_where_the_rule_names_them(bot: Bot, room: Room) -> None:
    thread = await room.start("/task proposal action=outside")
    card = await thread.card("Needs 2 of @erin and @frank")

    await room.press("erin", card, "approve")
    await room.press("frank", card, "approve")

    await thread.settled("Approved by @erin and @frank")


async def test_a_private_card_names_the_action_alone_and_those_who_may_answer_open_the_rest(
    bot: Bot, simulator: Simulator, room: Room
) -> None:
    thread = await room.start("/task proposal action=secret owner=hidden-words")
    card = await thread.card("Secret", "Only people who may answer")

    async def in_ops() -> str | None:
        texts = [room.read(message) for message in await room.seat("bob").messages("#ops")]
        return next((text for text in texts if "Secret" in text and "[Review…]" in text), None)

    elsewhere = await room.until(in_ops, "the card in #ops")
    for other in ("dave", "alice"):
        refused = await room.pressing(other, card, "review")
        assert "Who may: @bob, @carol" in refused
        assert await room.seat(other).modal() is None
    (page,) = await room.review("carol", card)

    assert "hidden-words" in page
    assert "hidden-words" not in room.read(card) + elsewhere
    await room.answer("carol", "approve")
    settled = await thread.shows("Approved by @carol")
    assert "hidden-words" not in room.read(settled)


async def test_an_approval_may_have_to_say_why(bot: Bot, room: Room) -> None:
    thread = await room.start("/task proposal action=careful")
    card = await thread.card("[Approve…]")

    await room.press("bob", card, "approve_why")
    await room.modal("bob", "Why?")
    await room.seat("bob").submit({"reason": "it is due"})

    await thread.settled("Approved by @bob", "it is due")


async def test_a_rejection_may_take_two(bot: Bot, room: Room) -> None:
    thread = await room.start("/task proposal action=voted")
    card = await thread.card()

    for who in ("bob", "carol"):
        await room.press(who, card, "reject")
        await room.modal(who, "Why?")
        await room.seat(who).submit({"reason": f"{who} says no"})

    await thread.shows("Rejected by @bob and @carol")


async def test_a_requester_may_answer_alone_where_the_rule_says_so_of_them(bot: Bot, room: Room) -> None:
    bobs = await room.start("/task proposal action=own", who="bob")
    card = await bobs.card()

    await room.press("bob", card, "approve")
    await bobs.shows("Approved by @bob")
    daves = await room.start("/task proposal action=own", who="dave")

    assert "Who may: @bob, @carol" in await room.pressing("dave", await daves.card(), "approve")


async def test_a_read_is_approved_without_a_person_and_the_card_says_why(bot: Bot, room: Room) -> None:
    thread = await room.start("/task proposal action=read_file")

    await thread.shows("Approved by its policy: Reading changes nothing", without=["[Approve]"])
    await thread.shows("told approve")


async def test_silence_is_a_yes_where_the_file_accepts_it(bot: Bot, room: Room) -> None:
    thread = await room.start("/task proposal action=silent")

    await thread.shows("Approved by its policy", "nobody answered in time")
    await thread.shows("told approve")


async def test_a_request_may_wait_on_past_its_deadline(bot: Bot, room: Room) -> None:
    thread = await room.start("/task proposal action=patient")
    await thread.card("Overdue", "It keeps waiting")
    await thread.shows("Still waiting for @bob and @carol", "overdue")

    await room.press("bob", await thread.card(), "approve")

    await thread.shows("Approved by @bob")


async def test_reminders_come_again_and_the_card_goes_to_a_channel_and_then_to_others(bot: Bot, room: Room) -> None:
    thread = await room.start("/task proposal action=reminded")

    async def in_general() -> str | None:
        texts = [room.read(message) for message in await room.seat("dave").messages("#general")]
        return next((text for text in texts if "Reminded" in text), None)

    seen: set[str] = set()

    async def reminders() -> list[str]:
        found = [message["ts"] for message in await thread.messages() if "Still waiting" in room.read(message)]
        seen.update(found)
        return found

    async def reminded_twice() -> bool | None:
        await reminders()
        return len(seen) >= 2 or None

    async def taken_away() -> bool | None:
        return not await reminders() or None

    await room.until(in_general, "the card in #general")
    copy = await room.direct("dave", "Reminded", "[Approve]")
    await room.until(reminded_twice, "two reminders")
    await room.press("dave", copy, "approve")

    await thread.settled("Approved by @dave")
    await room.until(taken_away, "the end of the reminders")


async def test_a_quorum_that_too_few_can_give_is_said_on_the_card_and_at_the_start(bot: Bot, room: Room) -> None:
    thread = await room.start("/task proposal action=few")

    await thread.shows("3 people must agree, but only 2 can.")
    assert "policy few: 3 have to agree, and 2 of its approvers may answer." in bot.log


async def test_an_edit_that_another_rule_would_govern_is_refused(bot: Bot, room: Room) -> None:
    thread = await room.start("/task proposal action=pay amount=10")

    await room.press("bob", await thread.card(), "edit")
    await room.modal("bob", "Amount")
    await room.submit("bob", {"Amount": "5000"})

    assert "it falls under the policy payments" in (await room.modal("bob", "others may have to")).replace("`", "")
