"""What happens in the day, one chapter after the other, while a team goes on working."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from simulator.client import Names, Simulator
from tests.crash.processes import send
from tests.day.prometheus import Prometheus
from tests.day.scene import PASSWORD, QUESTION, SAID, Scene, children
from tests.support.room import Room, Thread
from tests.support.starter import WAIT

PATIENCE_MINUTES: Final = 45
"""For an alert to fire or to be resolved."""
PAUSE_MINUTES: Final = 1.5
"""Between two tasks of the team."""
SLOW_SECONDS: Final = 3.0
"""For which the gateway stands still. Slack waits for three."""
CHAPTERS: Final[list[str]] = []
"""Their names, in order."""
Chapter = Callable[["Day"], Awaitable[None]]
_TOLD: Final[dict[str, Chapter]] = {}


def chapter(name: str) -> Callable[[Chapter], Chapter]:
    """Makes a method a chapter of this name."""

    def listed(told: Chapter) -> Chapter:
        CHAPTERS.append(name)
        _TOLD[name] = told
        return told

    return listed


@dataclass(slots=True, kw_only=True)
class Day:
    """A day of one team."""

    scene: Scene
    simulator: Simulator
    names: Names
    prometheus: Prometheus
    say: Callable[[str], None]
    problems: list[str] = field(default_factory=list)
    """Chapters that did not come to their end, and why."""
    tasks: int = 0
    """That the team has started."""
    disturbed: int = 0
    """Of them that it could not finish because something was broken at that moment."""
    _rooms: itertools.count[int] = field(default_factory=itertools.count)

    async def pass_by(self, only: tuple[str, ...]) -> None:
        """All of it, or these chapters alone."""
        async with self._team_at_work():
            for name, told in _TOLD.items():
                if only and name not in only:
                    continue
                self.say(name)
                try:
                    await told(self)
                except Exception as error:  # the other chapters are still worth having
                    self.problems.append(f"{name}: {type(error).__name__}: {str(error)[:400]}")
                    await self._repair()

    # --- The team -------------------------------------------------------------------------------

    @asynccontextmanager
    async def _team_at_work(self) -> AsyncIterator[None]:
        """Starts tasks all the time; some are approved, some rejected, and some nobody answers."""
        work = asyncio.create_task(self._work())
        try:
            yield
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work

    async def _work(self) -> None:
        for answer in itertools.cycle(("approve", "reject", "approve", "ignore", "approve")):
            try:
                self.tasks += 1
                async with asyncio.timeout(8 * self.scene.minute + 10):
                    await self._task(answer)
            except Exception:
                self.disturbed += 1
            await asyncio.sleep(PAUSE_MINUTES * self.scene.minute)

    async def _task(self, answer: str) -> None:
        thread = await self.started(f"action journal={self._journal()}")
        card = await thread.card()
        if answer == "approve":
            await thread.room.press("bob", card, "approve")
        elif answer == "reject":
            await thread.room.press("carol", card, "reject")
            await thread.room.modal("carol", "Why?")
            await thread.room.seat("carol").submit({"reason": SAID})

    # --- Chapters -------------------------------------------------------------------------------

    @chapter("people answer, ask, extend, delegate and try what they may not")
    async def _people(self) -> None:
        thread = await self.started(f"action journal={self._journal()}")
        card, room = await thread.card(), thread.room
        await room.pressing("dave", card, "approve")  # he may not
        await room.press("bob", card, "view_all")
        await room.modal("bob")
        await room.seat("bob").close_modal(everything=True)
        await room.choose("carol", card, "comment")
        await room.modal("carol", "Your question")
        await room.submit("carol", {"Your question": SAID})
        await room.choose("alice", await thread.card(), "nudge")
        await room.choose("carol", await thread.card(), "extend")
        await room.choose("bob", await thread.card("4 hours more"), "delegate")
        await room.modal("bob", "Who answers in your place?")
        await room.submit("bob", {"Who answers in your place?": "U0DAVE"})
        copy = await room.direct("dave", "[Approve]", room.channel)
        await room.press("dave", copy, "approve")
        await thread.settled("Approved by @dave")
        secretive = self.scene.folder / "secrets.json"
        secretive.write_text(f'[["a key"], {{"db": {{"password": "{PASSWORD}"}}}}]')
        thread = await self.started(f"secretive file={secretive} password={PASSWORD}")
        card, room = await thread.card(), thread.room
        await room.press("bob", card, "reveal")
        await room.modal("bob", "Hidden values")
        await room.seat("bob").close_modal()
        await room.review("bob", card)
        await room.answer("bob", "approve")
        await thread.ended()
        thread = await self.started(f"careful action=pay journal={self._journal()}")
        card, room = await thread.card(), thread.room
        await room.press("bob", card, "approve")
        await room.press("bob", await thread.card("✓ @bob"), "withdraw")
        await thread.shows("0 so far")
        await room.choose("alice", await thread.card(), "cancel")
        await room.modal("alice", "The task ends here")
        await room.seat("alice").submit()
        await thread.settled("Cancelled by @alice")

    @chapter("a program asks; one receiver of webhooks takes them, and one refuses until it is given up")
    async def _program(self) -> None:
        self.scene.token = await self.scene.command("tokens", "add", "billing", "--source", "billing-service")
        await self._asked_by_program("order-1", "/told")
        await self._asked_by_program("order-2", "/refused")

    @chapter("nobody answers, nobody can be reached")
    async def _silence(self) -> None:
        await self.simulator.change_group("finance", people=[])
        await self.simulator.fault("conversations.open", "error", error="user_disabled")
        silent = await self.started("silent task=lonely")
        quiet = await self.started("proposal action=quiet")
        await quiet.ended()
        await silent.ended()
        await self._fires("CountersignNobodyReached")

    @chapter("Slack answers 429")
    async def _limited(self) -> None:
        for method in ("chat.postMessage", "chat.update", "response_url"):
            await self.simulator.fault(method, "status", status=429, retry_after=2, times=2)
        room = self._room()
        threads = [await room.start(f"/task action journal={self._journal()}") for _ in range(3)]
        for thread in threads:
            await room.press("bob", await thread.card(), "approve")
        for thread in threads:
            await thread.ended()
        await self.simulator.clear_faults()

    @chapter("the webhook is given up")
    async def _given_up(self) -> None:
        await self._fires("CountersignWebhookGivenUp")

    @chapter("the gateway gets no processor time while somebody sends a form")
    async def _slow(self) -> None:
        thread = await self.started(f"action journal={self._journal()}")
        await thread.room.press("bob", await thread.card(), "reject")
        await thread.room.modal("bob", "Why?")
        gateway = self.scene.gateway()
        self.scene.redis.pause()  # so that the form has arrived, and is still being looked at
        sending = asyncio.create_task(thread.room.seat("bob").submit({"reason": SAID}))
        try:
            await asyncio.sleep(0.5)
            send(gateway, signal.SIGSTOP)
            await asyncio.sleep(SLOW_SECONDS)
        finally:
            self.scene.redis.go_on()
            send(gateway, signal.SIGCONT)
        with contextlib.suppress(Exception):
            await sending  # Slack has said meanwhile that the app did not respond
        await self._fires("CountersignAcknowledgementsSlow")

    @chapter("a graph fails, before it asks and on its answer")
    async def _failing(self) -> None:
        fixed = self.scene.folder / "fixed"
        first = await self.started(f"failing fixed={fixed} when=started")
        stopped = await first.shows("Stopped by an error", "[Retry]")
        second = await self.started(f"failing fixed={fixed} when=answered")
        await second.room.press("bob", await second.card(), "approve")
        await self._fires("CountersignTasksFailed")
        fixed.touch()
        await first.room.press("alice", stopped, "retry")
        await first.room.press("bob", await first.card(), "approve")
        await first.ended()
        await second.ended()

    @chapter("a worker is killed, then none lives for a while, then its parent is killed")
    async def _killed(self) -> None:
        (worker, *_) = children(self.scene.worker_parent())
        send(worker, signal.SIGKILL)
        await asyncio.sleep(self.scene.minute)
        waiting = await self.started(f"action journal={self._journal()}")
        card = await waiting.card()
        killing = asyncio.create_task(self._kill_workers())  # as if the machine had no memory for any
        try:
            await asyncio.sleep(self.scene.minute)
            await waiting.room.press("bob", card, "approve")
            await self._fires("CountersignEngineDown")
            await self._fires("CountersignUndelivered")
        finally:
            killing.cancel()
        await waiting.ended()
        send(self.scene.worker_parent(), signal.SIGKILL)
        await self._ends("CountersignEngineDown")

    @chapter("Redis dies while a graph runs, and comes back")
    async def _redis(self) -> None:
        gate = self._gate()
        running = await self.started(f"action journal={self._journal()} gate={gate}")
        await running.room.press("bob", await running.card(), "approve")
        await asyncio.sleep(self.scene.minute)
        await asyncio.to_thread(self.scene.redis.kill)
        await self._fires("CountersignNoSweep")
        await asyncio.to_thread(self.scene.redis.start)
        await asyncio.to_thread(gate.write_text, "go")
        await running.ended()
        await self._ends("CountersignNoSweep")

    @chapter("a machine sleeps for longer than its leases, and another one takes over")
    async def _asleep(self) -> None:
        gate, journal = self._gate(), self._journal()
        running = await self.started(f"action journal={journal} gate={gate}")
        await running.room.press("bob", await running.card(), "approve")
        await self._until(lambda: _lines(journal) == 1, "the graph runs")
        async with self.scene.another_machine() as other:
            await self._until(lambda: '"process.started"' in other.log, "the other machine works")
            parent = self.scene.worker_parent()
            asleep = [parent, *children(parent)]
            for pid in asleep:
                send(pid, signal.SIGSTOP)
            try:
                await self._until(lambda: _lines(journal) == 2, "the other machine takes over")
            finally:
                for pid in asleep:
                    send(pid, signal.SIGCONT)
            await self._until(lambda: '"lease.lost"' in self.scene.bot.log, "the first one notices it")
            await asyncio.to_thread(gate.write_text, "go")
            await running.ended()

    @chapter("Slack drops the connection, and is down; so is a LangGraph Server")
    async def _outage(self) -> None:
        await self.simulator.drop_sockets()
        await self.simulator.wait_connected(timeout=60)
        thread = await self.started(f"action journal={self._journal()}")
        card = await thread.card()
        self.scene.elsewhere.server_is_away = True
        for method in ("chat.update", "chat.postMessage", "response_url"):
            await self.simulator.fault(method, "status", status=500, times=100_000)
        await thread.room.press("bob", card, "approve")  # it counts, and the card cannot say so
        await asyncio.sleep(self.scene.minute)
        await self.simulator.refuse_sockets(1_000)
        await self.simulator.drop_sockets()
        try:
            await self._fires("CountersignSlackDisconnected")
            await self._fires("CountersignMessagesStale")
        finally:
            self.scene.elsewhere.server_is_away = False
            await self.simulator.clear_faults()
            await self.simulator.refuse_sockets(0)
        await self.simulator.wait_connected(timeout=60)
        await self._ends("CountersignSlackDisconnected")
        await self._ends("CountersignMessagesStale")

    @chapter("the bot is stopped in order, is away, and starts again")
    async def _stopped(self) -> None:
        code = await asyncio.to_thread(self.scene.bot.stop)
        assert code == 0, f"exit code {code}"
        await self._fires("CountersignDown")
        await self.scene.start_bot(self.simulator)
        await self._ends("CountersignDown")

    # --- What they are made of ------------------------------------------------------------------

    async def started(self, line: str) -> Thread:
        """A task in a room of its own."""
        return await self._room().start(f"/task {line}")

    def _room(self) -> Room:
        return Room(self.simulator, self.names, f"#room-{next(self._rooms) % 110}")

    def _gate(self) -> Path:
        """A named pipe at which a graph waits, within its node, until something is written there."""
        gate = self.scene.folder / f"gate-{next(self._rooms)}"
        os.mkfifo(gate)
        return gate

    def _journal(self) -> Path:
        return self.scene.folder / f"journal-{next(self._rooms)}"

    async def _asked_by_program(self, key: str, path: str) -> None:
        headers = {"Authorization": f"Bearer {self.scene.token}", "Idempotency-Key": key}
        room = self._room()
        body = {"question": QUESTION, "channel": room.channel, "callback_url": f"{self.scene.elsewhere.url}{path}"}
        async with (
            aiohttp.ClientSession(f"http://{self.scene.bind}", headers=headers) as program,
            program.post("/v1/requests", json=body) as asked,
        ):
            assert asked.status == 201, await asked.text()
        thread = await room.opened("billing-service asks")
        await room.press("bob", await thread.card(), "approve")

    async def _kill_workers(self) -> None:
        """Kill each worker as soon as it is there."""
        parent = self.scene.worker_parent()
        while True:
            for pid in children(parent):
                send(pid, signal.SIGKILL)
            await asyncio.sleep(0.02)

    async def _until(self, holds: Callable[[], bool], what: str) -> None:
        async with _patience(WAIT, what):
            while not holds():  # noqa: ASYNC110 - it waits for files of other processes
                await asyncio.sleep(0.1)

    async def _fires(self, alert: str) -> None:
        await self._stands(alert, firing=True)

    async def _ends(self, alert: str) -> None:
        await self._stands(alert, firing=False)

    async def _stands(self, alert: str, *, firing: bool) -> None:
        """Wait until the alert fires, or no longer does."""
        what = f"{alert} {'fires' if firing else 'is resolved'}"
        async with _patience(PATIENCE_MINUTES * self.scene.minute, what):
            while await asyncio.to_thread(self.prometheus.is_firing, alert) is not firing:  # noqa: ASYNC110
                await asyncio.sleep(self.scene.minute / 4)

    async def _repair(self) -> None:
        """What a chapter that broke off may have left."""
        await self.simulator.clear_faults()
        await self.simulator.refuse_sockets(0)
        if self.scene.redis.process is None:
            await asyncio.to_thread(self.scene.redis.start)
        if self.scene.bot.process is None or self.scene.bot.process.poll() is not None:
            await self.scene.start_bot(self.simulator)


@asynccontextmanager
async def _patience(seconds: float, what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise TimeoutError(f"{what}: it did not happen within {seconds:g} s") from None


def _lines(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0
