"""Threads on a LangGraph Server while the gateways that watch it die at named points, and what has to be so in the
end."""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import yaml
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient

from bot.approvals.model.decision import Answered, Approve, Reject
from bot.approvals.model.ids import TaskId, ThreadId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.server import task_of_thread
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.services.audit.proof import Broken, verify
from bot.engines.server.status import INTERRUPT
from simulator.client import Simulator, render_text
from tests.crash.cluster import Cluster, until
from tests.crash.evidence import OPEN, Findings, posted_in, settled_once
from tests.crash.people import People, all_messages, room
from tests.support.langgraph_server import LangGraphServer
from tests.support.redis_server import RedisServer
from tests.support.stage import Slack

REPLICAS = 3
"""Gateways on Redis. On SQLite there is one."""
BATCH = 6
"""Threads that are begun at the same time."""
MOST = 90
"""Threads, if a point is not come to."""
PLACES = 3
"""The channels in which they ask, as Slack takes one message a second in each."""
AGENTS: Final = {"plain": "ask", "stop": "pay"}
"""One that asks, and one that stops at a breakpoint; and what each does that people decide about."""
CHANCE = 0.5


@dataclass(slots=True, kw_only=True)
class Story:
    """A thread that somebody begins."""

    graph: str
    key: str
    place: int
    id: ThreadId

    @property
    def task_id(self) -> TaskId:
        return task_of_thread(_name(self.place), self.id)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a run has seen."""

    problems: list[str] = field(default_factory=list)
    threads: int = 0
    decisions: Counter[str] = field(default_factory=Counter)
    died_at: Counter[str] = field(default_factory=Counter)
    seconds: float = 0
    logs: str = ""

    def __str__(self) -> str:
        return f"{self.threads} threads: {dict(self.decisions)}; kills: {dict(self.died_at)}; {self.seconds:.0f} s"


async def run(
    folder: Path,
    redis: RedisServer | None,
    slack: Slack,
    server: LangGraphServer,
    points: Sequence[str],
    *,
    deadline: int = 15,
    seed: int = 1,
) -> Outcome:
    """Begin threads until a gateway has died at each of these points, cut the power, and let all come to its end. No
    replica is left behind."""
    team = uuid.uuid4().hex
    file = folder.parent / "servers.yaml"
    file.write_text(yaml.safe_dump({"servers": [_watched(server.url, team, place) for place in range(PLACES)]}))
    cluster = Cluster.prepare(
        folder, redis, slack, escalate=max(deadline - 3, 1), deadline=deadline, SERVERS_FILE=str(file)
    )
    began, foreign = time.monotonic(), get_client(url=server.url, api_key=None)
    campaign = _Campaign(cluster=cluster, foreign=foreign, team=team, points=points)
    try:
        async with Simulator.connect(slack.url) as simulator, cluster.records() as storage:
            async with People(simulator, seed, deadline).at_work():
                await campaign.among_kills()
                await campaign.power_cut()
                await until(lambda: _at_rest(storage, campaign.stories), "everything at rest", 300)
            outcome = await _look(storage, simulator, server, campaign)
            outcome.logs = cluster.logs
    finally:
        await foreign.aclose()
        await cluster.kill_all()
    outcome.seconds = time.monotonic() - began
    return outcome


@dataclass(slots=True, kw_only=True)
class _Campaign:
    cluster: Cluster
    foreign: LangGraphClient
    team: str
    points: Sequence[str]
    stories: list[Story] = field(default_factory=list)
    ahead: list[str] = field(default_factory=list)
    """The points that living gateways are on the way to."""
    died_at: Counter[str] = field(default_factory=Counter)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def replicas(self) -> int:
        return 1 if self.cluster.redis is None else REPLICAS

    async def among_kills(self) -> None:
        """Begin threads for as long as there is a point that nobody has died at."""
        async with asyncio.TaskGroup() as group:
            keeping = [group.create_task(self._keep()) for _ in range(self.replicas)]
            while not set(self.points) <= set(self.died_at) and len(self.stories) < MOST:
                self.stories += await asyncio.gather(*(self._begin() for _ in range(BATCH)))
                before = self.died_at.total()
                for _ in range(40):  # until somebody has died, or nothing is left to die of
                    if self.died_at.total() > before:
                        break
                    await asyncio.sleep(0.5)
            for task in keeping:
                task.cancel()

    async def power_cut(self) -> None:
        """And then gateways that nothing kills."""
        await self.cluster.kill_all()
        started = [await self.cluster.launch("gateway") for _ in range(self.replicas)]
        for replica in started:
            if not await replica.connected():
                raise AssertionError(f"a gateway did not start:\n{replica.words}")

    async def _keep(self) -> None:
        """One place for a gateway: whenever it dies, start another."""
        while True:
            point = next((each for each in self.points if not self.died_at[each] and each not in self.ahead), "")
            self.ahead.append(point)
            replica = await self.cluster.launch("gateway", point=point, chance=CHANCE)
            if not await replica.connected() and not point:
                raise AssertionError(f"a gateway did not start:\n{replica.words}")
            await replica.process.wait()
            self.ahead.remove(point)
            self.died_at[point] += 1

    async def _begin(self) -> Story:
        number = next(self.numbers)
        graph, key, place = [*AGENTS][number % len(AGENTS)], uuid.uuid4().hex, number % PLACES
        metadata = {"team": self.team, "place": place, "user": "U0ALICE"}
        made = await self.foreign.threads.create(graph_id=graph, metadata=metadata)
        await self.foreign.runs.create(made["thread_id"], graph, input={"key": key})
        return Story(graph=graph, key=key, place=place, id=ThreadId(made["thread_id"]))


def _name(place: int) -> str:
    return f"place-{place}"


def _watched(url: str, team: str, place: int) -> dict[str, Any]:
    watch = {"channel": room(place), "metadata": {"team": team, "place": place}, "requester": "metadata.user"}
    return {"name": _name(place), "url": url, "watch": watch}


async def _at_rest(storage: Storage, stories: Sequence[Story]) -> bool:
    known = await storage.revisions([story.task_id for story in stories])
    if len(known) < len(stories):
        return False
    tasks = [await storage.task(story.task_id) for story in stories]
    later = max(task.created_at for task in tasks) + timedelta(days=1)
    return all(task.finished for task in tasks) and not await storage.out_of_date(later, 1)


# --- What has to be so --------------------------------------------------------------------------


async def _look(storage: Storage, simulator: Simulator, server: LangGraphServer, campaign: _Campaign) -> Outcome:
    outcome = Outcome(threads=len(campaign.stories), died_at=campaign.died_at)
    messages, names = await all_messages(simulator, PLACES), await simulator.names()
    shown: dict[str, list[str]] = {}
    for message in messages:
        id = message.get("metadata", {}).get("event_payload", {}).get("id", "")
        shown.setdefault(id, []).append(render_text(message, names))
    posted = Counter(posted_in(await simulator.traffic(method="chat.postMessage")))
    outcome.problems += [f"message {id} was posted {count} times" for id, count in posted.items() if count > 1]
    for story in campaign.stories:
        records = await storage.records_of(story.task_id)
        found = Findings()
        settled_once(found, records.requests, await storage.history(story.task_id))
        outcome.decisions += found.decisions
        runs = await campaign.foreign.runs.list(story.id, limit=100)
        answers = [run for run in runs if INTERRUPT in (run["metadata"] or {})]
        effects = server.effects(AGENTS[story.graph], story.key)
        problems = [*found.problems, *_of_answer(records, story, len(answers), effects), *_of_cards(records, shown)]
        outcome.problems += [f"{story.graph} {story.id}: {each}" for each in problems]
    if isinstance(proof := await verify(storage), Broken):
        outcome.problems.append(f"the audit log is broken at entry {proof.number}: {proof.why}")
    return outcome


def _of_answer(records: Records, story: Story, answers: int, effects: Sequence[Any]) -> list[str]:
    """What was decided was sent at most once, and is what the agent did."""
    if len(records.requests) != 1:
        return [f"it was asked {len(records.requests)} times"]
    decision = records.requests[0].decision
    said = _said(decision)
    wanted: list[Any] = [[40, ["prepared"]]] if said["type"] == "approve" else []
    passes = bool(wanted)
    if story.graph == "plain":
        passes, wanted = True, [{"decisions": [said]}]
        if decision is not None and not isinstance(decision, Answered):
            wanted = [each for each in effects if each["decisions"][0]["type"] == "reject"][:1]
    problems = [f"its agent did {effects}, and was told {decision}"] if list(effects) != wanted else []
    if passes != answers:
        problems.append(f"{answers} runs answered it")
    return problems


def _said(decision: object) -> dict[str, str]:
    match decision:
        case Answered(verdicts=(Approve(),)):
            return {"type": "approve"}
        case Answered(verdicts=(Reject(reason=reason),)):
            return {"type": "reject", "message": reason}
        case _:
            return {"type": "reject"}


def _of_cards(records: Records, shown: dict[str, list[str]]) -> list[str]:
    kinds = Counter(message.kind for message in records.messages)
    problems = []
    if [kinds[kind] for kind in (MessageKind.OPENING, MessageKind.CARD, MessageKind.OUTCOME)] != [1, 1, 1]:
        problems.append(f"it has messages {kinds}")
    for message in records.messages:
        words = "\n".join(shown.get(message.id, []))
        if message.kind is MessageKind.CARD and (not words or any(each in words for each in OPEN)):
            problems.append(f"its card says {words!r}")
    return problems
