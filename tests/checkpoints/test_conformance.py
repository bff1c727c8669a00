"""LangGraph's own conformance tests pass on both savers, in all that they do beyond what is not wanted of them."""

from __future__ import annotations

import functools
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
from langgraph.checkpoint.conformance import checkpointer_test, validate

from bot.engines.langgraph.checkpoints import FENCING_TOKEN
from tests.checkpoints.savers import Saver, Store

PROVED = ["put", "put_writes", "get_tuple", "list", "delete_thread", "prune"]


@pytest.mark.parametrize("capability", PROVED)
async def test_langgraphs_conformance_tests_pass(store: Store, capability: str) -> None:
    @checkpointer_test(name=uuid.uuid4().hex)
    async def registered() -> AsyncGenerator[Saver, None]:
        async with store.connect(_anybody) as saver:
            saver.aput = _held(saver.aput)  # type: ignore[method-assign, assignment]
            saver.aput_writes = _held(saver.aput_writes)  # type: ignore[method-assign, assignment]
            yield saver

    report = await validate(registered, capabilities={capability})

    result = report.results[capability]
    assert result.failures == []
    assert result.passed
    assert result.tests_passed > 0


async def _anybody(*_: Any) -> bool:
    return True


def _held(put: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """The tests know no leases: give their configs a token."""

    @functools.wraps(put)
    async def with_token(config: Any, *args: Any, **kwargs: Any) -> Any:
        return await put({**config, "configurable": {**config["configurable"], FENCING_TOKEN: 1}}, *args, **kwargs)

    return with_token
