"""Which tokens open anything, and when they were last used."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.approvals.model.errors import Conflict, Unreachable
from bot.approvals.model.token import Token
from bot.approvals.services.admission import Admission
from bot.storage.sqlite.store import SqliteStorage
from tests.support.builders import MINUTE, NOON, a_token, a_token_event


@pytest.fixture
async def storage() -> SqliteStorage:
    return await SqliteStorage.open(":memory:")


async def added(storage: SqliteStorage, **changes: Any) -> Token:
    token = a_token(**changes)
    await storage.add_token(token, a_token_event("token_added", token))
    return token


async def test_a_token_that_lives_is_let_in(storage: SqliteStorage) -> None:
    token = await added(storage, expires_at=NOON + MINUTE)
    admission = Admission(storage=storage)

    assert await admission.token(token.digest, NOON) == token
    assert await admission.token(token.digest, NOON + MINUTE) is None
    assert await admission.token("0" * 64, NOON) is None
    await storage.close()


async def test_a_use_is_kept_once_a_minute(storage: SqliteStorage) -> None:
    await added(storage)
    admission = Admission(storage=storage)

    for seconds in (1, 30, 59, 61):
        (token,) = await storage.tokens()
        await admission.note_use(token, NOON + timedelta(seconds=seconds))

    (token,) = await storage.tokens()
    assert (token.used_at, token.revision) == (NOON + MINUTE, 2)
    await storage.close()


@pytest.mark.parametrize("error", [Conflict("token"), Unreachable("the store is away")])
async def test_a_use_that_cannot_be_kept_is_left_out(error: Exception) -> None:
    class Failing:
        async def save_token(self, *_: object) -> Token:
            raise error

    await Admission(storage=Failing()).note_use(a_token(), NOON)  # type: ignore[arg-type]
