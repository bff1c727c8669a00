"""What `check` asks Slack: whether it takes the tokens, which scopes the app has, and whom policies mean.

If Slack allows no more calls for a while, it waits, and says so.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import yaml

from bot.approvals.model.errors import SettingsError
from bot.approvals.model.policy import Policy
from bot.approvals.ports.slack import LookupFailed
from bot.approvals.rules.matching import Policies
from bot.approvals.services.people.staffing import staffed, unmatched, unmet
from bot.cli.check import ops, servers
from bot.cli.check.findings import Findings
from bot.servers_file import ServerTerms
from bot.settings import Settings
from bot.slack.api import tokens
from bot.slack.api.calls import web_client
from bot.slack.api.directory import SlackDirectory
from bot.slack.api.rate_limit import Pace
from bot.slack.api.waits import WaitsOut

AGAIN: Final = "Try again."


class SpokenPace(Pace):
    """Says when Slack allows no more calls of a method for a while."""

    def close(self, method: str, seconds: float) -> None:
        say_waits(method, seconds)
        super().close(method, seconds)


def say_waits(method: str, seconds: float) -> None:
    """One line for whoever waits."""
    sys.stderr.write(f"Slack allows no more calls of {method} for {seconds:g} s. Waiting.\n")
    sys.stderr.flush()


async def workspace(
    loaded: Settings, policies: Policies | None, watched: Sequence[ServerTerms], findings: Findings
) -> bool:
    """Checks everything that Slack knows. Returns whether it takes the tokens."""
    if not await _tokens(loaded, findings):
        return False
    if policies is not None:
        client = web_client(loaded.slack_bot_token.get_secret_value(), loaded.slack_api_url)
        directory = SlackDirectory(client, pace=SpokenPace())
        await _approvers(policies, directory, findings.about("approvers"))
        await servers.check_channels(watched, directory, findings.about("servers"))
        await ops.check(loaded.ops_channel, directory, findings.about("ops"))
    return True


# --- Within -------------------------------------------------------------------------------------


async def _tokens(loaded: Settings, findings: Findings) -> bool:
    """Checks the tokens, and the scopes that the manifest asks for. Returns whether all is well."""
    before, waits = findings.wrong, WaitsOut(say_waits)
    both = loaded.slack_app_token is not None
    async with findings.of(f"Slack at {loaded.slack_api_url} takes {'both tokens' if both else 'the token'}"):
        identity = await tokens.identity(loaded.slack_bot_token.get_secret_value(), loaded.slack_api_url, waits)
        if loaded.slack_app_token is not None:  # otherwise Slack's requests come over HTTP
            await tokens.refuse_bad_app_token(loaded.slack_app_token.get_secret_value(), loaded.slack_api_url, waits)
        missing = _wanted_scopes(loaded) - identity.scopes
        if missing:
            raise SettingsError(
                f"SLACK_BOT_TOKEN: the app lacks the scopes {', '.join(sorted(missing))}. Copy manifest.yml "
                "into its manifest at api.slack.com/apps, and install it to the workspace again."
            )
    return findings.wrong == before


async def _approvers(policies: Policies, directory: SlackDirectory, findings: Findings) -> None:
    """Checks that the people and channels named in the policies exist, and that enough of them may answer."""
    try:
        for sentence in await unmatched(policies, directory):
            findings.bad(f"a rule's match: {sentence}")
    except LookupFailed as failed:
        findings.bad(f"Slack could not look up the names in the rules' match ({failed}). {AGAIN}")
    for policy in policies.policies:
        try:
            await _approvers_of(policy, directory, findings)
        except LookupFailed as failed:
            findings.bad(f"policy {policy.name}: Slack could not look up its approvers ({failed}). {AGAIN}")


async def _approvers_of(policy: Policy, directory: SlackDirectory, findings: Findings) -> None:
    wrong = await unmet(policy, directory)
    for sentence in wrong:
        findings.bad(f"policy {policy.name}: {sentence}")
    if policy.auto is not None and not wrong:
        findings.good(f"policy {policy.name}: {'approves' if policy.auto.approve else 'rejects'} without a person")
        return
    for stage in policy.stages:
        staffing = await staffed(stage, directory)
        if not staffing.short:
            where = f", stage {stage.name}" if stage.name else ""
            findings.good(f"policy {policy.name}{where}: {len(staffing.able)} may answer, {stage.needed} needed")


def _wanted_scopes(loaded: Settings) -> set[str]:
    manifest = loaded.langgraph_config.absolute().parent / "manifest.yml"
    if not manifest.exists():
        return set()
    return set(yaml.safe_load(manifest.read_text())["oauth_config"]["scopes"]["bot"])
