"""LangGraph, for graphs that run outside the bot: interrupts -> people -> the `Command` that resumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from countersign.adapters._calls import About

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from langgraph.types import Command, Interrupt
    from typing_extensions import Unpack

    from countersign import AsyncCountersign, Countersign, Decision


async def resolve(
    interrupts: Iterable[Interrupt[Any]],
    client: AsyncCountersign,
    *,
    key: str,
    execution: str | None = None,
    **about: Unpack[About],
) -> Command[Any]:
    """Ask people each of the interrupts, and return the `Command` that answers all of them.

    `interrupts` are `result["__interrupt__"]`, or `graph.get_state(config).interrupts` in another process. `key` is the
    thread's id: with the interrupt's own id it names the request, so nothing is asked twice.

    Raises Cancelled, Superseded or Expired if there is no answer that the graph could go on with, and AlreadyConsumed
    if another `execution` took these answers. By default each call of this function is an execution of its own.
    """
    asked = list(interrupts)
    requests = [
        await client.request(each.value, key=_key(key, each), response_schema=_schema(each), **about) for each in asked
    ]
    decisions = [await client.wait(request.id) for request in requests]
    answers = {each.id: _answer(decision) for each, decision in zip(asked, decisions, strict=True)}
    for request in requests:
        await client.consume(request.id, execution=execution)
    return _command(answers)


def resolve_sync(
    interrupts: Iterable[Interrupt[Any]],
    client: Countersign,
    *,
    key: str,
    execution: str | None = None,
    **about: Unpack[About],
) -> Command[Any]:
    """The same as `resolve`, blocking, for `graph.invoke`."""
    asked = list(interrupts)
    requests = [
        client.request(each.value, key=_key(key, each), response_schema=_schema(each), **about) for each in asked
    ]
    decisions = [client.wait(request.id) for request in requests]
    answers = {each.id: _answer(decision) for each, decision in zip(asked, decisions, strict=True)}
    for request in requests:
        client.consume(request.id, execution=execution)
    return _command(answers)


def _key(key: str, interrupt: Interrupt[Any]) -> str:
    return f"{key}:{interrupt.id}"


def _schema(interrupt: Interrupt[Any]) -> Mapping[str, Any] | None:
    """The JSON Schema of the answer, which LangGraph has since 1.2."""
    found = getattr(interrupt, "response_schema", None)
    return found if isinstance(found, dict) else None


def _answer(decision: Decision) -> Any:
    """What the graph goes on with. Silence is an answer only if the question has one that says no."""
    if decision.verdict in ("cancelled", "superseded") or (decision.verdict == "expired" and decision.answer is None):
        decision.check()
    return decision.answer


def _command(answers: Mapping[str, Any]) -> Command[Any]:
    from langgraph.types import Command

    return Command(resume=dict(answers))
