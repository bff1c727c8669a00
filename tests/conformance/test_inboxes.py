"""What `Storage` promises of what is kept of people's inboxes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest

from bot.approvals.model.errors import Conflict
from bot.approvals.model.ids import MessageId
from bot.approvals.model.inbox import Home, Inbox, Look, Only, Schedule, Sending, Summary
from bot.approvals.ports.storage import Storage
from tests.conformance.stores import Store
from tests.support.builders import MINUTE, NOON, a_person

NINE = Schedule(hour=9, minute=0, days=(0, 1, 2, 3, 4))


def opened(user_id: str, at: datetime = NOON) -> Inbox:
    return Inbox(person=a_person(user_id), home=Home(opened_at=at))


def digested(user_id: str, at: datetime, sending: Sending | None = None) -> Inbox:
    return Inbox(person=a_person(user_id), summary=Summary(schedule=NINE, next_at=at, sending=sending))


async def test_an_inbox_of_which_nothing_is_kept_is_empty(storage: Storage) -> None:
    assert await storage.inbox(a_person("UBOB")) == Inbox(person=a_person("UBOB"), revision=0)


async def test_what_is_kept_comes_back_whole(storage: Storage) -> None:
    look = Look(only=Only.GRAVE, graph="cleanup", waiting=2, asked=1)
    sending = Sending(id=MessageId("s1"), since=NOON, not_before=NOON + MINUTE, attempted=True, tries=2)
    inbox = replace(
        digested("UBOB", NOON, sending), home=Home(opened_at=NOON, look=look, fingerprint="f", hash="1.abc")
    )

    saved = await storage.save_inbox(inbox)

    assert saved == replace(inbox, revision=1)
    assert await storage.inbox(a_person("UBOB")) == saved
    assert await storage.inbox(a_person("UBOB", "T2")) == Inbox(person=a_person("UBOB", "T2"))


async def test_of_many_that_save_one_inbox_at_once_exactly_one_does(store: Store) -> None:
    handles = [await store.open() for _ in range(3)]
    for revision in range(2):
        inbox = replace(opened("UBOB"), revision=revision)

        done = await asyncio.gather(*(handle.save_inbox(inbox) for handle in handles), return_exceptions=True)

        assert sorted(type(each).__name__ for each in done) == ["Conflict", "Conflict", "Inbox"]


@pytest.mark.parametrize("revision", [0, 1, 3])
async def test_an_inbox_that_has_changed_meanwhile_is_a_conflict(storage: Storage, revision: int) -> None:
    saved = await storage.save_inbox(await storage.save_inbox(opened("UBOB")))

    with pytest.raises(Conflict):
        await storage.save_inbox(replace(saved, revision=revision))

    assert await storage.inbox(a_person("UBOB")) == saved


async def test_an_inbox_that_was_never_saved_has_no_later_revision(storage: Storage) -> None:
    with pytest.raises(Conflict):
        await storage.save_inbox(replace(opened("UBOB"), revision=4))

    assert await storage.inbox(a_person("UBOB")) == Inbox(person=a_person("UBOB"))


async def test_homes_are_those_that_were_opened_since_the_latest_first(storage: Storage) -> None:
    early, late = await storage.save_inbox(opened("UBOB")), await storage.save_inbox(opened("UCAROL", NOON + MINUTE))
    await storage.save_inbox(digested("UDAVE", NOON))

    assert await storage.homes(NOON, 10) == (late, early)
    assert await storage.homes(NOON, 1) == (late,)
    assert await storage.homes(NOON + MINUTE, 10) == (late,)

    again = await storage.save_inbox(replace(early, home=Home(opened_at=NOON + 2 * MINUTE)))

    assert await storage.homes(NOON, 10) == (again, late)


async def test_digests_are_those_that_are_due_the_longest_overdue_first(storage: Storage) -> None:
    second, first = [await storage.save_inbox(digested(id, NOON - n * MINUTE)) for n, id in enumerate(("UA", "UB"))]
    await storage.save_inbox(digested("UC", NOON + MINUTE))
    await storage.save_inbox(opened("UD"))

    assert await storage.due_summaries(NOON, 10) == (first, second)
    assert await storage.due_summaries(NOON, 1) == (first,)


async def test_a_digest_that_is_being_sent_is_due_when_it_may_be_looked_at_again(storage: Storage) -> None:
    sending = Sending(id=MessageId("s1"), since=NOON, not_before=NOON + MINUTE)
    saved = await storage.save_inbox(digested("UA", NOON + 9 * MINUTE, sending))

    assert await storage.due_summaries(NOON, 10) == ()
    assert await storage.due_summaries(NOON + MINUTE, 10) == (saved,)


async def test_a_digest_that_is_switched_off_is_never_due(storage: Storage) -> None:
    saved = await storage.save_inbox(digested("UA", NOON))

    await storage.save_inbox(replace(saved, summary=None))

    assert await storage.due_summaries(NOON + MINUTE, 10) == ()


async def test_an_inbox_is_found_by_a_process_that_starts_later(store: Store) -> None:
    saved = await (await store.open()).save_inbox(opened("UBOB"))

    assert await (await store.reopen()).homes(NOON, 10) == (saved,)
