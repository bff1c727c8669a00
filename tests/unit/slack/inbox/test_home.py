"""Homes, digests and what `/approvals` lists: within Slack's limits whatever they hold, and saying what there is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.approvals.inbox.queries import MAX_UNDOABLE, Contents, Page, Row
from bot.approvals.model.decision import Reject
from bot.approvals.model.ids import MessageRef, Ts
from bot.approvals.model.inbox import Look, Only, Section
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.request import Delivered, Request
from bot.approvals.model.task import Ended, Task, Waiting
from bot.approvals.ports.storage import Records
from bot.slack import actions
from bot.slack.inbox import approvals_list, home_tab, summary_message
from bot.slack.text import moment
from tests.unit.slack import limits, samples
from tests.unit.slack.cards.test_undo import window
from tests.unit.slack.inbox.test_request_row import small
from tests.unit.slack.samples import BOB, CHANNEL, NOW, request, task

ADDRESS = "https://acme.slack.com/"
CARD, OPENING = Ts("1772616600.000200"), Ts("1772616600.000100")


def message(kind: MessageKind, ts: Ts, of: Request | None = None) -> Message:
    made = replace(samples.message(kind), ref=MessageRef(channel=CHANNEL, ts=ts))
    return replace(made, request_id=of.id if of else None)


def row(asked: Request | None = None, of: Task | None = None, *, posted: bool = True, open_ones: int = 1) -> Row:
    """A request, or a task with so many open ones, and its messages."""
    asked_by_task = tuple(request() for _ in range(open_ones)) if asked is None else (asked,)
    shown = [message(MessageKind.OPENING, OPENING), *(message(MessageKind.CARD, CARD, each) for each in asked_by_task)]
    records = Records(task=of or task(Waiting()), requests=asked_by_task, messages=tuple(shown) if posted else ())
    return Row(records=records, request=asked)


def page(rows: Sequence[Row], *, number: int = 0, size: int = 8, total: int | None = None) -> Page[Row]:
    of = len(rows) if total is None else total
    return Page(rows=tuple(rows), number=number, pages=max((of - 1) // size + 1, 1), total=of)


def contents(
    waiting: Sequence[Row] = (), asked: Sequence[Row] = (), decided: Sequence[Row] = (), **changes: Any
) -> Contents:
    made = Contents(
        person=BOB,
        look=Look(),
        waiting=page(waiting),
        asked=page(asked),
        decided=page(decided),
        all_waiting=len(waiting),
        overdue=0,
        graphs=("cleanup",) if waiting else (),
    )
    return replace(made, **changes)


def full(**changes: Any) -> Contents:
    """As much as a Home can hold at once: each list in the midst of its pages."""
    each = [row(asked) for asked in samples_of(8)]
    tasks = [row(of=task(Waiting()), open_ones=9) for _ in range(home_tab.ROWS[Section.ASKED])]
    settled = [row(request(state=Delivered(decision=samples.answered(), at=NOW))) for _ in range(6)]
    made = contents(each, tasks, settled, graphs=tuple(f"graph-{n}" for n in range(200)), overdue=3, all_waiting=90)
    return replace(
        made,
        waiting=page(each, number=1, total=90),
        asked=page(tasks, number=1, size=6, total=90),
        decided=page(settled, number=1, size=6, total=90),
        look=Look(only=Only.GRAVE, graph="graph-7", waiting=1, asked=1, decided=1),
        undoable=page([row(window()) for _ in range(MAX_UNDOABLE)], total=90),
        **changes,
    )


def samples_of(number: int) -> list[Request]:
    """Requests of all kinds, with ids of their own."""
    kinds = [view.request for view in samples.every_view().values() if view.request is not None]
    return [replace(kinds[n % len(kinds)], id=type(kinds[0].id)(f"r{n}")) for n in range(number)]


def check_home(view: Any) -> None:
    """A view that views.publish takes (Slack: home tab views)."""
    assert view["type"] == "home"
    assert 0 < len(view["blocks"]) <= 100
    assert len(json.dumps(view)) <= 250_000
    ids = [block["block_id"] for block in view["blocks"] if "block_id" in block]
    assert len(ids) == len(set(ids))
    for block in view["blocks"]:
        assert block["type"] in {"header", "section", "context", "actions", "rich_text", "divider"}
        if block["type"] != "actions" or all(each["type"] == "button" for each in block["elements"]):
            limits.check_message("-", [block])


def words(view: Any) -> str:
    return "\n".join([*limits.texts(view, "plain_text"), *limits.texts(view, "mrkdwn"), *limits.texts(view, "text")])


def draw(shown: Contents) -> Any:
    return home_tab.draw(shown, ADDRESS).view


# --- Home ---------------------------------------------------------------------------------------------------


def test_a_home_says_what_waits_of_whom_how_grave_by_when_and_where() -> None:
    said = words(draw(contents([row(request())])))

    for part in (
        "Waiting for you · 1",
        "Delete 214 log files",
        "*High risk* · <@U0ALICE> · by <!date^",
        "<https://acme.slack.com/archives/C0OPS/p1772616600000200?thread_ts=1772616600.000100&amp;cid=C0OPS|Open card>",
    ):
        assert part in said


def test_what_waits_has_the_buttons_of_its_card() -> None:
    asked = request(small())
    (buttons,) = [block for block in draw(contents([row(asked)]))["blocks"] if block["type"] == "actions"]

    assert buttons["elements"][0]["action_id"] == actions.APPROVE
    assert {each["value"] for each in buttons["elements"]} == {actions.RequestTarget.of(asked).encoded()}


def test_an_empty_home_says_so_and_how_to_begin() -> None:
    view = draw(contents())

    check_home(view)
    for part in (
        "Nothing waits for your answer.",
        "You have started no task yet.",
        "What you answer will be listed here.",
    ):
        assert part in words(view)
    assert "`/approvals summary 09:00 weekdays`" in words(view)


def test_a_home_of_all_kinds_of_requests_is_within_slacks_limits() -> None:
    view = draw(full())

    check_home(view)
    assert len(view["blocks"]) > 50


def test_votes_and_what_is_missing_are_said() -> None:
    asked = next(view.request for view in samples.every_view().values() if view.request and view.request.votes)

    assert "needs 1 more of <@U0CAROL>" in words(draw(contents([row(asked)])))


def test_a_task_shows_its_open_questions_and_whom_they_wait_for() -> None:
    said = words(draw(contents(asked=[row(of=task(Waiting()), open_ones=5), row(of=task(Ended(outcome="x", at=NOW)))])))

    assert "*cleanup* · ⏳ waits for an answer" in said
    assert "> *High risk* · ⏳ waits for <@U0BOB> and <@U0CAROL> · by <!date^" in said
    assert said.count("> *Delete 214 log files*") == 4
    assert "> 2 more questions" in said
    assert "*cleanup* · ✅ x" in said


def test_what_was_decided_says_by_whom_and_what_became_of_it() -> None:
    settled = request(state=Delivered(decision=samples.answered(Reject(reason="no")), at=NOW))

    assert "⛔ Rejected by <@U0BOB> · <!date^" in words(draw(contents(decided=[row(settled)])))
    of = task(Ended(outcome="Nothing was deleted.", at=NOW))
    assert "*cleanup* · ⛔ Rejected by <@U0BOB> · Nothing was deleted" in words(
        draw(contents(asked=[replace(row(settled, of), request=None)]))
    )


def test_what_is_not_posted_yet_has_no_link() -> None:
    shown = contents([row(request(), posted=False)], [row(of=task(Waiting()), posted=False)])

    assert "<https" not in words(draw(shown))
    assert "not posted yet" in words(draw(shown))


def test_what_can_be_undone_is_listed_apart_from_what_waits() -> None:
    listed = contents(undoable=page([row(window())]))
    until = moment(NOW + timedelta(minutes=10))

    said, private = words(draw(listed)), approvals_list.waiting(listed, ADDRESS)

    assert "Nothing waits for your answer." in said
    assert "Can be undone · 1" in said
    assert f"☑️ <@U0ALICE> can undo it until {until}" in said
    assert private.startswith(
        "Nothing waits for your answer.\n*Can be undone: 1*\n• *Moved 3 files of logs to the trash*"
    )
    assert "Can be undone" not in words(draw(contents())) + approvals_list.waiting(contents(), ADDRESS)


def test_what_can_be_undone_stands_below_what_waits() -> None:
    listed = contents([row(request(small()))], undoable=page([row(window())]))

    for said in (
        approvals_list.waiting(listed, ADDRESS),
        words({"blocks": list(approvals_list.rows(listed, ADDRESS))}),
    ):
        assert said.index("Waiting for you") < said.index("Can be undone: 1")
    assert "Can be undone" not in approvals_list.waiting(replace(listed, look=Look(only=Only.OVERDUE)), ADDRESS)


def test_what_is_private_is_not_on_a_home_either() -> None:
    hidden = request(policy=replace(samples.POLICY, private=True))

    shown = words(draw(contents([row(hidden)], [row(hidden)], [row(hidden)]))) + approvals_list.waiting(
        contents([row(hidden)]), ADDRESS
    )

    assert "214" not in shown
    assert "/srv/logs" not in shown


@pytest.mark.parametrize(
    ("action_id", "value", "look"),
    [
        ("home_only", "grave", Look(only=Only.GRAVE, graph="g", asked=2, decided=3)),
        ("home_graph", "deploy", Look(only=Only.OVERDUE, graph="deploy", asked=2, decided=3)),
        ("home_graph", "*", Look(only=Only.OVERDUE, asked=2, decided=3)),
        ("home_page:waiting:4", "4", Look(only=Only.OVERDUE, graph="g", waiting=4, asked=2, decided=3)),
        ("home_page:asked:0", "0", Look(only=Only.OVERDUE, graph="g", waiting=1, asked=0, decided=3)),
    ],
)
def test_a_choice_changes_what_is_looked_at_and_begins_with_the_first_page(
    action_id: str, value: str, look: Look
) -> None:
    before = Look(only=Only.OVERDUE, graph="g", waiting=1, asked=2, decided=3)

    assert actions.HOMES.match(action_id)
    assert home_tab.chosen(before, action_id, value) == look


def test_nothing_else_is_a_choice() -> None:
    with pytest.raises(ValueError, match="nothing on a Home"):
        home_tab.chosen(Look(), "home_page", "1")


def test_pages_are_turned_by_buttons_that_say_where_one_is() -> None:
    view = draw(full())

    turns = [each for each in limits.buttons(view["blocks"]) if actions.HOMES.match(each["action_id"])]
    assert [each["action_id"] for each in turns[:2]] == ["home_page:waiting:0", "home_page:waiting:2"]
    assert "9 to 16 of 90" in words(view)


def test_nothing_of_what_was_chosen_is_said_where_something_else_waits() -> None:
    shown = replace(contents(), all_waiting=3, look=Look(only=Only.GRAVE))

    assert "Nothing that waits for you matches." in words(draw(shown))
    check_home(draw(shown))


def test_the_same_contents_are_the_same_drawing() -> None:
    assert home_tab.draw(full(), ADDRESS).fingerprint == home_tab.draw(full(), ADDRESS).fingerprint
    assert home_tab.draw(full(), ADDRESS).fingerprint != home_tab.draw(contents(), ADDRESS).fingerprint


def test_whoever_gets_a_digest_is_told_when_and_how_to_end_it() -> None:
    assert "*09:00 weekdays*" in words(draw(contents(summary="09:00 weekdays")))


# --- Digest and list ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("total", "heading"), [(1, "1 request waits for you"), (1200, "1,200 requests wait for you")])
def test_a_digest_says_how_much_waits_and_what_comes_first(total: int, heading: str) -> None:
    rows = [row(asked) for asked in samples_of(min(total, summary_message.MAX_ROWS))]
    card = summary_message.draw(contents(rows, all_waiting=total, overdue=2, summary="09:00 daily"), ADDRESS)

    limits.check_message(card.text, list(card.blocks))
    limits.check_message(card.text, list(card.small))
    assert card.text.startswith(f"{heading}. 2 overdue.")
    assert "You get this at 09:00 daily." in words(card.blocks)
    assert ("1,190 more requests on my Home." in words(card.blocks)) is (total > 10)


def test_the_list_says_the_same_in_short() -> None:
    shown = replace(contents(all_waiting=3, overdue=1), waiting=page([row(request())], total=3))

    first, one, more, late = approvals_list.waiting(shown, ADDRESS).split("\n")

    assert first == "*Waiting for you: 3*, highest risk first, then earliest deadline"
    assert one.startswith("• *Delete 214 log files* · *High risk* · <@U0ALICE> · by <!date^")
    assert one.endswith("|Open card>")
    assert (more, late) == ("… and 2 more requests on my Home", "1 overdue: `/approvals overdue`")


def test_the_list_has_the_buttons_of_each_row_within_the_limits_of_a_message() -> None:
    """However many wait: those that do not fit are counted."""
    each = [row(asked) for asked in samples_of(10)]
    shown = contents(each, all_waiting=90)
    drawn = list(approvals_list.rows(replace(shown, waiting=page(each, total=90)), ADDRESS))

    limits.check_message("-", drawn)
    assert actions.REVIEW in {each["action_id"] for each in limits.buttons(drawn)}
    assert "more requests on my Home" in words(drawn)
    assert approvals_list.rows(contents(), ADDRESS) == ()


def test_a_list_of_nothing_says_so() -> None:
    assert approvals_list.waiting(contents(), ADDRESS) == "Nothing waits for your answer."
    assert "overdue" in approvals_list.waiting(contents(look=Look(only=Only.OVERDUE)), ADDRESS)
    assert "no task yet" in approvals_list.asked(contents(), ADDRESS)


def test_what_was_asked_for_is_listed_with_its_open_questions() -> None:
    rows = [row(of=task(Waiting()), open_ones=9)]
    said = approvals_list.asked(replace(contents(asked=rows), asked=page(rows, total=4)), ADDRESS)

    assert "• `9f2c41aa` *cleanup* · ⏳ waits for an answer · started <!date^" in said
    assert said.count("◦ *Delete 214 log files*") == 3
    assert said.endswith("… and 3 more tasks")
