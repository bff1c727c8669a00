"""What a gateway logs about policies that do not fit the workspace or the agents. `check` says the same."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bot.approvals.model.errors import AgentsNotLoaded, SettingsError
from bot.approvals.ports.slack import Directory, LookupFailed
from bot.approvals.rules.matching import Policies
from bot.approvals.services.people.staffing import unmatched, unmet, untied
from bot.engines.published import PublishedAgents

log = logging.getLogger(__name__)


def notice_unknown(agents: PublishedAgents, policies: Policies) -> None:
    """Logs names in the policies that no agent has. The worker does not start with them, so they can only come from
    workers that have other policies."""
    try:
        agents.refuse_unknown(policies)
    except (SettingsError, AgentsNotLoaded) as error:
        log.warning("the agents that a worker published do not fit the policies here: %s", error)


@contextmanager
def noticing(directory: Directory) -> Iterator[Callable[[Policies], None]]:
    """Looks, in the background, whether policies fit the workspace, whenever it is given other ones; until the block
    ends."""
    looking: set[asyncio.Task[None]] = set()

    def look(policies: Policies) -> None:
        for task in looking:  # at those that were in use before
            task.cancel()
        looking.add(task := asyncio.create_task(notice_unmet(policies, directory)))
        task.add_done_callback(looking.discard)

    try:
        yield look
    finally:
        for task in looking:
            task.cancel()


async def notice_unmet(policies: Policies, directory: Directory) -> None:
    """Logs names in the policies that mean nobody, and quorums that cannot be met. `check` says the same."""
    for sentence in untied(policies):
        log.warning("policies: %s", sentence)
    try:
        for sentence in await unmatched(policies, directory):
            log.warning("the rules' match: %s", sentence)
        for policy in policies.policies:
            for sentence in await unmet(policy, directory):
                log.warning("policy %s: %s", policy.name, sentence)
    except LookupFailed as failed:
        log.warning("the people whom the policies name could not be looked up: %s", failed)
