"""The work that a process would have begun, behind the `Work` port."""

from __future__ import annotations

from bot.approvals.model.ids import Person, TaskId
from bot.approvals.services.delivery.drive import Delivery
from bot.approvals.services.messages.sync import MessageSync


class FakeWork:
    """Keeps what it was woken for until a test has it done."""

    def __init__(self) -> None:
        self.deliveries: list[TaskId] = []
        self.syncs: list[TaskId] = []
        self.homes: list[Person] = []
        self.summaries: list[Person] = []

    def deliver(self, task_id: TaskId) -> None:
        self.deliveries.append(task_id)

    def show(self, task_id: TaskId) -> None:
        self.syncs.append(task_id)

    def show_soon(self, task_id: TaskId) -> None:
        self.show(task_id)

    def home(self, person: Person) -> None:
        self.homes.append(person)

    def summary(self, person: Person) -> None:
        self.summaries.append(person)

    def forget(self) -> None:
        """The process died with all that it was about to do."""
        self.deliveries.clear()
        self.syncs.clear()
        self.homes.clear()
        self.summaries.clear()

    async def run(self, delivery: Delivery, messages: MessageSync) -> None:
        """Do all of it, and what follows from it."""
        while self.deliveries or self.syncs:
            while self.deliveries:
                await delivery.drive(self.deliveries.pop(0))
            shown = set(self.syncs)
            self.syncs.clear()
            for task_id in shown:
                await messages.sync_task(task_id)
