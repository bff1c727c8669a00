"""Slack's Homes in memory, behind the `Front` port."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from bot.approvals.inbox.queries import Contents, Page, Row
from bot.approvals.model.ids import Person
from bot.approvals.model.inbox import Section
from bot.approvals.model.message import MessageKind
from bot.approvals.ports.slack import Drawing, MessageGone
from tests.support.fakes.messenger import FakeDrawing


@dataclass(frozen=True)
class FakeHome:
    """What a Home would say, in a line."""

    words: str

    @property
    def fingerprint(self) -> str:
        return self.words


class FakeFront:
    def __init__(self) -> None:
        self.shown: dict[Person, FakeHome] = {}
        self.hashes: dict[Person, str] = {}
        self.published: list[Person] = []
        self._faults: deque[tuple[Exception, bool]] = deque()

    def fail(self, fault: Exception, *, after: bool = False) -> None:
        """The next time something is published, this is raised; with `after`, once it has been."""
        self._faults.append((fault, after))

    def page_size(self, section: Section) -> int:
        return 2

    def summary_size(self, section: Section) -> int:
        return 2

    def draw_home(self, contents: Contents) -> FakeHome:
        lists = (contents.waiting, contents.asked, contents.decided)
        return FakeHome(" | ".join([*(f"{_named(page)} of {page.total}" for page in lists), contents.summary]))

    def draw_summary(self, contents: Contents) -> FakeDrawing:
        return FakeDrawing(kind=MessageKind.REMINDER, words=f"{contents.all_waiting} wait")

    async def publish(self, person: Person, drawing: Drawing, hash: str) -> str:
        fault, after = self._faults.popleft() if self._faults else (None, False)
        if fault is not None and not after:
            raise fault
        if hash and self.hashes.get(person, hash) != hash:
            raise MessageGone("hash_conflict")
        assert isinstance(drawing, FakeHome)
        self.published.append(person)
        self.shown[person], self.hashes[person] = drawing, f"h{len(self.published)}"
        if fault is not None:
            raise fault
        return self.hashes[person]


def _named(page: Page[Row]) -> str:
    return ",".join(row.request.question.title if row.request else row.records.task.id for row in page.rows)
