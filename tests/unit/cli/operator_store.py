"""A terminal beside a store with tasks and requests of every kind, for the commands of an operator."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bot.__main__ import main
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.caller import Caller, request_id_of, task_id_of
from bot.approvals.model.ids import Program, TaskId, ThreadId
from bot.approvals.model.request import Pending, Request, RequestState
from bot.approvals.model.server import OnServer, task_of_thread
from bot.approvals.model.task import Ended, Failed, Failure, Gone, Part, Running, Task, TaskState, Waiting
from bot.approvals.ports.storage import Storage
from tests.support.builders import a_request, a_task, an_event, decided

T = TypeVar("T")
HOUR = timedelta(hours=1)
NOW = datetime.now(UTC).replace(microsecond=0)
"""These commands go by the real clock."""
ERROR = Failure(error_id="e1e2e3e4", summary="KeyError", at=NOW - HOUR)
CALLED = task_id_of("0123456789abcdef0123")
ON_PROD = task_of_thread("prod", ThreadId("0193f2ab-77c1-4c1d-9a4e-0123456789ab"))


@dataclass
class Terminal:
    """Runs `countersign` and keeps what it prints."""

    env_file: Path
    opened: Callable[[], Awaitable[Any]]
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def run(self, *words: str) -> tuple[int, str, str]:
        """The exit code, and what was printed to the output and to the error output."""
        code = main([*words, "--env-file", str(self.env_file)])
        printed = self.capsys.readouterr()
        return code, printed.out, printed.err

    def json(self, *words: str) -> Any:
        """What a command that is done writes as JSON, and nothing else."""
        code, out, err = self.run(*words, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    def refusal(self, *words: str) -> str:
        """What is said of a command that is refused."""
        code, out, err = self.run(*words)
        assert (code, out) == (1, "")
        return err

    def types(self, answer: str) -> None:
        """Somebody sits at the terminal, and answers this."""

        class Typed(io.StringIO):
            def isatty(self) -> bool:
                return True

        self.monkeypatch.setattr("sys.stdin", Typed(answer))

    def width(self, columns: int) -> None:
        self.monkeypatch.setenv("COLUMNS", str(columns))

    def stored(self, work: Callable[[Storage], Awaitable[T]]) -> T:
        """What a bot finds in the store."""

        async def there() -> T:
            storage = await self.opened()
            try:
                return await work(storage)
            finally:
                await storage.close()

        return asyncio.run(there())

    def history(self, task_id: str) -> tuple[AuditEvent, ...]:
        return self.stored(lambda storage: storage.history(TaskId(task_id)))


async def keep(storage: Storage, id: str, state: TaskState, ago: timedelta, *asked: Request, **changes: Any) -> Task:
    task = a_task(id, created_at=NOW - ago, **changes)
    await storage.create_task(task, an_event("started", task))
    task = await storage.save_task(replace(task, state=state), an_event("touched", task))
    for each in asked:
        request = replace(each, task_id=task.id, thread_id=task.thread_id, graph=task.graph)
        await storage.open_request(request, an_event("opened", request))
    return task


def asking(id: str, state: RequestState | None = None, **changes: Any) -> Request:
    """A request that was opened an hour ago, and has an hour left."""
    about = a_task("x", created_at=NOW - HOUR)
    return a_request(id, about, **({"state": state} if state else {}), **changes)


async def fill(storage: Storage) -> None:
    """One task of each kind."""
    await keep(storage, "aa01", Waiting(), 1 * HOUR, asking("r-aa01"))
    given_up = asking("r-aa02", decided(None, attempts=8, failure=ERROR))
    await keep(storage, "aa02", Failed(failure=ERROR, retryable=True), 2 * HOUR, given_up)
    again = asking("r-aa03", decided(NOW + HOUR, attempts=3, failure=ERROR))
    await keep(storage, "aa03", Failed(failure=ERROR, retryable=True), 3 * HOUR, again)
    lost = Failed(failure=replace(ERROR, summary="the graph's saved state is gone"), retryable=False)
    await keep(storage, "aa04", lost, 4 * HOUR)
    await keep(storage, "aa05", Ended(outcome="Moved 31 files", at=NOW - HOUR), 5 * HOUR, graph="日本語の長い名前")
    gone = Gone(part=Part.STEP, name="send")
    caller = Caller(source="billing", token="billing-prod", key="k", body="0" * 64, callback_url="https://b.example/x")
    request = asking(request_id_of(CALLED), Pending(due_at=NOW + HOUR), gone=gone)
    by_program: dict[str, Any] = {"requester": Program(name="billing"), "caller": caller, "graph": "billing"}
    await keep(storage, CALLED, Waiting(), timedelta(minutes=9), request, **by_program)
    await keep(storage, ON_PROD, Running(), timedelta(minutes=3), server=OnServer(name="prod"))
