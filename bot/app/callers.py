"""What a gateway does for programs that ask through the HTTP API: it drives their requests itself, as no code of an
agent is needed for that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bot.approvals.model.ids import TaskId
from bot.approvals.ports.engine import Inputs
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.telemetry import SILENT, Telemetry
from bot.approvals.ports.work import Clock, Work
from bot.approvals.services.call_reading import CallReading
from bot.approvals.services.calls import Calls
from bot.approvals.services.delivery.drive import Delivery
from bot.approvals.services.delivery.leasing import Leases
from bot.approvals.services.delivery.opening import Opening
from bot.approvals.services.delivery.recording import Recording
from bot.approvals.services.messages.masked import Masking
from bot.approvals.services.people.eligibility import Eligibility
from bot.approvals.services.policies.choice import PolicyChoice
from bot.approvals.services.sweep import AgentSweep
from bot.engines.caller.engine import CallerEngine

HELD_ELSEWHERE: Final = timedelta(seconds=1)
"""How soon to look again at a request that another gateway drives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """The parts that serve programs."""

    calls: Calls
    delivery: Delivery
    sweeper: AgentSweep

    async def deliver(self, task_id: TaskId) -> datetime | None:
        """The job that drives one request. Returns when to look again, if another gateway drives it."""
        return None if await self.delivery.drive(task_id) else self.delivery.clock() + HELD_ELSEWHERE


def callers(
    *,
    storage: Storage,
    inputs: Inputs,
    policy_choice: PolicyChoice,
    eligibility: Eligibility,
    masking: Masking,
    leases: Leases,
    work: Work,
    clock: Clock,
    telemetry: Telemetry = SILENT,
) -> Callers:
    engine = CallerEngine()
    opening = Opening(
        engine=engine, policy_choice=policy_choice, eligibility=eligibility, clock=clock, telemetry=telemetry
    )
    return Callers(
        calls=Calls(
            storage=storage,
            reading=CallReading(storage=storage),
            engine=engine,
            inputs=inputs,
            policy_choice=policy_choice,
            directory=policy_choice.directory,
            work=work,
            telemetry=telemetry,
        ),
        delivery=Delivery(
            storage=storage,
            engine=engine,
            opening=opening,
            recording=Recording(storage=storage, opening=opening, work=work, clock=clock),
            work=work,
            clock=clock,
            leases=leases,
            seen=masking.learn,
            telemetry=telemetry,
        ),
        sweeper=AgentSweep(storage=storage, work=work, elsewhere=True),
    )
