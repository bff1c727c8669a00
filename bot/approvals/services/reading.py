"""What the handlers of people's actions read from the records. Each method answers one question and changes no record.

A look that is refused is recorded, as every refusal is.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from bot.approvals.model.actor import Actor, Shown
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import Alike, Difference, NotFound
from bot.approvals.model.ids import MessageId, MessageRef, Person, RequestId, TaskId, Ts
from bot.approvals.model.inbox import Summary
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.approvals.ports.slack import View
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.services import changes
from bot.approvals.services.messages import wanted
from bot.approvals.services.messages.watching import PATIENCE, Watch
from bot.approvals.services.tasks import Tasks, started_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Everything that happened to a task, for a person who may see it."""

    records: Records
    events: tuple[AuditEvent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Reads the records. Each method raises `Unreachable` if the store does not answer."""

    storage: Storage
    tasks: Tasks
    watch: Watch = field(default_factory=Watch)
    patience: timedelta = PATIENCE
    """How long `shows` waits."""

    # --- By id, for those who were shown it -------------------------------------------------------

    async def request(self, id: RequestId) -> Request:
        """The request. Raises `NotFound` if there is none."""
        return await self.storage.request(id)

    async def task(self, id: TaskId) -> Task:
        """The task. Raises `NotFound` if there is none."""
        return await self.storage.task(id)

    async def tasks_of(self, person: Person, limit: int) -> tuple[Task, ...]:
        """The tasks that this person started, newest first."""
        return await self.storage.tasks_of(person, limit)

    async def summary_of(self, person: Person) -> Summary | None:
        """When this person wants a summary. Returns None if they want none."""
        return (await self.storage.inbox(person)).summary

    # --- For those who may look -------------------------------------------------------------------

    async def records(self, actor: Actor, task_id: TaskId) -> Records:
        """The task with its requests, for its requester and for those who may answer.

        Raises `NotFound` if there is no such task, or `NotYours` if the actor is somebody else.
        """
        await self.tasks.look(actor, task_id)
        return await self.storage.records_of(task_id)

    async def card(self, actor: Actor, request_id: RequestId) -> View:
        """The request's card, for its requester and for those who may answer.

        Raises `NotFound` if there is no such request, or `NotYours` if the actor is somebody else.
        """
        task, request = await self.tasks.look_at(actor, request_id)
        return View(message=wanted.card_of(request), task=task, request=request)

    async def trail(self, actor: Actor, task_id: TaskId) -> Trail:
        """What happened to the task, for its requester and for those who may answer.

        Raises `NotFound` if there is no such task, or `NotYours` if the actor is somebody else.
        """
        records = await self.records(actor, task_id)
        return Trail(records=records, events=await self.storage.history(task_id))

    # --- By place in Slack ------------------------------------------------------------------------

    async def message_at(self, ref: MessageRef) -> MessageId | None:
        """The id of our message at this place. Returns None if no message of ours is there."""
        message = await self.storage.message_at(ref)
        return message.id if message is not None else None

    async def shows(self, ref: MessageRef) -> bool:
        """Whether the message at this place shows its request as it is stored now, or does so in a moment. True as well
        if no message of ours is there."""
        return await self.watch.shows(self.storage, ref, self.patience)

    async def thread_of(self, ref: MessageRef) -> Ts | None:
        """The thread in which our message at this place stands. Returns None if it stands in none."""
        message = await self.storage.message_at(ref)
        if message is None or message.to is not None or message.channel is not None:
            return None
        records = await self.storage.records_of(message.task_id)
        opening = next((each.ref for each in records.messages if each.kind is MessageKind.OPENING), None)
        return records.task.thread_ts or (opening.ts if opening is not None else None)

    async def changes(self, shown: Shown) -> tuple[Difference, ...] | Alike:
        """What has changed in a request since somebody saw it. Empty if that is not known. It may hold secrets."""
        return await changes.since(self.storage, await self.storage.request(shown.request_id), shown)

    async def asked_in(self, root: MessageRef) -> list[Request]:
        """The requests whose thread begins with this message. If it is a copy of a card, only the request of that
        card."""
        message = await self.storage.message_at(root)
        if message is not None and message.to is not None and message.request_id is not None:
            return [await self.storage.request(message.request_id)]
        tasks = [task.id for task in await self.storage.tasks_in(root.channel, root.ts)]
        return [
            request
            for task_id in ([*tasks, message.task_id] if message else tasks)
            for request in await self.storage.requests_of(TaskId(task_id))
        ]

    async def card_in(self, request: Request, root: MessageRef | None) -> View | None:
        """The card that a person sees if they write in the thread that begins with `root`: the copy that they were
        sent, or else the card in the channel.

        Returns None if the card was not posted, or if its record does not say what it shows.
        """
        records = await self.storage.records_of(request.task_id)
        mine = [each for each in records.messages if each.request_id == request.id and each.digest]
        copies = [each for each in mine if each.kind is MessageKind.COPY and each.ref is not None and each.ref == root]
        card = next(iter([*copies, *(each for each in mine if each.kind is MessageKind.CARD)]), None)
        return None if card is None else View(message=card, task=records.task, request=request)

    async def is_filed(self, request: Request) -> bool:
        """Whether the file with the whole current question is in the task's thread."""
        return any(_is_file_of(each, request) for each in await self.storage.messages_of(request.task_id))

    async def started_from(self, origin: str) -> Task | None:
        """The task that this origin started (`Tasks.start`). Returns None if it started none."""
        with suppress(NotFound):
            return await self.storage.task(started_by(origin))
        return None


def _is_file_of(message: Message, request: Request) -> bool:
    stands = message.ref is not None and not message.refused
    of_it = message.request_id == request.id and message.version == request.version
    return message.kind is MessageKind.FILE and of_it and stands
