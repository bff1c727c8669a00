"""Modals as somebody fills them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.approvals.model.agent import Graph, Input
from bot.slack.modals.answer_modal import Modal

CLEANUP = Graph(
    name="cleanup",
    description="Deletes old files.",
    inputs=(
        Input(name="folder", schema={"type": "string"}, required=True, description="Where to look"),
        Input(name="older_than_days", schema={"type": "integer", "minimum": 1}, required=False, default=365),
        Input(name="dry_run", schema={"type": "boolean"}, required=False, default=False),
        Input(name="mode", schema={"enum": ["soft", "hard"]}, required=False),
        Input(name="until", schema={"type": "string", "format": "date"}, required=False),
    ),
    example="/task cleanup folder=/srv",
)

LOST = Graph(name="research", description="", inputs=(), unavailable="OPENAI_API_KEY is not set", example="")


def submitted(modal: Modal, **changes: Any) -> Mapping[str, Any]:
    """The state of a submission in which nothing was touched, but for what is said by block_id."""
    values: dict[str, Any] = {}
    for block in modal["blocks"]:
        if block["type"] != "input":
            continue
        element = block["element"]
        held = {
            "value": element.get("initial_value"),
            "selected_date": element.get("initial_date"),
            "selected_date_time": element.get("initial_date_time"),
            "selected_option": element.get("initial_option"),
            "selected_options": element.get("initial_options", []),
        }
        values[block["block_id"]] = {element["action_id"]: {"type": element["type"], **held}}
    for block_id, change in changes.items():
        (action_id,) = values[block_id]
        values[block_id][action_id].update(change)
    return {"values": values}


def block_ids(modal: Modal) -> list[str]:
    return [block["block_id"] for block in modal["blocks"] if block["type"] == "input"]


def option(modal: Modal, block_id: str, words: str) -> dict[str, Any]:
    (block,) = [block for block in modal["blocks"] if block.get("block_id") == block_id]
    (found,) = [each for each in block["element"]["options"] if each["text"]["text"] == words]
    return {"selected_option": found}
