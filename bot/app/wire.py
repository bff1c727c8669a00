"""The hints between gateways and workers: which there are, and what each end does with them.

    to a worker    deliver: the id of a task to be driven
                   check: a number, with graph and values, for the graph's own check of its inputs
    to a gateway   show, soon: the id of a task whose messages may be out of date
                   deliver: the id of a task to be driven that runs elsewhere
                   doing: the id of a task, and what its run is doing
                   published: the catalog of agents is new
                   checked: the number, with what the graph objects to

Each hint to a worker says which gateway it is `of`, and what follows from it is told to that one: it has the click at
hand that it came from.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from socket import socket
from typing import Final, Protocol

from bot.approvals.model.ids import JSON, Person, TaskId
from bot.approvals.model.server import runs_elsewhere
from bot.runtime.hints import GATEWAY, WORKER, Hint, Hints, UnixHints, bound, listening
from bot.runtime.work_queue import WorkQueues
from bot.settings import Store

CHECK_SECONDS: Final = 1.0
"""How long a gateway waits for a graph's own check. Slack waits three seconds for the answer to a form."""
TELL_SECONDS: Final = 1.0
"""How far into a run a worker first says what it is doing, and how often it says so."""
_MAX_REMEMBERED: Final = 1_000


class Wire(Hints, Protocol):
    """Sends hints, and hands over those that come."""

    def listening(self, taken: Callable[[Hint], None]) -> AbstractAsyncContextManager[None]: ...


@dataclass(frozen=True, slots=True)
class _UnixWire:
    hints: UnixHints
    settings: Store
    name: str
    inherited: socket | None = None

    def send(self, to: str, **hint: object) -> None:
        self.hints.send(to.partition(":")[0], **hint)

    @asynccontextmanager
    async def listening(self, taken: Callable[[Hint], None]) -> AsyncIterator[None]:
        if self.inherited is not None:
            with listening(self.inherited, taken):
                yield
            return
        with bound(self.settings.state_dir, self.name) as own, listening(own, taken):
            yield


@asynccontextmanager
async def opened(settings: Store, role: str, owner: str, inherited: socket | None = None) -> AsyncIterator[Wire]:
    """The wire of a process with this role and name. `inherited` is the socket that workers of one machine share."""
    if settings.redis_url is None:
        through_files = UnixHints.to(settings.state_dir)
        with through_files.socket:
            yield _UnixWire(through_files, settings, role, inherited)
        return
    from bot.storage.redis.connection import patient
    from bot.storage.redis.hints import RedisHints

    redis = patient(settings.redis_url.get_secret_value())
    hints = RedisHints(redis)

    @dataclass(frozen=True, slots=True)
    class RedisWire:
        def send(self, to: str, **hint: object) -> None:
            hints.send(to, **hint)

        def listening(self, taken: Callable[[Hint], None]) -> AbstractAsyncContextManager[None]:
            return hints.listening([f"{role}:{owner}", role], taken)

    try:
        async with hints.sending():
            yield RedisWire()
    finally:
        await redis.aclose()


def name_of(role: str) -> str:
    """A name for the present process, under which it takes leases and claims."""
    return f"{role}-{secrets.token_hex(4)}"


@dataclass(slots=True, kw_only=True)
class GatewayWork:
    """The Work port of a gateway: workers drive their agents' tasks. What runs elsewhere is driven here, and messages
    are synced here."""

    wire: Wire
    owner: str
    queues: WorkQueues
    changed: Callable[[TaskId], object] = len
    """Told of each task whose messages are to be synced, because something of it has changed."""

    def deliver(self, task_id: TaskId) -> None:
        if runs_elsewhere(task_id):
            self.queues.deliver(task_id)
        else:
            self.wire.send(WORKER, deliver=task_id, of=self.owner)

    def show(self, task_id: TaskId) -> None:
        self.changed(task_id)
        self.queues.show(task_id)

    def show_soon(self, task_id: TaskId) -> None:
        self.changed(task_id)
        self.queues.show_soon(task_id)

    def home(self, person: Person) -> None:
        self.queues.home(person)

    def summary(self, person: Person) -> None:
        self.queues.summary(person)


@dataclass(slots=True, kw_only=True)
class Asking:
    """Asks workers to run graphs' own checks."""

    wire: Wire
    owner: str
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _asked: dict[int, asyncio.Future[Mapping[str, str] | None]] = field(default_factory=dict)

    async def ask(self, graph: str, values: Mapping[str, JSON]) -> Mapping[str, str] | None:
        """What the graph objects to, by the input's name. None if no worker answered in time."""
        number = next(self._numbers)
        answer: asyncio.Future[Mapping[str, str] | None] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            self.wire.send(WORKER, check=number, graph=graph, values=dict(values), of=self.owner)
            async with asyncio.timeout(CHECK_SECONDS):
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._asked[number]

    def answered(self, hint: Hint) -> None:
        answer = self._asked.get(hint["checked"])
        if answer is not None and not answer.done():
            answer.set_result(hint.get("problems"))


@dataclass(slots=True, kw_only=True)
class WorkerWork:
    """The Work port of a worker: agents are driven here, messages are synced by the gateway that knows of the task."""

    wire: Wire
    queues: WorkQueues
    _gateways: OrderedDict[TaskId, str] = field(default_factory=OrderedDict)
    _soon: set[TaskId] = field(default_factory=set)

    def asked_by(self, task_id: TaskId, owner: str) -> None:
        """Remember which gateway is to be told of this task."""
        self._gateways[task_id] = owner
        self._gateways.move_to_end(task_id)
        while len(self._gateways) > _MAX_REMEMBERED:
            self._gateways.popitem(last=False)

    def deliver(self, task_id: TaskId) -> None:
        self.queues.deliver(task_id)

    def show(self, task_id: TaskId) -> None:
        self._soon.discard(task_id)
        self.wire.send(self.gateway_of(task_id), show=task_id)
        self._gateways.pop(task_id, None)

    def show_soon(self, task_id: TaskId) -> None:
        """All that changes until the event loop's next round is one hint, and none if `show` comes by then."""
        if task_id not in self._soon:
            self._soon.add(task_id)
            asyncio.get_running_loop().call_soon(self._send_soon, task_id)

    def _send_soon(self, task_id: TaskId) -> None:
        if task_id in self._soon:
            self._soon.discard(task_id)
            self.wire.send(self.gateway_of(task_id), soon=task_id)

    def gateway_of(self, task_id: TaskId) -> str:
        """The address of the gateway that is to be told of this task."""
        owner = self._gateways.get(task_id)
        return f"{GATEWAY}:{owner}" if owner else GATEWAY


@dataclass(slots=True, kw_only=True)
class Telling:
    """What runs are doing, told to the gateway as hints: nothing of a run that is over soon."""

    wire: Wire
    work: WorkerWork
    _newest: dict[TaskId, str] = field(default_factory=dict)
    _timers: dict[TaskId, asyncio.TimerHandle] = field(default_factory=dict)

    def tell(self, task_id: TaskId, words: str) -> None:
        self._newest[task_id] = words
        if task_id not in self._timers:
            loop = asyncio.get_running_loop()
            self._timers[task_id] = loop.call_later(TELL_SECONDS, self._send, task_id)

    def over(self, task_id: TaskId) -> None:
        """The task is shown anew when its drive ends, which ends its line too."""
        self._newest.pop(task_id, None)
        if (timer := self._timers.pop(task_id, None)) is not None:
            timer.cancel()

    def _send(self, task_id: TaskId) -> None:
        del self._timers[task_id]
        if (words := self._newest.get(task_id)) is not None:
            self.wire.send(self.work.gateway_of(task_id), doing=[task_id, words])


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorWork:
    """The Work port of a command beside a bot that may run: whoever drives the task, and shows it, is told. If nobody
    is there, the next start does it."""

    wire: Wire

    def deliver(self, task_id: TaskId) -> None:
        if runs_elsewhere(task_id):
            self.wire.send(GATEWAY, deliver=task_id)
        else:
            self.wire.send(WORKER, deliver=task_id, of="")

    def show(self, task_id: TaskId) -> None:
        self.wire.send(GATEWAY, show=task_id)

    def show_soon(self, task_id: TaskId) -> None:
        self.wire.send(GATEWAY, soon=task_id)
