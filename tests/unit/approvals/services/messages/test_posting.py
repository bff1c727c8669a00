"""One way into Slack for every message: what it keeps when storage is away just after Slack took a post."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.message import MessageKind
from bot.approvals.ports.slack import OutcomeUnknown
from bot.approvals.ports.storage import Storage
from bot.approvals.services.messages import posting
from tests.support.fakes.world import ALICE, CHANNEL, RITA, World

HOUR = timedelta(hours=1)


class Away:
    """Storage that cannot save for some tries, from the moment on at which Slack has taken a message."""

    def __init__(self, world: World, tries: int, passing: timedelta = timedelta(0)) -> None:
        self.world, self.tries, self.passing = world, tries, passing
        self.before = len(world.messenger.messages)

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self.world.storage, name)
        return self._failing(verb) if name in ("save_message", "save_inbox") else verb

    def _failing(self, verb: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def save(*args: object) -> object:
            if len(self.world.messenger.messages) > self.before and self.tries:
                self.tries -= 1
                self.world.clock.advance(self.passing)
                raise Unreachable("storage is away")
            return await verb(*args)

        return save


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "STORE_RETRY_SECONDS", 0)


async def test_where_a_post_stands_is_stored_as_soon_as_storage_is_back(world: World) -> None:
    """Nobody has to wait until the claim ends."""
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    messages = replace(world.messages, storage=cast(Storage, Away(world, tries=5)))

    assert await messages.sync_task(task.id) is None

    opening = await world.message(task, MessageKind.OPENING)
    assert [opening.ref] == list(world.messenger.messages)
    assert (opening.attempted, opening.not_before) == (False, None)
    assert world.messenger.calls == ["post"]


async def test_storage_that_stays_away_is_given_up_when_the_claim_ends(world: World) -> None:
    """The next pass finds the post, and makes no other."""
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    away = Away(world, tries=1000, passing=posting.CLAIM_TTL / 4)

    with pytest.raises(Unreachable):
        await replace(world.messages, storage=cast(Storage, away)).sync_task(task.id)
    assert away.tries == 1000 - 4
    await world.messages.sync_task(task.id)

    opening = await world.message(task, MessageKind.OPENING)
    assert [opening.ref] == list(world.messenger.messages)
    assert world.messenger.calls == ["post", "find", "update"]


async def test_a_process_that_stood_still_after_its_claim_posts_nothing(world: World) -> None:
    """Another one may have taken it for dead, and have posted the message."""
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    stood_still = replace(world.messages.posting, unbroken=lambda: lambda: False)

    again = await replace(world.messages, posting=stood_still).sync_task(task.id)

    assert world.messenger.calls == []
    opening = await world.message(task, MessageKind.OPENING)
    assert (opening.attempted, opening.not_before) == (False, again)
    world.clock.advance(HOUR)
    await world.messages.sync_task(task.id)
    assert world.messenger.calls == ["post"]


async def test_a_wait_for_slack_is_stored_as_soon_as_storage_is_back(world: World) -> None:
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    world.messenger.fail("post", OutcomeUnknown("timeout"), after=True)

    again = await replace(world.messages, storage=cast(Storage, Away(world, tries=3))).sync_task(task.id)

    assert again == world.now + posting.RETRY_WAIT_INITIAL
    assert (await world.message(task, MessageKind.OPENING)).not_before == again


async def test_a_summary_that_was_sent_is_over_as_soon_as_storage_is_back(world: World) -> None:
    await world.started()
    await world.summaries.choose(ALICE, ["10:00", "daily"])
    world.clock.advance(HOUR)
    storage = cast(Storage, Away(world, tries=3))
    summaries = replace(world.summaries, storage=storage, inboxes=replace(world.inboxes, storage=storage))

    assert await summaries.send(ALICE) is None

    summary = (await world.storage.inbox(ALICE)).summary
    assert summary is not None
    assert summary.sending is None
    assert len(world.messenger.of(MessageKind.REMINDER)) == 1


async def test_a_summary_that_takes_too_long_is_put_off_within_its_claim(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As every message is: a post that came after the claim's end could be made twice."""
    await world.started()
    await world.summaries.choose(ALICE, ["10:00", "daily"])
    world.clock.advance(HOUR)
    world.messenger.pause_at("post")
    monkeypatch.setattr(posting, "POST_TIMEOUT", timedelta(milliseconds=10))

    again = await world.summaries.send(ALICE)

    summary = (await world.storage.inbox(ALICE)).summary
    assert summary is not None
    assert summary.sending is not None
    assert (summary.sending.attempted, summary.sending.not_before) == (True, again)


async def test_a_summary_that_waits_for_slack_is_left_alone_whatever_else_is_due(world: World) -> None:
    await world.started()
    await world.summaries.choose(ALICE, ["10:00", "daily"])
    world.clock.advance(HOUR)
    world.messenger.fail("post", OutcomeUnknown("timeout"))
    again = await world.summaries.send(ALICE)
    inbox = await world.storage.inbox(ALICE)
    assert inbox.summary is not None
    await world.storage.save_inbox(replace(inbox, summary=replace(inbox.summary, next_at=world.now)))

    assert await world.summaries.send(ALICE) is None
    assert again is not None
    assert "find" not in world.messenger.calls
    world.clock.now = again
    await world.summaries.send(ALICE)

    assert len(world.messenger.of(MessageKind.REMINDER)) == 1
