"""Pydantic AI: `DeferredToolRequests` -> people -> `DeferredToolResults`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from countersign.adapters._calls import About, Call, Ruling, rule, rule_sync

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_ai import DeferredToolRequests, DeferredToolResults
    from typing_extensions import Unpack

    from countersign import AsyncCountersign, Countersign


async def resolve(
    requests: DeferredToolRequests,
    client: AsyncCountersign,
    *,
    key: str,
    execution: str | None = None,
    **about: Unpack[About],
) -> DeferredToolResults:
    """Ask people about each call that waits for approval, and return what they decided, for `deferred_tool_results`.

    `key` names the run, such as `order-17`. Save the run's messages before, and call this with the same key after a
    crash: nothing is asked twice. Calls that wait for a result from elsewhere (`requests.calls`) are left to you: add
    their results before the run goes on.

    Raises AlreadyConsumed if another `execution` took an approval of this pause. By default each call of this function
    is an execution of its own.
    """
    return _results(requests, await rule(client, _calls(requests, key), execution, **about))


def resolve_sync(
    requests: DeferredToolRequests,
    client: Countersign,
    *,
    key: str,
    execution: str | None = None,
    **about: Unpack[About],
) -> DeferredToolResults:
    """The same as `resolve`, blocking, for `agent.run_sync`."""
    return _results(requests, rule_sync(client, _calls(requests, key), execution, **about))


def _calls(requests: DeferredToolRequests, key: str) -> list[Call]:
    return [
        Call(key=f"{key}:{call.tool_call_id}", name=call.tool_name, arguments=call.args_as_dict())
        for call in requests.approvals
    ]


def _results(requests: DeferredToolRequests, rulings: Sequence[Ruling]) -> DeferredToolResults:
    from pydantic_ai import ToolApproved, ToolDenied

    results = {
        call.tool_call_id: ToolApproved(override_args=ruled.arguments if ruled.edited else None)
        if ruled.approved
        else ToolDenied(ruled.message)
        for call, ruled in zip(requests.approvals, rulings, strict=True)
    }
    return requests.build_results(approvals=results)
