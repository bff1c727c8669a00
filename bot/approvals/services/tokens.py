"""What an operator does with the tokens of the HTTP API. Each deed is in the audit log."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import NotFound
from bot.approvals.model.ids import JSON
from bot.approvals.model.token import PREFIX, TOKENS, Token
from bot.approvals.ports.storage import TokenStore
from bot.approvals.services.unit_of_work import until_won


def new_token() -> str:
    """The text of a new token. It is shown once; only its digest is stored."""
    return PREFIX + secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Works beside a running bot, which reads a token from the store whenever it is used."""

    storage: TokenStore
    by: str
    """Who does it, in the audit log."""

    async def add(self, token: Token) -> None:
        """Store a new token. Raises `Conflict` if its name was ever used."""
        expires = token.expires_at.isoformat() if token.expires_at else None
        data: dict[str, JSON] = {
            "name": token.name,
            "scopes": [*sorted(token.scopes)],
            "sources": [*token.sources],
            "channels": [*token.channels],
            "expires_at": expires,
            "by": self.by,
        }
        event = AuditEvent(kind="token_added", at=token.created_at, task_id=TOKENS, data=data)
        await self.storage.add_token(token, event)

    async def revoke(self, name: str, now: datetime) -> Token:
        """Revoke the token, which then opens nothing. A token that is revoked already stays as it is. Returns the token
        as it was before. Raises `NotFound`."""

        async def once() -> Token:
            found = next((each for each in await self.storage.tokens() if each.name == name), None)
            if found is None:
                raise NotFound("token", name)
            if found.revoked_at is None:
                data: dict[str, JSON] = {"name": name, "by": self.by}
                event = AuditEvent(kind="token_revoked", at=now, task_id=TOKENS, data=data)
                await self.storage.save_token(replace(found, revoked_at=now), event)
            return found

        return await until_won(once)
