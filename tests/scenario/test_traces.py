"""Traces of the real bot, under OpenTelemetry's SDK: from a program's call to the node that was resumed."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from tests.support.stage import Bot, Room, Slack, Thread
from tests.support.starter import ran
from tests.support.traced_bot import SPANS

CALLER: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CALLERS_TRACE: Final = CALLER.split("-")[1]


@dataclass(frozen=True, slots=True)
class Span:
    """One span as it was exported."""

    name: str
    trace: str
    id: str
    parent: str | None
    links: tuple[str, ...]
    """The traces that it is linked to."""


@dataclass(frozen=True, slots=True)
class Spans:
    """The file that all processes of the bot export to."""

    path: Path

    def all(self) -> list[Span]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [_span(json.loads(line)) for line in lines]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.all() if span.name == name]

    def way_up(self, span: Span) -> list[str]:
        """The names of the spans that this one lies in, its own first, without those of FastAPI."""
        by_id = {each.id: each for each in self.all()}
        names = [span.name]
        while span.parent in by_id:
            span = by_id[span.parent]
            names.append(span.name)
        return [name for name in names if not name.startswith("fastapi.")]


def _span(exported: dict[str, Any]) -> Span:
    def plain(number: str) -> str:
        return number.removeprefix("0x")

    return Span(
        name=exported["name"],
        trace=plain(exported["context"]["trace_id"]),
        id=plain(exported["context"]["span_id"]),
        parent=plain(exported["parent_id"]) if exported["parent_id"] else None,
        links=tuple(plain(link["context"]["trace_id"]) for link in exported["links"]),
    )


@pytest.fixture(scope="module")
def spans(tmp_path_factory: pytest.TempPathFactory) -> Spans:
    return Spans(tmp_path_factory.mktemp("spans") / "spans.jsonl")


@pytest.fixture(scope="module")
def bot(slack: Slack, spans: Spans, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """A bot whose processes all trace."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    bot = Bot.prepare(
        tmp_path_factory.mktemp("bot"),
        slack.environment,
        graphs=["spanned"],
        HTTP_BIND=f"127.0.0.1:{port}",
        **{SPANS: str(spans.path)},
    )
    bot.module = ("tests.support.traced_bot",)
    bot.start()
    yield bot
    assert bot.stop() == 0, bot.log


async def started(bot: Bot, room: Room, **headers: str) -> Thread:
    """The thread of a task that a program has started."""
    command = ["bot", "tokens", "add", "curl", "--source", "curl", "--scope", "tasks:write"]
    made = ran(command, cwd=bot.folder, env=bot.environment)
    token = next(word for word in made.stdout.split() if word.startswith("csk_"))
    body = {"graph": "spanned", "inputs": {"topic": "it"}, "channel": room.channel}
    given = {"Authorization": f"Bearer {token}", "Idempotency-Key": "once", **headers}
    async with (
        aiohttp.ClientSession(f"http://{bot.environment['HTTP_BIND']}", headers=given) as program,
        program.post("/v1/tasks", json=body) as response,
    ):
        assert response.status == 201, await response.text()
    return await room.opened("it")


async def test_a_task_is_traced_from_the_call_to_the_resumed_node(bot: Bot, spans: Spans, room: Room) -> None:
    """What a program's call leads to is in the program's own trace, up to the card. The answer begins a trace of its
    own, with a link to that one, and the node that takes the answer runs in it, in another process."""
    thread = await started(bot, room, traceparent=CALLER)
    await room.press("bob", await thread.card(), "approve")
    await thread.ended("done")

    asked = [span for span in spans.all() if span.trace == CALLERS_TRACE]
    thinks = next(span for span in asked if span.name == "agent thinks")
    assert spans.way_up(thinks) == ["agent thinks", "countersign.run", "countersign.drive", "countersign.api"]
    assert {"countersign.api", "countersign.post"} <= {span.name for span in asked}
    (call,) = (span for span in asked if span.name == "countersign.api")
    assert call.parent == CALLER.split("-")[2]

    (vote,) = (span for span in spans.named("countersign.voted") if CALLERS_TRACE in span.links)
    assert vote.parent is None
    assert vote.trace != CALLERS_TRACE
    (acts,) = (span for span in spans.named("agent acts") if span.trace == vote.trace)
    assert spans.way_up(acts) == ["agent acts", "countersign.resume", "countersign.drive", "countersign.voted"]

    async def outcome() -> Span | None:
        return next((span for span in spans.named("countersign.post") if span.trace == vote.trace), None)

    await room.until(outcome, "the span of the message that says how it ended")


async def test_a_task_that_a_person_starts_is_traced_too(bot: Bot, spans: Spans, room: Room) -> None:
    """A command begins a trace, and a restart between question and answer does not lose the link to it."""
    thread = await room.start("/task spanned topic=that")
    card = await thread.card()
    (start,) = (span for span in spans.named("countersign.start") if span.trace != CALLERS_TRACE)

    bot.kill()
    bot.start()
    await room.press("bob", card, "approve")
    await thread.ended("done")

    (vote,) = (span for span in spans.named("countersign.voted") if start.trace in span.links)
    assert vote.trace != start.trace
    assert [span.trace for span in spans.named("agent acts")].count(vote.trace) == 1
