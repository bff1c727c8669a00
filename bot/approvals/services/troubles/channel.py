"""Whether operators can be told anything in their channel."""

from __future__ import annotations

from bot.approvals.ports.slack import Directory


async def problem_with(channel: str, directory: Directory) -> str | None:
    """Why nothing can be posted there, as a sentence. None if the bot is in it. Raises `LookupFailed` if Slack does not
    say."""
    found = await directory.channel(channel)
    if found is None:
        return f"there is no channel {channel} that the bot can see. Correct it, or invite the bot."
    if not await directory.is_in(found):
        return f"the bot is not in {channel}. Invite it there."
    return None
