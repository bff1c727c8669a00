"""Connections of whoever has shown no token: what they hold, they hold for a short time."""

from __future__ import annotations

import asyncio

import pytest

from bot.http import server
from tests.support.served import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
CALL = b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"


async def answered(api: Api, *sent: bytes) -> bytes:
    """All that comes on a connection until the server closes it, if this is sent on it, each after an answer."""
    reader, writer = await asyncio.open_connection(api.serving.host, api.serving.port)
    try:
        for each in sent[:-1]:
            writer.write(each)
            await reader.readuntil(b"}")
        writer.write(sent[-1])
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost", b"\r\n"])
async def test_a_header_that_does_not_come_is_not_waited_for(
    api: Api, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(server, "SECONDS_FOR_HEADER", 0.02)

    assert await answered(api, sent) == b""


@pytest.mark.parametrize("more", [b"GET / HTTP/1.1\r\nHost", b"\r\n"])
async def test_nor_is_that_of_the_next_call(api: Api, monkeypatch: pytest.MonkeyPatch, more: bytes) -> None:
    monkeypatch.setattr(server, "SECONDS_FOR_HEADER", 0.02)

    assert await answered(api, CALL, more) == b""


async def test_a_header_without_an_end_is_not_read_to_it(api: Api) -> None:
    assert await answered(api, b"GET / HTTP/1.1\r\nX: " + b"a" * 1_000_000) == b""


async def test_a_call_may_take_longer_than_its_header(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SECONDS_FOR_HEADER", 0.02)
    asked = await api.ask()

    assert (await api.get(f"/v1/requests/{asked['id']}?wait=0.1")).json["status"] == "pending"
