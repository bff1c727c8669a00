"""What Slack takes: a drawing as the simulator's page gets it, after the checks that the simulator makes of a call."""

from __future__ import annotations

import json
from typing import Any

from bot.cli.standard_cards.drawings import Drawing, Place
from simulator import forms, views
from simulator.blocks import Place as BlockPlace
from simulator.blocks import check_message_blocks
from simulator.people import BOT_USER_ID


def accepted(drawing: Drawing) -> dict[str, Any]:
    """The drawing as Slack would hand it to its page. Raises `simulator.errors.SlackError` if Slack would refuse it."""
    content = json.loads(json.dumps({"blocks": drawing.blocks, "view": drawing.view}))
    match drawing.place:
        case Place.MODAL | Place.HOME:
            place = BlockPlace.MODAL if drawing.place is Place.MODAL else BlockPlace.HOME
            checked = views.check(content["view"], place)
            return {**checked, "id": "V0VIEW", "hash": "", "state": {"values": forms.initial(checked["blocks"])}}
        case Place.MESSAGE:
            return {**_posted(drawing), "blocks": check_message_blocks(content["blocks"])}
        case Place.PRIVATE:
            return {**_posted(drawing), "is_ephemeral": True}


def _posted(drawing: Drawing) -> dict[str, Any]:
    return {"user": BOT_USER_ID, "ts": f"{drawing.posted_at.timestamp():.6f}", "text": drawing.text}
