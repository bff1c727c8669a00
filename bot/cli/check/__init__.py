"""`python -m bot check`: tries what `run` needs, and says what is missing or wrong, one finding per line.

Nothing that it writes stays. What a finding is depends on one question: would it stop the bot, or mislead its people?
Then it is wrong. What works now and may cause trouble later is risky.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from bot import policy_file, settings
from bot.approvals.rules.matching import Policies
from bot.approvals.services.people.staffing import untied
from bot.cli.check import graphs, machine, records, servers, workspace
from bot.cli.check.findings import Findings as Findings
from bot.cli.check.findings import as_json, as_text
from bot.cli.check.machine import Here
from bot.settings import SECRET_PREFIX, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was typed."""

    env_file: Path
    json: bool = False
    slack: bool = False

    @classmethod
    def of(cls, parsed: argparse.Namespace) -> Options:
        """The parsed command line."""
        return cls(env_file=parsed.env_file, json=parsed.json, slack=parsed.slack)


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--json` and `--slack`."""
    parser.add_argument("--json", action="store_true", help="write the findings as one JSON object")
    parser.add_argument(
        "--slack", action="store_true", help="have Slack validate every standard card too; takes some minutes"
    )


async def main(options: Options) -> int:
    """Checks, and prints what was found. Returns 0 if the bot can run and nothing misleads, else 1."""
    findings = Findings()
    await _check(options, findings)
    sys.stdout.write(as_json(findings) if options.json else as_text(findings))
    return 1 if findings.wrong else 0


async def check(env_file: Path) -> int:
    """The same without options."""
    return await main(Options(env_file=env_file))


async def _check(options: Options, findings: Findings) -> None:
    loaded: Settings | None = None
    async with findings.of("settings"):
        loaded = settings.load(options.env_file)
    if loaded is not None:
        await _parts(loaded, options, findings)


async def _parts(loaded: Settings, options: Options, findings: Findings) -> None:
    here = await asyncio.to_thread(machine.running, loaded, findings.about("bot"))
    _http(loaded, here, findings)
    policies: Policies | None = None
    async with findings.about("policies").of(f"policies in {loaded.policy_file}"):
        text = policy_file.text_of(loaded.policy_file)
        policies = policy_file.read(loaded.policy_file, text)
    if policies is not None:
        machine.policies_in_use(text, loaded.policy_file, here, findings.about("policies"))
    _rules(policies, findings.about("policies"))
    await graphs.check(loaded, policies, findings.about("graphs"))
    of_servers = findings.about("servers")
    watched = servers.configured(loaded, policies, of_servers)
    for server in watched:
        await servers.check(server, of_servers)
    before = findings.wrong
    await _storage(loaded, findings.about("storage"))
    if findings.wrong == before and policies is not None:
        await records.asked(loaded, policies, findings.about("records"))
    taken = await workspace.workspace(loaded, policies, watched, findings.about("slack"))
    if options.slack and taken:
        from bot.cli.check.cards import check as check_cards  # only who asks for it has the cards in memory

        await check_cards(loaded, findings.about("cards"))


def _http(loaded: Settings, here: Here, findings: Findings) -> None:
    """Checks that the API is where it should be, and that webhooks can be sent if any are meant to be."""
    if loaded.http_bind is None:
        findings.about("http").good("no HTTP API: HTTP_BIND is not set")
    else:
        machine.bind(loaded.http_bind, here, findings.about("http"))
    webhooks = findings.about("webhooks")
    match bool(loaded.webhook_allow), bool(loaded.webhook_secrets):
        case True, True if loaded.http_bind is None:
            webhooks.bad(
                "webhooks: nothing can ask for any, because HTTP_BIND is not set. Set it, or leave out WEBHOOK_ALLOW "
                "and WEBHOOK_SECRET."
            )
        case True, True:
            webhooks.good("webhooks")
        case True, False:
            webhooks.bad(
                "WEBHOOK_ALLOW is set, but WEBHOOK_SECRET is not, so webhooks cannot be signed and every callback_url "
                f"is refused. Write {SECRET_PREFIX} and what `openssl rand -base64 32` prints."
            )
        case False, True:
            webhooks.bad(
                "WEBHOOK_SECRET is set, but WEBHOOK_ALLOW is not, so every callback_url is refused. List the hosts "
                "that webhooks may go to, such as hooks.example.com."
            )
        case _:
            webhooks.good("no webhooks: WEBHOOK_ALLOW and WEBHOOK_SECRET are not set")


def _rules(policies: Policies | None, findings: Findings) -> None:
    for sentence in untied(policies) if policies is not None else ():
        findings.risky(f"policies: {sentence}")


async def _storage(loaded: Settings, findings: Findings) -> None:
    """Tries the folder of the bot's files, and Redis if it is configured."""
    machine.state_dir(loaded.state_dir, findings, keeps_records=loaded.redis_url is None)
    if loaded.redis_url is not None:
        await records.redis(loaded.redis_url.get_secret_value(), findings)
