"""Lists, histories, streams of events, and graphs that the bot runs."""

import asyncio

import pytest

from countersign import Countersign, NotAsked, NotFound, Refused, StillPending, Unauthorized, Unavailable
from countersign.transport import feed, retries
from tests.clients.conftest import Either
from tests.support.stub_api import Fault, StubApi


async def test_lists_have_pages(api: StubApi, client: Either) -> None:
    for number in range(5):
        await client("request", f"Number {number}?", key=f"key-{number}")

    first = await client("list", status="pending", limit=3)
    second = await client("list", limit=3, cursor=first.next_cursor)

    assert [request.question for page in (first, second) for request in page.data] == [
        f"Number {number}?" for number in (4, 3, 2, 1, 0)
    ]
    assert second.next_cursor is None
    assert api.calls[-2][1] == "/v1/requests?status=pending&limit=3"


async def test_all_of_a_list(api: StubApi, blocking: Countersign) -> None:
    client = blocking.asynchronous()
    for number in range(120):
        await client.request("Go on?", key=f"key-{number}")

    assert len(await asyncio.to_thread(lambda: list(blocking.iterate(status="pending")))) == 120
    assert len([request async for request in client.iterate()]) == 120


async def test_the_history(api: StubApi, client: Either) -> None:
    request = await client("request", "Go on?", key="a")

    (entry,) = await client("audit", request.id)

    assert (entry.kind, entry.person, entry.data) == ("opened", None, {"x": 1})


async def test_events_until_it_is_settled(api: StubApi, blocking: Countersign) -> None:
    """The stream breaks, the server restarts, and it goes on."""
    request = blocking.request("Go on?", key="a")
    seen = []

    def follow() -> None:
        for event in blocking.events(request.id):
            seen.append(event.kind)
            if len(seen) == 1:
                api.stop()
                api.faults.append(Fault(path="/events", status=503))
                api.start()
            elif not event.request.settled:
                api.decide(request.id)

    await asyncio.to_thread(follow)

    assert seen == ["pending", "pending", "decided"]


@pytest.mark.parametrize("said", ["9" * 5000, "9" * 400, "5000"])
def test_a_stream_may_say_any_number(said: str) -> None:
    (event,) = feed.events([f"retry: {said}\n".encode(), b"data: {}\n", b"\n"])

    assert retries.pause(0, event.retry_seconds) <= retries.LONGEST_ASKED_SECONDS + retries.LONGEST_PAUSE_SECONDS


def test_events_of_nothing(api: StubApi, blocking: Countersign) -> None:
    with pytest.raises(NotFound):
        next(blocking.events("req_0"))
    with pytest.raises(ValueError, match="is not the id"):
        blocking.events("a/b")
    api.tokens.clear()
    with pytest.raises(Unauthorized):
        next(blocking.events("req_0"))


def test_events_are_not_tried_for_ever(api: StubApi, blocking: Countersign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking.calls, "retry_for", 0)
    api.faults += [Fault(path="/events", status=503) for _ in range(2)]

    with pytest.raises(Unavailable):
        next(blocking.events("req_0"))


async def test_a_graph_is_started_once_and_followed(api: StubApi, client: Either) -> None:
    task = await client("start", "cleanup", {"path": "/old"}, key="a", requester="ann@example.org", channel="#ops")
    again = await client("start", "cleanup", {"path": "/old"}, key="a", requester="ann@example.org", channel="#ops")
    with pytest.raises(StillPending) as raised:
        await client("wait_task", task.id, timeout=0.01)
    assert raised.value.id == again.id == task.id

    waiting = asyncio.create_task(client("wait_task", task.id))
    await asyncio.to_thread(api.wait_until, lambda: api.waiting == 1)
    api.finish(task.id, "failed", failure={"error_id": "e7", "summary": "No such folder"})

    ended = await waiting
    assert (ended.status, ended.over, ended.failure.error_id) == ("failed", True, "e7")
    assert (await client("task", task.id)).inputs == {"path": "/old"}
    assert [each.id for each in (await client("list_tasks", status="failed")).data] == [task.id]


async def test_a_graph_is_stopped(api: StubApi, client: Either) -> None:
    first, second = await client("start", "cleanup", {}, key="a"), await client("start", "cleanup", {}, key="b")
    api.finish(second.id)

    assert (await client("cancel_task", first.id, reason="Not needed")).status == "stopped"
    assert (await client("cancel_task", first.id)).status == "stopped"
    with pytest.raises(Refused):
        await client("cancel_task", second.id)
    with pytest.raises(TypeError, match="The inputs are a dictionary"):
        await client("start", "cleanup", "path=/old", key="c")


async def test_a_wait_ends_if_people_could_not_be_asked(api: StubApi, client: Either) -> None:
    request = await client("request", "Deploy?", key="a")
    api.fail_to_ask(request.id)

    with pytest.raises(NotAsked, match=r"ValueError.*e7.*same key"):
        await client("wait", request.id)
