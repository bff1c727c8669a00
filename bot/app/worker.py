"""One worker process: it drives tasks, which runs agents. It sends nothing to Slack, and only looks people up there."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from socket import socket
from typing import Any, Final, TypeVar

from bot.app import wire
from bot.app.identity import bot_of
from bot.app.policies import PolicySwitch
from bot.app.watched.sweeping import sweep
from bot.app.watched.telling import Life, telemetry_of
from bot.app.wire import Telling, WorkerWork
from bot.approvals.model.errors import CountersignError, NotFound, Unreachable
from bot.approvals.model.ids import TaskId
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock
from bot.approvals.services import claims
from bot.approvals.services.audit.retention import Retention
from bot.approvals.services.delivery.drive import Delivery
from bot.approvals.services.delivery.leasing import Leases
from bot.approvals.services.delivery.opening import Opening
from bot.approvals.services.delivery.recording import Recording
from bot.approvals.services.messages.masked import Masking, marks_of
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.policies.current import CurrentPolicies
from bot.approvals.services.sweep import AgentSweep
from bot.engines.langgraph import selftest
from bot.engines.langgraph.checkpoints import Fence, sqlite_saver
from bot.engines.langgraph.containment import end_if_forked
from bot.engines.langgraph.loading import catalog, registry
from bot.engines.langgraph.loading.factories import Saver
from bot.engines.langgraph.runner import LangGraphEngine
from bot.private_files import private_file
from bot.runtime import health, logs
from bot.runtime.children import Channel, Words
from bot.runtime.hints import GATEWAY, WORKER, Hint
from bot.runtime.line import Line
from bot.runtime.process import Ending, settle
from bot.runtime.ticker import ticking
from bot.runtime.work_queue import MAX_CONCURRENT_JOBS, JobQueue, WorkQueues
from bot.secrets import Detector
from bot.settings import RoleSettings
from bot.slack.api.calls import connections, web_client
from bot.slack.api.directory import SlackDirectory
from bot.slack.api.rate_limit import Pace
from bot.stores import CHECKPOINTS, opened, system_clock

log = logging.getLogger(__name__)

HELD_ELSEWHERE: Final = timedelta(seconds=2)
"""How soon to look again at a thread that another process drives."""
MAX_TOLD: Final = 1000
"""Secrets that the parent was told of, and is not told again."""
GIL_SECONDS: Final = 0.001
"""How long a thread of Python code keeps the others waiting. Python's own value is five times that, which is felt where
a graph computes in a thread."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a worker process is given by the one that forked it."""

    owner: str
    """Its name."""
    channel: Channel | None = None
    hints: socket | None = None
    """On which it takes hints, if the records are in SQLite."""
    siblings: Collection[str] = ()
    """The living workers at its start."""
    dead: Collection[str] = ()
    """Processes whose leases and claims are void."""
    only: TaskId | None = None
    """The one task that it drives before it ends. None: whatever there is to do."""
    learned: Callable[[Collection[str]], object] = len
    """Is told which further secrets the log has to hide."""
    why: str = ""
    """How the last process ended that drove that task, as the end of a sentence."""
    deaths: int = 0
    """How many processes that drove that task alone have died."""


async def run(settings: RoleSettings, policies: CurrentPolicies, place: Place, clock: Clock = system_clock) -> None:
    """Runs a worker until SIGTERM or SIGINT, until its parent retires it, or until its one task is driven; then drains
    it. Raises SettingsError, which says what to do, if it cannot start."""
    sys.setswitchinterval(GIL_SECONDS)
    ending = Ending(settings.shutdown_grace)
    ending.listen()
    retired = asyncio.Event()

    def heard(words: Words) -> None:
        if words.get("retire"):
            retired.set()
        for each in running_worker if "dead" in words else ():
            each.free(words["dead"])

    running_worker: list[Worker] = []

    async with running(settings, policies, ending, place, heard, clock) as worker:
        running_worker.append(worker)
        settle()
        if place.channel is not None:
            place.channel.send(ready=True)
        if place.only is not None:
            await worker.drive_alone(place.only, ending.asked)
            _say_done(place, ending)
            return
        waiting = [asyncio.create_task(each.wait()) for each in (ending.asked, retired)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        if retired.is_set() and not ending.asked.is_set():
            await worker.retire(ending.asked)
            _say_done(place, ending)


def _say_done(place: Place, ending: Ending) -> None:
    if place.channel is not None and not ending.asked.is_set():
        place.channel.send(done=True)


@dataclass(slots=True, kw_only=True)
class Worker:
    """A running worker."""

    queues: WorkQueues
    driven: asyncio.Event
    """Is set once a task was driven here."""
    stop_listening: Callable[[], None]
    free: Callable[[Collection[str]], None]
    """Frees what dead processes held, and sweeps."""

    async def drive_alone(self, task_id: TaskId, asked: asyncio.Event) -> None:
        """Drive this task, however often it asks to be driven again, until it waits or has ended."""
        while not (self.driven.is_set() or asked.is_set()):  # the dead process may still seem to hold its thread
            self.queues.deliver(task_id)
            await self._idle(asked)
            await asyncio.sleep(0.02)

    async def retire(self, asked: asyncio.Event) -> None:
        """Take on nothing more, and return when all that runs has come to its end, or when a shutdown is asked for."""
        self.stop_listening()
        await self._idle(asked)

    async def _idle(self, asked: asyncio.Event) -> None:
        deliveries = self.queues.deliveries
        assert deliveries is not None  # noqa: S101 - a worker has them
        while deliveries.at_work and not asked.is_set():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(
    settings: RoleSettings,
    policies: CurrentPolicies,
    ending: Ending,
    place: Place,
    heard: Callable[[Words], None] = lambda _: None,
    clock: Clock = system_clock,
) -> AsyncIterator[Worker]:
    """Runs a worker while the block runs: it takes hints, sweeps, and recovers what dead processes left."""
    async with AsyncExitStack() as stack:
        telemetry = telemetry_of(settings, WORKER)
        life = Life(telemetry=telemetry, settings=settings, role=WORKER, owner=place.owner)
        stack.callback(life.ended)
        stores = await stack.enter_async_context(opened(settings, clock, telemetry))
        storage, clock = stores.storage, stores.clock
        switch = PolicySwitch(path=settings.policy_file, current=policies, channel=place.channel)
        line = Line(
            owner=place.owner,
            beat=lambda owners: storage.beat(owners, settings.lease_ttl, clock()),
            ttl=settings.lease_seconds,
            channel=place.channel,
            heard=switch.hearing(heard),
            siblings=frozenset(place.siblings),
            telemetry=telemetry,
        )
        leases = Leases(
            storage=storage, clock=clock, ttl=settings.lease_ttl, owner=place.owner, heart=line, telemetry=telemetry
        )

        async def leave() -> None:
            if not leases.any_held:
                await claims.leave(storage, place.owner)

        stack.push_async_callback(leave)
        await stack.enter_async_context(line.held())
        await claims.void(storage, await _meant(storage, place.dead, place.owner), telemetry)
        saver = await stack.enter_async_context(saver_of(settings, leases.holds))
        await selftest.refuse_unguarded()
        config = settings.langgraph_config
        registry.set_environment(config)
        graphs = await stack.enter_async_context(registry.loaded(config, config.absolute().parent, saver))
        logs.keep()
        graphs.refuse_unknown(policies.now)
        switch.check = graphs.refuse_unknown
        # a node that hangs blocks nobody else
        asyncio.get_running_loop().set_default_executor(GraphThreads(MAX_CONCURRENT_JOBS, "graph"))
        hints = await stack.enter_async_context(wire.opened(settings, WORKER, place.owner, place.hints))

        bot = bot_of(settings)
        driven = asyncio.Event()

        async def deliver(task_id: TaskId) -> datetime | None:
            if not await delivery.drive(task_id):
                return clock() + HELD_ELSEWHERE
            driven.set()
            return None

        queues = WorkQueues(deliveries=JobQueue("delivery", deliver, clock, telemetry))
        work = WorkerWork(wire=hints, queues=queues)
        if settings.http_bind is not None:
            from bot.app.watched.pulse import beating  # only who shows metrics has their library in memory

            await stack.enter_async_context(beating(telemetry, lambda: queues.lanes))
        engine = LangGraphEngine(registry=graphs, terms=policies.graphs, progress=Telling(wire=hints, work=work))
        session = await stack.enter_async_context(connections())
        token = settings.slack_bot_token.get_secret_value()
        client = web_client(token, settings.slack_api_url, session, telemetry)
        directory = SlackDirectory(client, pace=Pace(telemetry=telemetry))
        opening = Opening(
            engine=engine,
            policy_choice=PolicyChoice(policies=policies, directory=directory),
            eligibility=Eligibility(directory=directory),
            clock=clock,
            telemetry=telemetry,
        )

        def learned(values: Collection[str]) -> None:
            place.learned(values)
            for value in set(values) - told:
                line.say(learned=[value])  # what graphs print is logged by the parent
            told.update(values)
            if len(told) > MAX_TOLD:
                told.clear()

        told: set[str] = set()
        masking = Masking(secrets=Detector(), marks=lambda graph: marks_of(policies.now, graph), learned=learned)

        def alone(task_id: TaskId) -> None:
            line.say(alone=task_id)

        delivery = Delivery(
            storage=storage,
            engine=engine,
            opening=opening,
            recording=Recording(storage=storage, opening=opening, work=work, clock=clock),
            work=work,
            clock=clock,
            leases=leases,
            seen=masking.learn,
            alone=alone if place.only is None and place.channel is not None else None,
            why=place.why,
            deaths=place.deaths,
            telemetry=telemetry,
        )
        listening = AsyncExitStack()
        stopped = False

        def stop_listening() -> None:
            nonlocal stopped
            stopped = True
            background.add(task := asyncio.create_task(listening.aclose()))
            task.add_done_callback(background.discard)

        async def freed(dead: Collection[str]) -> None:
            try:
                await claims.void(storage, await _meant(storage, dead, place.owner), telemetry)
                await AgentSweep(storage=storage, work=work).sweep(clock())
            except Unreachable as away:
                log.warning("what a dead process held could not be freed, and runs out by itself: %s", away)

        def free(dead: Collection[str]) -> None:
            background.add(task := asyncio.create_task(freed(dead)))
            task.add_done_callback(background.discard)

        worker = Worker(queues=queues, driven=driven, stop_listening=stop_listening, free=free)
        background: set[asyncio.Task[Any]] = set()

        async def check(hint: Hint) -> None:
            problems = await catalog.check(graphs, hint["graph"], hint["values"])
            hints.send(f"{GATEWAY}:{hint['of']}", checked=hint["check"], problems=dict(problems))

        def taken(hint: Hint) -> None:
            if "deliver" in hint:
                work.asked_by(hint["deliver"], hint["of"])
                work.deliver(hint["deliver"])
            elif "check" in hint:
                background.add(task := asyncio.create_task(check(hint)))
                task.add_done_callback(background.discard)

        async def drain() -> None:
            engine.runs.drain()
            await queues.close(ending.left())

        stack.push_async_callback(drain)
        if place.only is not None:
            life.began()
            stack.callback(life.drains)
            yield worker
            return

        retention = Retention(
            storage=storage, engine=engine, keep_finished=settings.keep_finished, keep_records=settings.keep_records
        )
        sweeper = AgentSweep(storage=storage, work=work)
        owners_first_until = asyncio.get_running_loop().time()

        async def look() -> None:
            if not line.beats:  # a sibling that lives may seem to be dead
                raise Unreachable("storage has not answered the last heartbeats")
            if line.calm:
                await claims.void_lapsed(storage, clock(), telemetry)
            take_over = line.calm and asyncio.get_running_loop().time() >= owners_first_until
            await leases.settle()
            await sweeper.sweep(clock(), take_over=take_over)
            await retention.sweep(clock())

        async def tick() -> None:
            nonlocal owners_first_until
            if stopped:
                return
            await stores.set_clock()
            if await sweep(telemetry, WORKER, look):
                health.beat(settings.state_dir, settings.sweep_interval, WORKER, bot)
            else:
                owners_first_until = asyncio.get_running_loop().time() + settings.lease_seconds

        await storage.publish(await catalog.catalog_of(graphs, clock()))
        hints.send(GATEWAY, published=True)
        await stack.enter_async_context(listening)
        await listening.enter_async_context(hints.listening(taken))
        looking = asyncio.create_task(_look_again(storage, delivery))
        stack.callback(looking.cancel)
        await stack.enter_async_context(ticking(tick, settings.sweep_interval))
        life.began()
        stack.callback(life.drains)
        yield worker


async def _meant(storage: Storage, dead: Collection[str], owner: str) -> Collection[str]:
    """The names of dead workers; `*` stands for every worker but this one."""
    if "*" not in dead:
        return dead
    return [each for each in await storage.owners() if each.startswith(WORKER) and each != owner]


@asynccontextmanager
async def saver_of(settings: RoleSettings, fence: Fence) -> AsyncIterator[Saver]:
    """Where the agents' state is kept: beside the records."""
    if settings.redis_url is None:
        private_file(settings.state_dir / CHECKPOINTS)
        async with sqlite_saver(settings.state_dir / CHECKPOINTS, fence) as in_file:
            yield in_file
        return
    from bot.engines.langgraph.checkpoints.redis import redis_saver

    async with redis_saver(settings.redis_url.get_secret_value(), fence) as in_redis:
        yield in_redis


async def _look_again(storage: Storage, delivery: Delivery) -> None:
    """Looks at every thread with an open request, because its code may have changed while no worker ran."""
    try:
        for task_id in await storage.unsettled():
            with suppress(NotFound):
                await delivery.look(task_id)
    except CountersignError as error:
        log.warning("what waits was not looked at when the worker started: %s", error)


class GraphThreads(ThreadPoolExecutor):
    """Threads for nodes that are not coroutines. A process that a node forks and that comes back from the node ends:
    it would do the worker's work a second time."""

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        return super().submit(_in_this_process, os.getpid(), fn, *args, **kwargs)


def _in_this_process(pid: int, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Result:
    try:
        return fn(*args, **kwargs)
    finally:
        end_if_forked(pid)
