"""What an inbox holds, read from the records: what waits for somebody, what they asked for, what they decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from bot.approvals import inbox, tally
from bot.approvals.changes import until_won
from bot.approvals.errors import Unreachable
from bot.approvals.ids import MessageRef, Person, Ts
from bot.approvals.inbox import Inbox, Look, Section
from bot.approvals.policy import Escalate
from bot.approvals.ports import Directory, Drawing, LookupFailed, Records, Storage
from bot.approvals.request import Request
from bot.approvals.selection import Policies
from bot.approvals.surface import SurfaceKind
from bot.approvals.task import Task

MOST: Final = 100
"""Of each kind that an inbox looks at; with more that wait, the gravest."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A task, or one request of it, and where in Slack it is to be seen."""

    records: Records
    request: Request | None = None

    @property
    def place(self) -> MessageRef | None:
        """The request's card, or the message that opens the task's thread; None while it is not posted."""
        kind, id = (SurfaceKind.CARD, self.request.id) if self.request else (SurfaceKind.OPENING, None)
        found = (each.ref for each in self.records.surfaces if each.kind is kind and each.request_id == id)
        return next((ref for ref in found if ref is not None), None)

    @property
    def thread_ts(self) -> Ts | None:
        """The message under which the place is; None where it stands by itself."""
        if self.records.task.thread_ts is not None:
            return self.records.task.thread_ts
        opening = next((each.ref for each in self.records.surfaces if each.kind is SurfaceKind.OPENING), None)
        return None if opening is None or opening == self.place else opening.ts


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A page of a list, `number` counted from 0; `total` is the list's length, as far as it was looked at."""

    rows: tuple[T, ...] = ()
    number: int = 0
    pages: int = 1
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What somebody's inbox holds, as they look at it."""

    person: Person
    look: Look
    waiting: Page[Row]
    asked: Page[Row]
    decided: Page[Row]
    all_waiting: int
    """Whatever is chosen to be shown."""
    overdue: int
    graphs: tuple[str, ...]
    """Of what waits, in the order of their names."""
    digest: str = ""
    """When the person wants to be told; empty: never."""


class Front(Protocol):
    """Slack, as far as it shows inboxes."""

    def page_size(self, section: Section) -> int:
        """How many rows of it a Home shows at once."""
        ...

    def digest_size(self, section: Section) -> int:
        """How many rows of it a digest shows."""
        ...

    def draw_home(self, contents: Contents) -> Drawing:
        """The Home, within Slack's limits whatever it holds. Pure."""
        ...

    def draw_digest(self, contents: Contents) -> Drawing:
        """What waits, as a message that `Messenger.post` posts. Pure."""
        ...

    async def publish(self, person: Person, drawing: Drawing, hash: str) -> str:
        """Show a Home in the place of the one of that hash, or of any where it is empty; returns its own.

        `MessageGone` where another one stands there now; `PlaceGone`, `OutcomeUnknown` or `NotNow`.
        """
        ...


class Errands(Protocol):
    """What is done for people in tasks that `bot.app` owns. Both return at once, however often they are called."""

    def home(self, person: Person) -> None:
        """Bring this person's Home level with the records, where they have opened it."""
        ...

    def digest(self, person: Person) -> None:
        """Send this person the digest that is due."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Inboxes:
    storage: Storage
    directory: Directory
    channels: tuple[str, ...] = ()
    """Those whose members policies ask, as they name them."""

    async def names(self, person: Person) -> frozenset[str]:
        """By which policies may mean them, in small letters; `Unreachable` where Slack does not say."""
        try:
            names = await self.directory.names_of(person)
            rooms = [ref for ref in self.channels if person in await self.directory.resolve([ref])]
        except LookupFailed as failed:
            raise Unreachable("Slack did not say who you are") from failed
        return frozenset(name.lower() for name in (*names, *rooms))

    async def waiting(self, person: Person) -> tuple[Request, ...]:
        """What this person may answer and has not, the gravest and soonest first."""
        names = await self.names(person)
        found = await self.storage.waiting_for(names, MOST)
        return tuple(request for request in found if waits_for(request, person, names))

    async def asked(self, person: Person) -> tuple[Task, ...]:
        """The tasks that this person started: those that go on first, and the newest of both."""
        return tuple(sorted(await self.storage.tasks_of(person, MOST), key=lambda task: task.finished))

    async def decided(self, person: Person) -> tuple[Request, ...]:
        """What this person voted on, the latest vote first."""
        return await self.storage.answered_by(person, MOST)

    async def contents(self, person: Person, look: Look, size: Callable[[Section], int]) -> Contents:
        """All that their inbox holds, so many rows of each section to a page."""
        kept = await self.storage.inbox(person)
        waiting = await self.waiting(person)
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
            digest=str(kept.digest.schedule) if kept.digest else "",
        )

    async def change(self, person: Person, change: Callable[[Inbox], Inbox]) -> None:
        """Keep something else of a person's inbox, whoever changes it at the same time."""

        async def once() -> None:
            kept = await self.storage.inbox(person)
            changed = change(kept)
            if changed != kept:
                await self.storage.save_inbox(changed)

        await until_won(once)

    async def _row(self, of: Request | Task) -> Row:
        if isinstance(of, Task):
            return Row(records=await self.storage.records_of(of.id))
        return Row(records=await self.storage.records_of(of.task_id), request=of)


def channels_asked(policies: Policies) -> tuple[str, ...]:
    """The channels whose members policies ask, at first or later, as they name them."""
    stages = [stage for policy in policies.policies for stage in policy.stages]
    later = (
        to for stage in stages for step in stage.steps if isinstance(step.action, Escalate) for to in step.action.to
    )
    named = (*(ref for stage in stages for ref in stage.approvers), *later)
    return tuple(dict.fromkeys(ref for ref in named if ref.startswith(("#", "C", "G")) and "@" not in ref))


def waits_for(request: Request, person: Person, names: frozenset[str]) -> bool:
    """Whether an answer of theirs is missing: of one whom policies mean by these names and whose vote is their own, of
    one who was given somebody's, or of the requester if the question approves nothing."""
    asked = request.asks_requester and person == request.requester
    named = not names.isdisjoint(ref.lower() for ref in request.approvers) and request.given_to(person) is None
    return (
        (named or asked or any(delegation.to == person for delegation in request.delegations))
        and tally.may_answer(request, person)
        and all(vote.person != person for vote in request.stage_votes)
        and all(person not in stage.voters for stage in request.passed)
    )
