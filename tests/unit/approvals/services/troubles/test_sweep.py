"""One message for each trouble in the operators' channel, whatever dies, and never a flood."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from bot.approvals.model.errors import Conflict, Unreachable
from bot.approvals.model.facts import TroubleBegan, TroubleEnded
from bot.approvals.model.trouble import Trouble, TroubleKind
from bot.approvals.ports.slack import MessageGone, NotNow, OutcomeUnknown, PlaceGone
from bot.approvals.services.messages.posting import CLAIM_TTL
from bot.approvals.services.troubles import sweep
from bot.approvals.services.troubles.source import Sight
from bot.approvals.services.troubles.sweep import HOUR, MAX_MESSAGES_PER_HOUR, SAME_FOR
from bot.approvals.services.troubles.telling import TRY_AGAIN
from tests.support.fakes.fuse import Fuse, Killed
from tests.support.fakes.world import World
from tests.unit.approvals.services.troubles.watching import OPS, TTL, Watcher

MINUTE = timedelta(minutes=1)


@pytest.fixture
def watcher(world: World) -> Watcher:
    """A gateway that sees what the test says."""
    return Watcher(world)


async def test_a_trouble_is_told_once_and_updated_when_it_is_resolved(watcher: Watcher) -> None:
    """However often it is seen."""
    watcher.seen.add("t1")
    await watcher.pass_by(MINUTE, MINUTE, MINUTE)
    assert watcher.told == ["failed t1 lasts"]

    watcher.seen.end("t1")
    await watcher.pass_by(MINUTE, MINUTE)

    assert watcher.told == ["failed t1 over"]
    assert watcher.world.messenger.calls.count("update") == 1
    assert watcher.heard.facts == [
        TroubleBegan(kind=TroubleKind.FAILED, subject="t1"),
        TroubleEnded(kind=TroubleKind.FAILED, subject="t1", seconds=180.0),
    ]


async def test_what_is_said_of_a_trouble_is_kept_up_to_date(watcher: Watcher) -> None:
    """Another reason changes the message."""
    watcher.seen.add("t1", why="ValueError")
    await watcher.pass_by()
    watcher.seen.add("t1", why="KeyError")
    await watcher.pass_by(MINUTE)

    assert watcher.told == ["failed t1 lasts: KeyError"]


async def test_one_that_comes_back_at_once_changes_its_message(watcher: Watcher) -> None:
    """A trouble that comes and goes does not fill the channel."""
    for _ in range(5):
        watcher.seen.add("t1")
        await watcher.pass_by(MINUTE)
        watcher.seen.end("t1")
        await watcher.pass_by(MINUTE)
    watcher.seen.add("t1")
    await watcher.pass_by(MINUTE)

    assert watcher.told == ["failed t1 lasts"]
    (record,) = (await watcher.records()).values()
    assert record.again_at == watcher.world.now


async def test_one_that_comes_back_later_is_a_new_message(watcher: Watcher) -> None:
    """The old one goes on saying that it was resolved."""
    watcher.seen.add("t1")
    await watcher.pass_by()
    watcher.seen.end("t1")
    await watcher.pass_by(MINUTE)
    watcher.seen.add("t1")
    await watcher.pass_by(SAME_FOR)

    assert watcher.told == ["failed t1 over", "failed t1 lasts"]


async def test_one_that_was_over_before_anybody_was_told_gets_no_message(watcher: Watcher) -> None:
    """And nothing is left of it in the end."""
    watcher.world.messenger.fail("post", NotNow("rate limited", 30.0))
    watcher.seen.add("t1")
    await watcher.pass_by()
    watcher.seen.end("t1")
    await watcher.pass_by(MINUTE, HOUR)

    assert watcher.told == []
    assert await watcher.records() == {}


async def test_what_is_over_and_told_is_forgotten(watcher: Watcher) -> None:
    """The records do not grow."""
    watcher.seen.add("t1")
    await watcher.pass_by()
    watcher.seen.end("t1")
    await watcher.pass_by(MINUTE, SAME_FOR)
    assert len(await watcher.records()) == 1  # its message counts for an hour

    await watcher.pass_by(HOUR)

    assert await watcher.records() == {}


# --- Many at once -------------------------------------------------------------------------------


async def test_many_at_once_are_a_few_messages_and_one_that_counts_the_rest(watcher: Watcher) -> None:
    """The channel stays readable, and every hour tells the next ones that still last."""
    watcher.seen.add(*(f"t{n:02}" for n in range(25)))
    await watcher.pass_by()

    assert len(watcher.told) == MAX_MESSAGES_PER_HOUR + 1
    assert watcher.told[-1] == "more troubles 15 lasts"

    watcher.seen.end(*(f"t{n:02}" for n in range(12)))
    await watcher.pass_by(MINUTE, MINUTE)
    assert watcher.told[-1] == "more troubles 13 lasts"

    await watcher.pass_by(HOUR)
    assert len(watcher.told) == 2 * MAX_MESSAGES_PER_HOUR + 1
    assert "more troubles 3 lasts" not in watcher.told  # its number changes once a minute
    await watcher.pass_by(MINUTE)
    assert "more troubles 3 lasts" in watcher.told

    await watcher.pass_by(HOUR)
    await watcher.pass_by(MINUTE)
    assert "more troubles 3 over" in watcher.told
    assert len([each for each in watcher.told if each.startswith("failed")]) == 23


async def test_what_concerns_everybody_is_told_whatever_else_there_is(watcher: Watcher) -> None:
    """A broken log and a server that is away come first."""
    watcher.seen.add(*(f"t{n}" for n in range(20)))
    watcher.seen.add("log", kind=TroubleKind.CHAIN)
    await watcher.pass_by()
    watcher.seen.add("prod", kind=TroubleKind.SERVER)
    await watcher.pass_by(MINUTE)

    assert watcher.told[0] == "chain log lasts"
    assert watcher.told[-1] == "server prod lasts"
    assert len(watcher.told) == MAX_MESSAGES_PER_HOUR + 3


async def test_one_that_comes_and_goes_for_hours_keeps_to_the_limit(watcher: Watcher) -> None:
    """A new message of the same trouble counts as any other does."""
    watcher.seen.add(*(f"t{n}" for n in range(MAX_MESSAGES_PER_HOUR - 1)))
    for _ in range(3):
        watcher.seen.add("again")
        await watcher.pass_by(SAME_FOR)
        watcher.seen.end("again")
        await watcher.pass_by(MINUTE)

    assert len([each for each in watcher.told if not each.startswith("more")]) == MAX_MESSAGES_PER_HOUR


async def test_there_is_a_limit_to_what_is_on_record(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is found once others are over; what concerns everybody is never left out."""
    monkeypatch.setattr(sweep, "MAX_TROUBLES", 3)
    watcher.seen.add(*(f"t{n}" for n in range(9)))
    watcher.seen.add("log", kind=TroubleKind.CHAIN)
    await watcher.pass_by(MINUTE, MINUTE)
    assert len(await watcher.records()) == 4

    watcher.seen.end("t0", "t1", "t2")
    await watcher.pass_by(MINUTE, 2 * HOUR, MINUTE)

    assert {subject for _, subject in await watcher.records()} == {"log", "t3", "t4"}


# --- A channel that takes nothing ---------------------------------------------------------------


async def test_a_channel_that_cannot_be_written_to_is_said_once_and_loses_nothing(
    watcher: Watcher, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything is told once the bot is in it."""
    del watcher.world.directory.channels["#ops"]
    watcher.seen.add("t1", "t2")
    await watcher.pass_by(*[TRY_AGAIN] * 5)
    assert watcher.told == []
    assert caplog.text.count("operators cannot be told of troubles in #ops") == 1

    watcher.world.directory.channels["#ops"] = OPS
    await watcher.pass_by(TRY_AGAIN, TRY_AGAIN)

    assert sorted(watcher.told) == ["failed t1 lasts", "failed t2 lasts"]


async def test_while_the_channel_takes_nothing_one_post_is_tried_and_not_all(watcher: Watcher) -> None:
    """Slack is not called for each trouble that waits."""
    watcher.seen.add("t1", "t2", "t3")
    watcher.world.messenger.fail("post", PlaceGone("not_in_channel"))
    await watcher.pass_by(MINUTE, timedelta(seconds=1), timedelta(seconds=1))
    assert watcher.world.messenger.calls.count("post") == 1

    await watcher.pass_by(TRY_AGAIN)

    assert len(watcher.told) == 3


async def test_a_lookup_that_fails_is_tried_again(watcher: Watcher) -> None:
    """Nothing is said of it, as others say that Slack is away."""
    watcher.seen.add("t1")
    watcher.world.directory.down = True
    await watcher.pass_by()
    watcher.world.directory.down = False
    await watcher.pass_by(TRY_AGAIN)

    assert watcher.told == ["failed t1 lasts"]


async def test_an_update_that_slack_refuses_for_the_moment_is_made_later(watcher: Watcher) -> None:
    """The message is behind until then."""
    watcher.seen.add("t1")
    await watcher.pass_by()
    watcher.world.messenger.fail("update", NotNow("rate limited", 30.0))
    watcher.seen.end("t1")
    await watcher.pass_by(MINUTE)
    assert watcher.told == ["failed t1 lasts"]

    await watcher.pass_by(MINUTE)

    assert watcher.told == ["failed t1 over"]


@pytest.mark.parametrize(("lasts", "told"), [(True, ["failed t1 lasts: KeyError"]), (False, [])])
async def test_a_message_that_somebody_deleted_is_posted_again_while_its_trouble_lasts(
    watcher: Watcher, lasts: bool, told: list[str]
) -> None:
    """Nobody is told anew of what is over."""
    watcher.seen.add("t1")
    await watcher.pass_by()
    (ref,) = watcher.world.messenger.messages
    watcher.world.messenger.delete(ref)
    if lasts:
        watcher.seen.add("t1", why="KeyError")
    else:
        watcher.seen.end("t1")
    watcher.world.messenger.fail("update", MessageGone())
    await watcher.pass_by(MINUTE, MINUTE)

    assert watcher.told == told


# --- Deaths and lost answers --------------------------------------------------------------------


@pytest.mark.parametrize("after", [False, True], ids=["not sent", "sent after all"])
async def test_a_message_whose_outcome_is_not_known_is_looked_for_before_it_is_sent_again(
    watcher: Watcher, after: bool
) -> None:
    """There is one in any case."""
    watcher.world.messenger.fail("post", OutcomeUnknown("timeout"), after=after)
    watcher.seen.add("t1")
    await watcher.pass_by(MINUTE, CLAIM_TTL, CLAIM_TTL)

    assert watcher.told == ["failed t1 lasts"]
    assert watcher.world.messenger.calls.count("find") == 1


async def test_one_that_is_over_while_nobody_knows_whether_it_was_sent_is_looked_for(watcher: Watcher) -> None:
    """If it was, it says so."""
    watcher.world.messenger.fail("post", OutcomeUnknown("timeout"), after=True)
    watcher.seen.add("t1")
    await watcher.pass_by()
    watcher.seen.end("t1")
    await watcher.pass_by(CLAIM_TTL)

    assert watcher.told == ["failed t1 over"]


async def test_one_that_is_over_and_was_not_sent_is_not_sent_any_more(watcher: Watcher) -> None:
    """The search settles it."""
    watcher.world.messenger.fail("post", OutcomeUnknown("timeout"))
    watcher.seen.add("t1")
    await watcher.pass_by()
    watcher.seen.end("t1")
    await watcher.pass_by(CLAIM_TTL, CLAIM_TTL)

    assert watcher.told == []
    assert watcher.world.messenger.calls.count("find") == 1


@pytest.mark.parametrize("fault", [NotNow("rate limited", 5.0), PlaceGone("not_in_channel")])
async def test_a_search_that_slack_refuses_sends_nothing_twice(watcher: Watcher, fault: Exception) -> None:
    """It is made again later."""
    watcher.world.messenger.fail("post", OutcomeUnknown("timeout"), after=True)
    watcher.world.messenger.fail("find", fault)
    watcher.seen.add("t1")
    await watcher.pass_by(MINUTE, CLAIM_TTL, CLAIM_TTL, HOUR)

    assert watcher.told == ["failed t1 lasts"]


async def test_wherever_the_process_dies_there_is_one_message_in_the_end(world: World) -> None:
    """Another gateway takes over, and tells what the dead one did not."""
    moment = 0
    while True:
        subject = f"t{moment}"
        dying = Watcher(world, fuse=Fuse(moment))
        dying.seen.add(subject)
        try:
            await dying.pass_by(MINUTE)
            dying.seen.end(subject)
            await dying.pass_by(MINUTE)
        except Killed:
            pass
        else:
            break
        heir = Watcher(world)
        heir.seen.add(subject)
        await heir.pass_by(TTL, MINUTE)
        assert [each for each in heir.told if each.startswith(f"failed {subject} ")] == [f"failed {subject} lasts"]
        heir.seen.end(subject)
        await heir.pass_by(MINUTE)
        assert [each for each in heir.told if each.startswith(f"failed {subject} ")] == [f"failed {subject} over"]
        await world.storage.void(heir.owner)
        await heir.pass_by(2 * HOUR)
        await world.storage.void(heir.owner)
        moment += 1

    assert moment > 10


# --- Several gateways ---------------------------------------------------------------------------


async def test_of_several_gateways_one_watches(world: World) -> None:
    """The others do nothing while it lives."""
    first, second = Watcher(world), Watcher(world)
    first.seen.add("t1")
    second.seen.add("t1", "t2")
    await first.pass_by()
    await second.pass_by()
    assert first.told == ["failed t1 lasts"]

    await world.storage.void(first.owner)
    await second.pass_by()

    assert first.told == ["failed t1 lasts", "failed t2 lasts"]
    await first.pass_by()
    assert first.told == ["failed t1 lasts", "failed t2 lasts"]


@dataclass
class Meddling:
    """Another gateway, which saves the same records in the middle of a sweep."""

    watcher: Watcher

    async def look(self, known: Sequence[Trouble], now: datetime) -> Sight:
        for record in (await self.watcher.records()).values():
            await self.watcher.world.storage.save_trouble(record)
        return await self.watcher.seen.look(known, now)


async def test_two_that_watch_at_once_tell_each_trouble_once(watcher: Watcher) -> None:
    """Whoever comes second leaves the message to the first."""
    watcher.world.messenger.fail("post", NotNow("rate limited", 30.0))
    watcher.seen.add("t1")
    await watcher.pass_by()
    watcher.troubles.sources = (Meddling(watcher),)
    await watcher.pass_by(MINUTE)
    assert watcher.told == []

    watcher.troubles.sources = (watcher.seen,)
    await watcher.pass_by(MINUTE)

    assert watcher.told == ["failed t1 lasts"]


async def test_a_post_whose_record_another_has_changed_meanwhile_is_found_again(watcher: Watcher) -> None:
    """It is not made twice."""
    watcher.seen.add("t1")
    pause = watcher.world.messenger.pause_at("post")
    posting = asyncio.create_task(watcher.pass_by())
    await pause.reached.wait()
    for record in (await watcher.records()).values():
        await watcher.world.storage.save_trouble(record)
    pause.go.set()
    await posting

    await watcher.pass_by(CLAIM_TTL)

    assert watcher.told == ["failed t1 lasts"]
    assert watcher.world.messenger.calls.count("post") == 1


async def test_a_record_that_another_changes_first_is_read_again_by_the_next_sweep(watcher: Watcher) -> None:
    """This sweep ends there."""
    watcher.seen.add("t1")
    await watcher.pass_by()
    watcher.seen.end("t1")
    watcher.troubles.sources = (Meddling(watcher),)
    with pytest.raises(Conflict):
        await watcher.pass_by(MINUTE)

    watcher.troubles.sources = (watcher.seen,)
    await watcher.pass_by(MINUTE)

    assert watcher.told == ["failed t1 over"]


async def test_a_sweep_that_storage_cuts_short_is_made_up_for(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost that was seen."""
    watcher.seen.add("t1")

    async def away(_: object) -> None:
        raise Unreachable("storage")

    with monkeypatch.context() as patched:
        patched.setattr(watcher.world.storage, "save_trouble", away)
        with pytest.raises(Unreachable):
            await watcher.pass_by()
    await watcher.pass_by(MINUTE)

    assert watcher.told == ["failed t1 lasts"]
