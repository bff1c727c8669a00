"""The gateway: it talks to Slack, counts votes, takes due steps and syncs messages. It loads no agent's code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import TypeAlias

from bot import servers_file
from bot.app import wire
from bot.app.callers import callers
from bot.app.connection import connection
from bot.app.hearing import Hearing, unless_away
from bot.app.hooks import as_the_api_shows_it, hooks
from bot.app.identity import bot_of
from bot.app.inbox import inbox
from bot.app.noticing import notice_unknown, noticing
from bot.app.ops import operators
from bot.app.policies import PolicySwitch
from bot.app.watched.sweeping import sweep
from bot.app.watched.telling import Life, telemetry_of
from bot.app.wire import Asking, GatewayWork
from bot.approvals.model.ids import Person, TaskId
from bot.approvals.ports.work import Clock
from bot.approvals.rules import known_graphs
from bot.approvals.rules.matching import Policies
from bot.approvals.services import claims
from bot.approvals.services.delivery.leasing import Leases
from bot.approvals.services.delivery.progress import Progress
from bot.approvals.services.due_steps import DueSteps
from bot.approvals.services.messages.masked import Masking, marks_of
from bot.approvals.services.messages.posting import Posting
from bot.approvals.services.messages.sync import MessageSync
from bot.approvals.services.messages.watching import Watch
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.policies.current import CurrentPolicies
from bot.approvals.services.reading import Reading
from bot.approvals.services.side_actions import SideActions
from bot.approvals.services.sweep import PeopleSweep
from bot.approvals.services.tasks import Tasks
from bot.approvals.services.unit_of_work import UnitOfWork
from bot.approvals.services.votes import Votes
from bot.engines.published import PublishedAgents
from bot.http.waiting import Waiters
from bot.runtime import health
from bot.runtime.children import Channel, Words
from bot.runtime.hints import GATEWAY
from bot.runtime.line import Line
from bot.runtime.process import Ending, at_most, settle
from bot.runtime.ticker import ticking
from bot.runtime.work_queue import InboxQueues, JobQueue, WorkQueues
from bot.secrets import Detector
from bot.settings import Settings
from bot.slack.api import tokens
from bot.slack.api.calls import connections
from bot.slack.api.directory import SlackDirectory
from bot.slack.api.messenger import SlackMessenger
from bot.slack.api.names import Names
from bot.slack.api.rate_limit import Pace
from bot.slack.listeners import register
from bot.slack.listeners.context import Parts
from bot.stores import one_of_its_kind, opened, system_clock

Learn: TypeAlias = Callable[[Collection[str]], object]
SECONDS_FOR_ANSWERS = 3.0
"""How long a shutdown keeps the socket open to answer modals that were submitted. Slack waits no longer than that."""
SECONDS_FOR_AGENTS = 15.0
"""How long a start waits for its worker. If that takes longer, people are told that the agents are being loaded."""


async def run(
    settings: Settings,
    policies: CurrentPolicies,
    channel: Channel | None,
    *,
    has_worker: bool = False,
    clock: Clock = system_clock,
    learned: Learn = len,
) -> None:
    """Runs the gateway until SIGTERM or SIGINT, then drains it. Says `ready` over the channel once Slack is connected.

    `learned` is told which further secrets the log has to hide. Raises SettingsError, which says what to do, if the
    gateway cannot start. `has_worker` says that a worker starts at the same time: then nobody's command is taken before
    it has published its agents.
    """
    ending = Ending(settings.shutdown_grace)
    ending.listen()
    ready, alone = asyncio.Event(), asyncio.Event()
    if channel is None or not has_worker:
        ready.set()
        alone.set()

    def heard(words: Words) -> None:
        if words.get("others_ready"):
            ready.set()
        if words.get("alone"):
            alone.set()

    async with running(
        settings, policies, ending, ready, alone, channel=channel, heard=heard, clock=clock, learned=learned
    ):
        settle()
        if channel is not None:
            channel.send(ready=True)
        await ending.asked.wait()


@asynccontextmanager
async def running(
    settings: Settings,
    policies: CurrentPolicies,
    ending: Ending,
    ready: asyncio.Event,
    alone: asyncio.Event,
    *,
    channel: Channel | None = None,
    heard: Callable[[Words], None] = lambda _: None,
    clock: Clock = system_clock,
    learned: Learn = len,
) -> AsyncIterator[None]:
    """Runs the gateway while the block runs: connected, ticking, and showing what an earlier process left. It connects
    when `ready` says that its worker is ready, and when it drains, it goes on showing what workers do until `alone`
    says that they have ended."""
    owner, bot = wire.name_of(GATEWAY), bot_of(settings)
    on_servers = servers_file.configured(settings)
    switch = PolicySwitch(
        path=settings.policy_file,
        current=policies,
        channel=channel,
        check=lambda found: known_graphs.refuse_unknown_servers(found, [each.name for each in on_servers]),
    )
    switch.check(policies.now)
    async with AsyncExitStack() as stack:
        telemetry = telemetry_of(settings, GATEWAY)
        life = Life(telemetry=telemetry, settings=settings, role=GATEWAY, owner=owner)
        stack.callback(life.ended)
        stores = await stack.enter_async_context(opened(settings, clock, telemetry))
        storage, clock = stores.storage, stores.clock
        stack.enter_context(one_of_its_kind(settings, GATEWAY))
        line = Line(
            owner=owner,
            beat=lambda owners: storage.beat(owners, settings.lease_ttl, clock()),
            ttl=settings.lease_seconds,
            channel=channel,
            heard=switch.hearing(heard),
            telemetry=telemetry,
        )
        stack.push_async_callback(claims.leave, storage, owner)
        await stack.enter_async_context(line.held())
        if settings.redis_url is None:  # only one lives, so all others are dead
            others = await storage.owners()
            gone = [each for each in others if each.startswith(GATEWAY) and each != owner]
            await claims.void(storage, gone, telemetry)
        loop = asyncio.get_running_loop()
        me = await tokens.identity(settings.slack_bot_token.get_secret_value(), settings.slack_api_url)
        connected = await connection(settings, await stack.enter_async_context(connections()), telemetry)
        bolt = connected.bolt
        masking = Masking(secrets=Detector(), marks=lambda graph: marks_of(policies.now, graph), learned=learned)
        pace = Pace(telemetry=telemetry)
        directory = SlackDirectory(bolt.client, pace=pace)
        messenger = SlackMessenger(
            bolt.client,
            masking,
            pace,
            address=me.address,
            shut_out=directory.forget_channel,
            unbroken=line.unbroken,
            telemetry=telemetry,
        )
        hints = await stack.enter_async_context(wire.opened(settings, GATEWAY, owner))
        asking = Asking(wire=hints, owner=owner)
        agents = PublishedAgents(
            storage=storage, ask=asking.ask, on_servers=lambda: servers.agents() if servers else ()
        )
        progress = Progress(show=lambda task_id: work.show(task_id), monotonic=loop.time, later=loop.call_later)

        async def show(task_id: TaskId) -> datetime | None:
            return await messages.sync_task(task_id)

        async def concern(task_id: TaskId) -> None:
            await homes.concerned(task_id)

        async def publish(person: Person) -> datetime | None:
            return await homes.publish(person)

        async def send(person: Person) -> datetime | None:
            return await summaries.send(person)

        async def deliver(task_id: TaskId) -> datetime | None:
            again = await programs.deliver(task_id)
            told.wake(task_id)
            return again

        async def deliver_there(task_id: TaskId) -> datetime | None:
            return await servers.deliver(task_id) if servers else None

        queues = WorkQueues(
            deliveries=JobQueue("delivery", deliver, clock, telemetry),
            servers={
                each.name: JobQueue(f"delivery on {each.name}", deliver_there, clock, telemetry) for each in on_servers
            },
            syncs=JobQueue("sync", show, clock, telemetry),
            inboxes=InboxQueues(
                concerns=JobQueue("a look for Homes", concern, clock, telemetry),
                homes=JobQueue("the Home", publish, clock, telemetry),
                summaries=JobQueue("the summary", send, clock, telemetry),
            ),
        )
        waiters = Waiters(storage.revisions)
        work = GatewayWork(wire=hints, owner=owner, queues=queues, changed=waiters.changed)
        eligibility = Eligibility(directory=directory)
        posting = Posting(messenger=messenger, clock=clock, owner=owner, unbroken=line.unbroken)
        watch = Watch()
        messages = MessageSync(
            storage=storage,
            messenger=messenger,
            posting=posting,
            clock=clock,
            progress=progress,
            watch=watch,
            telemetry=telemetry,
        )
        due_steps = DueSteps(
            storage=storage, agents=agents, directory=directory, eligibility=eligibility, work=work, telemetry=telemetry
        )
        unit = UnitOfWork(
            storage=storage, agents=agents, eligibility=eligibility, expiry=due_steps, work=work, telemetry=telemetry
        )
        tasks = Tasks(unit=unit, directory=directory)
        policy_choice = PolicyChoice(policies=policies, directory=directory)
        leases = Leases(
            storage=storage, clock=clock, ttl=settings.lease_ttl, owner=owner, heart=line, telemetry=telemetry
        )
        programs = callers(
            storage=storage,
            inputs=agents,
            policy_choice=policy_choice,
            eligibility=eligibility,
            masking=masking,
            leases=leases,
            work=work,
            clock=clock,
            telemetry=telemetry,
        )
        servers = None
        if on_servers:
            from bot.app.servers.serving import served  # only who has servers has their client in memory

            servers = await stack.enter_async_context(
                served(
                    on_servers,
                    storage=storage,
                    policy_choice=policy_choice,
                    eligibility=eligibility,
                    masking=masking,
                    leases=leases,
                    progress=progress,
                    work=work,
                    clock=clock,
                    telemetry=telemetry,
                )
            )
        inboxes, homes, summaries = inbox(
            storage=storage,
            policies=policies,
            directory=directory,
            messenger=messenger,
            posting=posting,
            work=work,
            clock=clock,
        )
        shown = as_the_api_shows_it(storage, agents, masking, me.address)
        told = await stack.enter_async_context(
            hooks(settings, storage=storage, shown=shown, work=work, clock=clock, telemetry=telemetry)
        )
        votes = Votes(unit=unit, policy_choice=policy_choice)
        register.register(
            bolt,
            Parts(
                tasks=tasks,
                votes=votes,
                side_actions=SideActions(unit=unit, directory=directory),
                reading=Reading(storage=storage, tasks=tasks, watch=watch),
                agents=agents,
                messenger=messenger,
                masking=masking,
                directory=directory,
                names=Names(bolt.client, pace),
                inboxes=inboxes,
                homes=homes,
                summaries=summaries,
                clock=clock,
                me=me.user_id,
                address=me.address,
                busy=queues.busy,
            ),
        )
        ops = await stack.enter_async_context(
            operators(
                settings.ops_channel,
                storage=storage,
                directory=directory,
                posting=posting,
                policies=lambda: policies.now,
                servers_away=lambda: servers.away() if servers else {},
                masking=masking,
                address=me.address,
                owner=owner,
                lease_ttl=settings.lease_ttl,
                clock=clock,
                telemetry=telemetry,
            )
        )
        sweeper = PeopleSweep(storage=storage, due_steps=due_steps, work=work)

        async def learn_agents() -> None:
            if await agents.refresh():
                notice_unknown(agents, policies.now)

        hearing = Hearing(work=work, progress=progress, asking=asking, learn_agents=learn_agents)

        async def look() -> None:
            await learn_agents()
            if line.calm:
                await claims.void_lapsed(storage, clock(), telemetry)
            await sweeper.sweep(clock())
            await leases.settle()
            await programs.sweeper.sweep(clock(), take_over=line.calm)
            await told.sweep(clock())
            await summaries.sweep(clock())
            await homes.sweep(clock())

        async def tick() -> None:
            await stores.set_clock()
            if servers:
                servers.look()
            ops.look()
            if await sweep(telemetry, GATEWAY, look) and await connected.is_connected():
                health.beat(settings.state_dir, settings.sweep_interval, GATEWAY, bot)

        async def drain() -> None:
            words = "the workers did not end in time; the next start shows what they did last"
            await at_most(alone.wait(), ending.left(), words)
            messages.hurry()
            await queues.close(ending.left())

        if settings.http_bind is not None:
            from bot.app import api  # only who serves the API has FastAPI in memory

            api_served = api.served(
                settings,
                storage=storage,
                waiters=waiters,
                calls=programs.calls,
                callback_problem=told.problem_with,
                votes=votes,
                inboxes=inboxes,
                answers=agents,
                directory=directory,
                masking=masking,
                address=me.address,
                clock=clock,
                slack=connected.request_url.take if connected.request_url else None,
                server_changed=servers.changed if servers else lambda _name, _key: False,
                telemetry=telemetry,
                queues=queues,
                is_connected=connected.is_connected,
                has_worker=not alone.is_set(),
            )
            await stack.enter_async_context(api_served)  # ends last: until then, it says when to come again
        stack.push_async_callback(drain)
        await stack.enter_async_context(hints.listening(hearing.taken))
        await at_most(ready.wait(), SECONDS_FOR_AGENTS, "no worker has published its agents yet")
        await unless_away(learn_agents())
        notice = stack.enter_context(noticing(directory))
        notice(policies.now)

        def in_use(found: Policies) -> None:
            notice_unknown(agents, found)
            notice(found)

        switch.used = in_use
        await connected.start()
        stack.push_async_callback(connected.close)
        stack.push_async_callback(queues.quiet, min(SECONDS_FOR_ANSWERS, settings.shutdown_grace / 2))
        await stack.enter_async_context(ticking(tick, settings.sweep_interval))
        stack.callback(waiters.drain)
        life.began()
        stack.callback(life.drains)
        yield
