"""A request that is too long for a modal, as a file in its thread (Slack: files.getUploadURLExternal).

A file's message has no metadata, so the message's id, by which it is found again, is the block_id of the text beside
the file.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model.ids import ChannelId, MessageId, Ts
from bot.approvals.model.request import Request
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.slack import blocks
from bot.slack.api.calls import Done, NotSent, Refused, Result, Unknown, tell_of
from bot.slack.blocks import Block
from bot.slack.modals import question_pages

METHOD: Final = "upload"
"""What an upload is named in what is told of it."""
UPLOAD_SECONDS: Final = 20.0
"""For the upload itself, so that it ends before the claim on its message does."""

_STATUS: Final[Mapping[int, str]] = {413: "file_too_large"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """The file, not written out yet, so that comparing two of them costs nothing."""

    request: Request
    version: int

    @property
    def fingerprint(self) -> str:
        return f"{self.request.id} {self.version}"

    @property
    def name(self) -> str:
        return f"request-{self.request.id}-version-{self.version}.txt"

    async def content(self) -> bytes:
        """Everything that *Details* pages through. Written out in a thread, because it may be many megabytes."""
        return await asyncio.to_thread(_written, self.request)


async def named(request: Request) -> question_pages.File:
    """The name of the file for the request as it is now, and the SHA-256 of its content."""
    whole = Whole(request=request, version=request.version)
    return question_pages.File(name=whole.name, digest=hashlib.sha256(await whole.content()).hexdigest())


def beside(whole: Whole, characters: int, message_id: MessageId) -> list[Block]:
    """The text beside the file: its request, its length, and the digest that votes are bound to."""
    said = (
        f"*Everything that request `{whole.request.id}` asks*, version {whole.version}: {characters:,} characters · "
        f"SHA-256 `{whole.request.digest}`"
    )
    return [{**blocks.section(said), "block_id": message_id}]


def carries(message: Mapping[str, Any], message_id: MessageId) -> bool:
    """Whether the message is the one with this id, and has the file."""
    return any(block.get("block_id") == message_id for block in message.get("blocks") or [])


async def send(url: str, content: bytes, telemetry: Telemetry = SILENT) -> Result | None:
    """Uploads to the URL that Slack gave. Returns None if Slack has the file, otherwise what went wrong."""
    began = time.perf_counter()
    failed = await _sent(url, content)
    tell_of(telemetry, METHOD, Done({}) if failed is None else failed, time.perf_counter() - began)
    return failed


async def share(
    client: AsyncWebClient, file_id: str, name: str, channel: ChannelId, thread_ts: Ts | None, said: list[Block]
) -> Any:
    """Shows the uploaded file in the thread."""
    return await client.files_completeUploadExternal(
        files=[{"id": file_id, "title": name}], channel_id=channel, thread_ts=thread_ts, blocks=json.dumps(said)
    )


def _written(request: Request) -> bytes:
    parts = [f"{heading}\n{'=' * len(heading)}\n\n{whole}\n" for heading, whole in question_pages.parts(request)]
    return "\n\n".join(parts).encode("utf-8", "replace")


async def _sent(url: str, content: bytes) -> Result | None:
    try:
        async with (
            asyncio.timeout(UPLOAD_SECONDS),
            aiohttp.ClientSession() as session,
            session.post(url, data=content) as sent,
        ):
            if 400 <= sent.status < 500 and sent.status not in (408, 429):
                return Refused(_STATUS.get(sent.status, f"status_{sent.status}"))
            return None if sent.status < 300 else Unknown(f"the upload was answered with {sent.status}")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return NotSent(type(error).__name__)
