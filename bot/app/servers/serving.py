"""What a gateway does for agents on LangGraph Servers: it drives their tasks itself, as no code of an agent is needed
for that, and looks at what others change there."""

from __future__ import annotations

import hmac
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.app.servers.lookouts import Lane, Lookout
from bot.approvals.model.catalog import Agent
from bot.approvals.model.errors import Unreachable
from bot.approvals.model.ids import TaskId
from bot.approvals.model.server import server_of
from bot.approvals.model.task import TaskCancelled
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Clock, Work
from bot.approvals.services.adoption import Adoption
from bot.approvals.services.delivery.drive import Delivery
from bot.approvals.services.delivery.leasing import Leases
from bot.approvals.services.delivery.opening import Opening
from bot.approvals.services.delivery.progress import Progress
from bot.approvals.services.delivery.recording import Recording
from bot.approvals.services.messages.masked import Masking
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.choice import PolicyChoice
from bot.engines.server.client import ServerClient, connect
from bot.engines.server.engine import ServerEngine, ServersEngine
from bot.servers_file import ServerTerms

log = logging.getLogger(__name__)

LOOK_AGAIN: Final = timedelta(seconds=2)
"""How soon to look again at a thread while a run is under way, or while another gateway drives it."""
AWAY_AGAIN: Final = timedelta(seconds=10)
"""How soon a task is tried again whose server does not answer. Looks find out meanwhile whether it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """The parts that serve the servers of servers.yaml."""

    storage: Storage
    engine: ServersEngine
    delivery: Delivery
    lanes: Mapping[str, Lane]
    """The looks at each server, by its name."""
    progress: Progress
    _missed: set[str] = field(default_factory=set)
    """Servers that tasks run on and that servers.yaml does not name, as far as that was logged."""

    def agents(self) -> Sequence[Agent]:
        """The assistants that may be started."""
        return [agent for lane in self.lanes.values() for agent in lane.lookout.agents]

    def away(self) -> Mapping[str, bool]:
        """Whether each server did not answer when it was last called, by its name."""
        return {name: lane.is_away() for name, lane in self.lanes.items()}

    def look(self) -> None:
        """Have each server looked at. Returns at once."""
        for lane in self.lanes.values():
            lane.look()

    def changed(self, name: str, key: str) -> bool:
        """Have the server of this name looked at soon. Returns False, and does nothing, if this is not its key."""
        lane = self.lanes.get(name)
        expected = lane.lookout.terms.webhook_key if lane is not None else None
        if lane is None or expected is None or not hmac.compare_digest(expected.encode(), key.encode()):
            return False
        lane.look_again()
        return True

    async def deliver(self, task_id: TaskId) -> datetime | None:
        """The job that drives one task. Returns when to look again: while a run is under way, while another gateway
        drives it, or while its server does not answer."""
        name = server_of(task_id) or ""
        lane = self.lanes.get(name)
        if lane is None:
            self._miss(name)
            return None
        if lane.is_away():
            return self._wait(task_id, name)
        try:
            await self._stop_run(task_id)
            done = await self.delivery.drive(task_id)
        except Unreachable:
            if not lane.is_away():
                raise
            return self._wait(task_id, name)
        self.progress.over(task_id)
        return None if done else self.delivery.clock() + LOOK_AGAIN

    # --- Within ---------------------------------------------------------------------------------

    async def _stop_run(self, task_id: TaskId) -> None:
        """Stop the run of a task that was cancelled here, if the task was started here."""
        task = await self.storage.task(task_id)
        if isinstance(task.state, TaskCancelled):
            await self.engine.cancel(task)

    def _wait(self, task_id: TaskId, name: str) -> datetime:
        """Have the task's message say what it waits for, and try again later."""
        self.progress.tell(task_id, f"waiting for the server {name}, which does not answer")
        return self.delivery.clock() + AWAY_AGAIN

    def _miss(self, name: str) -> None:
        if name not in self._missed:
            self._missed.add(name)
            log.warning("tasks wait for the LangGraph Server %s, which SERVERS_FILE does not name", name)


@asynccontextmanager
async def served(
    terms: Sequence[ServerTerms],
    *,
    storage: Storage,
    policy_choice: PolicyChoice,
    eligibility: Eligibility,
    masking: Masking,
    leases: Leases,
    progress: Progress,
    work: Work,
    clock: Clock,
    telemetry: Telemetry = SILENT,
) -> AsyncIterator[Servers]:
    """Serves these servers while the block runs. Nothing is called before the first look."""
    clients = {each.name: connect(each.name, each.url, each.api_key, telemetry) for each in terms}
    graphs = policy_choice.graphs
    engine = ServersEngine(
        engines={name: ServerEngine(client=client, terms=graphs, progress=progress) for name, client in clients.items()}
    )
    opening = Opening(
        engine=engine, policy_choice=policy_choice, eligibility=eligibility, clock=clock, telemetry=telemetry
    )
    adoption = Adoption(storage=storage, engine=engine, directory=policy_choice.directory, work=work)
    lanes = {
        each.name: Lane(
            lookout=Lookout(
                client=clients[each.name], terms=each, adoption=adoption, storage=storage, work=work, clock=clock
            )
        )
        for each in terms
    }
    delivery = Delivery(
        storage=storage,
        engine=engine,
        opening=opening,
        recording=Recording(storage=storage, opening=opening, work=work, clock=clock),
        work=work,
        clock=clock,
        leases=leases,
        seen=masking.learn,
        telemetry=telemetry,
    )
    try:
        yield Servers(storage=storage, engine=engine, delivery=delivery, lanes=lanes, progress=progress)
    finally:
        for lane in lanes.values():
            await lane.close()
        for client in clients.values():
            await _closed(client)


async def _closed(client: ServerClient) -> None:
    try:
        await client.close()
    except Exception:
        log.exception("the connections to the LangGraph Server %s could not be closed", client.name)
