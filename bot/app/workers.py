"""The worker role: forks worker processes, watches them, and replaces those that die, hang or take too much memory.

One process drives all tasks. A task whose run never came back is driven last and alone, in a process of its own, so
that it can harm no other: it may be what killed the process. This process has no event loop, no thread and no open
store, so that it can fork at any time; it has imported what workers need, so that a new one is there at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from socket import socket
from typing import Final

import uvloop

from bot.app import wire, worker
from bot.app.policies import PolicyRelay, PolicySwitch
from bot.app.watched.telling import telemetry_of
from bot.approvals.model.errors import CountersignError
from bot.approvals.model.facts import WorkerEnd, WorkerEnded
from bot.approvals.model.ids import TaskId
from bot.approvals.ports.telemetry import Telemetry
from bot.approvals.services.policies.current import CurrentPolicies
from bot.runtime.children import Channel, Child, Children, forget_signals, woken_by_signals
from bot.runtime.hints import WORKER, bound
from bot.runtime.logs import Learned
from bot.runtime.prints import Prints
from bot.runtime.process import run_to_end
from bot.runtime.supervisor import EXTRA_SECONDS, WRONG_SETTINGS, Backoff
from bot.settings import RoleSettings
from bot.stores import Timed, one_of_its_kind
from bot.telemetry.spans import export

BLOCKED_SECONDS: Final = 0.4
"""A worker whose event loop has said nothing for so long is blocked: another one takes on what comes. Where this
process itself is kept waiting, because the machine is busy, a worker gets `PATIENCE` times that wait in addition."""
PATIENCE: Final = 10
WAIT_SECONDS: Final = 3.0
"""How long a wait of this process is remembered."""
BLOCKED_NICE: Final = 19
"""The priority of a process that is blocked."""
LOOK_SECONDS: Final = 0.1
"""Between two looks at the workers."""
MAX_WORKERS: Final = 8
"""Processes at the same time, those that are blocked or retire among them."""
MAX_YOUNG: Final = 4
"""Tasks that are driven alone at the same time and whose process is young."""
YOUNG_SECONDS: Final = 30.0
"""A process that drives one task and has lived for so long does not keep others waiting for their turn."""
FIRST_PAUSE_SECONDS: Final = 0.2
"""Before a task that killed its process alone is driven again. Doubles each time."""
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class _Worker:
    child: Child
    owner: str
    prints: Prints
    only: TaskId | None
    alive_at: float
    ready: bool = False
    retiring: bool = False
    done: bool = False
    """Whether it has said that its one task, or all that it had taken on before it retired, is driven."""
    yields: bool = False
    """Whether it gets only the processor time that nobody else wants, because it was blocked: it may be computing."""
    killed_for: WorkerEnd | None = None
    """Why we killed it, if we did."""
    killed_how: str = ""
    """The same as the end of a sentence."""
    memory: int | None = None
    """The bytes for which we killed it."""
    silence: float = BLOCKED_SECONDS
    """How many seconds without a sign of life mean that it is blocked."""

    def is_blocked(self, now: float) -> bool:
        return self.ready and now - self.alive_at > self.silence

    def takes_work(self, now: float) -> bool:
        """Whether it takes on what comes, or soon will."""
        return self.only is None and not self.retiring and not self.is_blocked(now) and not self.killed_for


@dataclass(slots=True)
class _Alone:
    """A task that is to be driven alone."""

    deaths: int = 0
    at: float = 0.0
    """By the monotonic clock: not before."""
    why: str = ""
    """How its last process ended."""
    waits: bool = True


@dataclass(slots=True)
class Workers:
    """The worker role of one machine."""

    settings: RoleSettings
    policies: CurrentPolicies
    timed: Timed
    channel: Channel
    """To the supervisor."""
    learned: Learned
    """Further secrets that the log hides."""
    _children: Children = field(default_factory=Children)
    _workers: dict[int, _Worker] = field(default_factory=dict)
    _dead: list[str] = field(default_factory=list)
    """The names of processes that have died, for the next one that starts."""
    _alone: dict[TaskId, _Alone] = field(default_factory=dict)
    _backoff: Backoff = field(default_factory=Backoff)
    _start_at: float = 0.0
    _last_end: str = ""
    _ending: bool = False
    _was_ready: bool = False
    _hints: socket | None = None
    """On which all workers of this machine take hints, if the records are in SQLite."""
    _waits: list[tuple[float, float]] = field(default_factory=list)
    """When this process was kept waiting, and for how many seconds."""
    _relay: PolicyRelay = field(init=False)
    _telemetry: Telemetry = field(init=False)

    def __post_init__(self) -> None:
        switch = PolicySwitch(path=self.settings.policy_file, current=self.policies, channel=None)
        self._relay = PolicyRelay(switch=switch, channel=self.channel)
        self._telemetry = telemetry_of(self.settings, WORKER)

    def run(self) -> int:
        """Returns the exit code: 0 after SIGTERM or SIGINT, 2 if no worker can start before a setting is changed."""
        with one_of_its_kind(self.settings, WORKER), woken_by_signals(self._end) as woken:
            if self.settings.redis_url is None:
                self._hints = bound(self.settings.state_dir, WORKER)
                self._dead = ["*"]
            while not self._ending:
                self._staff(time.monotonic())
                self._wait(woken)
                for child in self._children.ended():
                    code = self._bury(child)
                    if code is not None:
                        return code
                self._watch(time.monotonic())
            return self._stop(woken)

    # --- Starting -------------------------------------------------------------------------------

    def _staff(self, now: float) -> None:
        """Starts a worker if none takes work, and those that drive one task each."""
        if len(self._workers) < MAX_WORKERS and now >= self._start_at:
            if not any(each.takes_work(now) for each in self._workers.values()):
                self._fork(None)
            lone = [each for each in self._workers.values() if each.only is not None]
            young = sum(now - each.child.started < YOUNG_SECONDS for each in lone)
            for task_id, alone in self._alone.items():
                if alone.waits and alone.at <= now and young < MAX_YOUNG and len(self._workers) < MAX_WORKERS:
                    young += 1
                    alone.waits = False
                    self._fork(task_id, alone.why or self._last_end, alone.deaths)

    def _fork(self, only: TaskId | None, why: str = "", deaths: int = 0) -> None:
        owner = wire.name_of(WORKER)
        dead, self._dead = self._dead, []
        siblings = [each.owner for each in self._workers.values()]
        prints = Prints.made()

        def become(channel: Channel) -> int:
            prints.take_over()
            place = worker.Place(
                owner=owner,
                channel=channel,
                hints=self._hints,
                dead=tuple(dead),
                only=only,
                siblings=siblings,
                learned=self.learned.learn,
                why=why,
                deaths=deaths,
            )
            return _run(self.settings, self.policies, place, self.timed)

        child = self._children.fork(f"worker {owner}", become, own_group=True)
        prints.reads_from(child.pid)
        self._workers[child.pid] = _Worker(child, owner, prints, only, time.monotonic())
        self._tell_owners()

    def _tell_owners(self) -> None:
        """Each worker beats for all, so that one that cannot keeps its leases as long as it lives."""
        owners = [each.owner for each in self._workers.values()]
        for each in self._workers.values():
            each.child.channel.send(owners=owners)

    # --- Watching -------------------------------------------------------------------------------

    def _wait(self, woken: int) -> None:
        outputs = [each.prints.descriptor for each in self._workers.values() if each.prints.descriptor >= 0]
        began = time.monotonic()
        self._children.wait(LOOK_SECONDS, woken, self.channel.socket.fileno(), *outputs)
        self._note_wait(time.monotonic() - began - LOOK_SECONDS)
        forget_signals(woken)
        for each in self._workers.values():
            self._hear(each)
        self._hear_supervisor()

    def _note_wait(self, late: float) -> None:
        """Notes how much later than it wanted this process went on, and is as patient with workers."""
        now = time.monotonic()
        self._waits = [(at, wait) for at, wait in self._waits if now - at < WAIT_SECONDS]
        if late > 0.01:
            self._waits.append((now, late))
        silence = BLOCKED_SECONDS + PATIENCE * max((wait for _, wait in self._waits), default=0.0)
        for each in self._workers.values():
            each.silence = silence

    def _hear_supervisor(self) -> None:
        now = time.monotonic()
        able = [each.child for each in self._workers.values() if each.ready and not each.is_blocked(now)]
        others = [each.child for each in self._workers.values() if each.child not in able]
        try:
            while (words := self.channel.received()) is not None:
                self._relay.heard(words, able, others)
        except EOFError:  # it is gone
            self._end()
        self._relay.go_on()

    def _hear(self, each: _Worker) -> None:
        for words in each.child.heard():
            each.alive_at = time.monotonic()
            each.done = each.done or bool(words.get("done"))
            self.learned.learn(words.get("learned", ()))
            self._relay.heard_of(each.child, words)
            if words.get("ready"):
                each.ready = True
                if not self._was_ready:
                    self._was_ready = True
                    self.channel.send(ready=True)
            if "alone" in words:
                self._alone.setdefault(TaskId(words["alone"]), _Alone())
            if "refused" in words:
                self.channel.send(refused=words["refused"])
        each.prints.log_what_came()

    def _watch(self, now: float) -> None:
        """Kills what hangs or takes too much memory, and retires what another process has replaced."""
        patience = self.settings.worker_timeout.total_seconds()
        limit = self.settings.worker_memory
        for each in list(self._workers.values()):
            if each.killed_for:
                continue
            if now - each.alive_at > patience:
                self._kill(each, "hung", f"did not respond for {patience:g} s and was killed")
            elif limit is not None and (used := _resident(each.child.pid)) > limit:
                each.memory = used
                self._kill(each, "over_memory", f"used {used / 1e6:,.0f} MB of memory and was killed")
            elif each.is_blocked(now) and not each.yields:
                each.yields = True
                with contextlib.suppress(OSError):
                    os.setpriority(os.PRIO_PROCESS, each.child.pid, BLOCKED_NICE)
        ours = [each for each in self._workers.values() if each.takes_work(now) and each.ready]
        for each in sorted(ours, key=lambda one: one.child.started)[:-1]:
            each.retiring = True
            each.child.channel.send(retire=True)

    def _kill(self, each: _Worker, why: WorkerEnd, how: str) -> None:
        each.killed_for, each.killed_how = why, how
        with contextlib.suppress(OSError):
            os.killpg(each.child.pid, signal.SIGKILL)
        each.child.send_signal(signal.SIGKILL)

    def _bury(self, child: Child) -> int | None:
        """Notes how a worker ended. Returns the exit code of the role if that has to end too."""
        gone = self._workers.pop(child.pid)
        with contextlib.suppress(OSError):  # what its graphs have forked
            os.killpg(child.pid, signal.SIGKILL)
        self._hear(gone)  # its last words
        self._relay.ended(child)
        gone.prints.close()
        child.channel.socket.close()
        how = gone.killed_how or child.how
        pause = 0.0
        if not gone.done:
            self._dead.append(gone.owner)
        if gone.only is not None:
            self._account(gone.only, gone.done, how)
        elif not gone.done:
            if not self._was_ready and child.code == WRONG_SETTINGS:
                return WRONG_SETTINGS
            self._last_end = how
            lived = time.monotonic() - child.started
            pause = 0.0 if gone.ready and lived > 1 else self._backoff.after(lived)
            self._start_at = max(self._start_at, time.monotonic() + pause)
        self._tell(gone, child.code, pause)
        self._void()
        self._tell_owners()
        return None

    def _tell(self, gone: _Worker, code: int, pause: float = 0.0) -> None:
        why: WorkerEnd = "done" if gone.done else gone.killed_for or ("killed" if code < 0 else "exited")
        self._telemetry.tell(
            WorkerEnded(owner=gone.owner, why=why, code=code, task_id=gone.only, memory=gone.memory, pause=pause)
        )

    def _void(self) -> None:
        """Has the worker that takes on what comes free what dead ones held. If there is none, the next one does it when
        it starts. One that drives a single task would drive theirs too."""
        now = time.monotonic()
        living = [each for each in self._workers.values() if each.ready and each.takes_work(now)]
        if living and self._dead:
            living[0].child.channel.send(dead=self._dead)
            self._dead = []

    def _account(self, task_id: TaskId, well: bool, how: str) -> None:
        if well:
            self._alone.pop(task_id, None)
            return
        alone = self._alone.setdefault(task_id, _Alone())
        alone.at = time.monotonic() + FIRST_PAUSE_SECONDS * 2**alone.deaths
        alone.deaths += 1
        alone.why, alone.waits = how, True

    # --- Ending ---------------------------------------------------------------------------------

    def _end(self) -> None:
        self._ending = True

    def _stop(self, woken: int) -> int:
        """Asks every worker to drain, and kills those that outlive the grace period."""
        for each in self._workers.values():
            each.child.send_signal(signal.SIGTERM)
        until = time.monotonic() + max(self.settings.shutdown_grace, 2.0) + 1.0
        while self._workers:
            if time.monotonic() > until:
                for each in self._workers.values():
                    self._kill(each, "late", "outlived the grace period and was killed")
                until += EXTRA_SECONDS
            self._wait(woken)
            for child in self._children.ended():
                gone = self._workers.pop(child.pid)
                gone.prints.log_what_came()
                gone.prints.close()
                if gone.killed_for is not None:
                    self._tell(gone, child.code)
                with contextlib.suppress(OSError):
                    os.killpg(child.pid, signal.SIGKILL)
                self._tell_owners()  # nobody says any more that it lives
        return 0


def _run(settings: RoleSettings, policies: CurrentPolicies, place: worker.Place, timed: Timed) -> int:
    """A worker process, from its first line to its exit code."""

    async def timed_run() -> None:
        async with timed() as clock:
            await worker.run(settings, policies, place, clock)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            run_to_end(runner.get_loop(), timed_run())
    except CountersignError as error:
        if place.channel is not None:
            place.channel.send(refused=str(error))
        return WRONG_SETTINGS
    export()
    return 0


def _resident(pid: int) -> int:
    """The bytes of memory that a process uses now. 0 if the system does not say."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0
