"""/metrics, /healthz and /readyz beside the API: without a token, while it is busy, and while it drains."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import aiohttp
import pytest

from tests.support.served import Answer, Api, served

WAIT = 200
STREAM = 100


@dataclass(slots=True)
class Fake:
    """Something that is watched, and says what it is told to say."""

    problems: dict[str, Sequence[str]] = field(default_factory=dict)

    async def metrics(self) -> bytes:
        return b"countersign_overdue 1.0\n"

    async def unwell(self) -> Sequence[str]:
        return self.problems.get("unwell", ())

    async def unready(self) -> Sequence[str]:
        return self.problems.get("unready", ())


async def asked(api: Api, path: str, method: str = "GET") -> Answer:
    return await api.call(method, path, token="")


async def test_they_are_answered_to_whoever_asks() -> None:
    """They tell figures and names from the configuration alone."""
    async with served(watched=Fake()) as here:
        metrics = await asked(here, "/metrics")
        health, readiness = await asked(here, "/healthz"), await asked(here, "/readyz")

    assert (metrics.status, metrics.text) == (200, "countersign_overdue 1.0\n")
    assert metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert [(each.status, each.json) for each in (health, readiness)] == [(200, {"status": "ok"})] * 2
    assert health.headers["Cache-Control"] == "no-store"


async def test_a_problem_is_said_in_words_with_503() -> None:
    fake = Fake({"unready": ["Slack is not connected."]})

    async with served(watched=fake) as here:
        health, readiness = await asked(here, "/healthz"), await asked(here, "/readyz")

    assert health.status == 200
    assert readiness.status == 503
    assert readiness.json == {"status": "failing", "problems": ["Slack is not connected."]}


async def test_they_only_answer_what_reads() -> None:
    async with served(watched=Fake()) as here:
        head, post = await asked(here, "/healthz", "HEAD"), await asked(here, "/metrics", "POST")

    assert (head.status, head.text) == (200, "")
    assert (post.status, post.headers["Allow"]) == (405, "GET, HEAD")


async def test_an_api_that_is_not_watched_has_none_of_them() -> None:
    async with served() as here:
        assert (await asked(here, "/metrics")).problem == "not-found"


@pytest.mark.heavy
async def test_they_are_answered_while_hundreds_wait_and_while_the_api_drains() -> None:
    """Whoever watches a bot wants to know of just these moments."""
    fake = Fake()
    connector = aiohttp.TCPConnector(limit=0)
    async with served(watched=fake) as own, aiohttp.ClientSession(connector=connector) as session:
        here = replace(own, session=session)
        id = (await here.ask())["id"]
        ends = ["?wait=60"] * WAIT + ["/events"] * STREAM
        calls = [asyncio.create_task(here.get(f"/v1/requests/{id}{end}")) for end in ends]
        while len(here.waiters) < WAIT + STREAM:  # noqa: ASYNC110 - nobody says so
            await asyncio.sleep(0.01)

        busy = [(await asked(here, path)).status for path in ("/metrics", "/healthz", "/readyz")]
        fake.problems["unready"] = ["The bot is shutting down."]
        here.serving.drain()
        draining = [(await asked(here, path)).status for path in ("/metrics", "/healthz", "/readyz")]
        refused = await here.get(f"/v1/requests/{id}")
        await asyncio.gather(*calls, return_exceptions=True)

    assert busy == [200, 200, 200]
    assert draining == [200, 200, 503]
    assert refused.problem == "unavailable"
