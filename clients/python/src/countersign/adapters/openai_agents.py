"""OpenAI Agents SDK: the interruptions of a run -> people -> approvals and rejections in its `RunState`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from countersign.adapters._calls import About, Call, arguments_of, rule

if TYPE_CHECKING:
    from agents import RunState
    from agents.items import ToolApprovalItem
    from typing_extensions import Unpack

    from countersign import AsyncCountersign


async def resolve(
    state: RunState[Any, Any],
    client: AsyncCountersign,
    *,
    key: str,
    execution: str | None = None,
    **about: Unpack[About],
) -> None:
    """Ask people about each call that `state` waits for, and approve or reject it there. Then run the state.

    `key` names the run, such as `order-17`. Save `state.to_json()` before, and call this with the same key after a
    crash: nothing is asked twice. People cannot edit the arguments, because the SDK runs a call only as its model wrote
    it.

    Raises AlreadyConsumed if another `execution` took an approval of this state. By default each call of this function
    is an execution of its own.
    """
    items = state.get_interruptions()
    rulings = await rule(client, [_call(item, key) for item in items], execution, **about)
    for item, ruled in zip(items, rulings, strict=True):
        if ruled.approved:
            state.approve(item)
        else:
            state.reject(item, rejection_message=ruled.message)


def _call(item: ToolApprovalItem, key: str) -> Call:
    return Call(
        key=f"{key}:{item.call_id}",
        name=item.qualified_name or item.name or "tool",
        arguments=arguments_of(item.arguments),
        editable=False,
    )
