"""The graphs that ship, as people use them: wrong and right inputs, their questions, and what they did in the end."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from simulator.client import Seat
from tests.graphs.smtp import Mailbox, served_aside
from tests.support.stage import GRAPHS, PATIENT_POLICY, ROOT, UNPACED, Bot, Room, Slack, Thread

ROWS = "name,number\n" + "".join(f"Ann {number},{number}\n" for number in range(1, 8))


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with served_aside(Mailbox()) as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
def bot(slack: Slack, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    folder = tmp_path_factory.mktemp("shipped")
    settings = {
        "PAYMENT_LEDGER": str(folder / "ledger.db"),
        "MAIL_OUTBOX": str(folder / "outbox"),
        "PUBLISH_ROOT": str(folder / "published"),
        "BATCH_ROOT": str(folder / "batch"),
        "INTAKE_ROOT": str(folder / "tickets"),
        "ASSISTANT_ROOT": str(folder / "assistant"),
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(mailbox.port),
        "SMTP_SECURITY": "none",
        "SMTP_FROM": "agent@example.org",
    }
    bot = Bot.prepare(folder / "bot", slack.environment, policy=PATIENT_POLICY, **settings)
    bot.environment = {name: value for name, value in bot.environment.items() if name != "MODEL"}
    bot.module = UNPACED
    named = {name: f"{ROOT}/graphs/{name}.py:graph" for name in ("payment", "email", "publish", "batch", "intake")}
    named["assistant"] = f"{GRAPHS}/assistant.py:graph"
    (bot.folder / "langgraph.json").write_text(json.dumps({"graphs": named}))
    bot.start()
    yield bot
    assert bot.stop() == 0, bot.log


def root(bot: Bot, setting: str) -> Path:
    return Path(bot.environment[setting])


async def outcome(thread: Thread, graph: str) -> str:
    """What the graph says in the end."""
    shown = await thread.reported()
    assert shown, graph
    return shown


async def answer(thread: Thread, action: str, *words: str, who: str = "bob", **typed: Any) -> None:
    """Press a button of the card that asks this, or of its review if it is too long for a card, and fill in what its
    modal asks for, `_` for a space."""
    title, *rest = words
    card = await thread.card(title)
    shown = thread.room.read(card)
    if "[Review…]" in shown:
        shown = "\n".join(await thread.room.review(who, card))
        await thread.room.answer(who, action)
    else:
        await thread.room.press(who, card, action)
    assert [word for word in rest if word not in shown] == [], shown
    if typed:
        filled = {label.replace("_", " "): value for label, value in typed.items()}
        await thread.room.until(partial(_has_field, thread.room.seat(who), next(iter(filled))), "the form")
        assert await thread.room.submit(who, filled) == {}


async def _has_field(seat: Seat, label: str) -> bool:
    """Whether a form with this field is before them."""
    view = await seat.modal()
    return view is not None and any(block.get("label", {}).get("text") == label for block in view["blocks"])


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('/task email to=nobody subject=Hi text="Hello"', "to has 'nobody', which is not an address"),
        ("/task payment payee=ACME amount=ten purpose=x", "digits, and two decimals after a point, such as 310.10."),
        ('/task batch file=nothing.csv template="Dear {name}"', "nothing.csv"),
        ('/task publish topic="!" brief="We moved."', "has no letter a to z and no digit"),
    ],
)
async def test_wrong_inputs_are_refused_in_private_with_a_right_line(
    bot: Bot, room: Room, line: str, said: str
) -> None:
    answered = await room.says("alice", line)

    assert said in answered
    assert f": /task {line.split()[1]} " in answered


async def test_an_email_is_sent_as_it_was_approved(bot: Bot, room: Room, mailbox: Mailbox) -> None:
    line = '/task email to=ada@example.org subject="The invoice" text="Dear Ada, it is paid."'
    thread = await room.start(line)

    await answer(thread, "choose:1", "Send this e-mail to ada@example.org?", "It goes by SMTP (127.0.0.1).")
    await answer(thread, "edit", "Edit the text of the e-mail", Content="Dear Ada,\nthe invoice is paid.")
    await thread.shows("Approved with changes by @bob", "- Dear Ada, it is paid.", "+ the invoice is paid.")
    await answer(thread, "choose:0", "the invoice is paid.", "2 of at most 5", "[Send]")

    assert (await outcome(thread, "email")).startswith("Sent to ada@example.org.\nMessage-ID <")
    (mail,) = [each for each in mailbox.mails if each["Subject"] == "The invoice"]
    assert (mail["To"], mail["From"]) == ("ada@example.org", "agent@example.org")
    assert mail.get_content().splitlines() == ["Dear Ada,", "the invoice is paid."]


async def test_an_email_that_is_cancelled_is_not_sent(bot: Bot, room: Room, mailbox: Mailbox) -> None:
    thread = await room.start('/task email to=ada@example.org subject="Never" text="Hello."')

    await answer(thread, "choose:2", "[Cancel]")

    assert await outcome(thread, "email") == "Nothing was sent to ada@example.org: the e-mail was cancelled."
    assert [mail for mail in mailbox.mails if mail["Subject"] == "Never"] == []


async def test_a_payment_is_asked_about_above_its_limit_and_paid_once(bot: Bot, room: Room) -> None:
    small = await room.start('/task payment payee="ACME Ltd" amount=10 purpose="Pencils"')
    assert "Nobody was asked: it is not above the limit" in await outcome(small, "payment")
    large = await room.start('/task payment payee="ACME Ltd" amount=310.10 purpose="Desks"')
    refused = await room.start('/task payment payee="ACME Ltd" amount=10 purpose="Sweets" risk=high')

    await answer(large, "approve", "Pay 310.10 EUR to ACME Ltd?", "Desks", "above the 100 EUR limit")
    await answer(refused, "reject", "High risk", "Sweets", **{"Why?": "Not healthy"})

    assert "Paid 310.10 EUR to ACME Ltd" in await outcome(large, "payment")
    assert await outcome(refused, "payment") == "Nothing was paid."
    await refused.settled("Rejected by @bob", "Not healthy")
    with sqlite3.connect(root(bot, "PAYMENT_LEDGER")) as ledger:
        paid = ledger.execute("SELECT amount, purpose, approval FROM payments ORDER BY entry").fetchall()
    assert paid == [("10.00", "Pencils", "not needed"), ("310.10", "Desks", "asked")]


async def test_an_article_goes_through_two_gates_and_its_approvals_are_listed(bot: Bot, room: Room) -> None:
    thread = await room.start('/task publish topic="Our new office" brief="We moved." section=news')

    await answer(thread, "approve", "Write 'Our new office' from this plan?", "Plan  In short")
    await answer(thread, "approve", "Publish 'Our new office'?", "\n# Our new office\n\nWe moved.", who="carol")

    said = (await outcome(thread, "publish")).split("\n")
    assert said[0].startswith("Published 'Our new office' as ")
    assert said[1:] == ["- plan: approved", "- text: approved"]
    (article,) = root(bot, "PUBLISH_ROOT").glob("news/*-our-new-office.md")
    assert article.read_text().endswith("# Our new office\n\nWe moved.\n")


async def test_a_complaint_stops_a_batch_with_what_was_done_so_far(bot: Bot, room: Room) -> None:
    root(bot, "BATCH_ROOT").mkdir(exist_ok=True)
    (root(bot, "BATCH_ROOT") / "customers.csv").write_text(ROWS)
    thread = await room.start('/task batch file=customers.csv template="Dear {name}, {number} is due." every=3')

    await answer(thread, "approve", "Do rows 1 to 3 of 7 look right?", "Dear Ann 1, 1 is due.")
    await answer(thread, "reject", "Do rows 4 to 6 of 7 look right?", **{"Why?": "Number 5 is wrong"})

    said = await outcome(thread, "batch")
    assert said.startswith("Wrote 3 of 7 rows to ")
    assert said.endswith("Stopped after row 3 of 7: Number 5 is wrong")
    (made,) = root(bot, "BATCH_ROOT").glob("out/customers-*.csv")
    assert made.read_text().splitlines()[-1] == 'Ann 3,3,"Dear Ann 3, 3 is due."'


async def test_what_is_vague_is_asked_about_until_it_is_clear(bot: Bot, room: Room) -> None:
    thread = await room.start('/task intake task="fix it"')
    asked = {
        "What_exactly_should_be_done,_where,_and_why?": "The printer on floor two prints only blank pages",
        "By_when_is_it_needed?": "tomorrow",
        "How_urgent_is_it?": "high",
    }

    await answer(thread, "respond", "Some questions before this can begin", "Too vague", **asked)
    await answer(thread, "respond", "'tomorrow' is not a date", **{"By_when_is_it_needed?": "2100-06-01"})

    said = await outcome(thread, "intake")
    assert "(high, due 2100-06-01)" in said
    (ticket,) = root(bot, "INTAKE_ROOT").glob("*.json")
    assert json.loads(ticket.read_text())["due"] == "2100-06-01"


async def test_the_assistant_writes_what_was_approved_and_mails_nothing_that_was_not(
    bot: Bot, room: Room, mailbox: Mailbox
) -> None:
    thread = await room.start("/task assistant welcome Ada, please")
    asked = ("Write file and send email?", "Welcome", "Hello Ada", "[Approve all 2]", "[One by one…]")
    await answer(thread, "edit:0", *asked, Text="Welcome, Ada!")
    await thread.shows("Changed by @bob", "Text  Welcome → Welcome, Ada!")

    await answer(thread, "each", *asked, who="carol")
    await room.modal("carol", "[Send]")
    verdicts = {"1. Write file": "Approve", "2. Send email": "Reject"}
    (reason,) = await room.submit("carol", verdicts)
    assert await room.submit("carol", {reason: "She knows"}) == {}

    said = await outcome(thread, "assistant")
    assert said.startswith("Both are done.\n")
    assert "- write_file: " in said
    assert "She knows" in said
    assert (root(bot, "ASSISTANT_ROOT") / "notes" / "ada.md").read_text() == "Welcome, Ada!"
    assert [mail for mail in mailbox.mails if mail["Subject"] == "Welcome"] == []
