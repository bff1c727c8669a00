"""The local Slack and the rooms of the scenarios."""

from tests.scenario.conftest import room, room_numbers, simulator, slack

__all__ = ["room", "room_numbers", "simulator", "slack"]
