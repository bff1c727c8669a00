"""Records -> what people's Home shows, brought level: for those alone who have opened theirs, and where it changed.

A Home that a process has not seen to change is looked at again in turn, so that a crash, or another process, leaves
none behind for long.
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

KEPT_LEVEL: Final = timedelta(days=7)
"""After it was opened last: whoever opens it again later finds it as it was, for the second until it is drawn anew."""
MOST: Final = 1000
ROUND: Final = timedelta(seconds=30)
"""In which every Home is looked at once, whatever this process has heard of."""
AT_ONCE: Final = 25
"""Homes that one sweep looks at."""
PAUSE: Final = timedelta(seconds=2)
"""Between two drawings of one Home: what comes meanwhile is drawn at once."""
NOTED: Final = timedelta(hours=1)
"""How often it is noted that somebody has opened their Home."""


@dataclass(slots=True, kw_only=True)
class Homes:
    storage: Storage
    inboxes: Inboxes
    front: Front
    work: Errands
    clock: Clock
    _open: dict[Person, frozenset[str]] = field(default_factory=dict)
    """Who has a Home to be kept level, and by which names policies mean them."""
    _drawn_at: dict[Person, datetime] = field(default_factory=dict)
    _unsure: set[Person] = field(default_factory=set)
    """Whose Home may show something else than is noted."""
    _turn: list[Person] = field(default_factory=list)
    _next_round: datetime | None = None

    async def opened(self, person: Person, hash: str) -> None:
        """Somebody looks at their Home, which is called `hash` by Slack; empty where nothing was ever published."""
        now = self.clock()

        def noted(inbox: Inbox) -> Inbox:
            home = inbox.home or Home(opened_at=now)
            if now - home.opened_at >= NOTED:
                home = replace(home, opened_at=now)
            if home.hash != hash:
                home = replace(home, hash=hash, fingerprint="")
            return replace(inbox, home=home)

        await self.inboxes.change(person, noted)
        self._open.setdefault(person, frozenset())
        self.work.home(person)

    async def look(self, person: Person, change: Callable[[Look], Look]) -> None:
        """They want to see something else of it; nothing happens where they never opened it."""

        def changed(inbox: Inbox) -> Inbox:
            return (
                inbox if inbox.home is None else replace(inbox, home=replace(inbox.home, look=change(inbox.home.look)))
            )

        await self.inboxes.change(person, changed)
        self._drawn_at.pop(person, None)
        self.work.home(person)

    def redraw(self, person: Person) -> None:
        """Draw it again, whatever it is thought to show."""
        self._unsure.add(person)
        self._drawn_at.pop(person, None)
        self.work.home(person)

    async def concerned(self, task_id: TaskId) -> None:
        """Wake the Homes on which a change of this task may be seen."""
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
        """Bring one Home level. Returns when to look again at what could not be drawn now."""
        now = self.clock()
        if (drawn := self._drawn_at.get(person)) is not None and now < drawn + PAUSE:
            return drawn + PAUSE
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
            return now + PAUSE
        except PlaceGone as gone:
            log.warning("the Home of %s cannot be shown: %s", person.user_id, gone)
            await self.inboxes.change(person, lambda inbox: replace(inbox, home=None))
            del self._open[person]
            return None
        self._unsure.discard(person)
        await self.inboxes.change(person, lambda inbox: _shown(inbox, drawing.fingerprint, hash))
        return None

    async def sweep(self, now: datetime) -> None:
        """Look at some Homes, and at all of them in a round."""
        if not self._turn and (self._next_round is None or now >= self._next_round):
            kept = {inbox.person for inbox in await self.storage.homes(now - KEPT_LEVEL, MOST)}
            self._open = {person: self._open.get(person, frozenset()) for person in kept}
            self._drawn_at = {person: at for person, at in self._drawn_at.items() if person in kept}
            self._turn, self._next_round = list(kept), now + ROUND
        for person in self._turn[:AT_ONCE]:
            self.work.home(person)
        del self._turn[:AT_ONCE]


def _shown(inbox: Inbox, fingerprint: str, hash: str) -> Inbox:
    return inbox if inbox.home is None else replace(inbox, home=replace(inbox.home, fingerprint=fingerprint, hash=hash))
