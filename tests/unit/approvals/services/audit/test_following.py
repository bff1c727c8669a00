"""What is new in the audit log is followed piece by piece, and nothing that was seen may change meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.approvals.model.audit import Head, digest_of
from bot.approvals.services.audit import following
from bot.approvals.services.audit.following import follow
from bot.approvals.services.audit.proof import Broken
from tests.unit.approvals.services.audit.test_proof import Log

BODY = b'{"task_id":"t1"}'


@pytest.fixture
def log() -> Log:
    """A log of twelve entries."""
    log = Log()
    for _ in range(12):
        log.add(BODY)
    return log


def head(log: Log, number: int) -> Head:
    return Head(number=number, link=log.entries[number - 1].link)


async def followed(log: Log, since: Head | None, limit: int = 100) -> Head | Broken:
    return await follow(log, since, limit)  # type: ignore[arg-type]


async def test_an_empty_log_has_nothing_to_follow() -> None:
    """There is no head yet, and nothing wrong."""
    assert await followed(Log(), None) == Head()
    assert await followed(Log(), Head()) == Head()


@pytest.mark.parametrize("page", [1, 2, 3, 500])
async def test_it_goes_on_from_where_it_ended(log: Log, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Piece by piece up to the end, and on once more is written."""
    monkeypatch.setattr(following, "MAX_PAGE_ENTRIES", page)
    heads: list[Head | Broken] = []
    since: Head | None = None
    for _ in range(4):
        found = await followed(log, since, 5)
        assert isinstance(found, Head)
        heads.append(since := found)

    assert heads == [head(log, 5), head(log, 10), head(log, 12), head(log, 12)]
    log.add(BODY)
    assert await followed(log, since, 5) == head(log, 13)


@pytest.mark.parametrize("number", [8, 12])
async def test_a_new_entry_that_was_altered_is_named(log: Log, number: int) -> None:
    """Wherever it is, in the piece that is followed."""
    log.entries[number - 1] = replace(log.entries[number - 1], body=b'{"task_id":"t2"}')

    found = await followed(log, head(log, 6))

    assert isinstance(found, Broken)
    assert found.number == number


async def test_an_altered_entry_beyond_the_piece_is_found_by_the_next_one(log: Log) -> None:
    """A piece says nothing of what follows."""
    log.entries[10] = replace(log.entries[10], digest=digest_of(b"else"))

    assert await followed(log, head(log, 2), 5) == head(log, 7)
    assert isinstance(await followed(log, head(log, 7), 5), Broken)


async def test_a_log_that_was_written_anew_is_not_the_one_that_was_seen(log: Log) -> None:
    """Its links differ."""
    seen = head(log, 6)
    other = Log()
    for number in range(20):
        other.add(b'{"task_id":"t%d"}' % number, f"t{number}")

    found = await followed(other, seen)

    assert found == Broken(number=6, why="It was seen earlier, and is not in the log any more.")


@pytest.mark.parametrize(("left", "first"), [(0, 6), (4, 6), (9, 10)])
async def test_a_log_that_was_cut_is_noticed(log: Log, left: int, first: int) -> None:
    """Whether the entry that was seen last is gone, or later ones."""
    seen, log.counted = head(log, 6), 12
    del log.entries[left:]

    found = await followed(log, seen)

    assert isinstance(found, Broken)
    assert (found.number, "The log was cut" in found.why) == (first, True)
