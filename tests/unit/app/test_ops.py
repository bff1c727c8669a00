"""A gateway looks for troubles beside its sweep, and only if there is a channel to tell them in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from bot.app import ops
from bot.app.ops import Ops, operators
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import ChannelId
from bot.approvals.model.trouble import TroubleKind
from bot.approvals.services.messages.posting import Posting
from bot.slack.cards.render import Card
from tests.support.fakes.secrets import masking
from tests.support.fakes.telemetry import Heard
from tests.support.fakes.world import World, a_world, policy

OPS = ChannelId("COPS")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world whose only policy names nobody."""
    async with a_world(otherwise=policy(name="refunds", approvers=("@sec-abcdefghijklmnop",))) as world:
        world.directory.channels["#ops"] = OPS
        yield world


def watching(world: World, channel: str | None = "#ops") -> AbstractAsyncContextManager[Ops]:
    return operators(
        channel,
        storage=world.storage,
        directory=world.directory,
        posting=Posting(messenger=world.messenger, clock=world.clock),
        policies=lambda: world.policies,
        servers_away=lambda: {"prod": False},
        masking=masking(),
        address="https://acme.slack.com/",
        owner="gateway-1",
        lease_ttl=world.lease_ttl,
        clock=world.clock,
        telemetry=Heard(),
    )


async def looked(found: Ops) -> None:
    """A look, until it is over."""
    found.look()
    assert found._running is not None
    await found._running


async def test_without_a_channel_nothing_is_looked_for(world: World) -> None:
    """Nothing is stored either."""
    async with watching(world, channel=None) as found:
        found.look()

    assert found._running is None
    assert await world.storage.troubles(10) == ()


async def test_a_look_tells_what_it_finds_with_secrets_hidden(world: World) -> None:
    """Names may be copied from anywhere."""
    async with watching(world) as found:
        await looked(found)
        await looked(found)

    (message,) = world.messenger.messages.values()
    (trouble,) = await world.storage.troubles(10)
    assert message.channel == OPS
    assert (trouble.kind, trouble.subject) == (TroubleKind.POLICY, "refunds")
    assert isinstance(message.drawing, Card)
    assert "sec-abcdefghijklmnop" not in str(message.drawing.blocks)


async def test_looks_never_run_at_once_and_the_last_one_may_end(world: World) -> None:
    """Whoever asks for one does not wait for it."""
    pause = world.messenger.pause_at("post")
    async with watching(world) as found:
        found.look()
        await pause.reached.wait()
        running = found._running
        found.look()
        assert found._running is running
        pause.go.set()

    assert len(world.messenger.messages) == 1


async def test_a_look_that_does_not_end_is_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own limit, or with the gateway."""
    monkeypatch.setattr(ops, "MAX_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(ops, "SECONDS_FOR_THE_LAST", 0.0)
    world.messenger.pause_at("post")
    async with watching(world) as found:
        await looked(found)
        monkeypatch.setattr(ops, "MAX_LOOK_SECONDS", 60.0)
        pause = world.messenger.pause_at("post")
        world.clock.advance(world.lease_ttl * 3)
        found.look()
        await asyncio.wait_for(pause.reached.wait(), 5)

    assert found._running is not None
    assert found._running.done()


@pytest.mark.parametrize(
    ("error", "said"), [(Unreachable("storage"), ""), (ZeroDivisionError(), "a look for troubles failed")]
)
async def test_a_look_that_fails_is_made_again(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    said: str,
) -> None:
    """And disturbs nobody."""

    async def failing(_: int) -> None:
        raise error

    async with watching(world) as found:
        with monkeypatch.context() as patched:
            patched.setattr(world.storage, "troubles", failing)
            await looked(found)
        assert said in caplog.text
        await looked(found)

    assert len(world.messenger.messages) == 1


@pytest.mark.parametrize(
    ("channels", "elsewhere", "down", "said"),
    [
        ({"#ops": OPS}, set(), False, ""),
        ({}, set(), False, "there is no channel #ops that the bot can see"),
        ({"#ops": OPS}, {OPS}, False, "the bot is not in #ops"),
        ({"#ops": OPS}, set(), True, "OPS_CHANNEL #ops could not be looked up at the start"),
    ],
)
async def test_a_channel_that_cannot_be_written_to_is_logged_at_the_start(
    world: World,
    caplog: pytest.LogCaptureFixture,
    channels: dict[str, ChannelId],
    elsewhere: set[ChannelId],
    down: bool,
    said: str,
) -> None:
    """With what to do."""
    world.directory.channels, world.directory.elsewhere, world.directory.down = channels, elsewhere, down
    async with watching(world):
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert said in caplog.text
    assert bool(said) is bool(caplog.records)
