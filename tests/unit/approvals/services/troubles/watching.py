"""A gateway that watches for troubles, over a world whose records and Slack it shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from bot.approvals.model.ids import ChannelId
from bot.approvals.model.trouble import About, Key, Trouble, TroubleKind
from bot.approvals.ports.storage import Storage
from bot.approvals.services.messages.posting import Posting
from bot.approvals.services.troubles.source import Sight, Source
from bot.approvals.services.troubles.sweep import Troubles
from bot.approvals.services.troubles.telling import Telling
from tests.support.fakes.fuse import Fuse, mortal
from tests.support.fakes.telemetry import Heard
from tests.support.fakes.world import World

OPS = ChannelId("COPS")
TTL = timedelta(seconds=30)


@dataclass(frozen=True)
class FakeTold:
    """What the message of a trouble would say, in a line."""

    trouble: Trouble

    @property
    def fingerprint(self) -> str:
        more = f" {self.trouble.about.count}" if self.trouble.about.count else ""
        why = f": {self.trouble.about.why}" if self.trouble.about.why else ""
        standing = "lasts" if self.trouble.open else "over"
        return f"{self.trouble.kind} {self.trouble.subject}{more} {standing}{why}"


@dataclass
class FakeSource:
    """Sees what a test puts before it."""

    lasting: dict[Key, About] = field(default_factory=dict)

    def add(self, *subjects: str, kind: TroubleKind = TroubleKind.FAILED, why: str | None = None) -> None:
        self.lasting |= {(kind, subject): About(why=why) for subject in subjects}

    def end(self, *subjects: str, kind: TroubleKind = TroubleKind.FAILED) -> None:
        for subject in subjects:
            del self.lasting[kind, subject]

    async def look(self, known: Sequence[Trouble], now: datetime) -> Sight:
        mine = [each.key for each in known if each.kind is not TroubleKind.MORE]
        return Sight(lasting=dict(self.lasting), over=[key for key in mine if key not in self.lasting])


_numbers = count()


@dataclass
class Watcher:
    """One gateway's watch. Without sources of its own it sees what the test puts into `seen`."""

    world: World
    sources: Sequence[Source] = ()
    owner: str = field(default_factory=lambda: f"gateway-{next(_numbers)}")
    fuse: Fuse = field(default_factory=Fuse)
    seen: FakeSource = field(default_factory=FakeSource)
    heard: Heard = field(default_factory=Heard)
    troubles: Troubles = field(init=False)

    def __post_init__(self) -> None:
        world = self.world
        world.directory.channels["#ops"] = OPS
        storage: Storage = mortal(world.storage, self.fuse)
        messenger = mortal(world.messenger, self.fuse)
        posting = Posting(messenger=messenger, clock=world.clock, owner=self.owner)
        telling = Telling(
            storage=storage,
            directory=world.directory,
            posting=posting,
            draw=FakeTold,
            clock=world.clock,
            channel="#ops",
        )
        self.troubles = Troubles(
            storage=storage,
            sources=self.sources or (self.seen,),
            telling=telling,
            owner=self.owner,
            lease_ttl=TTL,
            telemetry=self.heard,
        )

    async def pass_by(self, *times: timedelta) -> None:
        """Time passes; each time a sweep follows."""
        for by in times or (timedelta(),):
            self.world.clock.advance(by)
            await self.troubles.sweep(self.world.now)

    @property
    def told(self) -> list[str]:
        """What stands in the operators' channel, oldest first."""
        shown = [each.drawing for each in self.world.messenger.messages.values() if each.channel == OPS]
        return [each.fingerprint for each in shown]

    async def records(self) -> Mapping[Key, Trouble]:
        return {each.key: each for each in await self.world.storage.troubles(5000)}
