"""A stand-in of the API, and both clients for it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from countersign import AsyncCountersign, Countersign
from countersign.transport import retries
from tests.support.stub_api import TOKEN, StubApi


class Either:
    """One of the two clients. A test awaits the same calls of both."""

    def __init__(self, client: Countersign | AsyncCountersign) -> None:
        self.client = client

    async def __call__(self, method: str, *args: Any, **given: Any) -> Any:
        called = getattr(self.client, method)
        if isinstance(self.client, AsyncCountersign):
            return await called(*args, **given)
        return await asyncio.to_thread(called, *args, **given)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between tries that a test does not notice, and no proxy of this machine."""
    monkeypatch.setattr(retries, "FIRST_PAUSE_SECONDS", 0.002)
    monkeypatch.setattr(retries, "LONGEST_PAUSE_SECONDS", 0.02)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def api() -> Iterator[StubApi]:
    stub = StubApi()
    stub.start()
    yield stub
    stub.stop()


@pytest.fixture
def blocking(api: StubApi) -> Countersign:
    return Countersign(api.url, TOKEN, source="billing")


@pytest.fixture(params=["blocking", "asynchronous"])
def client(request: pytest.FixtureRequest, blocking: Countersign) -> Either:
    return Either(blocking if request.param == "blocking" else blocking.asynchronous())
