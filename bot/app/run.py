"""`countersign run`: the roles as processes of their own, under a supervisor that starts them again when they end."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager

from bot import policy_file
from bot.app.identity import bot_of
from bot.app.policies import PolicyFile, digest_of
from bot.app.watched.telling import telemetry_of
from bot.approvals.model.errors import CountersignError
from bot.approvals.ports.work import Clock
from bot.approvals.services.policies.current import CurrentPolicies
from bot.private_files import private_folder
from bot.runtime import health, process
from bot.runtime.children import Channel
from bot.runtime.control import Control, listening
from bot.runtime.hints import GATEWAY, WORKER
from bot.runtime.logs import Learned
from bot.runtime.one_bot import one_bot
from bot.runtime.reloads import Reloads
from bot.runtime.supervisor import WRONG_SETTINGS, Role, Supervisor
from bot.settings import RoleSettings, Settings
from bot.stores import Timed, system_clock
from bot.telemetry.folder import own_folder
from bot.telemetry.spans import export

log = logging.getLogger(__name__)

SECONDS_TO_EXIT = 5.0
"""For threads that something left running, and for handlers that run at exit."""
ROLES = (GATEWAY, WORKER)
WATCHED = "watched"
"""The role that serves the metrics and the health of workers where no gateway does."""


@asynccontextmanager
async def by_the_system() -> AsyncIterator[Clock]:
    """This machine's clock."""
    yield system_clock


def run(
    settings: RoleSettings,
    role: str | None,
    learned: Learned,
    started: Callable[[], None],
    timed: Timed = by_the_system,
    *,
    wait: bool = False,
) -> int:
    """Runs this role, or all of them, until SIGTERM or SIGINT. Returns the exit code. `started` is called once when all
    of them are ready. A gateway needs all `Settings`. Raises SettingsError if a setting or the policy file is wrong, or
    if another bot works with the same SQLite files; with `wait`, it waits until that one has ended."""
    if wait:
        policy_file.load(settings.policy_file)  # what is wrong with it is said now, and not when the turn comes
    private_folder(settings.state_dir)
    names = tuple(name for name in ROLES if role in (None, name))
    shared = settings.redis_url is not None
    with one_bot(settings.state_dir, () if shared else names, system_clock(), wait=wait) as held:
        return 0 if held is None else _run(settings, names, learned, started, timed, held.lost)


def _run(
    settings: RoleSettings,
    names: Sequence[str],
    learned: Learned,
    started: Callable[[], None],
    timed: Timed,
    lost: Callable[[], str | None],
) -> int:
    text = policy_file.text_of(settings.policy_file)
    policies = CurrentPolicies(policy_file.read(settings.policy_file, text))
    # Each role imports what it needs in its own process: the gateway neither LangGraph nor a graph.
    made: dict[str, Role] = {WORKER: lambda channel: _workers(settings, policies, channel, learned, timed)}
    if isinstance(settings, Settings):
        complete = settings
        made[GATEWAY] = lambda channel: _gateway(complete, policies, channel, WORKER in names, learned, timed)
    roles = {name: made[name] for name in names}
    last = GATEWAY
    if GATEWAY not in names and settings.http_bind is not None:
        roles[WATCHED], last = (lambda channel: _watched(settings, channel)), WATCHED
    for name in roles:
        health.forget(settings.state_dir, name)
    telemetry = telemetry_of(settings, "supervisor")
    with ExitStack() as stack:
        if settings.http_bind is not None:
            stack.enter_context(own_folder(settings.state_dir))
        reloads = stack.enter_context(reloading(settings, policies, text, [name for name in ROLES if name in roles]))
        code = Supervisor(
            roles=roles,
            grace=settings.shutdown_grace,
            started=started,
            lost=lost,
            last=last,
            telemetry=telemetry,
            reloads=reloads,
        ).run()
    for name in roles:  # they have ended in order, and are not missed
        health.forget(settings.state_dir, name)
    return code


@contextmanager
def reloading(settings: RoleSettings, policies: CurrentPolicies, text: str, roles: Sequence[str]) -> Iterator[Reloads]:
    """What has the roles use POLICY_FILE as it is by then: on SIGHUP, or for a command that runs beside them. They are
    started with this text of it."""
    about = {"bot": bot_of(settings), "roles": list(roles), "policies": digest_of(text)}
    with ExitStack() as stack:
        control: Control | None = None
        try:
            control = stack.enter_context(listening(settings.state_dir, about))
        except OSError as error:
            log.warning("no command can reach this bot in STATE_DIR (%s); SIGHUP still reloads the policies", error)
        copies = control.path.with_suffix("") if control is not None else settings.state_dir / f"run-{os.getpid()}"
        file = PolicyFile(path=settings.policy_file, copies=copies, current=policies, about=about)
        stack.callback(file.forget)
        yield Reloads(roles=roles, read=file.read, control=control)


def _gateway(
    settings: Settings, policies: CurrentPolicies, channel: Channel, has_worker: bool, learned: Learned, timed: Timed
) -> int:
    import uvloop

    from bot.app import gateway

    async def timed_run() -> None:
        async with timed() as clock:
            await gateway.run(settings, policies, channel, has_worker=has_worker, clock=clock, learned=learned.learn)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            process.run_to_end(runner.get_loop(), timed_run())
    except CountersignError as error:
        channel.send(refused=str(error))
        return WRONG_SETTINGS
    process.within(SECONDS_TO_EXIT, 0)
    export()
    return 0


def _workers(
    settings: RoleSettings, policies: CurrentPolicies, channel: Channel, learned: Learned, timed: Timed
) -> int:
    from bot.app.workers import Workers

    if settings.redis_url is not None:
        from bot.engines.langgraph.checkpoints import redis as _imported  # noqa: F401 - before workers are forked
    try:
        return Workers(settings, policies, timed, channel, learned).run()
    except CountersignError as error:
        channel.send(refused=str(error))
        return WRONG_SETTINGS


def _watched(settings: RoleSettings, channel: Channel) -> int:
    from bot.app.watched.without_gateway import serve

    return serve(settings, channel)
