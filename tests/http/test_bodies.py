"""What is read of a call, and how what cannot be read is refused."""

from __future__ import annotations

import asyncio
import difflib
import json
from collections.abc import AsyncIterator

import pytest

from bot.http import guarded
from bot.http.problems import MAX_FAULTS
from tests.support.served import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "line 1, column 2"),
        (b'{"question": "\xff"}', "byte 14 is not UTF-8"),
        (b'{"question": NaN}', "NaN is not a number of JSON"),
        (b'{"question": -Infinity}', "-Infinity is not a number of JSON"),
        (b'{"question": 1e999}', "too large"),
        (b'{"question": ' + b"9" * 500 + b"}", "500 digits"),
        (b'{"question": 1, "question": 2}', 'the key "question" stands twice'),
        (b'{"question": {"a": [{"b": 1, "b": 1}]}}', 'the key "b" stands twice'),
        (rb'{"question": "\ud800"}', "surrogate"),
        (b'{"question": ' + b"[" * 65 + b"]" * 65 + b"}", "64 levels"),
        (b"[" * 100_000, "64 levels"),
        (b'{"a":' * 30_000, "64 levels"),
    ],
)
async def test_a_body_that_readers_would_read_differently_is_refused(api: Api, data: bytes, said: str) -> None:
    refused = await api.post("/v1/requests", key="json", data=data, headers=JSON)

    assert (refused.status, refused.problem) == (400, "bad-json")
    assert said in refused.json["detail"]


async def test_brackets_in_a_text_are_no_levels(api: Api) -> None:
    made = await api.post("/v1/requests", {"question": '[{\\"' * 1000}, key="brackets")

    assert made.status == 201


async def test_the_deepest_body_that_is_taken_is_asked(api: Api) -> None:
    question = json.loads("[" * 60 + "1" + "]" * 60)

    await api.ask(question)


async def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(api: Api) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b'"' + b"x" * 10_000 + b'"'

    large = await api.post("/v1/requests", key="large", data=b'"' + b"x" * 200_000 + b'"', headers=JSON)
    streamed = await api.post("/v1/requests", key="large", data=pieces(), headers=JSON)
    taken = await api.post("/v1/requests", {"question": "x" * 199_000}, key="large")

    assert (large.status, large.problem) == (413, "body-too-large")
    assert "200,002" in large.json["detail"]
    assert (streamed.status, streamed.problem) == (413, "body-too-large")
    assert taken.status == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "nonsense"])
async def test_a_body_says_that_it_is_json(api: Api, kind: str) -> None:
    refused = await api.post("/v1/requests", key="type", data=b'{"question": 1}', headers={"Content-Type": kind})

    assert (refused.status, refused.problem) == (415, "content-type")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/merge-patch+json"])
async def test_kinds_of_json_are_json(api: Api, kind: str) -> None:
    made = await api.post(
        "/v1/requests", key=f"kind {kind}".replace(" ", "-"), data=b'{"question": "1?"}', headers={"Content-Type": kind}
    )

    assert made.status == 201


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (None, {"body": "is missing"}),
        ([], {"body": "should be"}),
        ({}, {"body.question": "is missing"}),
        ({"question": None}, {"body.question": "this asks nothing"}),
        ({"question": " "}, {"body.question": "this asks nothing"}),
        ({"question": {}}, {"body.question": "this asks nothing"}),
        ({"question": ["\t", {"action": "", "arguments": {}}]}, {"body.question": "this asks nothing"}),
        ({"question": "?", "response_schema": {"type": "objekt"}}, {"body.response_schema": "not at `type`: 'objekt'"}),
        ({"question": "?", "source": "billing"}, {"body.source": "should be an object"}),
        ({"question": 1, "chanel": "#ops"}, {"body.chanel": "Did you mean `channel`?"}),
        ({"question": 1, "source": {"name": "a", "link": 1}}, {"body.source.link": "Known: `name`, `url`, `run`."}),
        ({"question": 1, "source": {}}, {"body.source.name": "is missing"}),
        ({"question": 1, "source": {"name": "two\nlines"}}, {"body.source.name": "should be one line"}),
        ({"question": 1, "channel": ""}, {"body.channel": "at least 1 character"}),
        ({"question": 1, "response_schema": []}, {"body.response_schema": "should be"}),
        ({"question": 1, "callback_url": "ftp://example.com"}, {"body.callback_url": "https:// or http://"}),
        ({"question": 1, "callback_url": "https://a:b@example.com"}, {"body.callback_url": "no password"}),
        ({"question": 1, "callback_url": "https://["}, {"body.callback_url": "names a host"}),
        ({"question": 1, "metadata": {str(n): n for n in range(21)}}, {"body.metadata": "at most 20"}),
        ({"question": 1, "metadata": {"k" * 41: 1}}, {f"body.metadata.{'k' * 41}.[key]": "at most 40"}),
        ({"channel": 1, "requester": 2}, {"body.question": "is missing", "body.channel": "", "body.requester": ""}),
    ],
)
async def test_each_fault_of_a_body_is_named_with_its_place(api: Api, body: object, faults: dict[str, str]) -> None:
    refused = await api.post("/v1/requests", body, key="faults")

    assert (refused.status, refused.problem) == (422, "invalid")
    found = {fault["path"]: fault["problem"] for fault in refused.json["errors"]}
    assert found.keys() == faults.keys()
    for path, said in faults.items():
        assert said in found[path]


@pytest.mark.parametrize("path", ["/v1/requests", "/v1/requests?" + "&".join(f"limi{n}=1" for n in range(3000))])
async def test_a_call_that_is_wrong_in_many_places_costs_no_more_than_one_that_is_wrong_in_twenty(
    api: Api, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Names that may be meant are looked for only if the caller reads them."""
    looked_for: list[str] = []

    def counted(name: str, known: list[str], n: int) -> list[str]:
        looked_for.append(name)
        return difflib.get_close_matches(name, known, n=n)

    monkeypatch.setattr(guarded, "get_close_matches", counted)

    refused = await api.post(path, {"question": 1, **{f"question_{n}": 1 for n in range(3000)}}, key="many")

    assert (refused.status, refused.problem) == (422, "invalid")
    assert len(refused.json["errors"]) == len(looked_for) == MAX_FAULTS
    assert "3,000" in refused.json["detail"]


# --- Addresses and methods ----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1", "/v2/requests", "/v1/requests/", "/v1/requests//audit", "/docs/", "/%00"])
async def test_an_unknown_address_is_a_problem(api: Api, path: str) -> None:
    refused = await api.get(path)

    assert (refused.status, refused.problem) == (404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/requests", "GET, POST"),
        ("DELETE", "/v1/requests/req_1", "GET"),
        ("OPTIONS", "/v1/tasks", "GET, POST"),
        ("GET", "/v1/requests/req_1/cancel", "POST"),
        ("POST", "/docs", "GET, HEAD"),
    ],
)
async def test_a_method_that_an_address_does_not_take_is_a_problem(
    api: Api, method: str, path: str, allowed: str
) -> None:
    refused = await api.call(method, path)

    assert (refused.status, refused.problem) == (405, "method-not-allowed")
    assert refused.headers["Allow"] == allowed


async def test_head_is_not_taken_and_has_no_body(api: Api) -> None:
    refused = await api.call("HEAD", "/v1/requests")

    assert (refused.status, refused.text) == (405, "")
    assert refused.headers["Content-Type"] == "application/problem+json"


async def test_what_is_no_http_does_not_disturb_the_server(api: Api) -> None:
    for text in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"\x16\x03\x01"):
        reader, writer = await asyncio.open_connection(api.serving.host, api.serving.port)
        writer.write(text)
        writer.write_eof()
        await reader.read()
        writer.close()

    assert (await api.get("/v1/requests")).status == 200


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"anyOf": [{} for _ in range(600)]}, "should be smaller"),
        ({"type": 5}, "should be a JSON Schema"),
        ({"type": "string", "pattern": "^(?=.*x)y"}, "looks around or back"),
    ],
)
async def test_a_schema_that_cannot_be_checked_quickly_is_refused(api: Api, schema: object, said: str) -> None:
    refused = await api.post("/v1/requests", {"question": "a", "response_schema": schema}, key="schema")

    assert (refused.status, refused.problem) == (422, "invalid")
    assert said in refused.json["errors"][0]["problem"]
