"""The client against the stand-in, without pytest: for the Pythons on which the bot itself does not run.

PYTHONPATH=clients/python/src python3.10 -m tests.clients.on_any_python
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import partial

from countersign import (
    AlreadyConsumed,
    Countersign,
    InvalidWebhook,
    Rejected,
    StillPending,
    requires_approval,
    verify,
)
from tests.support.stub_api import TOKEN, StubApi


def main() -> None:
    api = StubApi()
    api.start()
    client = Countersign(api.url, TOKEN, source="billing")
    in_a_thread(api, client)
    asyncio.run(in_a_loop(api, client))
    api.stop()
    sys.stdout.write(f"works on Python {sys.version.split()[0]}\n")


def in_a_thread(api: StubApi, client: Countersign) -> None:
    @requires_approval(client, key=lambda order, amount: f"refund-{order}")
    def refund(order: str, amount: int | None = None) -> tuple[str, int | None]:
        return order, amount

    api.on_request = partial(api.decide, verdict="edit", arguments={"order": "1", "amount": 2})
    expect(refund("1", 3) == ("1", 2), "the function runs with the approved arguments")
    raises(AlreadyConsumed, lambda: refund("1", 3))
    api.on_request = partial(api.decide, verdict="reject")
    raises(Rejected, lambda: client.approve_or_raise("refund", {"order": "2"}, key="b"))
    api.on_request = None
    raises(StillPending, lambda: client.ask("refund", {"order": "3"}, key="c", timeout=0))
    request = client.request("Go on?", key="d")
    api.decide(request.id)
    expect([event.kind for event in client.events(request.id)] == ["decided"], "events end")
    expect(len(client.list().data) == len(list(client.iterate())) == 4, "lists")
    raises(InvalidWebhook, lambda: verify(b"{}", {}, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))


async def in_a_loop(api: StubApi, client: Countersign) -> None:
    waiting = client.asynchronous()
    requests = [await waiting.request("Go on?", key=f"many-{number}") for number in range(20)]
    waits = [asyncio.create_task(waiting.wait(request.id)) for request in requests]
    await asyncio.to_thread(api.wait_until, lambda: api.waiting == len(waits))
    api.stop()
    api.start()
    for request in requests:
        api.decide(request.id)
    expect(all(await asyncio.gather(*waits)), "all waits end")


def expect(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"does not hold: {what}")


def raises(error: type[Exception], act: Callable[[], object]) -> None:
    try:
        act()
    except error:
        return
    raise SystemExit(f"{error.__name__} was not raised")


if __name__ == "__main__":
    main()
