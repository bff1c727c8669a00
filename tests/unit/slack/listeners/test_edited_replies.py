"""Which of Slack's events tell that a person's words have changed, and in which order they count."""

from __future__ import annotations

from typing import Any

import pytest

from bot.approvals.model.actor import Actor
from bot.approvals.model.ids import ChannelId, MessageRef, Ts
from bot.slack.listeners import events, wordings
from bot.slack.listeners.acts import Body
from bot.slack.listeners.events import Change, Event
from bot.slack.listeners.wordings import Wordings
from tests.support.fakes.clock import MORNING
from tests.support.fakes.world import BOB

BEFORE = {"type": "message", "user": "U0BOB", "team": "T1", "ts": "1.1", "thread_ts": "1.0", "text": "prod"}
EDITED = {**BEFORE, "text": "staging", "edited": {"user": "U0BOB", "ts": "2.0"}}


def changed(now: dict[str, Any], before: dict[str, Any] | None = None, **event: Any) -> Body:
    told = {"type": "message", "subtype": "message_changed", "channel": "C1", "ts": "2.0", "message": now}
    return {"team_id": "T1", "event": {**told, "previous_message": BEFORE if before is None else before, **event}}


def deleted(before: dict[str, Any], **event: Any) -> Body:
    told = {"type": "message", "subtype": "message_deleted", "channel": "C1", "ts": "2.0", "previous_message": before}
    return {"team_id": "T1", "event": {**told, "deleted_ts": before.get("ts"), **event}}


@pytest.mark.parametrize(
    "body",
    [
        changed(EDITED),
        changed({name: value for name, value in EDITED.items() if name != "edited"}),
        changed({**EDITED, "subtype": "thread_broadcast"}),
        changed({**EDITED, "subtype": "file_share", "files": []}),
        changed(EDITED, {}),
    ],
    ids=["edited", "edited, not said", "also in the channel", "with a file", "without what was"],
)
def test_an_edit_of_a_persons_words_is_a_change(body: Body) -> None:
    change = events.change_of(body)

    assert change is not None
    assert (change.author.user_id, change.ref, change.at) == (
        "U0BOB",
        MessageRef(channel=ChannelId("C1"), ts=Ts("1.1")),
        "2.0",
    )
    assert change.place.thread_ts == "1.0"
    assert change.now is not None
    assert change.now["text"] == "staging"


@pytest.mark.parametrize(
    "body",
    [
        deleted(BEFORE),
        changed(
            {"type": "message", "subtype": "tombstone", "user": "USLACKBOT", "ts": "1.1", "text": "This message..."}
        ),
    ],
    ids=["deleted", "deleted with replies"],
)
def test_a_deletion_is_a_change_to_nothing(body: Body) -> None:
    change = events.change_of(body)

    assert change is not None
    assert (change.author.user_id, change.ref.ts, change.now) == ("U0BOB", "1.1", None)


@pytest.mark.parametrize(
    "body",
    [
        changed({**BEFORE, "attachments": [{"from_url": "https://x.y", "text": "a preview"}]}),
        changed({**EDITED, "attachments": [{"from_url": "https://x.y"}]}, EDITED),
        changed({**EDITED, "edited": {"user": "U0ADMIN", "ts": "2.0"}}),
        changed({**EDITED, "bot_id": "B1"}),
        changed({**EDITED, "subtype": "channel_join"}),
        deleted({**BEFORE, "bot_id": "B1"}),
        deleted({}),
        {"team_id": "T1", "event": {**BEFORE, "channel": "C1"}},
        {
            "team_id": "T1",
            "event": {"type": "message", "subtype": "message_replied", "channel": "C1", "message": EDITED},
        },
    ],
    ids=[
        "a preview",
        "a preview of an edit",
        "by another",
        "an app's",
        "a join",
        "an app's, gone",
        "nothing",
        "new",
        "replied",
    ],
)
def test_what_changes_no_words_of_its_author_is_none(body: Body) -> None:
    assert events.change_of(body) is None


def change(at: str, text: str | None = "staging") -> Change:
    body = deleted(BEFORE, ts=at) if text is None else changed({**EDITED, "text": text}, ts=at)
    found = events.change_of(body)
    assert found is not None
    return found


def test_of_changes_that_come_in_any_order_the_last_counts() -> None:
    known = Wordings()

    assert known.note(change("10.5"))
    assert not known.note(change("9.5"))
    assert not known.note(change("10.5"))
    assert known.note(change("10.500001"))


def test_only_so_many_messages_are_remembered() -> None:
    known = Wordings()
    for number in range(wordings.MAX_REMEMBERED + 5):
        found = events.change_of(changed({**EDITED, "ts": f"{number}.0"}))
        assert found is not None
        known.note(found)

    assert len(known._latest) == wordings.MAX_REMEMBERED


@pytest.mark.parametrize(
    ("known", "said"),
    [(None, ["prod"]), (change("2.0"), ["staging"]), (change("2.0", None), [])],
    ids=["as sent", "edited before", "deleted before"],
)
async def test_a_message_that_comes_after_its_change_counts_as_it_reads_now(
    known: Change | None, said: list[str]
) -> None:
    latest, heard = Wordings(), list[str]()
    if known is not None:
        latest.note(known)

    async def act(event: Event) -> None:
        heard.append(event.words)

    body = {"team_id": "T1", "event": {**BEFORE, "channel": "C1"}}
    await latest.as_worded(Event(actor=Actor(person=BOB, at=MORNING), body=body, place=None), act)

    assert heard == said
