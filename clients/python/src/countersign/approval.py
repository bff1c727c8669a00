"""A decorator: the function runs only after people approved its arguments, and with exactly these."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from countersign import given
from countersign.async_client import AsyncCountersign
from countersign.calls import Calls, Options
from countersign.client import Countersign
from countersign.errors import EditRefused
from countersign.records import Decision
from countersign.schemas import schema_of
from countersign.transport.wire import Flow

P = ParamSpec("P")
R = TypeVar("R")

_HIDDEN = frozenset({"self", "cls"})


def requires_approval(
    client: Countersign | AsyncCountersign,
    *,
    key: Callable[..., str],
    action: str | None = None,
    description: str | Callable[..., str] | None = None,
    edit: bool = True,
    schema: Mapping[str, object] | None = None,
    hide: Collection[str] = (),
    requester: str | Callable[..., str] | None = None,
    channel: str | None = None,
    timeout: float | None = None,
    execution: Callable[..., str] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Makes a function, or a coroutine function, run only with approval.

    A call asks people, waits for them, takes the decision for this execution alone, and then runs the function with the
    arguments that were approved, edits included. It raises what `approve_or_raise` raises, and then the function does
    not run. The arguments arrive as JSON gives them: a tuple is a list. A coroutine function takes either client; any
    other function needs `Countersign`.

    key: gets the arguments of the call and returns the key: `key=lambda order, amount: f"refund-{order}"`. action: what
    people read; by default the function's name. edit: whether people may change the arguments. schema: a JSON Schema of
    the arguments; by default it follows from the annotations. hide: parameters that people are not shown, such as a
    database session; they are passed on as they are, as are `self` and `cls`. execution: gets the arguments and returns
    what this execution calls itself; see `approve_or_raise`. `description` and `requester` may be functions of the
    arguments too. channel and timeout: see `ask`.
    """
    if not callable(key):
        raise TypeError(f"`key` is a function of the arguments of the call, such as {given.KEY_EXAMPLE}. {given.HOW}")

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = _signature(function)
        hidden = _HIDDEN | set(hide)
        gate = _Gate(
            signature=signature,
            hidden=hidden,
            action=action or function.__name__,
            description=description,
            edit=edit,
            schema=(schema or schema_of(function, signature, hidden)) if edit else None,
            requester=requester,
            channel=channel,
            key=key,
            execution=execution,
            timeout=timeout,
        )
        return _gated(client, gate, function)

    return decorate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gate:
    """What stands before a function."""

    signature: inspect.Signature
    hidden: frozenset[str]
    action: str
    description: str | Callable[..., str] | None
    edit: bool
    schema: Mapping[str, object] | None
    requester: str | Callable[..., str] | None
    channel: str | None
    key: Callable[..., str]
    execution: Callable[..., str] | None
    timeout: float | None

    def passed(self, calls: Calls, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Flow[inspect.BoundArguments]:
        """The arguments to run with, once they are approved and this execution has the decision."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        shown = _shown(bound, self.hidden)
        options = Options(
            requester=_said(self.requester, args, kwargs),
            channel=self.channel,
            source=None,
            callback_url=None,
            metadata=None,
        )
        question = given.question_of(
            self.action,
            shown,
            description=_said(self.description, args, kwargs),
            edit=self.edit,
            schema=self.schema,
        )

        def check(decision: Decision) -> None:
            given.check_approved(decision, self.action, shown, edit=self.edit)
            _replaced(bound, decision, self.hidden)

        decision = yield from calls.approve(
            calls.body(question, options),
            given.check_key(self.key(*args, **kwargs)),
            self.timeout,
            None if self.execution is None else self.execution(*args, **kwargs),
            check,
        )
        return _replaced(bound, decision, self.hidden)


def _gated(client: Countersign | AsyncCountersign, gate: _Gate, function: Callable[P, R]) -> Callable[P, R]:
    if inspect.iscoroutinefunction(function):
        waiting = client if isinstance(client, AsyncCountersign) else client.asynchronous()

        @functools.wraps(function)
        async def later(*args: P.args, **kwargs: P.kwargs) -> Any:
            bound = await waiting.run(gate.passed(waiting.calls, args, kwargs))
            return await function(*bound.args, **bound.kwargs)

        return later  # type: ignore[return-value]
    if isinstance(client, AsyncCountersign):
        raise TypeError(
            f"{gate.action} is no coroutine function (`async def`), so it cannot wait in an event loop. "
            "Decorate it with a `Countersign` client."
        )
    blocking = client

    @functools.wraps(function)
    def now(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = blocking.run(gate.passed(blocking.calls, args, kwargs))
        return function(*bound.args, **bound.kwargs)

    return now


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """Raises TypeError if the function cannot wait for an approval, or has arguments without a name to show."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(f"{function.__name__} is a generator: it would start to run before it is approved.")
    signature = inspect.signature(function)
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            raise TypeError(f"{function.__name__} takes *{name}: people are shown arguments by their names.")
    return signature


def _shown(bound: inspect.BoundArguments, hidden: frozenset[str]) -> dict[str, object]:
    """The arguments that people are shown, by name."""
    shown: dict[str, object] = {}
    for name, value in bound.arguments.items():
        if name in hidden:
            continue
        if bound.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            shown.update(value)
        else:
            shown[name] = value
    return shown


def _replaced(bound: inspect.BoundArguments, decision: Decision, hidden: frozenset[str]) -> inspect.BoundArguments:
    """The same call with the arguments as approved. Raises EditRefused if the function does not take them."""
    approved = decision.arguments
    kept = inspect.BoundArguments(bound.signature, bound.arguments.copy())
    for name, parameter in bound.signature.parameters.items():
        if name in hidden or parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        if name not in approved:
            raise EditRefused(f"{decision.request_id}: an edit removed the argument {name}. {_NOT_DONE}")
        kept.arguments[name] = approved.pop(name)
    rest = [name for name, each in bound.signature.parameters.items() if each.kind is inspect.Parameter.VAR_KEYWORD]
    if approved and not rest:
        raise EditRefused(f"{decision.request_id}: an edit added {', '.join(map(repr, approved))}. {_NOT_DONE}")
    if rest:
        kept.arguments[rest[0]] = approved
    return kept


_NOT_DONE = "The function does not take that, so nothing was done and the decision was not consumed."


def _said(given_words: str | Callable[..., str] | None, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    return given_words(*args, **kwargs) if callable(given_words) else given_words
