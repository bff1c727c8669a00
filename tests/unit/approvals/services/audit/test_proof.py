"""What `verify` says of logs that no store writes; what it says of tampered ones is proved in `tests/conformance`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from bot.approvals.model.audit import GENESIS, Entry, Head, digest_of, link_of
from bot.approvals.model.ids import TaskId
from bot.approvals.services.audit import anchors
from bot.approvals.services.audit.anchors import Missed
from bot.approvals.services.audit.proof import Broken, Intact, Verified, verify


@dataclass
class Log:
    """A log as a store would give it."""

    entries: list[Entry] = field(default_factory=list)
    counted: int | None = None
    read: int = 0
    """Entries that were asked for."""

    def add(self, body: bytes, task_id: str = "t1") -> None:
        previous = self.entries[-1].link if self.entries else GENESIS
        digest = digest_of(body)
        number = len(self.entries) + 1
        link = link_of(previous, digest)
        self.entries.append(Entry(number=number, task_id=task_id, body=body, digest=digest, link=link))

    async def trail(self, after: int, limit: int) -> tuple[Entry, ...]:
        self.read += len(self.entries[after : after + limit])
        return tuple(self.entries[after : after + limit])

    async def head(self) -> Head:
        number = len(self.entries) if self.counted is None else self.counted
        return Head(number=number, link=self.entries[-1].link if self.entries else GENESIS)

    async def is_purged(self, task_id: TaskId) -> bool:
        return task_id == "purged"


@pytest.fixture
def log() -> Log:
    log = Log()
    for _ in range(3):
        log.add(b'{"task_id":"t1"}')
    return log


async def proof(log: Log, noted: Head | None = None) -> Intact | Broken:
    return await verify(log, noted)  # type: ignore[arg-type]


async def test_a_whole_log_is_intact(log: Log) -> None:
    assert await proof(log) == Intact(entries=3, purged=0, head=await log.head())


async def test_a_log_that_ends_with_a_purge_is_asked_once_per_task(log: Log) -> None:
    for _ in range(2):
        log.add(b"", "purged")

    assert await proof(log) == Intact(entries=5, purged=2, head=await log.head())


async def test_an_entry_without_a_text_is_named(log: Log) -> None:
    log.entries[1] = replace(log.entries[1], body=None)

    assert await proof(log) == Broken(number=2, why="Its text is missing.")


async def test_an_entry_whose_hashes_are_none_is_named_also_as_the_one_that_follows(log: Log) -> None:
    log.entries[0] = replace(log.entries[0], link="ab" * 32)
    log.entries[1] = replace(log.entries[1], digest="")

    assert await proof(log) == Broken(
        number=1,
        why="It does not follow the beginning: something between them was removed, or this entry was put in another's "
        "place.",
    )

    log.entries = log.entries[1:]

    assert await proof(log) == Broken(number=2, why="Its hashes cannot be read.")


@pytest.mark.parametrize("body", [b"\xff", b"[]", b'{"task_id":"t2"}', b'{"task_id":7}'])
async def test_an_entry_that_is_filed_where_it_does_not_belong_is_named(log: Log, body: bytes) -> None:
    log.add(body)

    assert await proof(log) == Broken(number=4, why="It is filed under a task that it does not tell of.")


async def test_an_entry_that_nobody_counted_is_named(log: Log) -> None:
    log.counted = 2

    assert await proof(log) == Broken(number=3, why="It was added to the log without being counted.")


async def test_a_log_that_is_all_cut_is_named(log: Log) -> None:
    cut = Log(counted=3)

    assert await proof(cut) == Broken(number=1, why="The log was cut: it ends before this entry, and 3 was written.")


async def test_the_beginning_as_a_noted_head_is_in_every_log(log: Log) -> None:
    assert isinstance(await proof(log, Head()), Intact)


def test_a_head_is_read_as_it_is_written() -> None:
    head = Head(number=17, link="0a" * 32)

    assert Head.read(f" {head}\n") == head
    assert Head.read(f"17:{'0A' * 32}") == head


@pytest.mark.parametrize("text", ["", "17", "17:", "17:0a", f"-1:{GENESIS}", f"x:{GENESIS}", f"17:{'zz' * 32}"])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Head.read(text)


# --- Going on -----------------------------------------------------------------------------------


async def follow(chain: Verified, log: Log) -> Intact | Broken:
    return await chain.go_on(log)  # type: ignore[arg-type]


async def test_a_chain_is_followed_further_without_reading_all_of_it_again(log: Log) -> None:
    chain = Verified()
    await follow(chain, log)
    log.add(b'{"task_id":"t1"}')
    log.read = 0

    proof = await follow(chain, log)

    assert proof == Intact(entries=4, purged=0, head=await log.head())
    assert log.read == 2


async def test_an_empty_log_is_followed_from_its_beginning() -> None:
    chain, log = Verified(), Log()
    await follow(chain, log)
    log.add(b'{"task_id":"t1"}')

    assert await follow(chain, log) == Intact(entries=1, purged=0, head=await log.head())


async def test_a_new_entry_that_is_not_as_written_is_named(log: Log) -> None:
    chain = Verified()
    await follow(chain, log)
    log.add(b'{"task_id":"t2"}')

    assert await follow(chain, log) == Broken(number=4, why="It is filed under a task that it does not tell of.")
    assert chain.last.number == 3


async def test_a_log_that_is_rewritten_with_all_its_links_is_found_out(log: Log) -> None:
    """By the link of the last entry, which was kept in mind."""
    chain = Verified()
    await follow(chain, log)
    again = Log()
    for body in (b'{"task_id":"t1","new":1}', b'{"task_id":"t1"}', b'{"task_id":"t1"}', b'{"task_id":"t1"}'):
        again.add(body)

    assert isinstance(await proof(again), Intact)
    assert await follow(chain, again) == Broken(number=3, why="It was the last entry before, and is another one now.")


async def test_a_log_that_lost_its_end_is_found_out(log: Log) -> None:
    chain = Verified()
    await follow(chain, log)
    log.entries.pop()

    assert await follow(chain, log) == Broken(number=3, why="It was the last entry before, and is gone.")


# --- Anchors ------------------------------------------------------------------------------------


async def test_the_head_to_note_is_the_newest_entry(log: Log) -> None:
    assert await anchors.newest(log) == await log.head()  # type: ignore[arg-type]
    assert await anchors.newest(Log()) == Head()  # type: ignore[arg-type]


async def test_a_log_without_its_newest_entry_has_no_head_to_note(log: Log) -> None:
    log.entries.pop()
    log.counted = 3

    assert await anchors.newest(log) is None  # type: ignore[arg-type]


async def test_each_noted_head_that_does_not_fit_is_told(log: Log) -> None:
    heads = [Head(number=each.number, link=each.link) for each in log.entries]
    other, *beyond = (Head(number=number, link="ab" * 32) for number in (2, 9, 10**30))

    found = await anchors.missed(log, [Head(), *heads, other, *beyond])  # type: ignore[arg-type]

    assert found == (
        Missed(head=other, because="another"),
        *(Missed(head=each, because="gone") for each in beyond),
    )
