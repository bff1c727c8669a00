"""What Slack says of the standard cards: every message, modal and Home of them, in every state."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot.cli.check.findings import Findings
from bot.cli.check.workspace import say_waits
from bot.cli.standard_cards.drawings import Drawing, Place, drawings
from bot.cli.standard_cards.standard import Standard, standard
from bot.settings import Settings
from bot.slack.api.calls import connections, web_client
from bot.slack.api.rate_limit import Pace
from bot.slack.api.validation import NotValidated, problems_with
from bot.slack.api.waits import WaitsOut

EVERY: Final = 50
"""After how many renderings it says how far it is."""
MAX_WAITED_SECONDS: Final = 1800.0
"""How long Slack may make us wait in all."""


@dataclass(slots=True)
class _Rendering:
    """What Slack is asked about once, however many cards look like that."""

    payload: Mapping[str, Any]
    is_view: bool
    names: list[str] = field(default_factory=list)


async def check(
    loaded: Settings, findings: Findings, pace: Pace | None = None, cards: Sequence[Standard] | None = None
) -> None:
    """Has Slack validate each rendering of all standard cards, or of these, and says which are wrong. It shows nobody
    anything."""
    renderings = _renderings(standard() if cards is None else cards)
    waits, turns, valid = WaitsOut(say_waits, MAX_WAITED_SECONDS), pace or Pace(), 0
    async with connections() as session:
        client = web_client(loaded.slack_bot_token.get_secret_value(), loaded.slack_api_url, session, again=[waits])
        for number, each in enumerate(renderings):
            if number and number % EVERY == 0:
                sys.stderr.write(f"Slack has validated {number} of {len(renderings)} renderings.\n")
                sys.stderr.flush()
            place = {"view": each.payload} if each.is_view else {"message": each.payload}
            try:
                problems = await problems_with(client, turns, **place)
            except NotValidated as failed:
                findings.bad(
                    f"cards: Slack did not say whether {each.names[0]} is right ({failed}). {valid} of "
                    f"{len(renderings)} renderings are valid so far. Try again."
                )
                return
            for problem in problems:
                findings.bad(f"card {each.names[0]}{_and_more(each.names)}: Slack refuses it: {problem}")
            valid += not problems
    if valid == len(renderings):
        findings.good(f"cards: Slack takes all {valid} renderings of the standard cards")
    else:
        findings.bad(f"cards: Slack takes {valid} of {len(renderings)} renderings of the standard cards")


def _renderings(cards: Sequence[Standard]) -> list[_Rendering]:
    """Every rendering once, with the names of all drawings that look like that. What has no blocks is left out."""
    found: dict[str, _Rendering] = {}
    for drawing in (each for card in cards for each in drawings(card)):
        if drawing.place is not Place.PRIVATE:
            is_view, payload = drawing.view is not None, _payload(drawing)
            key = json.dumps(payload, sort_keys=True)
            found.setdefault(key, _Rendering(payload, is_view)).names.append(f"{drawing.card}, {drawing.name}")
    return list(found.values())


def _payload(drawing: Drawing) -> Mapping[str, Any]:
    return drawing.view if drawing.view is not None else {"text": drawing.text, "blocks": list(drawing.blocks)}


def _and_more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""
