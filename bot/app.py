"""The composition root: builds all parts, starts them, and drains them on SIGTERM. No other module knows all parts."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

from aiohttp import ClientSession
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp

from bot import policy_file
from bot.approvals.inbox.home import Homes
from bot.approvals.inbox.queries import Inboxes, channels_asked, groups_asked
from bot.approvals.inbox.summaries import Summaries
from bot.approvals.model.errors import CountersignError, NotFound, Unreachable
from bot.approvals.model.ids import Person, TaskId
from bot.approvals.ports.slack import Directory, LookupFailed
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock
from bot.approvals.rules.matching import Policies
from bot.approvals.services.audit.retention import Retention
from bot.approvals.services.delivery.drive import Delivery
from bot.approvals.services.delivery.opening import Opening
from bot.approvals.services.delivery.progress import Progress
from bot.approvals.services.delivery.recording import Recording
from bot.approvals.services.due_steps import DueSteps
from bot.approvals.services.messages.masked import Masking, marks_of
from bot.approvals.services.messages.posting import Posting
from bot.approvals.services.messages.sync import MessageSync
from bot.approvals.services.messages.watching import Watch
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.people.staffing import unmatched, unmet, untied
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.reading import Reading
from bot.approvals.services.side_actions import SideActions
from bot.approvals.services.sweep import Sweep
from bot.approvals.services.tasks import Tasks
from bot.approvals.services.unit_of_work import UnitOfWork
from bot.approvals.services.votes import Votes
from bot.engines.langgraph import selftest
from bot.engines.langgraph.loading import registry
from bot.engines.langgraph.runner import LangGraphEngine
from bot.runtime import health
from bot.runtime.process import Ending
from bot.runtime.ticker import ticking
from bot.runtime.work_queue import MAX_CONCURRENT_JOBS, InboxQueues, JobQueue, WorkQueues
from bot.secrets import Detector
from bot.settings import Settings
from bot.slack.api import tokens
from bot.slack.api.calls import connections, web_client
from bot.slack.api.directory import SlackDirectory
from bot.slack.api.intake import Intake
from bot.slack.api.messenger import SlackMessenger
from bot.slack.api.names import Names
from bot.slack.api.rate_limit import Pace
from bot.slack.listeners import register
from bot.slack.listeners.context import Parts
from bot.stores import opened, system_clock

log = logging.getLogger(__name__)

Learn: TypeAlias = Callable[[Collection[str]], object]
HELD_ELSEWHERE = timedelta(seconds=2)
"""How soon to look again at a thread that another process drives."""
SECONDS_FOR_ANSWERS = 3.0
"""How long a shutdown keeps the socket open to answer modals that were submitted. Slack waits no longer than that."""
SECONDS_TO_RECONNECT = 2.0
"""How soon a broken socket is noticed; until then no click arrives. slack_sdk's default is ten."""


async def run(
    settings: Settings,
    started: Callable[[], None] = lambda: None,
    *,
    clock: Clock = system_clock,
    learned: Learn = len,
) -> None:
    """Runs the bot until SIGTERM or SIGINT, then drains it. `started` is called once Slack is connected. `learned` is
    told which further secrets the log has to hide.

    Raises SettingsError, which says what to do, if the bot cannot start.
    """
    ending = Ending(settings.shutdown_grace)
    ending.listen()
    async with running(settings, ending, clock=clock, learned=learned):
        log.info("Countersign is connected to %s", settings.slack_api_url)
        started()
        await ending.asked.wait()
        log.info("draining, for %s seconds at most", settings.shutdown_grace)


@asynccontextmanager
async def running(
    settings: Settings, ending: Ending, *, clock: Clock = system_clock, learned: Learn = len
) -> AsyncIterator[None]:
    """Runs the bot while the block runs: connected, ticking, and recovering what an earlier process left."""
    policies = policy_file.load(settings.policy_file)
    async with AsyncExitStack() as stack:
        stores = await stack.enter_async_context(opened(settings, clock))
        storage, clock = stores.storage, stores.clock
        await selftest.refuse_unguarded()
        config = settings.langgraph_config
        registry.set_environment(config)
        graphs = await stack.enter_async_context(registry.loaded(config, config.absolute().parent, stores.saver))
        graphs.refuse_unknown(policies)
        loop = asyncio.get_running_loop()
        # a node that hangs blocks nobody else
        loop.set_default_executor(ThreadPoolExecutor(MAX_CONCURRENT_JOBS, "graph"))
        progress = Progress(show=lambda task_id: work.show(task_id), monotonic=loop.time, later=loop.call_later)
        engine = LangGraphEngine(registry=graphs, terms=policies.graphs, progress=progress)
        bot_token, app_token = settings.slack_bot_token.get_secret_value(), settings.slack_app_token.get_secret_value()
        me = await tokens.identity(bot_token, settings.slack_api_url)
        await tokens.refuse_bad_app_token(app_token, settings.slack_api_url)
        session = await stack.enter_async_context(connections())
        bolt, socket = _bolt(bot_token, app_token, settings.slack_api_url, session)
        masking = Masking(secrets=Detector(), marks=partial(marks_of, policies), learned=learned)
        pace = Pace()
        directory = SlackDirectory(bolt.client, pace=pace)
        messenger = SlackMessenger(bolt.client, masking, pace, address=me.address, shut_out=directory.forget_channel)

        async def deliver(task_id: TaskId) -> datetime | None:
            return None if await delivery.drive(task_id) else clock() + HELD_ELSEWHERE

        async def show(task_id: TaskId) -> datetime | None:
            return await messages.sync_task(task_id)

        async def concern(task_id: TaskId) -> None:
            await homes.concerned(task_id)

        async def publish(person: Person) -> datetime | None:
            return await homes.publish(person)

        async def send(person: Person) -> datetime | None:
            return await summaries.send(person)

        work = WorkQueues(
            deliveries=JobQueue("delivery", deliver, clock),
            syncs=JobQueue("sync", show, clock),
            inboxes=InboxQueues(
                concerns=JobQueue("a look for Homes", concern, clock),
                homes=JobQueue("the Home", publish, clock),
                summaries=JobQueue("the summary", send, clock),
            ),
        )
        eligibility = Eligibility(directory=directory)
        policy_choice = PolicyChoice(policies=policies, directory=directory)
        opening = Opening(
            storage=storage,
            engine=engine,
            policy_choice=policy_choice,
            eligibility=eligibility,
            work=work,
            clock=clock,
        )
        delivery = Delivery(
            storage=storage,
            engine=engine,
            opening=opening,
            recording=Recording(storage=storage, opening=opening, work=work, clock=clock),
            work=work,
            clock=clock,
            lease_ttl=settings.lease_ttl,
        )
        posting = Posting(messenger=messenger, clock=clock)
        watch = Watch()
        messages = MessageSync(
            storage=storage, messenger=messenger, posting=posting, clock=clock, progress=progress, watch=watch
        )
        due_steps = DueSteps(storage=storage, engine=engine, directory=directory, eligibility=eligibility, work=work)
        unit = UnitOfWork(storage=storage, engine=engine, eligibility=eligibility, expiry=due_steps, work=work)
        tasks = Tasks(unit=unit, directory=directory)
        answers = Votes(unit=unit, policy_choice=policy_choice)
        side_actions = SideActions(unit=unit, directory=directory)
        sweeper = Sweep(storage=storage, due_steps=due_steps, work=work)
        inboxes = Inboxes(
            storage=storage,
            directory=directory,
            groups=groups_asked(policies),
            channels=channels_asked(policies),
        )
        homes = Homes(storage=storage, inboxes=inboxes, front=messenger, work=work, clock=clock)
        summaries = Summaries(
            storage=storage,
            inboxes=inboxes,
            directory=directory,
            messenger=messenger,
            posting=posting,
            front=messenger,
            work=work,
            clock=clock,
        )
        register.register(
            bolt,
            Parts(
                tasks=tasks,
                votes=answers,
                side_actions=side_actions,
                reading=Reading(storage=storage, tasks=tasks, watch=watch),
                agents=engine,
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
                busy=work.busy,
            ),
        )

        retention = Retention(
            storage=storage, engine=engine, keep_finished=settings.keep_finished, keep_records=settings.keep_records
        )

        owners_first_until = loop.time()

        async def tick() -> None:
            nonlocal owners_first_until
            await stores.set_clock()
            try:
                await sweeper.sweep(clock(), take_over=loop.time() >= owners_first_until)
                await summaries.sweep(clock())
                await homes.sweep(clock())
                await retention.sweep(clock())
            except Unreachable as error:
                owners_first_until = loop.time() + settings.lease_seconds
                log.warning("this sweep was cut short, the next one goes on: %s", error)
            else:
                if await socket.client.is_connected():
                    health.beat(settings.state_dir, settings.sweep_interval)

        async def drain() -> None:
            engine.runs.drain()
            messages.hurry()
            await work.close(ending.left())

        stack.push_async_callback(drain)
        noticing = asyncio.create_task(_notice_unmet(policies, directory))
        stack.callback(noticing.cancel)
        looking = asyncio.create_task(_look_again(storage, delivery))
        stack.callback(looking.cancel)
        intake = Intake(socket)
        await socket.connect_async()  # type: ignore[no-untyped-call]
        stack.push_async_callback(intake.close)
        stack.push_async_callback(work.quiet, min(SECONDS_FOR_ANSWERS, settings.shutdown_grace / 2))
        await stack.enter_async_context(ticking(tick, settings.sweep_interval))
        yield


async def _look_again(storage: Storage, delivery: Delivery) -> None:
    """Looks at every thread with an open request, because its code may have changed while no bot ran."""
    try:
        for task_id in await storage.unsettled():
            with suppress(NotFound):
                await delivery.look(task_id)
    except CountersignError as error:
        log.warning("what waits was not looked at when the bot started: %s", error)


async def _notice_unmet(policies: Policies, directory: Directory) -> None:
    """Logs names in the policies that mean nobody, and quorums that cannot be met. `check` says the same."""
    for sentence in untied(policies):
        log.warning("policies: %s", sentence)
    try:
        for sentence in await unmatched(policies, directory):
            log.warning("the rules' match: %s", sentence)
        for policy in policies.policies:
            for sentence in await unmet(policy, directory):
                log.warning("policy %s: %s", policy.name, sentence)
    except LookupFailed as failed:
        log.warning("whom the policies name could not be looked up at the start: %s", failed)


def _bolt(bot_token: str, app_token: str, url: str, session: ClientSession) -> tuple[AsyncApp, AsyncSocketModeHandler]:
    """Bolt and its socket, both for the configured address."""
    for name in ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BOT_TOKEN"):
        os.environ.pop(name, None)  # Bolt reads them itself, and the first two make it use OAuth
    # Bolt creates loggers at the root's level as it runs; at DEBUG they log whole envelopes, including secrets.
    bolt = AsyncApp(client=web_client(bot_token, url, session), logger=logging.getLogger("slack_bolt"))
    socket = AsyncSocketModeHandler(
        bolt, app_token, web_client=web_client(app_token, url), ping_interval=SECONDS_TO_RECONNECT
    )
    return bolt, socket
