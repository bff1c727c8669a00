"""What `check` says of the LangGraph Servers: whether they answer, what may be started there, and what is watched."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot import servers_file
from bot.approvals.model.errors import SettingsError, Unreachable
from bot.approvals.ports.slack import Directory, LookupFailed
from bot.approvals.rules import known_graphs
from bot.approvals.rules.matching import Policies
from bot.cli.check.findings import Findings
from bot.servers_file import ServerTerms, WatchTerms
from bot.settings import Settings
from bot.webhooks.allow_list import address_of

if TYPE_CHECKING:
    from bot.engines.server.client import ServerClient


def configured(loaded: Settings, policies: Policies | None, findings: Findings) -> tuple[ServerTerms, ...]:
    """The servers of the file. None if it is wrong, which is found then."""
    try:
        servers = servers_file.configured(loaded)
        if policies is not None:
            known_graphs.refuse_unknown_servers(policies, [each.name for each in servers])
    except SettingsError as error:
        findings.bad(str(error))
        return ()
    if not servers:
        findings.good(f"no LangGraph Servers: there is no {loaded.servers_file}")
    for each in servers:
        if each.webhook_key is not None and loaded.http_bind is None:
            findings.bad(
                f"server {each.name}: it cannot say that something has changed, because HTTP_BIND is not set. Set it, "
                "or leave out webhook_key."
            )
    return servers


async def check(terms: ServerTerms, findings: Findings) -> None:
    """Calls the server, and says what it is and what the bot may do there. It changes nothing."""
    from bot.engines.server.client import connect  # only who has servers needs their client

    if shows_its_key(terms):
        findings.risky(f"server {terms.name}: its key goes over the network in the clear. Use an address with https.")
    client = connect(terms.name, terms.url, terms.api_key)
    try:
        await _answers(client, terms, findings)
    except Unreachable as away:
        findings.bad(f"server {terms.name} at {terms.url}: {_why(away, terms)}")
    finally:
        await client.close()


async def check_channels(servers: Sequence[ServerTerms], directory: Directory, findings: Findings) -> None:
    """Checks that the bot is in the channels in which it is to ask. Raises `LookupFailed` if Slack does not say."""
    for each in servers:
        if each.watch is not None:
            await _channel(each.name, each.watch, directory, findings)


def shows_its_key(terms: ServerTerms) -> bool:
    """Whether the server's key goes over a network where others may read it."""
    parts = urlsplit(terms.url)
    host = parts.hostname or ""
    address = address_of(host)
    is_here = host == "localhost" if address is None else address.is_loopback
    return terms.api_key is not None and parts.scheme == "http" and not is_here


# --- Within -------------------------------------------------------------------------------------


async def _answers(client: ServerClient, terms: ServerTerms, findings: Findings) -> None:
    from bot.engines.server.client import Refused

    try:
        info = await client.info()
    except Refused:
        info = {}
    if "langgraph_py_version" not in info and "version" not in info:
        findings.bad(
            f"server {terms.name} at {terms.url}: this is no LangGraph Server, as it has no /info. Aegra is not "
            "supported: it may run a thread twice at the same time, and then nobody can say what was approved."
        )
        return
    findings.good(f"server {terms.name}: LangGraph Server {info.get('version', 'of an unknown version')}")
    await _startable(client, terms, findings)
    if terms.watch is not None:
        await _watched(client, terms.name, terms.watch, findings)


async def _startable(client: ServerClient, terms: ServerTerms, findings: Findings) -> None:
    from bot.engines.server import agents

    for agent in await agents.agents(client, terms.start):
        graph = agent.graph
        if graph.unavailable:
            findings.bad(f"server {terms.name}: {graph.name} cannot be started: {graph.unavailable}")
        else:
            findings.good(f"server {terms.name}: {graph.name} can be started")


async def _watched(client: ServerClient, name: str, watch: WatchTerms, findings: Findings) -> None:
    from bot.engines.server import watching

    found = await watching.changed(client, metadata=watch.metadata)
    matching = [each for each in found if any(fnmatchcase(each.graph, pattern) for pattern in watch.graphs)]
    threads = "1 thread" if len(matching) == 1 else f"{len(matching):,} threads"
    findings.good(f"server {name}: the watch finds {threads} that may ask something now")


async def _channel(name: str, watch: WatchTerms, directory: Directory, findings: Findings) -> None:
    try:
        channel = await directory.channel(watch.channel)
        if channel is not None and await directory.is_in(channel):
            findings.good(f"server {name}: its threads are asked about in {watch.channel}")
            return
    except LookupFailed as failed:
        findings.bad(f"server {name}: Slack could not look up {watch.channel} ({failed}). Try again.")
        return
    findings.bad(
        f"server {name}: the bot is in no channel {watch.channel}, so nobody could be asked there. Invite it, or "
        "correct watch.channel."
    )


def _why(away: Unreachable, terms: ServerTerms) -> str:
    """Why it cannot be used. The name of the server stands before it already."""
    return str(away.what or away).removeprefix(f"the LangGraph Server {terms.name}: ").rstrip(".") + "."
