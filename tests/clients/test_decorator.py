"""`@requires_approval`: the function runs with what was approved, or not at all."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, Literal

import pytest

from countersign import AlreadyConsumed, Countersign, EditRefused, NotApproved, requires_approval
from tests.support.stub_api import StubApi

Ran = list[tuple[Any, ...]]


@pytest.fixture
def ran() -> Ran:
    return []


async def test_a_function_runs_with_its_arguments(api: StubApi, blocking: Countersign, ran: Ran) -> None:
    @requires_approval(blocking, key=lambda order, amount, note=None: f"refund-{order}")
    def refund(order: str, amount: int, note: str | None = None) -> str:
        """Pays an order back."""
        ran.append((order, amount, note))
        return "paid"

    api.on_request = api.decide

    assert await asyncio.to_thread(refund, "4711", amount=9) == "paid"
    assert ran == [("4711", 9, None)]
    assert (refund.__name__, refund.__doc__) == ("refund", "Pays an order back.")
    asked = api.requests[api.the_request()]["question"]["action_requests"][0]
    assert asked == {"name": "refund", "args": {"order": "4711", "amount": 9, "note": None}}
    assert api.opened == ["refund-4711"]


async def test_a_coroutine_function_takes_either_client(api: StubApi, blocking: Countersign, ran: Ran) -> None:
    api.on_request = api.decide
    for client in (blocking, blocking.asynchronous()):

        @requires_approval(client, key=lambda order: f"refund-{order}")
        async def refund(order: str) -> None:
            ran.append((order,))

        assert asyncio.iscoroutinefunction(refund)
        await refund(f"{type(client).__name__}")

    assert ran == [("Countersign",), ("AsyncCountersign",)]


async def test_edits_reach_the_function(api: StubApi, blocking: Countersign, ran: Ran) -> None:
    @requires_approval(blocking, key=lambda order, amount, **more: "a")
    def refund(order: str, /, amount: int, **more: str) -> None:
        ran.append((order, amount, more))

    api.on_request = partial(api.decide, verdict="edit", arguments={"order": "1", "amount": 2, "note": "smaller"})
    await asyncio.to_thread(refund, "4711", amount=9, reason="lost")

    assert ran == [("1", 2, {"note": "smaller"})]


@pytest.mark.parametrize("arguments", [{"order": "1"}, {"order": "1", "amount": 2, "to": "me"}])
async def test_an_edit_that_the_function_does_not_take_is_not_consumed(
    api: StubApi, blocking: Countersign, ran: Ran, arguments: dict[str, Any]
) -> None:
    @requires_approval(blocking, key=lambda order, amount: "a")
    def refund(order: str, amount: int) -> None:
        ran.append((order, amount))

    api.on_request = partial(api.decide, verdict="edit", arguments=arguments)
    with pytest.raises(EditRefused, match="was not consumed"):
        await asyncio.to_thread(refund, "4711", 9)

    assert (ran, api.executions) == ([], {})


@pytest.mark.parametrize("status", ["reject", "expired", "cancelled", "superseded", "respond"])
async def test_nothing_else_runs_it(api: StubApi, blocking: Countersign, ran: Ran, status: str) -> None:
    @requires_approval(blocking, key=lambda order: "a")
    async def refund(order: str) -> None:
        ran.append((order,))

    ends = status in ("expired", "cancelled", "superseded")
    api.on_request = partial(api.end, status=status) if ends else partial(api.decide, verdict=status)
    with pytest.raises(NotApproved):
        await refund("4711")

    assert (ran, api.executions) == ([], {})


async def test_one_approval_runs_it_once(api: StubApi, blocking: Countersign, ran: Ran) -> None:
    @requires_approval(blocking, key=lambda order: f"refund-{order}")
    async def refund(order: str) -> None:
        ran.append((order,))
        raise OSError("the bank is away")

    api.on_request = api.decide
    with pytest.raises(OSError, match="the bank"):
        await refund("4711")
    with pytest.raises(AlreadyConsumed):
        await refund("4711")

    assert ran == [("4711",)]


async def test_a_job_that_is_run_again_may_run_it_again(api: StubApi, blocking: Countersign, ran: Ran) -> None:
    @requires_approval(blocking, key=lambda order: f"refund-{order}", execution=lambda order: f"job-{order}")
    async def refund(order: str) -> None:
        ran.append((order,))

    api.on_request = api.decide
    await refund("4711")
    await refund("4711")

    assert ran == [("4711",), ("4711",)]
    assert api.opened == ["refund-4711"]


async def test_what_is_hidden_is_passed_on(api: StubApi, blocking: Countersign, ran: Ran) -> None:
    class Bank:
        @requires_approval(
            blocking,
            key=lambda bank, order, session: f"refund-{order}",
            hide=["session"],
            description=lambda bank, order, session: f"Order {order}",
            requester="ann@example.org",
            channel="#ops",
        )
        def refund(self, order: str, session: object) -> None:
            ran.append((self, order, session))

    bank, session = Bank(), object()
    api.on_request = api.decide
    await asyncio.to_thread(bank.refund, "4711", session)

    assert ran == [(bank, "4711", session)]
    request = api.requests[api.the_request()]
    assert request["question"]["action_requests"] == [
        {"name": "refund", "args": {"order": "4711"}, "description": "Order 4711"}
    ]
    assert request["requester"] == "ann@example.org"


async def test_the_form_for_edits_follows_from_the_annotations(api: StubApi, blocking: Countersign) -> None:
    @requires_approval(blocking, key=lambda *_, **__: "a")
    def move(  # type: ignore[no-untyped-def]
        path: str,
        days: int,
        share: float,
        mode: Literal["move", "copy"],
        owner: str | None = None,
        names: list[str] = [],  # noqa: B006
        limits: dict[str, int] = {},  # noqa: B006
        other: Any = None,
        plain=False,
    ) -> None: ...

    api.on_request = api.decide
    await asyncio.to_thread(move, "/old", 3, 0.5, "move")

    schema = api.requests[api.the_request()]["question"]["review_configs"][0]["args_schema"]
    assert schema["properties"] == {
        "path": {"type": "string"},
        "days": {"type": "integer"},
        "share": {"type": "number"},
        "mode": {"enum": ["move", "copy"]},
        "owner": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "names": {"type": "array", "items": {"type": "string"}},
        "limits": {"type": "object"},
        "other": {},
        "plain": {},
    }
    assert schema["additionalProperties"] is False


async def test_without_edits_people_get_no_form(api: StubApi, blocking: Countersign) -> None:
    @requires_approval(blocking, key=lambda order: "a", edit=False, action="pay_back")
    def refund(order: str) -> None: ...

    api.on_request = api.decide
    await asyncio.to_thread(refund, "4711")

    config = api.requests[api.the_request()]["question"]["review_configs"]
    assert config == [{"action_name": "pay_back", "allowed_decisions": ["approve", "reject"]}]


def test_what_cannot_be_gated_is_refused_at_once(blocking: Countersign) -> None:
    gate = requires_approval(blocking, key=lambda: "a")

    def steps() -> Iterator[int]:
        yield 1

    async def many() -> AsyncIterator[int]:
        yield 1

    def anything(*names: str) -> None: ...

    def plain() -> None: ...

    for function in (steps, many):
        with pytest.raises(TypeError, match="is a generator"):
            gate(function)
    with pytest.raises(TypeError, match=r"takes \*names"):
        gate(anything)
    with pytest.raises(TypeError, match="no coroutine function"):
        requires_approval(blocking.asynchronous(), key=lambda: "a")(plain)


async def test_a_bad_key_runs_nothing(api: StubApi, blocking: Countersign, ran: Ran) -> None:
    @requires_approval(blocking, key=lambda order: "")
    def refund(order: str) -> None:
        ran.append((order,))

    with pytest.raises(ValueError, match="The key is empty"):
        refund("4711")

    assert (ran, api.calls) == ([], [])
