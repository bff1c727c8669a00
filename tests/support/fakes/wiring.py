"""The services that stand on other services, wired as `bot.app` wires them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.approvals.model.agent import Graph
from bot.approvals.model.ids import JSON
from bot.approvals.ports.engine import Agents, Answers, Engine
from bot.approvals.ports.slack import Directory, Messenger
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Clock, Work
from bot.approvals.rules.matching import Policies
from bot.approvals.services.delivery.drive import Delivery
from bot.approvals.services.delivery.leasing import Leases
from bot.approvals.services.delivery.opening import Opening
from bot.approvals.services.delivery.progress import Progress
from bot.approvals.services.delivery.recording import Recording
from bot.approvals.services.due_steps import DueSteps
from bot.approvals.services.messages.posting import Posting
from bot.approvals.services.messages.sync import MessageSync
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.sweep import AgentSweep, PeopleSweep
from bot.approvals.services.unit_of_work import UnitOfWork


def a_unit(
    *, storage: Storage, engine: Agents, directory: Directory, work: Work, telemetry: Telemetry = SILENT
) -> UnitOfWork:
    eligibility = Eligibility(directory=directory)
    due_steps = DueSteps(
        storage=storage, agents=engine, directory=directory, eligibility=eligibility, work=work, telemetry=telemetry
    )
    return UnitOfWork(
        storage=storage, agents=engine, eligibility=eligibility, expiry=due_steps, work=work, telemetry=telemetry
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeps:
    """The sweep of a gateway, and then that of a worker."""

    people: PeopleSweep
    agents: AgentSweep

    async def sweep(self, now: datetime, *, take_over: bool = True) -> None:
        await self.people.sweep(now)
        await self.agents.sweep(now, take_over=take_over)


def a_sweep(
    *, storage: Storage, engine: Answers, directory: Directory, work: Work, telemetry: Telemetry = SILENT
) -> Sweeps:
    eligibility = Eligibility(directory=directory)
    due_steps = DueSteps(
        storage=storage, agents=engine, directory=directory, eligibility=eligibility, work=work, telemetry=telemetry
    )
    return Sweeps(
        people=PeopleSweep(storage=storage, due_steps=due_steps, work=work),
        agents=AgentSweep(storage=storage, work=work),
    )


def a_delivery(
    *,
    storage: Storage,
    engine: Engine,
    directory: Directory,
    policies: Policies,
    work: Work,
    clock: Clock,
    lease_ttl: timedelta = timedelta(seconds=30),
    telemetry: Telemetry = SILENT,
) -> Delivery:
    opening = Opening(
        engine=engine,
        policy_choice=PolicyChoice(policies=policies, directory=directory),
        eligibility=Eligibility(directory=directory),
        clock=clock,
        telemetry=telemetry,
    )
    return Delivery(
        storage=storage,
        engine=engine,
        opening=opening,
        recording=Recording(storage=storage, opening=opening, work=work, clock=clock),
        work=work,
        clock=clock,
        leases=Leases(storage=storage, clock=clock, ttl=lease_ttl),
        telemetry=telemetry,
    )


def a_sync(
    *,
    storage: Storage,
    messenger: Messenger,
    clock: Clock,
    progress: Progress | None = None,
    gather: timedelta = timedelta(0),
    telemetry: Telemetry = SILENT,
) -> MessageSync:
    """Without `gather`, nothing is held back, so that one pass shows everything."""
    posting = Posting(messenger=messenger, clock=clock)
    return MessageSync(
        storage=storage,
        messenger=messenger,
        posting=posting,
        clock=clock,
        progress=progress,
        gather=gather,
        telemetry=telemetry,
    )


class NoInputs:
    """Checks nothing of what programs start agents with."""

    def graphs(self) -> tuple[Graph, ...]:
        return ()

    async def check_inputs(self, graph: str, values: Mapping[str, JSON]) -> Mapping[str, JSON]:
        return values


def over(delivery: Delivery, storage: Storage) -> Delivery:
    """The same delivery, over another storage."""
    recording = replace(delivery.recording, storage=storage)
    leases = replace(delivery.leases, storage=storage)
    return replace(delivery, storage=storage, recording=recording, leases=leases)


def under(delivery: Delivery, policies: Policies) -> Delivery:
    """The same delivery, under other policies."""
    opening = replace(delivery.opening, policy_choice=replace(delivery.opening.policy_choice, policies=policies))
    return replace(delivery, opening=opening, recording=replace(delivery.recording, opening=opening))
