"""What `check` says of the channel in which operators are told what needs a person."""

from __future__ import annotations

from bot.approvals.ports.slack import Directory, LookupFailed
from bot.approvals.services.troubles.channel import problem_with
from bot.cli.check.findings import Findings


async def check(channel: str | None, directory: Directory, findings: Findings) -> None:
    """Checks that the bot can post in it, if one is set."""
    if channel is None:
        findings.good("no messages to operators: OPS_CHANNEL is not set")
        return
    try:
        problem = await problem_with(channel, directory)
    except LookupFailed as failed:
        problem = f"{channel} could not be looked up ({failed}). Try again."
    if problem is None:
        findings.good(f"operators are told of troubles in {channel}")
    else:
        findings.bad(f"OPS_CHANNEL: {problem}")
