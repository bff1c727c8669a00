"""The API with people who answer, and clients for it. A framework's tests are collected where the framework is
installed: in its environment of `make adapters`. LangGraph's run in the project's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from countersign import AsyncCountersign, Countersign
from tests.clients.adapters.environments import FRAMEWORKS
from tests.clients.adapters.people import Answered
from tests.support.stub_api import TOKEN

collect_ignore_glob = [f"test_{each.name}*.py" for each in FRAMEWORKS if not each.is_here()]


@pytest.fixture
def api() -> Iterator[Answered]:
    made = Answered()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def client(api: Answered) -> Countersign:
    return Countersign(api.url, TOKEN, retry_for=0)


@pytest.fixture
def async_client(api: Answered) -> AsyncCountersign:
    return AsyncCountersign(api.url, TOKEN, retry_for=0)
