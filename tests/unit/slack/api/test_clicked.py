"""A message that somebody has clicked on is updated through the click's address, and by chat.update otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from bot.approvals.model.facts import SlackCalled
from bot.approvals.model.ids import ChannelId, MessageId, MessageRef, Ts
from bot.approvals.ports.slack import MessageGone
from bot.slack import actions
from bot.slack.api import click_urls
from bot.slack.api.calls import web_client
from bot.slack.api.messenger import SlackMessenger
from bot.slack.cards.render import Card
from tests.support.desk import Desk, Socket, make_world, opened
from tests.support.fakes.secrets import masking
from tests.support.fakes.telemetry import Heard
from tests.unit.slack import samples

OPS = ChannelId("C0OPS")


@dataclass
class Clicked:
    """A card in Slack, people who click on it, and the messenger that is told of it."""

    desk: Desk
    socket: Socket
    messenger: SlackMessenger
    ref: MessageRef
    card: Card
    now: list[float] = field(default_factory=lambda: [0.0])
    urls: list[str] = field(default_factory=list)
    heard: Heard = field(default_factory=Heard)

    async def click(self) -> None:
        press = asyncio.create_task(
            self.desk.seat("bob").press({"channel": self.ref.channel, "ts": self.ref.ts}, actions.REVIEW)
        )
        self.urls.append((await self.socket.next_acknowledged())["response_url"])
        await press
        self.messenger.clicked(self.ref, self.urls[-1])

    async def update(self, times: int = 1) -> None:
        for _ in range(times):
            await self.messenger.update(self.ref, self.card)

    async def calls(self) -> tuple[int, int]:
        """How often it was updated: through addresses, and by chat.update."""
        traffic = [await self.desk.sim.traffic(method=method) for method in ("response_url", "chat.update")]
        return len(traffic[0]), len(traffic[1])


@pytest.fixture
async def clicked() -> AsyncIterator[Clicked]:
    async with opened(make_world()) as desk:
        now = [0.0]
        heard = Heard()
        client = web_client(desk.world.bot_token, desk.api_url, telemetry=heard)
        messenger = SlackMessenger(client, masking(), monotonic=lambda: now[0], telemetry=heard)
        card = messenger.draw(samples.view())
        assert isinstance(card, Card)
        assert card.message_id is not None
        ref = await messenger.post(OPS, None, card, card.message_id)
        yield Clicked(desk, await desk.socket(), messenger, ref, card, now, heard=heard)


async def test_a_card_that_nobody_clicked_is_updated_by_chat_update(clicked: Clicked) -> None:
    assert not clicked.messenger.updates_freely(clicked.ref)

    await clicked.update()

    assert await clicked.calls() == (0, 1)


async def test_a_clicked_card_costs_no_edit(clicked: Clicked) -> None:
    await clicked.click()
    assert clicked.messenger.updates_freely(clicked.ref)

    await clicked.update()

    assert await clicked.calls() == (1, 0)
    (shown,) = await clicked.desk.seat("bob").messages("#ops")
    assert shown["ts"] == clicked.ref.ts
    assert len(shown["blocks"]) == len(clicked.card.blocks)


async def test_it_is_still_found_by_its_id(clicked: Clicked) -> None:
    await clicked.click()
    await clicked.update()

    assert clicked.card.message_id is not None
    assert await clicked.messenger.find(OPS, None, clicked.card.message_id, None) == (clicked.ref,)


async def test_another_message_has_nothing_of_the_click(clicked: Clicked) -> None:
    await clicked.click()
    other = await clicked.messenger.post(OPS, None, clicked.card, MessageId("another"))

    assert not clicked.messenger.updates_freely(other)


async def test_after_five_uses_an_older_click_serves_and_then_chat_update(clicked: Clicked) -> None:
    await clicked.click()
    await clicked.click()

    await clicked.update(11)

    assert await clicked.calls() == (10, 1)
    assert not clicked.messenger.updates_freely(clicked.ref)


async def test_after_half_an_hour_it_is_not_tried(clicked: Clicked) -> None:
    await clicked.click()
    clicked.now[0] += 29 * 60

    assert not clicked.messenger.updates_freely(clicked.ref)
    await clicked.update()

    assert await clicked.calls() == (0, 1)


@pytest.mark.parametrize("kind", ["status", "error", "lose_response", "lose_request"])
async def test_whatever_goes_wrong_there_chat_update_shows_the_card(clicked: Clicked, kind: str) -> None:
    await clicked.click()
    await clicked.desk.sim.fault("response_url", kind, error="msg_blocks_too_long")

    await clicked.update(2)

    uses, updates = await clicked.calls()
    assert updates == 2  # an address that failed once is not tried again
    assert uses <= 1
    assert not clicked.messenger.updates_freely(clicked.ref)


async def test_an_address_that_does_not_answer_holds_nobody_up(
    clicked: Clicked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(click_urls, "TIMEOUT_SECONDS", 0.01)
    await clicked.click()
    await clicked.desk.sim.fault("response_url", "delay", seconds=3600)

    await clicked.update()

    assert (await clicked.calls())[1] == 1


async def test_a_card_that_was_deleted_is_gone_all_the_same(clicked: Clicked) -> None:
    await clicked.click()
    await clicked.messenger.close(clicked.ref)

    with pytest.raises(MessageGone):
        await clicked.update()


@pytest.mark.parametrize("kind", ["status", "lose_request"])
async def test_addresses_are_secrets(clicked: Clicked, kind: str) -> None:
    """What is told of a call at a click's address names neither the address nor anything in it."""
    await clicked.click()
    await clicked.desk.sim.fault("response_url", kind)
    await clicked.update()

    at_the_address, after_it = clicked.heard.of(SlackCalled)[-2:]

    assert (at_the_address.method, at_the_address.outcome) == ("response_url", "unknown")
    assert (after_it.method, after_it.outcome) == ("chat.update", "done")
    assert clicked.urls[0].rpartition("/")[2] not in repr(clicked.heard.facts)


async def test_memory_is_bounded(clicked: Clicked) -> None:
    refs = [MessageRef(channel=OPS, ts=Ts(f"{n}.0")) for n in range(click_urls.MAX_MESSAGES + 10)]
    for ref in refs:
        for number in range(click_urls.MAX_PER_MESSAGE + 3):
            clicked.messenger.clicked(ref, f"http://127.0.0.1:9/{number}")

    known = clicked.messenger._clicks._known

    assert list(known) == refs[10:]
    assert {len(addresses) for addresses in known.values()} == {click_urls.MAX_PER_MESSAGE}
