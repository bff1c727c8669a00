"""What a gateway does for the HTTP API: it serves it beside Slack, in the same event loop."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bot.app.watched.watching import watching
from bot.approvals.inbox.queries import Inboxes
from bot.approvals.ports.engine import Answers
from bot.approvals.ports.slack import Directory
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock
from bot.approvals.services.admission import Admission
from bot.approvals.services.calls import Calls
from bot.approvals.services.messages.masked import Masking
from bot.approvals.services.votes import Votes
from bot.http.attempts import Attempts
from bot.http.auth import Guard
from bot.http.mcp.door import mounted
from bot.http.parts import Parts
from bot.http.routes import slack_events
from bot.http.routes.slack_events import Take
from bot.http.server import Serving, serving
from bot.http.views import Views
from bot.http.waiting import Waiters
from bot.runtime import process
from bot.runtime.work_queue import WorkQueues
from bot.settings import Settings
from bot.telemetry.stream import Stream

log = logging.getLogger(__name__)


@asynccontextmanager
async def served(
    settings: Settings,
    *,
    storage: Storage,
    waiters: Waiters,
    calls: Calls,
    callback_problem: Callable[[str], str],
    votes: Votes,
    inboxes: Inboxes,
    answers: Answers,
    directory: Directory,
    masking: Masking,
    address: str,
    clock: Clock,
    queues: WorkQueues,
    is_connected: Callable[[], Awaitable[bool]],
    has_worker: bool,
    slack: Take | None,
    server_changed: Callable[[str, str], bool],
    telemetry: Stream,
) -> AsyncIterator[Serving]:
    """Serves the API at HTTP_BIND while the block runs, with metrics and health. What Slack sends over HTTP goes to
    `slack`. Raises SettingsError if HTTP_BIND cannot be served."""
    parts = Parts(
        guard=Guard(admission=Admission(storage=storage), attempts=Attempts(monotonic=time.monotonic), clock=clock),
        waiters=waiters,
        calls=calls,
        votes=votes,
        inboxes=inboxes,
        views=Views(answers=answers, masking=masking, address=address),
        directory=directory,
        clock=clock,
        busy=queues.busy,
        callback_problem=callback_problem,
        server_changed=server_changed,
        telemetry=telemetry,
    )
    process.open_as_many_as_allowed()
    own = watching(
        settings,
        telemetry,
        storage=storage,
        clock=clock,
        is_connected=is_connected,
        waiters=waiters,
        queues=queues,
        has_worker=has_worker,
    )
    async with own as watched, mounted(parts) as of_mcp:
        apps = {**of_mcp, **slack_events.mounted(slack)}
        async with serving(parts, str(settings.http_bind), mounted=apps, watched=watched) as running:
            log.info("the HTTP API is served at %s", running.url)
            yield running
