"""The server restarts, loses answers, and asks for patience; the caller dies and is run again."""

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from countersign import (
    Countersign,
    InvalidRequest,
    Refused,
    StillPending,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
    Unreachable,
)
from countersign.transport import retries
from countersign.transport.wire import Reply
from tests.clients.conftest import Either
from tests.support.stub_api import TOKEN, Fault, StubApi

SOURCES = Path(__file__).parents[2] / "clients" / "python" / "src"


async def test_a_wait_outlives_a_restart_of_the_server(api: StubApi, client: Either) -> None:
    request = await client("request", "Go on?", key="a")
    waiting = asyncio.create_task(client("wait", request.id))
    await asyncio.to_thread(api.wait_until, lambda: api.waiting == 1)

    api.stop()
    await asyncio.sleep(0.05)
    api.start()
    await asyncio.to_thread(api.wait_until, lambda: api.waiting == 1)
    api.decide(request.id)

    assert await waiting


async def test_a_whole_approval_outlives_one(api: StubApi, client: Either) -> None:
    """The server is away at each of the three calls."""
    api.stop()
    approving = asyncio.create_task(client("approve_or_raise", "pay", {"amount": 1}, key="a"))
    await asyncio.sleep(0.02)
    api.start()
    await asyncio.to_thread(api.wait_until, lambda: api.waiting == 1)
    api.stop()
    api.decide(api.the_request())
    api.faults.append(Fault(method="POST", path="/consume"))
    api.start()

    assert (await approving).arguments == {"amount": 1}
    assert api.opened == ["a"]


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(api: StubApi, client: Either) -> None:
    api.on_request = api.decide
    api.faults += [Fault(method="POST", path="/requests"), Fault(method="GET"), Fault(path="/consume")]

    decision = await client("approve_or_raise", "pay", {"amount": 1}, key="a")

    assert decision
    assert api.opened == ["a"]
    executions = [body["execution"] for _, target, body in api.calls if target.endswith("/consume")]
    assert len(executions) == 2
    assert len(set(executions)) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_patience(api: StubApi, client: Either, status: int) -> None:
    api.faults.append(Fault(status=status, headers={"Retry-After": "0"}))

    assert (await client("request", "Go on?", key="a")).status == "pending"


async def test_others_at_the_same_moment(api: StubApi, client: Either) -> None:
    api.faults.append(Fault(status=409, body=b'{"type": "/docs#problem-conflict", "title": "Others changed it"}'))

    assert (await client("request", "Go on?", key="a")).status == "pending"


async def test_the_server_says_how_long(api: StubApi, blocking: Countersign, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds or a date. If that is longer than the client goes on, it raises at once."""
    monkeypatch.setattr(blocking.calls, "retry_for", 5.0)
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    for said in ("600", later):
        api.faults.append(Fault(status=503, headers={"Retry-After": said}, body=b'{"title": "Shutting down"}'))
        with pytest.raises(Unavailable, match="Shutting down"):
            await asyncio.to_thread(blocking.request, "Go on?", key="a")


def test_pauses_grow_and_are_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_PAUSE_SECONDS", 0.25)
    monkeypatch.setattr(retries, "LONGEST_PAUSE_SECONDS", 15.0)

    assert all(0.125 <= retries.pause(0) <= 0.25 for _ in range(20))
    assert all(7.5 <= retries.pause(999) <= 15 for _ in range(20))
    assert all(60 <= retries.pause(0, 60) <= 60.1 for _ in range(20))
    assert len({retries.pause(3) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7),
        ("9" * 5000, retries.LONGEST_ASKED_SECONDS),
        ("Fri, 31 Dec 9999 23:59:59 GMT", retries.LONGEST_ASKED_SECONDS),
        ("Fri, 31 Dec 9999 23:59:59 -2359", retries.LONGEST_ASKED_SECONDS),
        ("Fri, 31 Dec 9999 23:59:59 -0000", retries.LONGEST_ASKED_SECONDS),
        ("Mon, 01 Jan 0001 00:00:00 +2359", 0),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
        (f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT", None),
        (f"Mon, 01 Jan 2026 00:00:00 +{'9' * 14}", None),
        ("soon", None),
        ("-5", None),
        ("٣", None),
    ],
)
def test_no_server_makes_the_client_sleep_for_long(said: str, seconds: float | None) -> None:
    """Nor end with an error that says nothing of Countersign."""
    asked = retries.asked_for(Reply(status=503, headers={"retry-after": said}))

    usual = retries.LONGEST_PAUSE_SECONDS * 0.1
    if seconds is None:
        assert asked is None
    else:
        assert seconds <= retries.pause(0, asked) <= seconds + usual


@pytest.mark.parametrize("status", [400, 401, 403, 409, 413, 418, 422])
async def test_what_no_repetition_mends_is_tried_once(api: StubApi, client: Either, status: int) -> None:
    document = b'{"title": "No", "detail": "Do this.", "errors": [{"path": "body.question", "problem": "is empty"}]}'
    api.faults.append(Fault(status=status, body=document))

    with pytest.raises(Exception, match=rf"^No \({status}\): Do this\.\n  body\.question: is empty$"):
        await client("request", "Go on?", key="a")

    assert api.calls == []


async def test_a_vote_is_not_repeated_if_it_may_have_counted(api: StubApi, client: Either) -> None:
    request = await client("request", "Go on?", key="a")
    vote = {"person": "U0BOB", "version": 1, "digest": "d" * 64, "verdict": "approve"}
    api.faults += [Fault(path="/votes", status=503), Fault(path="/votes")]
    with pytest.raises(Unreachable):
        await client("vote", request.id, **vote)

    decision = await client("wait", request.id)

    assert decision.through == ("portal",)
    assert len([1 for _, target, _ in api.calls if target.endswith("/votes")]) == 1


async def test_nobody_there(api: StubApi) -> None:
    api.stop()
    patient = Countersign(api.url, TOKEN, retry_for=0.05)
    for client in (Either(patient), Either(patient.asynchronous())):
        with pytest.raises(Unreachable, match=r"did not answer.*same key"):
            await client("request", "Go on?", key="a")
        with pytest.raises(StillPending) as raised:
            await client("wait", "req_1", timeout=0.05)
        assert isinstance(raised.value.__cause__, Unreachable)


async def test_a_server_that_is_too_slow(api: StubApi) -> None:
    impatient = Countersign(api.url, TOKEN, timeout=0.05, retry_for=0)
    api.on_request = None
    request = await asyncio.to_thread(impatient.request, "Go on?", key="a")
    for client in (Either(impatient), Either(impatient.asynchronous())):
        with pytest.raises(Unreachable, match="too long"):
            await client("run", impatient.calls._get(f"/v1/requests/{request.id}?wait=5"))


async def test_a_draining_server_answers_at_once_and_is_not_rushed(api: StubApi, client: Either) -> None:
    """It says `pending` early. The pauses between the calls grow."""
    api.longest_wait = 0
    request = await client("request", "Go on?", key="a")
    waiting = asyncio.create_task(client("wait", request.id))
    await asyncio.sleep(0.2)
    api.decide(request.id)

    assert await waiting
    assert len(api.calls) < 40


async def test_a_revoked_token_ends_a_wait(api: StubApi, client: Either) -> None:
    request = await client("request", "Go on?", key="a")
    api.tokens.clear()

    with pytest.raises(Unauthorized):
        await client("wait", request.id)


CALLER = """
import sys
from countersign import Countersign
url, token, crash = sys.argv[1:]
client = Countersign(url, token)
decision = client.approve_or_raise("pay", {"amount": 1}, key="pay-7", execution="job-7")
if crash == "yes":
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
print("paid", decision.arguments["amount"])
"""


async def test_a_caller_that_dies_and_is_run_again_finds_its_request(api: StubApi) -> None:
    """It is killed while it waits, and again between the decision and the action."""

    def start(crash: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-S", "-c", CALLER, api.url, TOKEN, crash]
        return subprocess.Popen(command, env={"PYTHONPATH": str(SOURCES)}, stdout=subprocess.PIPE, text=True)

    first = start("no")
    await asyncio.to_thread(api.wait_until, lambda: api.waiting == 1)
    first.kill()
    first.communicate()
    api.decide(api.the_request())
    second, third = start("yes"), None
    second.communicate()
    third = start("no")

    assert third.communicate()[0] == "paid 1\n"
    assert api.opened == ["pay-7"]


@pytest.mark.parametrize(
    "body", [b"<html>Welcome</html>", b"[]", b'{"id": "", "status": "pending"}', b'{"id": "req_1"}', b"\xff"]
)
async def test_another_server(api: StubApi, client: Either, body: bytes) -> None:
    api.faults.append(Fault(status=200, body=body))

    with pytest.raises(UnexpectedAnswer, match="Check the address"):
        await client("request", "Go on?", key="a")


async def test_a_refusal_without_a_document(api: StubApi, client: Either) -> None:
    api.faults += [Fault(status=422, body=b"<html>"), Fault(status=409, body=b"{")]

    with pytest.raises(InvalidRequest, match=r"The server refused \(422\)"):
        await client("request", "Go on?", key="a")
    with pytest.raises(Refused):
        await client("request", "Go on?", key="a")
