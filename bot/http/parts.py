"""What the routes work with. They have no storage: what they read and change, services do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from bot.approvals.inbox.queries import Inboxes
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import Person
from bot.approvals.ports.slack import Directory, LookupFailed
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Clock
from bot.approvals.rules.matching import names_one
from bot.approvals.services.calls import Calls
from bot.approvals.services.votes import Votes
from bot.http import problems
from bot.http.auth import Guard
from bot.http.problems import Fault, Refused
from bot.http.views import Views
from bot.http.waiting import Waiters


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    guard: Guard
    waiters: Waiters
    calls: Calls
    votes: Votes
    inboxes: Inboxes
    views: Views
    directory: Directory
    clock: Clock
    busy: Callable[[], AbstractAsyncContextManager[None]]
    """Held while a call changes something, so that a shutdown waits for it."""
    callback_problem: Callable[[str], str]
    """Why no webhook may be sent to this address, as the end of a sentence. Empty if one may."""
    server_changed: Callable[[str, str], bool] = lambda _name, _key: False
    """Has the LangGraph Server of this name looked at soon. Returns False, and does nothing, if this is not its key."""
    telemetry: Telemetry = SILENT

    async def person(self, ref: str, path: str) -> Person:
        """The person that an id or e-mail address means. Raises `Refused`, or `Unreachable` if Slack does not say."""
        try:
            found = await self.directory.resolve([ref]) if names_one(ref) else frozenset()
        except LookupFailed as failed:
            raise Unreachable(f"Slack did not say who `{ref}` is") from failed
        if len(found) != 1:
            fault = Fault(path=path, problem="is nobody whom Slack knows: name an id (U...) or an e-mail address")
            raise Refused(
                problems.UNKNOWN_NAME, f"Slack knows no account `{ref}`, so nothing was done.", faults=[fault]
            )
        return next(iter(found))
