"""What Slack's error codes mean for a message: it is gone, its place is gone, or it waits and is tried again."""

from __future__ import annotations

import logging
from typing import Final

from bot.approvals.ports.slack import MessageGone, NotNow, PlaceGone

log = logging.getLogger(__name__)

FIX_SECONDS: Final = 300.0
"""Between two tries, while somebody has to put something right in Slack."""
LATER_SECONDS: Final = 60.0
"""Before the next try after an error that nothing here expects."""

GONE: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "hash_conflict"})
"""There is no such message any more, or it may not be changed any more."""
TOO_LONG: Final = frozenset({"msg_too_long", "msg_blocks_too_long", "invalid_blocks"})
"""The message is larger than Slack takes."""
NO_PLACE: Final = frozenset(
    {
        *("channel_not_found", "thread_not_found", "invalid_thread_ts", "invalid_ts_oldest", "cannot_reply_to_message"),
        *("user_not_found", "user_not_visible", "user_disabled", "users_not_found", "cannot_dm_bot", "invalid_users"),
        *("method_not_supported_for_channel_type", "as_user_not_supported"),
    }
)
"""There is no such channel, thread or person, or they take no messages."""
SHUT_OUT: Final = frozenset({"not_in_channel", "is_archived", "channel_not_found"})
"""The bot cannot post in this channel any more."""
_UNTIL_FIXED: Final = frozenset(
    {
        *("is_archived", "not_in_channel", "missing_scope", "account_inactive", "token_revoked", "is_inactive"),
        *("invalid_auth", "not_authed", "token_expired", "no_permission", "access_denied", "ekm_access_denied"),
        *("org_login_required", "team_access_not_granted", "not_allowed_token_type", "messages_tab_disabled"),
        *("not_authorized",),
    }
)
"""What somebody can put right in Slack. The message waits for that, however long it takes."""


def port_error(method: str, error: str) -> Exception:
    """The port's exception for this error code of Slack."""
    if error in GONE:
        return MessageGone(error)
    if error in NO_PLACE:
        return PlaceGone(error)
    if error in _UNTIL_FIXED or error.startswith("restricted_action"):
        log.error(
            "%s is refused (%s) until that is fixed in Slack: tokens, scopes, the channel, the bot in it",
            method,
            error,
        )
        return NotNow(f"{method}: {error}", FIX_SECONDS)
    log.error("%s was refused with %s, which nothing here expects", method, error)
    return NotNow(f"{method}: {error}", LATER_SECONDS)
