"""Parameters that several routes take."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias

from fastapi import Header, Path, Query

from bot.approvals.model.ids import JSON
from bot.approvals.model.token import Token
from bot.approvals.services.calls import Call
from bot.http.bodies import sent

PREFIX: Final = "/v1"
MAX_WAIT_SECONDS: Final = 60.0
MAX_ROWS: Final = 100

Key: TypeAlias = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern="^[!-~]+$",
        description="The same when your program repeats this call after a crash, and different for a new wish: an "
        "order number, or the id of a flow and its step. The same key and body give the same answer; a key with "
        "another body is refused.",
        examples=["order-1093-refund"],
    ),
]
Wait: TypeAlias = Annotated[
    float,
    Query(
        ge=0,
        allow_inf_nan=False,
        description=f"Seconds to wait for a change. More than {MAX_WAIT_SECONDS:.0f} counts as {MAX_WAIT_SECONDS:.0f}. "
        "A bot that shuts down answers at once.",
        examples=[30],
    ),
]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=MAX_ROWS, description="How many to return at most.")]
Cursor: TypeAlias = Annotated[
    str | None, Query(max_length=200, description="`next_cursor` of the page before. Left out for the first page.")
]
Source: TypeAlias = Annotated[
    str | None, Query(max_length=80, description="Only what this source has made.", examples=["billing-service"])
]
RequestId: TypeAlias = Annotated[str, Path(alias="id", description="The request's id.")]
TaskId: TypeAlias = Annotated[str, Path(alias="id", description="The task's id.")]


def call_of(token: Token, key: str, new: sent.NewRequest | sent.NewTask, body: Any) -> Call:
    """What a program says about itself, with the digest of all that it sent."""
    source = new.source
    metadata: Mapping[str, JSON] = new.metadata
    return Call(
        source=source.name if source is not None else token.sources[0],
        key=key,
        body=digest_of(body),
        requester=new.requester or "",
        channel=new.channel or "",
        url=(source.url if source is not None else None) or "",
        run=(source.run if source is not None else None) or "",
        callback_url=(new.callback_url if isinstance(new, sent.NewRequest) else None) or "",
        metadata=metadata,
    )


def digest_of(body: Any) -> str:
    """SHA-256, in hex, of what was sent. The order of keys does not matter."""
    written = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(written.encode()).hexdigest()


def sources_of(token: Token, source: str | None) -> tuple[str, ...]:
    """The sources whose records are looked for. None of another one is ever found."""
    return token.sources if source is None else tuple(each for each in token.sources if each == source)
