"""The calls to a server: what they send, and what becomes of an answer that is none. Against HTTP on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.approvals.model.errors import Unreachable
from bot.approvals.model.facts import ServerAway, ServerReached
from bot.engines.server.client import Busy, NoThread, Refused, ServerClient, connect
from tests.support.fakes.telemetry import Heard

KEYS = ("LANGSMITH_API_KEY", "LANGGRAPH_API_KEY", "LANGCHAIN_API_KEY")
THREAD = "00000000-0000-0000-0000-000000000001"


@dataclass
class Recorder:
    """A server that gives one answer, and keeps what it was sent."""

    url: str
    status: int = 200
    body: Any = field(default_factory=dict)
    kind: str = "application/json"
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            here.headers.append({name.lower(): value for name, value in self.headers.items()})
            length = int(self.headers.get("content-length") or 0)
            here.bodies.append(json.loads(self.rfile.read(length)) if length else None)
            body = here.body if isinstance(here.body, bytes) else json.dumps(here.body).encode()
            self.send_response(here.status)
            self.send_header("content-type", here.kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = answer  # noqa: N815 - the names of http.server

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Recorder(url=f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield here
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("own", [None, "ours"])
async def test_no_key_of_the_environment_is_ever_sent(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, own: str | None
) -> None:
    """LangGraph's own client sends them to whatever address it is given."""
    for name in KEYS:
        monkeypatch.setenv(name, "secret of the environment")
    client = connect("dev", recorder.url, own)

    await everything(client, recorder)
    await client.close()

    assert len(recorder.headers) > 12
    assert [headers.get("x-api-key") for headers in recorder.headers] == [own] * len(recorder.headers)
    assert not any("secret" in str(headers) for headers in recorder.headers)


async def everything(client: ServerClient, recorder: Recorder) -> None:
    """Each call once."""
    await client.info()
    await client.thread(THREAD)
    await client.schemas("a")
    await client.drawing("a")
    await client.state(THREAD)
    await client.state(THREAD, {"checkpoint_id": "c"})
    await client.create_thread(THREAD, "plain", {})
    await client.update_state(THREAD, {"amount": 1}, None, {"checkpoint_id": "c"})
    await client.cancel(THREAD, "r")
    recorder.body = []
    await client.assistants(graph_id="plain")
    await client.threads(status="interrupted", metadata={"team": "payments"})
    await client.runs(THREAD)
    recorder.body = {"run_id": "r", "status": "success"}
    await client.run_status(THREAD, "r")
    await begin(client)
    recorder.kind, recorder.body = "text/event-stream", b"event: custom\ndata: 1\n\n"
    assert [part async for part in client.follow(THREAD, "r")] == [("custom", 1)]


async def begin(client: ServerClient) -> str:
    given = {"command": {"resume": {"i": "yes"}}}
    return await client.create_run(
        THREAD, "plain", given=given, metadata={"why": "1"}, context={"place": "staging"}, limit=30
    )


@pytest.mark.parametrize("tracing", [True, False])
async def test_a_run_is_traced_where_its_answer_is(recorder: Recorder, tracing: bool) -> None:
    """The server is told where the work is found that the run belongs to, if somebody traces it."""
    recorder.body, heard = {"run_id": "r"}, Heard(tracing=tracing)
    client = connect("dev", recorder.url, None, heard)

    with heard.span("resume") as here:
        await begin(client)
    await client.close()

    assert recorder.headers[-1].get("traceparent") == here
    assert (here is not None) == tracing


async def test_a_run_is_strict_and_stored_step_by_step_and_the_only_one(recorder: Recorder) -> None:
    recorder.body = {"run_id": "r"}
    client = connect("dev", recorder.url, None)

    assert await begin(client) == "r"
    await client.close()

    (sent,) = recorder.bodies
    assert (sent["durability"], sent["multitask_strategy"], sent["strict_resume"]) == ("sync", "reject", True)
    assert sent["config"] == {
        "configurable": {"place": "staging", "__pregel_strict_resume": True},
        "recursion_limit": 30,
    }
    assert sent["command"] == {"resume": {"i": "yes"}}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (409, {"detail": "busy"}, Busy),
        (404, {"detail": "no such thread"}, NoThread),
        (422, {"detail": "Invalid thread ID: must be a UUID"}, NoThread),
        (422, {"detail": "it does not fit"}, Refused),
        (401, {"detail": "no"}, Unreachable),
        (403, {"detail": "no"}, Unreachable),
        (429, {"detail": "slow down"}, Unreachable),
        (502, {"detail": "no"}, Unreachable),
        (200, b"<html>", Unreachable),
    ],
)
async def test_each_answer_has_its_meaning(recorder: Recorder, status: int, body: Any, error: type[Exception]) -> None:
    recorder.status, recorder.body = status, body
    client = connect("dev", recorder.url, None)

    with pytest.raises(error):
        await client.state(THREAD)
    await client.close()


async def test_a_wrong_key_is_a_sentence(recorder: Recorder) -> None:
    recorder.status = 401
    client = connect("prod", recorder.url, "wrong")

    with pytest.raises(Unreachable) as raised:
        await client.info()
    await client.close()

    assert raised.value.what == "the LangGraph Server prod: it does not take the bot's api_key"


async def test_a_server_without_its_page_is_refused(recorder: Recorder) -> None:
    """As Aegra's."""
    recorder.status = 404
    client = connect("dev", recorder.url, None)

    with pytest.raises(Refused):
        await client.info()
    await client.close()


async def test_going_away_and_coming_back_are_told_once_each(recorder: Recorder) -> None:
    """And so is the first answer."""
    heard = Heard()
    client = connect("dev", recorder.url, None, heard)

    for status in (200, 503, 503, 200, 200):
        recorder.status = status
        if status == 503:
            with pytest.raises(Unreachable):
                await client.info()
        else:
            await client.info()
    await client.close()

    reached, away = ServerReached(server="dev"), ServerAway(server="dev", error="status 503")
    assert heard.facts == [reached, away, reached]
