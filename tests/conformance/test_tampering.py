"""Whoever changes the audit log behind the bot's back is found out: `verify` names the entry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from bot.approvals.model.audit import PURGED, Head
from bot.approvals.model.task import Ended
from bot.approvals.ports.storage import Storage
from bot.approvals.services.audit.proof import Broken, Intact, verify
from tests.conformance.stores import Store
from tests.conformance.tampering import FIELDS, RedisTampering, SqliteTampering, Tampering
from tests.support.builders import NOON, a_person, a_request, a_task, an_event

ENTRIES = 9
TOMBSTONES = (2, 5)
LAST_WORD = 7
"""The entry that says that those texts were past their retention."""
numbers = st.integers(1, ENTRIES)
every_way = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
async def log(store: Store) -> Storage:
    """A log of three tasks, of which the records of one are past their retention: two of its texts are gone."""
    storage = await store.open()
    task, other, ended = a_task(), a_task("other"), a_task("ended", state=Ended(outcome="done", at=NOON))
    request = a_request(task=task)
    await storage.create_task(task, an_event("started", task, person=a_person()))
    await storage.create_task(ended, an_event("started", ended))
    await storage.open_request(request, an_event("opened", request, digest=request.digest))
    await storage.create_task(other, an_event("started", other))
    await storage.forget(ended.id, an_event("checkpoints_deleted", ended))
    await storage.record(an_event("refused", request, person=a_person("U9"), data={"why": "OwnRequest"}))
    await storage.purge(ended.id, an_event(PURGED, ended))
    await storage.save_request(request, an_event("voted", request, person=a_person("UAPP")))
    await storage.record(an_event("viewed", other))
    assert isinstance(await verify(storage), Intact)
    return storage


@pytest.fixture
def tampering(log: Storage, request: pytest.FixtureRequest) -> Iterator[Tampering]:
    if request.node.callspec.params["store"] == "sqlite":
        folder: Path = request.getfixturevalue("tmp_path")
        with SqliteTampering.of(folder / "records.db") as file:
            yield file
    else:
        prefix = "{" + request.getfixturevalue("redis_prefix") + "}:"
        with RedisTampering.of(request.getfixturevalue("redis_url"), prefix) as redis:
            yield redis


async def found_out(log: Storage, check: Callable[[Callable[[], Intact | Broken]], None]) -> None:
    """Run a test of Hypothesis in a thread, and give it a `verify` that runs in the store's own loop."""
    loop = asyncio.get_running_loop()

    def proof() -> Intact | Broken:
        return asyncio.run_coroutine_threadsafe(verify(log), loop).result()

    await asyncio.to_thread(check, proof)
    assert isinstance(await verify(log), Intact)


async def test_any_byte_that_is_another_is_found_and_its_entry_named(log: Storage, tampering: Tampering) -> None:
    def check(proof: Callable[[], Intact | Broken]) -> None:
        @every_way
        @given(
            number=numbers,
            field=st.sampled_from(FIELDS),
            where=st.floats(0, 1, exclude_max=True),
            added=st.integers(1, 255),
        )
        def named(number: int, field: str, where: float, added: int) -> None:
            assume(field != "body" or number not in TOMBSTONES)
            stored = tampering.read(number, field)
            place = int(where * len(stored))
            byte = bytes([(stored[place] + added) % 256])

            with tampering.undone():
                tampering.write(number, field, stored[:place] + byte + stored[place + 1 :])
                broken = proof()

            assert isinstance(broken, Broken)
            # Where the word that texts may be gone is spoilt, it is the first of them that has no right to be.
            assert broken.number == number or (number == LAST_WORD and broken.number == TOMBSTONES[0])

        named()

    await found_out(log, check)


async def test_entries_that_change_places_are_found_and_the_first_named(log: Storage, tampering: Tampering) -> None:
    def check(proof: Callable[[], Intact | Broken]) -> None:
        @every_way
        @given(pair=st.lists(numbers, min_size=2, max_size=2, unique=True))
        def named(pair: list[int]) -> None:
            with tampering.undone():
                tampering.swap(*pair)
                broken = proof()

            assert isinstance(broken, Broken)
            assert broken.number == min(pair)
            assert ("stands before" in broken.why) == (abs(pair[0] - pair[1]) == 1)

        named()

    await found_out(log, check)


async def test_an_entry_that_is_gone_is_found_where_it_was(log: Storage, tampering: Tampering) -> None:
    def check(proof: Callable[[], Intact | Broken]) -> None:
        for number in range(1, ENTRIES + 1):
            with tampering.undone():
                tampering.remove(number)
                broken = proof()

            assert isinstance(broken, Broken)
            if number == LAST_WORD:
                assert broken.number in (TOMBSTONES[0], number)
            else:
                assert broken.number in (number, number + 1)
                assert "was cut" in broken.why if number == ENTRIES else "was removed" in broken.why

    await found_out(log, check)


async def test_an_entry_that_was_put_in_is_found(log: Storage, tampering: Tampering) -> None:
    def check(proof: Callable[[], Intact | Broken]) -> None:
        @every_way
        @given(number=numbers, copy_of=numbers)
        def named(number: int, copy_of: int) -> None:
            with tampering.undone():
                tampering.insert(number, copy_of)
                broken = proof()

            assert isinstance(broken, Broken)
            assert broken.number == (number + 1 if copy_of == number else number)

        named()

    await found_out(log, check)


async def test_a_tail_that_was_cut_is_found_by_the_count_that_is_kept_apart(log: Storage, tampering: Tampering) -> None:
    def check(proof: Callable[[], Intact | Broken]) -> None:
        for number in range(1, ENTRIES + 1):
            with tampering.undone():
                tampering.cut(number)
                broken = proof()

            assert isinstance(broken, Broken)
            if not TOMBSTONES[0] < number <= LAST_WORD:  # the word that texts may be gone may be cut too
                why = f"The log was cut: it ends before this entry, and {ENTRIES} was written."
                assert broken == Broken(number=number, why=why)

    await found_out(log, check)


async def test_a_text_that_is_taken_out_needs_the_word_that_it_was_past_its_retention(
    log: Storage, tampering: Tampering
) -> None:
    def check(proof: Callable[[], Intact | Broken]) -> None:
        for number in (1, 3, 4, 6, 8, 9, LAST_WORD):
            with tampering.undone():
                tampering.write(number, "body", b"")
                broken = proof()

            assert isinstance(broken, Broken)
            assert broken.number == (TOMBSTONES[0] if number == LAST_WORD else number)
            assert "no entry says" in broken.why

    await found_out(log, check)


async def test_an_entry_that_is_filed_under_another_task_is_found(log: Storage, tampering: Tampering) -> None:
    def check(proof: Callable[[], Intact | Broken]) -> None:
        for number in set(range(1, ENTRIES + 1)) - {LAST_WORD}:
            with tampering.undone():
                tampering.file(number, "elsewhere")
                broken = proof()

            assert isinstance(broken, Broken)
            assert broken.number == number

    await found_out(log, check)


async def test_a_head_that_was_noted_tells_a_log_that_was_written_anew(log: Storage, store: Store) -> None:
    noted = await log.head()
    await log.record(an_event("later", a_task()))

    kept = await verify(log, noted)
    forged = await verify(log, replace(noted, link="ab" * 32))
    cut = await verify(log, Head(number=1000, link=noted.link))

    assert isinstance(kept, Intact)
    assert forged == Broken(number=ENTRIES, why="It is not the entry that was noted as the log's head.")
    assert cut == Broken(number=1000, why="It was noted as the log's head and is not in the log any more.")
