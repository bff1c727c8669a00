"""Requests of a program while the gateways that serve it die at named points, and what has to be so in the end."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.approvals.model.decision import Cancelled, outcome_of
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Delivered
from bot.approvals.model.task import Task
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.services.audit.proof import Broken, verify
from simulator.client import Simulator, render_text
from tests.crash.cluster import Cluster, until
from tests.crash.evidence import OPEN, posted_in
from tests.crash.people import People, all_messages
from tests.crash.shop import SECRET, SOURCE, Shop, Story, admit, free_ports
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack

REPLICAS = 3
"""Gateways on Redis. On SQLite there is one."""
BATCH = 6
"""Requests at the same time."""
MOST = 60
"""Requests, if a point is not come to."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a run has seen."""

    problems: list[str] = field(default_factory=list)
    requests: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    told_again: int = 0
    """Webhooks that came more than once, as the gateway died before it had stored that one was taken."""
    died_at: Counter[str] = field(default_factory=Counter)
    seconds: float = 0
    logs: str = ""

    def __str__(self) -> str:
        return (
            f"{self.requests} requests: {dict(self.statuses)}; kills: {dict(self.died_at)}; "
            f"webhooks again: {self.told_again}; {self.seconds:.0f} s"
        )


async def run(
    folder: Path,
    redis: RedisServer | None,
    slack: Slack,
    points: Sequence[str],
    *,
    deadline: int = 12,
    seed: int = 1,
    short: bool = False,
) -> Outcome:
    """Ask until a gateway has died at each of these points, cut the power, and let all come to its end. No replica is
    left behind. In a `short` run, people answer at once, and the power stays on."""
    settings = {"WEBHOOK_SECRET": SECRET, "WEBHOOK_ALLOW": "127.0.0.1"}
    cluster = Cluster.prepare(folder, redis, slack, escalate=max(deadline - 3, 1), deadline=deadline, **settings)
    shop = Shop(ports=free_ports(1 if redis is None else REPLICAS), seed=seed)
    began = time.monotonic()
    try:
        async with Simulator.connect(slack.url) as simulator, cluster.records() as storage, shop.open():
            await admit(storage)
            people = People(simulator, seed, deadline, prompt=short)
            outcome = Outcome()
            async with people.at_work():
                await _among_kills(cluster, shop, points, outcome.died_at, short)
                await until(lambda: _at_rest(storage, shop), "everything at rest")
            await _look(storage, simulator, shop, outcome)
            outcome.logs = cluster.logs
    finally:
        await cluster.kill_all()
    outcome.seconds = time.monotonic() - began
    return outcome


async def _among_kills(cluster: Cluster, shop: Shop, points: Sequence[str], died_at: Counter[str], short: bool) -> None:
    """Ask, as long as there is a point that nobody has died at, and go on until all is settled and taken."""
    ahead: list[str] = []

    async def keep(port: int) -> None:
        """One place for a gateway: whenever it dies, start another."""
        while True:
            point = next((each for each in points if not died_at[each] and each not in ahead), "")
            ahead.append(point)
            replica = await cluster.launch("gateway", point=point, HTTP_BIND=f"127.0.0.1:{port}")
            if not await replica.connected() and not point:
                raise AssertionError(f"a gateway did not start:\n{replica.words}")
            await replica.process.wait()
            ahead.remove(point)
            died_at[point] += 1

    async with asyncio.TaskGroup() as group:
        keeping = [group.create_task(keep(port)) for port in shop.ports]
        while len(shop.stories) < MOST:
            await asyncio.gather(*(shop.ask() for _ in range(1 if short else BATCH)))
            if set(points) <= set(died_at):
                break
        for task in keeping:
            task.cancel()
    if not short:
        await _start_again(cluster, shop)


async def _start_again(cluster: Cluster, shop: Shop) -> None:
    """A power cut, and then gateways that nothing kills."""
    await cluster.kill_all()
    started = [await cluster.launch("gateway", HTTP_BIND=f"127.0.0.1:{port}") for port in shop.ports]
    for replica in started:
        if not await replica.connected():
            raise AssertionError(f"a gateway did not start:\n{replica.words}")


async def _at_rest(storage: Storage, shop: Shop) -> bool:
    tasks = await _tasks(storage)
    if not all(task.finished for task in tasks) or len(tasks) != len(shop.stories):
        return False
    later = max(task.created_at for task in tasks).replace(year=9000)
    sent = [webhook for task in tasks for webhook in await storage.webhooks_of(task.id)]
    return not await storage.out_of_date(later, 1) and all(each.next_try is None for each in sent)


async def _tasks(storage: Storage) -> tuple[Task, ...]:
    return await storage.tasks_from([SOURCE], 10_000)


# --- What has to be so --------------------------------------------------------------------------


async def _look(storage: Storage, simulator: Simulator, shop: Shop, outcome: Outcome) -> None:
    wrong = outcome.problems.append
    tasks = await _tasks(storage)
    outcome.requests = len(tasks)
    keys = Counter(task.caller.key for task in tasks if task.caller)
    if keys != Counter(f"o-{story.number}" for story in shop.stories):
        wrong(f"the keys of the requests: {keys}")
    messages, names = await all_messages(simulator, len(shop.stories)), await simulator.names()
    shown: dict[str, list[str]] = {}
    for message in messages:
        id = message.get("metadata", {}).get("event_payload", {}).get("id", "")
        shown.setdefault(id, []).append(render_text(message, names))
    posted = Counter(posted_in(await simulator.traffic(method="chat.postMessage")))
    outcome.problems += [f"message {id} was posted {count} times" for id, count in posted.items() if count > 1]
    stories = {story.id: story for story in shop.stories}
    told: dict[str, list[object]] = {}
    for id, body in shop.told:
        told.setdefault(id, []).append(body)
    for task in tasks:
        records = await storage.records_of(task.id)
        problems = [
            *_of_story(records, stories),
            *_of_cards(records, shown),
            *await _of_webhooks(storage, records, told),
            *await _of_history(storage, records),
        ]
        outcome.problems += [f"{task.caller.key if task.caller else task.id}: {each}" for each in problems]
        outcome.statuses[str(stories[_id(records)].decisions[0][0])] += 1
    outcome.told_again = sum(len(bodies) - 1 for bodies in told.values())
    if isinstance(proof := await verify(storage), Broken):
        wrong(f"the audit log is broken at entry {proof.number}: {proof.why}")


def _id(records: Records) -> str:
    return f"req_{records.task.id.removeprefix('caller-')}"


def _of_story(records: Records, stories: dict[str, Story]) -> list[str]:
    """The program was told one thing, always, and one execution has it."""
    story, caller = stories[_id(records)], records.task.caller
    problems = []
    if len({json.dumps(each, sort_keys=True) for each in story.decisions}) != 1 or len(story.decisions) < 3:
        problems.append(f"it was told {story.decisions}")
    if len(story.taken) != 1 or caller is None or caller.consumed is None:
        problems.append(f"taken by {story.taken}, and recorded is {caller}")
    elif [caller.consumed.execution] != story.taken:
        problems.append(f"taken by {story.taken}, and recorded is {caller.consumed}")
    status, decision = story.decisions[0]
    settled = {request.decision for request in records.requests}
    by_program = not settled or any(isinstance(each, Cancelled) for each in settled)
    if by_program != (status == "cancelled") or (by_program and (story.number % 4 != 3 or story.refused)):
        problems.append(f"it is {status}, and its records say {settled}")
    if (decision["verdict"] in ("approve", "edit")) is not decision["approved"]:
        problems.append(f"approved means nothing: {decision}")
    for request in records.requests:
        if not isinstance(request.state, Delivered):
            problems.append(f"it is not handed over: {request.state}")
        elif str(outcome_of(request.state.decision)) != decision["verdict"]:
            problems.append(f"people decided {request.state.decision}, and it was told {decision}")
    return problems


def _of_cards(records: Records, shown: dict[str, list[str]]) -> list[str]:
    kinds = Counter(message.kind for message in records.messages)
    problems = []
    if kinds[MessageKind.CARD] != len(records.requests) or kinds[MessageKind.OPENING] != 1:
        problems.append(f"it has messages {kinds}")
    for message in records.messages:
        words = "\n".join(shown.get(message.id, []))
        if message.kind is MessageKind.CARD and (not words or any(each in words for each in OPEN)):
            problems.append(f"its card says {words!r}")
    return problems


async def _of_webhooks(storage: Storage, records: Records, told: dict[str, list[object]]) -> list[str]:
    """One webhook is stored, and it came as often as the gateway could not know that it had come."""
    stored = await storage.webhooks_of(records.task.id)
    if len(stored) != 1 or stored[0].delivered_at is None:
        return [f"its webhooks are {stored}"]
    came = told.get(stored[0].id, [])
    said = {json.dumps([body["type"], body["data"]["decision"]], sort_keys=True) for body in came}  # type: ignore[index]
    return [] if len(said) == 1 else [f"its webhooks said {said}"]


async def _of_history(storage: Storage, records: Records) -> list[str]:
    kinds = Counter(event.kind for event in await storage.history(records.task.id))
    asked = len(records.requests)
    wanted = {"started": 1, "opened": asked, "consumed": 1, "resume_begun": asked, "delivered": asked}
    if any(isinstance(request.decision, Cancelled) for request in records.requests):
        wanted |= {"resume_begun": 0, "delivered": 0}
    return [f"it has {kinds[kind]} events `{kind}`" for kind, count in wanted.items() if kinds[kind] != count]
