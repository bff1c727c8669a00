"""Calls that wait: for a decision, for a change that another replica makes, and at a shutdown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.approvals.model.decision import Reject
from bot.http import server
from tests.support.served import Api, half_sent, served

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def waiting(api: Api, number: int = 1) -> None:
    """Returns once so many calls wait."""
    while len(api.waiters) < number:  # noqa: ASYNC110 - gives way to the server in this same loop
        await asyncio.sleep(0)


async def test_a_call_waits_until_people_have_decided(api: Api) -> None:
    asked = await api.ask()
    call = asyncio.create_task(api.get(f"/v1/requests/{asked['id']}?wait=60"))
    await waiting(api)

    await api.vote(asked["id"])

    assert (await call).json["decision"]["approved"] is True
    assert len(api.waiters) == 0


async def test_a_call_returns_what_is_known_when_its_time_is_over(api: Api) -> None:
    asked = await api.ask()

    answer = await api.get(f"/v1/requests/{asked['id']}?wait=0.01")

    assert (answer.status, answer.json["status"]) == (200, "pending")


async def test_a_wait_ends_if_people_could_not_be_asked(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(api.directory, "resolve", broken)
    body = {"question": "Who may answer this?"}
    asked = await api.post("/v1/requests", body, key="broken")

    known = await api.get(f"/v1/requests/{asked.json['id']}?wait=60")
    monkeypatch.undo()
    again = await api.post("/v1/requests", body, key="broken")

    assert (known.json["status"], known.json["failure"]["summary"]) == ("pending", "ZeroDivisionError")
    assert (again.status, again.json["id"], again.json["failure"]) == (200, asked.json["id"], None)


async def test_more_than_a_minute_is_a_minute(api: Api) -> None:
    decided = await api.decided()

    assert (await api.get(f"/v1/requests/{decided['id']}?wait=100000")).json["status"] == "decided"


@pytest.mark.parametrize("wait", ["-1", "nan", "inf", "soon"])
async def test_a_wait_is_a_number_of_seconds(api: Api, wait: str) -> None:
    asked = await api.ask()

    refused = await api.get(f"/v1/requests/{asked['id']}?wait={wait}")

    assert (refused.status, refused.json["errors"][0]["path"]) == (422, "query.wait")


async def test_what_another_process_changes_is_seen_by_one_look_for_all(api: Api) -> None:
    """Nobody here is woken, as if the vote came to another replica: only looks at storage can show it."""
    ids = [(await api.ask(f"Number {number}?"))["id"] for number in range(8)]
    told, looks, revisions = api.work.changed, [], api.waiters._revisions

    async def counted(wanted: object) -> object:
        looks.append(wanted)
        return await revisions(wanted)  # type: ignore[arg-type]

    api.work.changed = len
    api.waiters._revisions = counted  # type: ignore[assignment]
    try:
        calls = [asyncio.create_task(api.get(f"/v1/requests/{id}?wait=60")) for id in ids]
        await waiting(api, len(ids))
        for id in ids:
            await api.vote(id)
        answers = await asyncio.gather(*calls)
    finally:
        api.work.changed = told
        api.waiters._revisions = revisions

    assert {answer.json["status"] for answer in answers} == {"decided"}
    assert 1 <= len(looks) <= 4


async def test_a_token_that_is_revoked_while_its_call_waits_gets_nothing(api: Api) -> None:
    text = await api.token("revoked-service")
    asked = await api.ask(token=text)
    call = asyncio.create_task(api.get(f"/v1/requests/{asked['id']}?wait=60", token=text))
    await waiting(api)

    await api.revoke(text)
    await api.vote(asked["id"])

    assert ((await call).status, (await call).problem) == (401, "unauthorized")


# --- Events -------------------------------------------------------------------------------------


async def events(api: Api, id: str, token: str | None = None) -> AsyncIterator[tuple[str, dict[str, object]]]:
    """The events of a stream, until it ends."""
    headers = {"Authorization": f"Bearer {token or await api.own()}"}
    async with api.session.get(f"{api.url}/v1/requests/{id}/events", headers=headers) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        assert response.headers["X-Accel-Buffering"] == "no"
        name = ""
        async for line in response.content:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)


async def test_events_tell_how_it_stands_what_changes_and_how_it_ended(api: Api) -> None:
    asked = await api.ask()
    seen: list[tuple[str, object]] = []

    async for name, request in events(api, asked["id"]):
        if not seen:
            await api.vote(asked["id"], Reject(reason="no"))
        seen.append((name, request["status"]))
        last = request

    assert seen[0] == ("pending", "pending")
    assert seen[-1] == ("decided", "decided")
    assert last["decision"]["approved"] is False  # type: ignore[index]
    assert len(api.waiters) == 0


async def test_a_settled_request_has_one_event(api: Api) -> None:
    decided = await api.decided()

    assert [name async for name, _ in events(api, decided["id"])] == ["decided"]


async def test_a_program_that_hangs_up_is_not_waited_for(api: Api) -> None:
    asked = await api.ask()
    headers = {"Authorization": f"Bearer {await api.own()}"}

    async with api.session.get(f"{api.url}/v1/requests/{asked['id']}/events", headers=headers) as response:
        await response.content.readuntil(b"\n\n")
        await waiting(api)
        response.close()

    while len(api.waiters):  # noqa: ASYNC110 - gives way to the server in this same loop
        await asyncio.sleep(0)


async def test_a_stream_ends_when_its_token_is_revoked(api: Api) -> None:
    text = await api.token("stream-service")
    asked = await api.ask(token=text)
    names = []

    async for name, _ in events(api, asked["id"], text):
        names.append(name)
        await api.revoke(text)
        await api.vote(asked["id"])

    assert names == ["pending"]


# --- Shutdown -----------------------------------------------------------------------------------


async def test_a_shutdown_answers_who_waits_and_refuses_who_comes() -> None:
    async with served() as api:
        asked = await api.ask()
        call = asyncio.create_task(api.get(f"/v1/requests/{asked['id']}?wait=60"))
        stream = asyncio.create_task(_all(events(api, asked["id"])))
        await waiting(api, 2)

        api.serving.drain()

        assert ((await call).status, (await call).json["status"]) == (200, "pending")
        assert [name for name, _ in await stream] == ["pending"]
        refused = await api.post("/v1/requests", {"question": "Now?"}, key="late", token="")
        assert (refused.status, refused.problem) == (503, "unavailable")
        assert int(refused.headers["Retry-After"]) > 0
        url = api.url

    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url)


async def test_a_shutdown_waits_for_no_body(caplog: pytest.LogCaptureFixture) -> None:
    """A caller who has sent half of it is told that nothing was done, and the log has nothing to tell."""
    async with served() as api:
        answer = await half_sent(api, "/v1/requests")

    assert answer.startswith("HTTP/1.1 503 ")
    assert "connection: close" in answer.lower()
    assert "so nothing was done" in answer
    assert not caplog.records


async def test_a_shutdown_ends_what_does_not_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def stuck(*_: object, **__: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(server, "SECONDS_TO_CLOSE", 0)
    async with aiohttp.ClientSession() as session:  # it outlives the server
        async with served() as api:
            monkeypatch.setattr(api.directory, "resolve", stuck)
            headers = {"Authorization": f"Bearer {await api.own()}", "Idempotency-Key": "stuck"}
            body = {"question": "May I?", "requester": "U0ALICE"}
            call = asyncio.create_task(session.post(f"{api.url}/v1/requests", json=body, headers=headers))
            await begun.wait()
        answer = await call
        told = await answer.json()

    assert (answer.status, told["type"]) == (500, "/docs#problem-internal")
    assert f"error {told['error_id']}: the shutdown ended a call" in caplog.text
    assert not any(each.exc_info for each in caplog.records)


async def _all(source: AsyncIterator[tuple[str, dict[str, object]]]) -> list[tuple[str, dict[str, object]]]:
    return [each async for each in source]
