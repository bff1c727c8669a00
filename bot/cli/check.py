"""`python -m bot check`: says what is missing or wrong, one finding per line. It changes nothing."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import yaml

from bot import policy_file, settings, stores
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.errors import NotFound, SettingsError, Unreachable
from bot.approvals.model.policy import Policy
from bot.approvals.model.question import Question
from bot.approvals.model.token import Token
from bot.approvals.ports.slack import LookupFailed
from bot.approvals.ports.storage import Storage
from bot.approvals.rules.matching import Policies
from bot.approvals.services.people.staffing import staffed, unheard, unmatched, unmet, untied
from bot.cli import check_ops, check_servers
from bot.engines.langgraph.loading import registry, undeclared
from bot.printable import printable
from bot.settings import SECRET_PREFIX, Settings
from bot.slack.api import tokens
from bot.slack.api.calls import web_client
from bot.slack.api.directory import SlackDirectory
from bot.storage.codec import decode
from bot.storage.sqlite.database import is_of_this_version

MAX_ENTRIES: Final = 2_000
"""Of the audit log that are read, from the newest one back."""


@dataclass(slots=True)
class Findings:
    """Prints what was checked, and remembers whether anything is wrong."""

    wrong: int = 0
    lines: list[str] = field(default_factory=list)

    def good(self, what: str) -> None:
        self.lines.append(f"ok     {what}")

    def bad(self, what: str) -> None:
        self.wrong += 1
        self.lines += [f"wrong  {line}" for line in what.splitlines()]

    def risky(self, what: str) -> None:
        """A warning: it works now, but may cause trouble later."""
        self.lines.append(f"risky  {what}")

    @contextlib.asynccontextmanager
    async def of(self, good: str) -> AsyncIterator[None]:
        """Prints that it is good, unless the block raises SettingsError."""
        try:
            yield
        except SettingsError as error:
            self.bad(str(error))
        else:
            self.good(good)


async def check(env_file: Path) -> int:
    """Checks settings, policies, graphs, storage and Slack. Returns 0 if the bot can run, else 1."""
    findings = Findings()
    loaded: Settings | None = None
    async with findings.of("settings"):
        loaded = settings.load(env_file)
    if loaded is not None:
        _http(loaded, findings)
        policies: Policies | None = None
        async with findings.of(f"policies in {loaded.policy_file}"):
            policies = policy_file.load(loaded.policy_file)
        _rules(policies, findings)
        await _graphs(loaded, policies, findings)
        servers = check_servers.configured(loaded, policies, findings)
        for server in servers:
            await check_servers.check(server, findings)
        before = findings.wrong
        await _storage(loaded, findings)
        if findings.wrong == before and policies is not None:
            await _records(loaded, policies, findings)
        if await _slack(loaded, findings) and policies is not None:
            directory = SlackDirectory(web_client(loaded.slack_bot_token.get_secret_value(), loaded.slack_api_url))
            await _approvers(policies, directory, findings)
            await check_servers.check_channels(servers, directory, findings)
            await check_ops.check(loaded.ops_channel, directory, findings)
    sys.stdout.write("\n".join(map(printable, findings.lines)) + "\n")
    return 1 if findings.wrong else 0


def _http(loaded: Settings, findings: Findings) -> None:
    """Checks that the API is where it should be, and that webhooks can be sent if any are meant to be."""
    if loaded.http_bind is None:
        findings.good("no HTTP API: HTTP_BIND is not set")
    elif loaded.http_bind.is_of_this_machine:
        findings.good(f"HTTP API at {loaded.http_bind}")
    else:
        findings.risky(
            f"HTTP_BIND {loaded.http_bind}: other machines can reach the HTTP API, and the bot speaks no TLS. Let only "
            "a proxy reach it that does, or use 127.0.0.1."
        )
    match bool(loaded.webhook_allow), bool(loaded.webhook_secrets):
        case True, True if loaded.http_bind is None:
            findings.risky("webhooks: nothing asks for any, because HTTP_BIND is not set.")
        case True, True:
            findings.good("webhooks")
        case True, False:
            findings.bad(
                "WEBHOOK_ALLOW is set, but WEBHOOK_SECRET is not, so webhooks cannot be signed and every callback_url "
                f"is refused. Write {SECRET_PREFIX} and what `openssl rand -base64 32` prints."
            )
        case False, True:
            findings.bad(
                "WEBHOOK_SECRET is set, but WEBHOOK_ALLOW is not, so every callback_url is refused. List the hosts "
                "that webhooks may go to, such as hooks.example.com."
            )
        case _:
            findings.good("no webhooks: WEBHOOK_ALLOW and WEBHOOK_SECRET are not set")


def _rules(policies: Policies | None, findings: Findings) -> None:
    for sentence in untied(policies) if policies is not None else ():
        findings.risky(f"policies: {sentence}")


async def _graphs(loaded: Settings, policies: Policies | None, findings: Findings) -> None:
    config = loaded.langgraph_config
    try:
        registry.set_environment(config)
        graphs = await registry.listed(config, config.absolute().parent, policies)
    except SettingsError as error:
        findings.bad(str(error))
        return
    for graph in graphs:
        if graph.unavailable:
            findings.risky(f"graph {graph.name} cannot be started: {graph.unavailable}")
        else:
            findings.good(f"graph {graph.name}")


async def _storage(loaded: Settings, findings: Findings) -> None:
    """Checks Redis if it is configured, otherwise the folder of the embedded SQLite."""
    if loaded.redis_url is None:
        _state_dir(loaded.state_dir, findings)
        return
    from bot.storage.redis import server  # as `bot.stores` does
    from bot.storage.redis.store import client

    async with client(loaded.redis_url.get_secret_value()) as redis:
        found = await server.examine(redis)
    for good in found.good:
        findings.good(f"Redis: {good}")
    for risk in found.risky:
        findings.risky(risk)
    for fatal in found.fatal:
        findings.bad(fatal)


async def _records(loaded: Settings, policies: Policies, findings: Findings) -> None:
    """Warns of graphs that recently asked without a known convention, by the newest records, and of tokens that
    policies name and that nobody can vote through."""
    file = loaded.state_dir / stores.RECORDS
    if loaded.redis_url is None and file.exists() and not is_of_this_version(file):
        findings.good("how graphs ask was not checked: the records are from an earlier version")
        return
    asked: list[tuple[str, Question]] = []
    tokens: Sequence[Token] = ()
    try:
        async with stores.records(loaded) as storage:
            asked, tokens = await _recent_questions(storage), await storage.tokens()
    except SettingsError:
        pass  # there are no records yet
    except Unreachable as unreachable:
        findings.risky(f"how graphs ask could not be read from the records ({unreachable})")
        return
    for sentence in unheard(policies, tokens, datetime.now(UTC)):
        findings.risky(f"policies: {sentence}")
    declared = {name for name, terms in policies.graphs.items() if terms.answer}
    for graph in sorted({graph for graph, question in asked if undeclared.is_undeclared(question)} - declared):
        findings.risky(f"by the newest records, {undeclared.sentence(graph)}")


async def _recent_questions(storage: Storage) -> list[tuple[str, Question]]:
    """The graph and the question of each request that the newest audit entries opened."""
    newest = await storage.head()
    asked: list[tuple[str, Question]] = []
    for entry in await storage.trail(max(newest.number - MAX_ENTRIES, 0), MAX_ENTRIES):
        event = decode(AuditEvent, entry.body.decode()) if entry.body else None
        if event is None or event.kind != "opened" or event.request_id is None or is_of_caller(event.task_id):
            continue
        with contextlib.suppress(NotFound):
            request = await storage.request(event.request_id)
            asked.append((request.graph, request.proposed))
    return asked


def _state_dir(folder: Path, findings: Findings) -> None:
    nearest = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        findings.good(f"SQLite in STATE_DIR {folder}, for one machine")
    else:
        findings.bad(f"STATE_DIR {folder}: {nearest} is not a folder that the bot may write to. Name another.")


async def _slack(loaded: Settings, findings: Findings) -> bool:
    """Checks the tokens, and the scopes that the manifest asks for. Returns whether all is well."""
    before = findings.wrong
    both = loaded.slack_app_token is not None
    async with findings.of(f"Slack at {loaded.slack_api_url} takes {'both tokens' if both else 'the token'}"):
        identity = await tokens.identity(loaded.slack_bot_token.get_secret_value(), loaded.slack_api_url)
        if loaded.slack_app_token is not None:  # otherwise Slack's requests come over HTTP
            await tokens.refuse_bad_app_token(loaded.slack_app_token.get_secret_value(), loaded.slack_api_url)
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
        findings.bad(f"Slack could not look up the names in the rules' match ({failed}). Try again.")
    for policy in policies.policies:
        try:
            await _approvers_of(policy, directory, findings)
        except LookupFailed as failed:
            findings.bad(f"policy {policy.name}: Slack could not look up its approvers ({failed}). Try again.")


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
