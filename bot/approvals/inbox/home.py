"""Records -> what people's Homes show, kept in sync: only for people who have opened theirs, and only if it changed.

Every Home is also looked at in turn, so that none stays out of date for long after a crash, or after a change that
another process made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from bot.approvals.inbox.queries import Errands, Front, Inboxes
from bot.approvals.model.errors import NotFound
from bot.approvals.model.ids import Person, TaskId
from bot.approvals.model.inbox import Home, Inbox, Look
from bot.approvals.ports.slack import MessageGone, NotNow, OutcomeUnknown, PlaceGone
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock

log = logging.getLogger(__name__)

MAX_SYNC_AGE: Final = timedelta(days=7)
"""A Home that was opened longer ago is not kept in sync. Whoever opens it again sees it as it was, for the second until
it is drawn anew."""
MAX_HOMES: Final = 1000
ROUND_INTERVAL: Final = timedelta(seconds=30)
"""How often every Home is looked at, even if this process has heard of no change."""
MAX_HOMES_PER_SWEEP: Final = 25
"""Homes that one sweep looks at; the next one goes on from there."""
MIN_REDRAW_INTERVAL: Final = timedelta(seconds=2)
"""Between two drawings of one Home: all changes in between are drawn together."""
OPENED_INTERVAL: Final = timedelta(hours=1)
"""How often it is noted that somebody has opened their Home."""


@dataclass(slots=True, kw_only=True)
class Homes:
    storage: Storage
    inboxes: Inboxes
    front: Front
    work: Errands
    clock: Clock
    _open: dict[Person, frozenset[str]] = field(default_factory=dict)
    """Whose Homes are kept in sync, and by which names policies mean these people."""
    _drawn_at: dict[Person, datetime] = field(default_factory=dict)
    _unsure: set[Person] = field(default_factory=set)
    """Whose Homes may show something else than is stored."""
    _turn: list[Person] = field(default_factory=list)
    _next_round: datetime | None = None

    async def opened(self, person: Person, hash: str) -> None:
        """Somebody looks at their Home. `hash` is Slack's name for what it shows, empty before the first publish."""
        now = self.clock()

        def noted(inbox: Inbox) -> Inbox:
            home = inbox.home or Home(opened_at=now)
            if now - home.opened_at >= OPENED_INTERVAL:
                home = replace(home, opened_at=now)
            if home.hash != hash:
                home = replace(home, hash=hash, fingerprint="")
            return replace(inbox, home=home)

        await self.inboxes.change(person, noted)
        self._open.setdefault(person, frozenset())
        self.work.home(person)

    async def look(self, person: Person, change: Callable[[Look], Look]) -> None:
        """Show them something else of it. Nothing happens if they never opened it."""

        def changed(inbox: Inbox) -> Inbox:
            return (
                inbox if inbox.home is None else replace(inbox, home=replace(inbox.home, look=change(inbox.home.look)))
            )

        await self.inboxes.change(person, changed)
        self._drawn_at.pop(person, None)
        self.work.home(person)

    def redraw(self, person: Person) -> None:
        """Draw it again, even if it seems to be up to date."""
        self._unsure.add(person)
        self._drawn_at.pop(person, None)
        self.work.home(person)

    async def concerned(self, task_id: TaskId) -> None:
        """Have the Homes updated on which a change of this task may be seen."""
        if not self._open:
            return
        try:
            records = await self.storage.records_of(task_id)
        except NotFound:
            return
        names = {ref.lower() for request in records.requests for ref in request.approvers}
        people = {records.task.requester}
        for request in records.requests:
            people |= {vote.person for vote in request.votes} | {each.to for each in request.delegations}
        for person, theirs in list(self._open.items()):
            if person in people or not names.isdisjoint(theirs):
                self.work.home(person)

    async def publish(self, person: Person) -> datetime | None:
        """Bring one Home up to date. Returns when to try again, or None if nothing is left to do."""
        now = self.clock()
        if (drawn := self._drawn_at.get(person)) is not None and now < drawn + MIN_REDRAW_INTERVAL:
            return drawn + MIN_REDRAW_INTERVAL
        home = (await self.storage.inbox(person)).home
        if home is None:
            return None
        self._open[person] = (await self.inboxes.known(person)).names
        drawing = self.front.draw_home(await self.inboxes.contents(person, home.look, self.front.page_size))
        unsure = person in self._unsure
        if drawing.fingerprint == home.fingerprint and not unsure:
            return None
        self._drawn_at[person] = now
        try:
            hash = await self.front.publish(person, drawing, "" if unsure else home.hash)
        except NotNow as wait:
            return now + timedelta(seconds=wait.retry_after)
        except (MessageGone, OutcomeUnknown):  # somebody else has published, or this did after all
            self._unsure.add(person)
            return now + MIN_REDRAW_INTERVAL
        except PlaceGone as gone:
            log.warning("the Home of %s cannot be shown: %s", person.user_id, gone)
            await self.inboxes.change(person, lambda inbox: replace(inbox, home=None))
            del self._open[person]
            return None
        self._unsure.discard(person)
        await self.inboxes.change(person, lambda inbox: _shown(inbox, drawing.fingerprint, hash))
        return None

    async def sweep(self, now: datetime) -> None:
        """Have the next Homes looked at; each gets its turn once per `ROUND_INTERVAL`."""
        if not self._turn and (self._next_round is None or now >= self._next_round):
            kept = {inbox.person for inbox in await self.storage.homes(now - MAX_SYNC_AGE, MAX_HOMES)}
            self._open = {person: self._open.get(person, frozenset()) for person in kept}
            self._drawn_at = {person: at for person, at in self._drawn_at.items() if person in kept}
            self._turn, self._next_round = list(kept), now + ROUND_INTERVAL
        for person in self._turn[:MAX_HOMES_PER_SWEEP]:
            self.work.home(person)
        del self._turn[:MAX_HOMES_PER_SWEEP]


def _shown(inbox: Inbox, fingerprint: str, hash: str) -> Inbox:
    return inbox if inbox.home is None else replace(inbox, home=replace(inbox.home, fingerprint=fingerprint, hash=hash))
