"""Who may call the HTTP API: the token that a program came with, as it is stored now."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.approvals.model.errors import Conflict, Unreachable
from bot.approvals.model.token import Token
from bot.approvals.ports.storage import TokenStore

NOTED_EVERY: Final = timedelta(minutes=1)
"""How exactly the last use of a token is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Reads tokens from storage each time, so that one that was revoked opens nothing from then on, on any replica."""

    storage: TokenStore

    async def token(self, digest: str, now: datetime) -> Token | None:
        """The token with this digest. Returns None if there is none, or if it has expired or was revoked. Raises
        `Unreachable`."""
        token = await self.storage.token_of(digest)
        return token if token is not None and token.lives(now) else None

    async def note_use(self, token: Token, now: datetime) -> None:
        """Keeps when the token was last used. It is only shown, so a note that cannot be stored is left out."""
        if token.used_at is not None and now - token.used_at < NOTED_EVERY:
            return
        with suppress(Conflict, Unreachable):
            await self.storage.save_token(replace(token, used_at=now.replace(second=0, microsecond=0)))
