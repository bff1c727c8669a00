"""Tokens of the HTTP API in Redis."""

from __future__ import annotations

from dataclasses import replace

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import Conflict
from bot.approvals.model.facts import Recorded
from bot.approvals.model.token import Token
from bot.storage.codec import encode
from bot.storage.redis import steps
from bot.storage.redis.database import Database, Step


class RedisTokens:
    """`TokenStore` on Redis: a token is found by its digest in one call, and a key of its own keeps its name."""

    _db: Database

    async def add_token(self, token: Token, event: AuditEvent) -> None:
        token, db = replace(token, revision=0), self._db
        named = db.key("token_named", token.name)
        added = await db.change(
            [["absent", named], ["absent", db.key("token", token.digest)]],
            [
                ["call", "HSET", named, "digest", token.digest],
                _stored(db, token),
                steps.at(db, "tokens", token.digest, token.created_at),
            ],
            events=[Recorded(entry=event)],
        )
        if not added:
            raise Conflict(token.name)

    async def token_of(self, digest: str) -> Token | None:
        body = await self._db.body("token", digest)
        return None if body is None else self._db.reader.read(Token, body)

    async def tokens(self) -> tuple[Token, ...]:
        return await self._db.all_of(Token, "tokens", "token")

    async def save_token(self, token: Token, event: AuditEvent | None = None) -> Token:
        saved, db = replace(token, revision=token.revision + 1), self._db
        done = await db.change(
            [["revision", db.key("token", token.digest), str(token.revision)]],
            [_stored(db, saved)],
            events=[] if event is None else [Recorded(entry=event)],
        )
        if not done:
            raise Conflict(token.name)
        return saved


def _stored(db: Database, token: Token) -> Step:
    return ["call", "HSET", db.key("token", token.digest), "revision", str(token.revision), "body", encode(token)]
