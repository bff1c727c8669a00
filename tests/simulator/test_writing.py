"""What people type, edit and delete, as Slack's clients send it and as the app is told of it."""

from __future__ import annotations

import pytest

from simulator.client import ControlError, render_text
from simulator.writing import as_sent
from tests.support.desk import Desk

PEOPLE = {"bob": "<@U0BOB>", "on-call": "<!subteam^S0ONCALL>", "here": "<!here>"}
CHANNELS = {"ops": "<#C0OPS|ops>"}


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("note=example.com", "note=<http://example.com|example.com>"),
        ("run deploy.py, please.", "run <http://deploy.py|deploy.py>, please."),
        ("see https://x.y/z?a=1&b=2.", "see <https://x.y/z?a=1&amp;b=2>."),
        ("https://x.y/?q=a|b", "<https://x.y/?q=a%7Cb|https://x.y/?q=a|b>"),
        ("www.x.io/a?b=1&c=2", "<http://www.x.io/a?b=1&amp;c=2|www.x.io/a?b=1&amp;c=2>"),
        ("example.com:8080/x", "<http://example.com:8080/x|example.com:8080/x>"),
        ("a.com b.com", "<http://a.com|a.com> <http://b.com|b.com>"),
        ("mail a.b@example.com now", "mail <mailto:a.b@example.com|a.b@example.com> now"),
        ("slack://channel?id=C1", "<slack://channel?id=C1>"),
        ("@bob and @on-call, @here in #ops", "<@U0BOB> and <!subteam^S0ONCALL>, <!here> in <#C0OPS|ops>"),
        ("@nobody in #nowhere, issue #12", "@nobody in #nowhere, issue #12"),
        ("a < b && c > d", "a &lt; b &amp;&amp; c &gt; d"),
        ("&lt; stays", "&amp;lt; stays"),
        ("`example.com @bob` and ```a < b.com\n@bob```", "`example.com @bob` and ```a &lt; b.com\n@bob```"),
        ("eu-west 1.5 v2.0 e.g. file.txt 10.0.0.1", "eu-west 1.5 v2.0 e.g. file.txt 10.0.0.1"),
    ],
)
def test_a_client_makes_links_of_what_looks_like_them(typed: str, sent: str) -> None:
    assert as_sent(typed, PEOPLE.get, CHANNELS.get) == sent


async def test_people_read_what_was_typed(desk: Desk) -> None:
    sent = await desk.seat("alice").send("#ops", "example.com for carol@example.com, https://x.y?a&b")

    assert render_text(sent) == "example.com for carol@example.com, https://x.y?a&b"


async def test_an_edit_changes_the_message_and_deleting_takes_it_away(desk: Desk) -> None:
    alice = desk.seat("alice")
    sent = await alice.send("#ops", "prod-db-1")

    edited = await alice.edit(sent, "staging.example.com")
    assert edited["text"] == "<http://staging.example.com|staging.example.com>"
    assert edited["edited"]["user"] == "U0ALICE"
    assert [each["ts"] for each in await alice.messages("#ops")][-1] == sent["ts"]

    await alice.delete(edited)
    assert sent["ts"] not in [each["ts"] for each in await alice.messages("#ops")]


async def test_nobody_edits_or_deletes_what_is_not_theirs(desk: Desk) -> None:
    sent = await desk.seat("alice").send("#ops", "Mine")

    with pytest.raises(ControlError, match="cant_update_message"):
        await desk.seat("bob").edit(sent, "His")
    with pytest.raises(ControlError, match="cant_delete_message"):
        await desk.seat("bob").delete(sent)


async def test_a_message_with_replies_that_is_deleted_leaves_a_stone(desk: Desk) -> None:
    alice = desk.seat("alice")
    sent = await alice.send("#ops", "Mine")
    await desk.seat("bob").send("#ops", "A reply", thread_ts=sent["ts"])

    await alice.delete(sent)

    (stone, reply) = await alice.thread("#ops", sent["ts"])
    assert (stone["subtype"], stone["text"], stone["user"]) == (
        "tombstone",
        "This message was deleted.",
        "USLACKBOT",
    )
    assert reply["text"] == "A reply"
    with pytest.raises(ControlError, match="cant_delete_message"):
        await alice.delete(sent)
