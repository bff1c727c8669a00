"""What `check` says of Redis and of the records."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bot import stores
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.errors import NotFound, SettingsError, Unreachable
from bot.approvals.model.question import Question
from bot.approvals.model.token import Token
from bot.approvals.ports.storage import Storage
from bot.approvals.rules.matching import Policies
from bot.approvals.services.people.staffing import unheard
from bot.cli.check.findings import Findings
from bot.engines.langgraph.loading import undeclared
from bot.settings import Settings
from bot.storage.codec import decode
from bot.storage.sqlite.database import is_of_this_version

if TYPE_CHECKING:
    from redis.asyncio import Redis

MAX_ENTRIES: Final = 2_000
"""Of the audit log that are read, from the newest one back."""
KEY_SECONDS: Final = 60
"""After which Redis itself removes what was written as a try."""


async def redis(url: str, findings: Findings) -> None:
    """Looks at Redis, and writes a key that it removes again."""
    from bot.storage.redis import server  # as `bot.stores` does
    from bot.storage.redis.store import client

    async with client(url) as opened:
        found = await server.examine(opened, stores.VERSION)
        for good in found.good:
            findings.good(f"Redis: {good}")
        for risk in found.risky:
            findings.risky(risk)
        for fatal in found.fatal:
            findings.bad(fatal)
        if not found.fatal:
            await _try_writing(opened, findings)


async def asked(loaded: Settings, policies: Policies, findings: Findings) -> None:
    """Says which graphs recently asked without a known convention, by the newest records, and which tokens policies
    name that nobody can vote through."""
    file = loaded.state_dir / stores.RECORDS
    if loaded.redis_url is None and file.exists() and not is_of_this_version(file):
        findings.good("how graphs ask was not checked: the records are from an earlier version")
        return
    questions: list[tuple[str, Question]] = []
    tokens: Sequence[Token] = ()
    try:
        async with stores.records(loaded) as storage:
            questions, tokens = await _recent_questions(storage), await storage.tokens()
    except SettingsError:
        pass  # there are no records yet
    except Unreachable as unreachable:
        findings.bad(f"how graphs ask could not be read from the records ({unreachable}). Try again.")
        return
    for sentence in unheard(policies, tokens, datetime.now(UTC)):
        findings.about("policies").bad(f"policies: {sentence}")
    declared = {name for name, terms in policies.graphs.items() if terms.answer}
    for graph in sorted({graph for graph, question in questions if undeclared.is_undeclared(question)} - declared):
        findings.risky(f"by the newest records, {undeclared.sentence(graph)}")


# --- Within -------------------------------------------------------------------------------------


async def _try_writing(opened: Redis, findings: Findings) -> None:
    from redis.exceptions import RedisError

    from bot.storage.redis.connection import PREFIX

    key = f"{PREFIX}check:{secrets.token_hex(8)}"
    try:
        await opened.set(key, "check", ex=KEY_SECONDS)
        await opened.delete(key)
    except (RedisError, OSError) as error:
        findings.bad(f"REDIS_URL: Redis takes no writes ({error}). Let this user write to a primary server with room.")
    else:
        findings.good("Redis: takes writes")


async def _recent_questions(storage: Storage) -> list[tuple[str, Question]]:
    """The graph and the question of each request that the newest audit entries opened."""
    newest = await storage.head()
    found: list[tuple[str, Question]] = []
    for entry in await storage.trail(max(newest.number - MAX_ENTRIES, 0), MAX_ENTRIES):
        event = decode(AuditEvent, entry.body.decode()) if entry.body else None
        if event is None or event.kind != "opened" or event.request_id is None or is_of_caller(event.task_id):
            continue
        with contextlib.suppress(NotFound):
            request = await storage.request(event.request_id)
            found.append((request.graph, request.proposed))
    return found
