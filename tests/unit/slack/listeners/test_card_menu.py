"""The menu of a card: what somebody chooses there is done, or its modal is opened."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.errors import NotYours
from bot.approvals.model.ids import Person
from bot.approvals.model.request import Request
from bot.slack import actions
from bot.slack.listeners import card_menu
from bot.slack.listeners.acts import Click
from bot.slack.modals.views import Modal
from tests.support.fakes.world import ALICE, RITA, STRANGER, World, a_world
from tests.unit.slack.listeners.parts import parts_of


class Slack:
    """Slack's client, as far as it opens modals."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, Modal]] = []

    async def views_open(self, *, trigger_id: str, view: Modal) -> None:
        self.opened.append((trigger_id, view))


def chosen(world: World, request: Request, deed: str, by: Person, slack: Slack) -> Click:
    """A choice in the menu of the request's card, as Slack tells of it."""
    option = {"text": {"type": "plain_text", "text": "-"}, "value": actions.option(deed, request)}
    pressed = {"type": "overflow", "action_id": actions.MORE, "selected_option": option}
    body = {"trigger_id": "t1", "actions": [pressed], "container": {"type": "message"}}
    return Click(actor=world.actor(by, COMMAND), body=body, client=cast("Any", slack), until=math.inf)


@pytest.mark.parametrize("by", [ALICE, RITA], ids=["an approver", "the requester"])
async def test_history_opens_the_trail_of_the_request(by: Person) -> None:
    async with a_world() as world:
        request = await world.request(await world.started())
        slack = Slack()

        await card_menu.choose(parts_of(world), chosen(world, request, actions.HISTORY, by, slack))

        ((trigger_id, view),) = slack.opened
        assert trigger_id == "t1"
        assert view["title"]["text"] == "History"
        assert f"Request `{request.id}`" in str(view["blocks"])


async def test_history_is_not_for_everybody() -> None:
    async with a_world() as world:
        request = await world.request(await world.started())
        slack = Slack()

        with pytest.raises(NotYours):
            await card_menu.choose(parts_of(world), chosen(world, request, actions.HISTORY, STRANGER, slack))

        assert slack.opened == []


async def test_what_the_menu_never_offered_is_refused() -> None:
    async with a_world() as world:
        request = await world.request(await world.started())

        with pytest.raises(ValueError, match="nothing that the menu offers"):
            await card_menu.choose(parts_of(world), chosen(world, request, actions.REVEAL, ALICE, Slack()))
