"""What `Storage` promises of the tokens of the HTTP API."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.approvals.model.errors import Conflict
from bot.approvals.model.token import TOKENS, Scope
from bot.approvals.ports.storage import Storage
from bot.approvals.services.audit.proof import Intact, verify
from tests.conformance.stores import Store
from tests.support.builders import MINUTE, NOON, a_token, a_token_event


async def test_a_token_comes_back_whole_and_is_found_by_its_digest(storage: Storage) -> None:
    token = a_token(
        scopes=frozenset(Scope), sources=("billing-service", "cron"), channels=("#ops",), expires_at=NOON + MINUTE
    )
    await storage.add_token(token, a_token_event("token_added", token))

    assert await storage.token_of(token.digest) == token
    assert await storage.token_of("0" * 64) is None
    assert await storage.tokens() == (token,)
    assert await storage.history(TOKENS) == (a_token_event("token_added", token),)
    assert isinstance(await verify(storage), Intact)


async def test_a_name_is_used_once_and_for_ever(storage: Storage) -> None:
    first = a_token()
    await storage.add_token(first, a_token_event("token_added", first))
    revoked = await storage.save_token(replace(first, revoked_at=NOON), a_token_event("token_revoked", first))
    again = a_token(digest="1" * 64)

    with pytest.raises(Conflict):
        await storage.add_token(again, a_token_event("token_added", again))

    assert await storage.tokens() == (revoked,)
    assert await storage.token_of(again.digest) is None
    assert [event.kind for event in await storage.history(TOKENS)] == ["token_added", "token_revoked"]


async def test_of_many_that_add_one_name_at_once_exactly_one_does(store: Store) -> None:
    tokens = [a_token(digest=str(number) * 64) for number in range(3)]
    handles = [await store.open() for _ in tokens]

    done = await asyncio.gather(
        *(
            handle.add_token(token, a_token_event("token_added", token))
            for handle, token in zip(handles, tokens, strict=True)
        ),
        return_exceptions=True,
    )

    assert sorted(type(each).__name__ for each in done) == ["Conflict", "Conflict", "NoneType"]
    assert len(await handles[0].tokens()) == 1


async def test_tokens_come_oldest_first(storage: Storage) -> None:
    tokens = [a_token(name, created_at=NOON + number * MINUTE) for number, name in enumerate(("z", "a", "m"))]
    for token in tokens:
        await storage.add_token(token, a_token_event("token_added", token))

    assert await storage.tokens() == tuple(tokens)


async def test_a_use_of_a_token_does_not_undo_that_it_was_revoked(store: Store) -> None:
    here, there = await store.open(), await store.open()
    token = a_token()
    await here.add_token(token, a_token_event("token_added", token))
    seen = await there.token_of(token.digest)
    assert seen is not None

    revoked = await here.save_token(replace(token, revoked_at=NOON), a_token_event("token_revoked", token))
    with pytest.raises(Conflict):
        await there.save_token(replace(seen, used_at=NOON))

    assert revoked.revision == 1
    assert await there.token_of(token.digest) == revoked


async def test_a_token_that_was_never_added_cannot_be_saved(storage: Storage) -> None:
    with pytest.raises(Conflict):
        await storage.save_token(a_token(), a_token_event("token_revoked", a_token()))

    assert await storage.tokens() == ()
    assert await storage.history(TOKENS) == ()
