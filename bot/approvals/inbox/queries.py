"""What an inbox holds, read from the records: what waits for somebody, what they asked for, what they decided."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from bot.approvals.model import inbox
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import MessageRef, Person, Ts
from bot.approvals.model.inbox import Inbox, Look, Section
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import Escalate
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.ports.slack import Directory, Drawing, LookupFailed, LookupRefused
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.rules import eligible, windows
from bot.approvals.rules.matching import ANY_CHANNEL, Policies, is_channel, is_group
from bot.approvals.services.unit_of_work import until_won

MAX_ROWS: Final = 100
"""Per section. If more requests wait, those of the highest risk are read."""
MAX_UNDOABLE: Final = 5
"""How many of the things that somebody can undo are listed."""

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A task, or one of its requests, and where in Slack it can be seen."""

    records: Records
    request: Request | None = None

    @property
    def place(self) -> MessageRef | None:
        """The request's card, or the message that opens the task's thread. None: it is not posted yet."""
        kind, id = (MessageKind.CARD, self.request.id) if self.request else (MessageKind.OPENING, None)
        found = (each.ref for each in self.records.messages if each.kind is kind and each.request_id == id)
        return next((ref for ref in found if ref is not None), None)

    @property
    def thread_ts(self) -> Ts | None:
        """The message whose thread the place is in. None: it is in no thread."""
        if self.records.task.thread_ts is not None:
            return self.records.task.thread_ts
        opening = next((each.ref for each in self.records.messages if each.kind is MessageKind.OPENING), None)
        return None if opening is None or opening == self.place else opening.ts


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A page of a list. `number` counts from 0; `total` is the length of the list, up to `MAX_ROWS`."""

    rows: tuple[T, ...] = ()
    number: int = 0
    pages: int = 1
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Who somebody is, as far as Slack says."""

    names: frozenset[str]
    """The names by which requests may mean them, in lower case."""
    ordinary: bool = True
    """Whether they are neither a guest nor of another company."""
    untold: tuple[str, ...] = ()
    """What Slack will not say until an operator changes something, as sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What somebody's inbox holds, as they look at it."""

    person: Person
    look: Look
    waiting: Page[Row]
    asked: Page[Row]
    decided: Page[Row]
    all_waiting: int
    """How many requests wait, whatever filter is chosen."""
    overdue: int
    graphs: tuple[str, ...]
    """The graphs of what waits, sorted."""
    summary: str = ""
    """When the person gets a summary; empty: never."""
    undoable: Page[Row] = Page()
    """What this person can undo. Nobody waits for that."""
    untold: tuple[str, ...] = ()
    """What may be missing because Slack does not say who is meant, as sentences."""


class Front(Protocol):
    """What inboxes need of Slack."""

    def page_size(self, section: Section) -> int:
        """How many rows of it a Home shows at once."""
        ...

    def summary_size(self, section: Section) -> int:
        """How many rows of it a summary shows."""
        ...

    def draw_home(self, contents: Contents) -> Drawing:
        """The Home, within Slack's limits whatever it holds. Pure."""
        ...

    def draw_summary(self, contents: Contents) -> Drawing:
        """What waits, as a message that `Messenger.post` posts. Pure."""
        ...

    async def publish(self, person: Person, drawing: Drawing, hash: str) -> str:
        """Show a Home instead of the one with this hash, or of any if `hash` is empty. Returns its own hash.

        Raises `MessageGone` if another Home is shown by now, `PlaceGone`, `OutcomeUnknown` or `NotNow`.
        """
        ...


class Errands(Protocol):
    """Work for people, which `bot.app` owns. Both methods return at once, and may be called any number of times."""

    def home(self, person: Person) -> None:
        """Bring this person's Home up to date, if they have opened it."""
        ...

    def summary(self, person: Person) -> None:
        """Send this person the summary that is due."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Inboxes:
    storage: Storage
    directory: Directory
    groups: Callable[[], Collection[str]] = tuple
    """The user groups that the policies ask now, by name."""
    channels: Callable[[], Collection[str]] = tuple
    """The channels whose members the policies ask now, by name."""

    async def known(self, person: Person) -> Known:
        """The names by which requests may mean them. Raises `Unreachable` if Slack does not say. What Slack will not
        say until an operator changes something is left out, and named in `untold` if policies ask such people."""
        try:
            member, names = await self.directory.member(person), await self.directory.names_of(person)
            groups, no_groups = await self._groups(person)
            rooms, no_rooms = await self._rooms(person)
        except LookupFailed as failed:
            raise Unreachable("Slack did not say who you are") from failed
        return Known(
            names=frozenset(name.lower() for name in (*names, *groups, *rooms)),
            ordinary=not member.ineligible,
            untold=(*(no_groups if self.groups() else ()), *no_rooms),
        )

    async def waiting(self, person: Person) -> tuple[Request, ...]:
        """What this person may answer and has not: highest risk first, then earliest deadline."""
        return await self._waiting(person, await self.known(person))

    async def waits(self, request: Request, person: Person) -> bool:
        """Whether this person may answer it and has not."""
        return waits_for(request, person, await self.known(person))

    async def asked(self, person: Person) -> tuple[Task, ...]:
        """The tasks that this person started: running ones first, and the newest first."""
        return tuple(sorted(await self.storage.tasks_of(person, MAX_ROWS), key=lambda task: task.finished))

    async def decided(self, person: Person) -> tuple[Request, ...]:
        """What this person voted on, the latest vote first."""
        return await self.storage.answered_by(person, MAX_ROWS)

    async def contents(self, person: Person, look: Look, size: Callable[[Section], int]) -> Contents:
        """Everything that their inbox holds; `size` is the number of rows on a page of each section."""
        kept = await self.storage.inbox(person)
        known = await self.known(person)
        found = await self._concerning(person, known)
        waiting = [request for request in found if not request.is_window]
        undoable = [request for request in found if windows.can_undo(request)]
        shown = [request for request in waiting if look.shows(request)]

        async def page(section: Section, of: Sequence[Request | Task]) -> Page[Row]:
            pages = max((len(of) - 1) // size(section) + 1, 1)
            number = min(look.page(section), pages - 1)
            few = of[number * size(section) :][: size(section)]
            return Page(rows=tuple([await self._row(each) for each in few]), number=number, pages=pages, total=len(of))

        return Contents(
            person=person,
            look=look,
            waiting=await page(Section.WAITING, shown),
            asked=await page(Section.ASKED, await self.asked(person)),
            decided=await page(Section.DECIDED, await self.decided(person)),
            all_waiting=len(waiting),
            overdue=sum(map(inbox.overdue, waiting)),
            graphs=tuple(sorted({request.graph for request in waiting})),
            summary=str(kept.summary.schedule) if kept.summary else "",
            undoable=Page(rows=tuple([await self._row(each) for each in undoable[:MAX_UNDOABLE]]), total=len(undoable)),
            untold=known.untold,
        )

    async def change(self, person: Person, change: Callable[[Inbox], Inbox]) -> None:
        """Change what is kept of a person's inbox, whoever else changes it at the same time."""

        async def once() -> None:
            kept = await self.storage.inbox(person)
            changed = change(kept)
            if changed != kept:
                await self.storage.save_inbox(changed)

        await until_won(once)

    async def _waiting(self, person: Person, known: Known) -> tuple[Request, ...]:
        return tuple(request for request in await self._concerning(person, known) if not request.is_window)

    async def _concerning(self, person: Person, known: Known) -> tuple[Request, ...]:
        """What they may answer or undo: highest risk first, then earliest deadline."""
        found = await self.storage.waiting_for(known.names, MAX_ROWS)
        return tuple(request for request in found if concerns(request, person, known))

    async def _groups(self, person: Person) -> tuple[frozenset[str], tuple[str, ...]]:
        """The user groups that they are in, and what Slack will not say about that."""
        try:
            return await self.directory.groups_of(person), ()
        except LookupRefused as refused:
            log.warning("who is in which user group %s", refused)
            return frozenset(), (f"What waits for user groups may be missing here: who is in them {refused}.",)

    async def _rooms(self, person: Person) -> tuple[frozenset[str], tuple[str, ...]]:
        """The channels that they are in, of those that policies or open requests ask, and what Slack will not say about
        that."""
        asking = await self.storage.waiting_for([ANY_CHANNEL], MAX_ROWS)
        asked = (*self.channels(), *(ref for request in asking for ref in request.approvers if is_channel(ref)))
        rooms: set[str] = set()
        untold: dict[str, None] = {}
        for ref in dict.fromkeys(asked):
            try:
                if person in await self.directory.resolve([ref]):
                    rooms.add(ref)
            except LookupRefused as refused:
                log.warning("who is in the channel %s %s", ref, refused)
                untold[f"What waits for members of channels may be missing here: who is in them {refused}."] = None
        return frozenset(rooms), tuple(untold)

    async def _row(self, of: Request | Task) -> Row:
        if isinstance(of, Task):
            return Row(records=await self.storage.records_of(of.id))
        return Row(records=await self.storage.records_of(of.task_id), request=of)


def channels_asked(policies: Policies) -> tuple[str, ...]:
    """The channels whose members policies ask, at first or later, by name."""
    return tuple(ref for ref in _asked(policies) if is_channel(ref))


def groups_asked(policies: Policies) -> tuple[str, ...]:
    """The user groups that policies ask, at first or later, by name."""
    return tuple(ref for ref in _asked(policies) if is_group(ref))


def waits_for(request: Request, person: Person, known: Known) -> bool:
    """Whether the request waits for this person's answer: they are named and have not delegated, somebody delegated to
    them, or they are the requester and the question approves nothing. What can be undone waits for nobody."""
    return not request.is_window and concerns(request, person, known)


def concerns(request: Request, person: Person, known: Known) -> bool:
    """Whether this person may answer the request, or undo what was done, and has not."""
    refs = {ref.lower() for ref in request.approvers if known.ordinary or ref not in request.held}
    named = not known.names.isdisjoint(refs) and request.given_to(person) is None
    return (
        (
            named
            or person == request.asked_requester
            or any(delegation.to == person for delegation in request.stage_delegations)
        )
        and eligible.may_answer(request, person)
        and all(vote.person != person for vote in request.stage_votes)
        and all(person not in stage.voters for stage in request.passed)
    )


def _asked(policies: Policies) -> tuple[str, ...]:
    """Every name that policies ask, at first or later."""
    stages = [stage for policy in policies.policies for stage in policy.stages]
    later = (
        to for stage in stages for step in stage.steps if isinstance(step.action, Escalate) for to in step.action.to
    )
    undoing = (ref for policy in policies.policies for ref in policy.undo.approvers)
    return tuple(dict.fromkeys((*(ref for stage in stages for ref in stage.approvers), *later, *undoing)))
