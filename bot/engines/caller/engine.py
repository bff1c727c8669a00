"""The Engine port for callers' requests. It runs nothing and keeps nothing: the records say all that there is to know.

A caller asks one question. Its "thread" waits until the answer is handed over, which storing the intent to resume it
does, and then has come to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bot import crash_points
from bot.approvals.model.agent import Asked, Phase, ThreadStatus
from bot.approvals.model.caller import QUESTION
from bot.approvals.model.decision import Decision, Expired
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.fingerprint import fingerprint
from bot.approvals.model.ids import JSON, InterruptId
from bot.approvals.model.question import Question
from bot.approvals.model.request import Request
from bot.approvals.model.task import Lease, Starting, Task
from bot.approvals.rules.calls import is_handed_over
from bot.engines import payload, questions
from bot.engines.caller import actions

INPUT: Final = "question"
"""The input of a caller's task that holds what it asks."""
SCHEMA: Final = "response_schema"
"""The input that holds the JSON Schema of the answer, if the caller gave one."""


@dataclass(frozen=True, slots=True)
class CallerEngine:
    """Reads callers' questions out of their tasks, in the shapes in which agents may ask."""

    def asked(self, task: Task) -> Asked:
        """What the caller asks."""
        value, types = payload.read(task.inputs[INPUT])
        schema, more = payload.read(task.inputs.get(SCHEMA))
        question = (actions.read(value) if schema is None else None) or questions.read(value, schema)
        return Asked(
            interrupt_id=QUESTION,
            question=replace(question, types=(*types, *(f"schema {note}" for note in more))),
            fingerprint=fingerprint(payload.noted(value, types), schema, task.created_at),
        )

    async def status(self, task: Task, requests: Sequence[Request] = ()) -> ThreadStatus:
        if any(is_handed_over(request) for request in requests):
            return ThreadStatus(phase=Phase.DONE)
        if not requests and isinstance(task.state, Starting) and not task.tries:
            return ThreadStatus(phase=Phase.LOST)  # it was never begun
        return ThreadStatus(phase=Phase.WAITING, asked=(self.asked(task),))

    async def start(self, task: Task, lease: Lease, now: datetime) -> ThreadStatus:  # noqa: ARG002
        return ThreadStatus(phase=Phase.WAITING, asked=(self.asked(task),))

    async def resume(
        self,
        task: Task,
        lease: Lease,  # noqa: ARG002
        interrupt_id: InterruptId,
        answer: JSON,  # noqa: ARG002
        now: datetime,  # noqa: ARG002
        requests: Sequence[Request] = (),
    ) -> ThreadStatus:
        """The intent to resume is stored, and from then on the caller gets the answer."""
        crash_points.point("handed-over")
        return ThreadStatus(phase=Phase.DONE) if interrupt_id == QUESTION else await self.status(task, requests)

    async def proceed(
        self,
        task: Task,
        lease: Lease,  # noqa: ARG002
        now: datetime,  # noqa: ARG002
        requests: Sequence[Request] = (),
    ) -> ThreadStatus:
        return await self.status(task, requests)

    async def forget(self, task: Task) -> None:
        """Does nothing, as nothing is kept."""

    def check_edit(self, question: Question, item: int) -> None:
        questions.check_edit(question, item)

    def answer(self, question: Question, proposed: Question, decision: Decision) -> JSON:
        """The value that would resume a graph that asks this. None if nobody answered and no value says so."""
        try:
            return questions.answer(question, proposed, decision)
        except InvalidAnswer:
            if isinstance(decision, Expired):
                return None
            raise
