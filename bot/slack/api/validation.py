"""Asks Slack whether a drawing is right, without showing it to anybody (Slack: `blocks.validate`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.api.rate_limit import Pace, Rate

METHOD: Final = "blocks.validate"
RATE: Final = Rate(calls=100, burst=20)
"""Slack says of this method that "special rate limits apply", and gives no figure. A 429 is waited out."""
PATIENCE_SECONDS: Final = 3600.0
MAX_PROBLEMS: Final = 5
"""Of one drawing that are told."""
_WRONG: Final = frozenset({"invalid_blocks", "invalid_message", "invalid_view"})


class NotValidated(Exception):
    """Slack did not say whether it is right. The argument says why."""


async def problems_with(
    client: AsyncWebClient,
    pace: Pace,
    *,
    message: Mapping[str, Any] | None = None,
    view: Mapping[str, Any] | None = None,
) -> Sequence[str]:
    """What is wrong with a message or with a view, in Slack's words with the place in the JSON. Empty if nothing is.
    Returns once it was this call's turn. Raises `NotValidated`.

    `client` waits out a 429 by itself (`bot.slack.api.waits`).
    """
    await pace.turn(METHOD, RATE, patience=PATIENCE_SECONDS)
    # as a form: a payload in the address, as slack_sdk sends it, may be too long for it
    form = {"message": json.dumps(message)} if view is None else {"view": json.dumps(view)}
    try:
        await client.api_call("blocks.validate", data=form)
    except SlackApiError as error:
        answer = error.response.data if isinstance(error.response.data, dict) else {}
        if answer.get("error") not in _WRONG:
            raise NotValidated(str(answer.get("error") or f"status {error.response.status_code}")) from None
        return [_worded(each) for each in answer.get("errors") or [{"message": answer["error"]}]][:MAX_PROBLEMS]
    except (ClientError, OSError, TimeoutError) as error:
        raise NotValidated(type(error).__name__) from None
    return ()


def _worded(error: object) -> str:
    if not isinstance(error, Mapping):
        return str(error)
    where = f" ({error['pointer']})" if error.get("pointer") else ""
    return f"{error.get('message') or error.get('code')}{where}"
