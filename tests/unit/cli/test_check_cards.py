"""`check --slack` has Slack validate what people see, and names what it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.cli.check.cards import check
from bot.cli.check.findings import Findings
from bot.cli.standard_cards.standard import Standard, standard
from bot.settings import Settings
from bot.slack.api.rate_limit import Pace
from simulator import blocks as block_kit
from tests.support.desk import Desk, make_world, opened


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A local Slack."""
    async with opened(make_world()) as desk:
        yield desk


@pytest.fixture(scope="module")
def card() -> Standard:
    """A small one: it has few states."""
    return next(each for each in standard() if each.name == "cannot be undone")


async def checked(desk: Desk, card: Standard, *, token: str = "") -> list[str]:
    given: dict[str, Any] = {
        "slack_bot_token": token or desk.world.bot_token,
        "slack_app_token": "xapp-1",
        "slack_api_url": desk.api_url,
    }
    findings = Findings("cards")
    await check(Settings(_env_file=None, **given), findings, Pace(minute=0.001), [card])
    return findings.lines


async def test_cards_that_slack_takes_are_counted(desk: Desk, card: Standard) -> None:
    (said,) = await checked(desk, card)

    assert said.startswith("ok     cards: Slack takes all ")
    validated = desk.world.traffic.since(0, method="blocks.validate")
    assert said == f"ok     cards: Slack takes all {len(validated)} renderings of the standard cards"
    assert len(validated) > 10


async def test_a_card_that_slack_refuses_is_named_with_slacks_words(
    desk: Desk, card: Standard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack turns kinds of blocks on and off, one workspace after the other."""
    monkeypatch.delitem(block_kit.BLOCKS, "rich_text")

    said = await checked(desk, card)

    refused = [line for line in said if "Slack refuses it: " in line]
    assert refused
    assert all(line.startswith("wrong  card cannot be undone, ") for line in refused)
    assert all("unsupported type: rich_text (/blocks/" in line for line in refused)
    assert said[-1].startswith("wrong  cards: Slack takes ")


async def test_a_slack_that_does_not_answer_is_not_taken_for_a_yes(desk: Desk, card: Standard) -> None:
    (said,) = await checked(desk, card, token="xoxb-wrong")

    assert said.startswith("wrong  cards: Slack did not say whether cannot be undone, asked is right (invalid_auth).")
