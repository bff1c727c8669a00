"""What operators do with tokens, and what the audit log says of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.approvals.model.errors import Conflict, NotFound
from bot.approvals.model.token import PREFIX, TOKENS, Scope, Token, digest_of
from bot.approvals.services.tokens import Tokens, new_token
from bot.storage.sqlite.store import SqliteStorage
from tests.support.builders import MINUTE, NOON, a_token


@pytest.fixture
async def storage() -> AsyncIterator[SqliteStorage]:
    storage = await SqliteStorage.open(":memory:")
    yield storage
    await storage.close()


@pytest.fixture
def tokens(storage: SqliteStorage) -> Tokens:
    return Tokens(storage=storage, by="olga, by command")


def test_a_token_is_long_and_never_the_same() -> None:
    first, second = new_token(), new_token()

    assert first != second
    assert first.startswith(PREFIX)
    assert len(first) == len(PREFIX) + 43
    assert digest_of(first) != digest_of(second)


async def test_what_was_added_is_told_without_the_hash(tokens: Tokens, storage: SqliteStorage) -> None:
    token = a_token(scopes=frozenset(Scope), channels=("#ops",), expires_at=NOON + MINUTE)

    await tokens.add(token)

    (event,) = await storage.history(TOKENS)
    assert event.kind == "token_added"
    assert event.at == NOON
    assert event.data == {
        "name": "billing",
        "scopes": ["requests:read", "requests:write", "tasks:write", "votes"],
        "sources": ["billing-service"],
        "channels": ["#ops"],
        "expires_at": "2030-01-02T12:01:00+00:00",
        "by": "olga, by command",
    }


async def test_a_name_is_never_used_twice(tokens: Tokens) -> None:
    await tokens.add(a_token())

    with pytest.raises(Conflict):
        await tokens.add(a_token(digest="0" * 64))


async def test_a_revoked_token_opens_nothing(tokens: Tokens, storage: SqliteStorage) -> None:
    await tokens.add(a_token())

    before = await tokens.revoke("billing", NOON)

    assert before == a_token()
    stored = await storage.token_of(before.digest)
    assert stored is not None
    assert not stored.lives(NOON)
    assert [event.kind for event in await storage.history(TOKENS)] == ["token_added", "token_revoked"]


async def test_it_is_revoked_once(tokens: Tokens, storage: SqliteStorage) -> None:
    await tokens.add(a_token())
    await tokens.revoke("billing", NOON)

    again = await tokens.revoke("billing", NOON + MINUTE)

    assert again.revoked_at == NOON
    assert len(await storage.history(TOKENS)) == 2


async def test_what_does_not_exist_cannot_be_revoked(tokens: Tokens) -> None:
    with pytest.raises(NotFound):
        await tokens.revoke("billing", NOON)


async def test_a_token_that_is_used_in_the_same_moment_is_revoked_all_the_same(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The use is noted between reading the token and revoking it."""
    tokens, read = Tokens(storage=storage, by="olga"), storage.tokens
    await tokens.add(a_token())
    uses = [NOON]

    async def used_meanwhile() -> tuple[Token, ...]:
        found = await read()
        if uses:
            await storage.save_token(replace(found[0], used_at=uses.pop()))
        return found

    monkeypatch.setattr(storage, "tokens", used_meanwhile)
    await tokens.revoke("billing", NOON)

    (stored,) = await read()
    assert (stored.revoked_at, stored.used_at) == (NOON, NOON)


@pytest.mark.parametrize(
    ("changes", "lives"),
    [
        ({}, True),
        ({"expires_at": NOON + MINUTE}, True),
        ({"expires_at": NOON}, False),
        ({"revoked_at": NOON}, False),
    ],
)
def test_a_token_lives_until_it_expires_or_is_revoked(changes: dict[str, Any], lives: bool) -> None:
    assert a_token(**changes).lives(NOON) is lives
