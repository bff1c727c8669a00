"""What a gateway does for the HTTP API: it serves it beside Slack, in the same event loop."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

from bot.approvals.inbox.queries import Inboxes
from bot.approvals.ports.engine import Answers
from bot.approvals.ports.slack import Directory
from bot.approvals.ports.storage import TokenStore
from bot.approvals.ports.work import Clock
from bot.approvals.services.admission import Admission
from bot.approvals.services.calls import Calls
from bot.approvals.services.messages.masked import Masking
from bot.approvals.services.votes import Votes
from bot.http.attempts import Attempts
from bot.http.auth import Guard
from bot.http.parts import Parts
from bot.http.server import Serving, serving
from bot.http.views import Views
from bot.http.waiting import Waiters
from bot.settings import Settings
from bot.webhooks.allow_list import AllowList

log = logging.getLogger(__name__)
_PORTS = {"https": 443, "http": 80}


@asynccontextmanager
async def served(
    settings: Settings,
    *,
    storage: TokenStore,
    waiters: Waiters,
    calls: Calls,
    votes: Votes,
    inboxes: Inboxes,
    answers: Answers,
    directory: Directory,
    masking: Masking,
    address: str,
    clock: Clock,
    busy: Callable[[], AbstractAsyncContextManager[None]],
) -> AsyncIterator[Serving]:
    """Serves the API at HTTP_BIND while the block runs. Raises SettingsError if it cannot."""
    allowed, signed = settings.webhook_allow, bool(settings.webhook_secrets)
    parts = Parts(
        guard=Guard(admission=Admission(storage=storage), attempts=Attempts(monotonic=time.monotonic), clock=clock),
        waiters=waiters,
        calls=calls,
        votes=votes,
        inboxes=inboxes,
        views=Views(answers=answers, masking=masking, address=address),
        directory=directory,
        clock=clock,
        busy=busy,
        callback_problem=lambda url: callback_problem(url, allowed, signed=signed),
    )
    async with serving(parts, str(settings.http_bind)) as running:
        log.info("the HTTP API is served at %s", running.url)
        yield running


def callback_problem(url: str, allowed: AllowList | None, *, signed: bool) -> str:
    """Why no webhook may be sent to this address, as the end of a sentence. Empty if one may."""
    if not signed:
        return "cannot be called, because the operator has not set WEBHOOK_SECRET, with which webhooks are signed"
    parts = urlsplit(url)
    if not (allowed or AllowList()).may_mean((parts.hostname or "").lower(), parts.port or _PORTS[parts.scheme]):
        return "is not among the hosts and networks that WEBHOOK_ALLOW lists; ask the operator to add it"
    return ""
