"""views.*: modals and the Home tab (Slack: views.open, views.update, views.push, views.publish)."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.blocks import Place
from simulator.errors import SlackError
from simulator.pace import Tier
from simulator.views import check
from simulator.webapi.call import Call, Method


async def open_modal(call: Call) -> dict[str, Any]:
    """Opens a modal for the person whose interaction made the trigger."""
    content = _view(call)
    check(content, Place.MODAL)
    trigger = call.world.triggers.exchange(call.needed("trigger_id"))
    return {"view": call.world.views.open(trigger.user_id, content).as_slack()}


async def push_modal(call: Call) -> dict[str, Any]:
    """Opens a modal on top of the one in which the trigger was made."""
    content = _view(call)
    check(content, Place.MODAL)
    trigger = call.world.triggers.exchange(call.needed("trigger_id"))
    if trigger.view_id is None:
        raise SlackError("not_found")
    return {"view": call.world.views.push(trigger.user_id, content).as_slack()}


async def update_modal(call: Call) -> dict[str, Any]:
    """Replaces the content of an open modal."""
    content = _view(call)
    view_id, external_id = call.text("view_id"), call.text("external_id")
    if view_id is None and external_id is None:
        raise SlackError("invalid_arguments")
    view = call.world.views.find(view_id=view_id, external_id=external_id)
    return {"view": call.world.views.update(view, content, expected_hash=call.text("hash")).as_slack()}


async def publish_home(call: Call) -> dict[str, Any]:
    """Publishes a person's Home tab."""
    content = _view(call)
    if not call.world.manifest.home_tab:
        raise SlackError("not_enabled")
    person = call.world.people.get(call.needed("user_id"))
    if person is None or person.is_bot:
        raise SlackError("user_not_found")
    return {"view": call.world.views.publish(person.id, content, expected_hash=call.text("hash")).as_slack()}


METHODS: Final[Mapping[str, Method]] = {
    "views.open": Method(open_modal, Tier.FOUR),
    "views.push": Method(push_modal, Tier.FOUR),
    "views.update": Method(update_modal, Tier.FOUR),
    "views.publish": Method(publish_home, Tier.FOUR),
}


def _view(call: Call) -> Any:
    call.needed("view")
    return call.nested("view", "invalid_arguments")
