"""Changes of one task's records that belong together: gathered one by one, and stored all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.approvals.model.audit import AuditEvent, event_of
from bot.approvals.model.decision import outcome_of
from bot.approvals.model.ids import JSON, TaskId
from bot.approvals.model.message import Message
from bot.approvals.model.request import Decided, Delivered, Request
from bot.approvals.model.task import Task
from bot.approvals.ports.storage import Change
from bot.approvals.ports.work import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Gathers changes. Nothing is stored before `Recording.store`."""

    clock: Clock
    changes: list[Change] = field(default_factory=list)

    def request(self, request: Request, kind: str, new: Sequence[Message] = (), **more: JSON) -> Request:
        """Add a change of the request, with an event of this kind. Returns the request as it will be stored."""
        data: dict[str, JSON] = {"outcome": str(outcome_of(request.decision))} if request.decision else {}
        if request.gone is not None:
            data["missing"] = {"part": str(request.gone.part), "name": request.gone.name}
        return self.noted(request, event_of(request, kind, self.clock(), data={**data, **more}), new)

    def noted(
        self, request: Request, event: AuditEvent, new: Sequence[Message] = (), *, moves: bool = False
    ) -> Request:
        """Add a change of the request, with this event. `moves` as in `Change`. Returns the request as it will be
        stored."""
        self.changes.append(Change(record=request, event=event, messages=new, moves=moves))
        return replace(request, revision=request.revision + 1)

    def opened(self, request: Request, event: AuditEvent, new: Sequence[Message]) -> None:
        """Add a request that is to be opened."""
        self.changes.append(Change(record=request, event=event, messages=new, opens=True))

    def task(
        self, task: Task, kind: str, new: Sequence[Message] = (), *, data: Mapping[str, JSON] | None = None
    ) -> Task:
        """Add a change of the task, with an event of this kind. Returns the task as it will be stored."""
        event = AuditEvent(kind=kind, at=self.clock(), task_id=task.id, data=data or {})
        self.changes.append(Change(record=task, event=event, messages=new))
        return replace(task, revision=task.revision + 1)

    def latest(self, request: Request) -> Request:
        """The request as it will be stored, with all changes that were added."""
        found = request
        for change in self.changes:
            if isinstance(change.record, Request) and change.record.id == request.id:
                found = change.record if change.opens else replace(change.record, revision=change.record.revision + 1)
        return found

    @property
    def delivers(self) -> bool:
        """Whether a decision is delivered by these changes."""
        return any(
            isinstance(each.record, Request) and isinstance(each.record.state, Delivered) for each in self.changes
        )

    @property
    def decided(self) -> list[TaskId]:
        """The task of each request that is opened and answered at once, as its policy rules."""
        return [
            each.record.task_id
            for each in self.changes
            if each.opens and isinstance(each.record, Request) and isinstance(each.record.state, Decided)
        ]

    @property
    def offers_undo(self) -> bool:
        """Whether an undo window is opened by these changes."""
        opened = (change.record for change in self.changes if change.opens)
        return any(isinstance(record, Request) and record.is_window for record in opened)

    @property
    def opens(self) -> bool:
        """Whether a request is opened by these changes."""
        return any(change.opens for change in self.changes)
