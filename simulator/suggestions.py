"""Menus that ask the app for options while a person types (Slack: "block_suggestion payload").

An option that the app offered for an action_id can be chosen from then on.
"""

from typing import Any

from simulator import forms, payloads
from simulator.elements import OPTION, OPTION_GROUP, options
from simulator.errors import UnknownPlace
from simulator.limits import OPTION_GROUPS, SELECT_OPTIONS
from simulator.messages import Message
from simulator.outcomes import Acknowledged
from simulator.people import Person
from simulator.schema import Items, Spec, violations
from simulator.views import View
from simulator.world import World

_MIN_QUERY_CHARACTERS = 3
"""Slack's default for `min_query_length`: how many characters to type before the app is asked."""


class Suggestions:
    """Asks the app, and remembers what it offered."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._offered: dict[str, dict[str, dict[str, Any]]] = {}

    def offered(self, action_id: str) -> list[dict[str, Any]]:
        """Every option that the app has offered for this menu."""
        return list(self._offered.get(action_id, {}).values())

    async def ask(
        self, person: Person, where: Message | View, action_id: str, block_id: str | None, typed: str
    ) -> list[dict[str, Any]]:
        """The options for the typed text. Empty if the text is too short, or if the app's answer is wrong."""
        block, element = forms.find(where.blocks or [], action_id, block_id)
        if not element["type"].endswith("external_select"):
            raise UnknownPlace(f"{action_id} has options of its own")
        if len(typed) < element.get("min_query_length", _MIN_QUERY_CHARACTERS):
            return []
        payload = payloads.suggestion(self._world, person, where, block, element, typed)
        outcome = await self._world.deliver("interactive", payload, accepts_response=True)
        if not isinstance(outcome, Acknowledged) or not _is_right(outcome.payload):
            return []
        offered = options(outcome.payload)
        self._offered.setdefault(action_id, {}).update({option["value"]: option for option in offered})
        return offered


def _is_right(answer: dict[str, Any]) -> bool:
    shapes: dict[str, Spec] = {
        "options": Items(OPTION, SELECT_OPTIONS, 0),
        "option_groups": Items(OPTION_GROUP, OPTION_GROUPS, 0),
    }
    named = answer.keys() & shapes.keys()
    return len(named) == 1 and not any(list(violations(answer[name], shapes[name], f"/{name}")) for name in named)
