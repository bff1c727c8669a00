"""The calls of the API, as flows: what is sent, how long it is tried, and what comes of the answers."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from countersign import given, reading
from countersign.errors import NotAsked, Refused, StillPending, Unavailable, Unreachable
from countersign.records import AuditEntry, Decision, Page, Request, Source, Task
from countersign.transport import retries
from countersign.transport.wire import Call, Flow, Pause

S = TypeVar("S")
T = TypeVar("T")

POLL_SECONDS = 30
"""How long one call waits at the server: less than proxies let a silent connection live."""
_QUICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What every request may say besides its question."""

    requester: str | None
    channel: str | None
    source: str | Source | None
    callback_url: str | None
    metadata: Mapping[str, object] | None


class Calls:
    """The calls, with what they have in common."""

    def __init__(self, source: Source | str | None, timeout: float, retry_for: float) -> None:
        if not timeout > 0 or not retry_for >= 0:
            raise ValueError("`timeout` is more than 0 seconds, and `retry_for` is not negative.")
        self.source = Source(name=source) if isinstance(source, str) else source or Source()
        self.timeout = timeout
        self.retry_for = retry_for

    # --- Bodies ---------------------------------------------------------------------------------

    def body(
        self, question: object, options: Options, response_schema: Mapping[str, object] | None = None
    ) -> dict[str, object]:
        """What is sent to put this question to people."""
        return given.body_of(
            question=question,
            response_schema=response_schema,
            requester=options.requester,
            channel=options.channel,
            source=given.source_of(self.source, options.source),
            callback_url=options.callback_url,
            metadata=options.metadata,
        )

    def task_body(
        self,
        graph: str,
        inputs: Mapping[str, object],
        requester: str | None,
        channel: str | None,
        source: str | Source | None,
        metadata: Mapping[str, object] | None,
    ) -> dict[str, object]:
        """What is sent to start this graph."""
        return given.body_of(
            graph=graph,
            inputs=given.object_of(inputs, "inputs"),
            requester=requester,
            channel=channel,
            source=given.source_of(self.source, source),
            metadata=metadata,
        )

    # --- Requests -------------------------------------------------------------------------------

    def request(self, body: Mapping[str, object], key: str) -> Flow[Request]:
        return reading.request((yield from self._post("/v1/requests", body, key=key)))

    def get(self, id: str) -> Flow[Request]:
        return reading.request((yield from self._get(_request_path(id))))

    def wait(self, id: str, timeout: float | None) -> Flow[Decision]:
        """Raises StillPending when the timeout is over."""
        return (yield from self._wait(id, _request_path(id), timeout, reading.request, _decision))

    def ask(self, body: Mapping[str, object], key: str, timeout: float | None) -> Flow[Decision]:
        request = yield from self.request(body, key)
        return request.decision or (yield from self.wait(request.id, timeout))

    def approve(
        self,
        body: Mapping[str, object],
        key: str,
        timeout: float | None,
        execution: str | None,
        check: Callable[[Decision], object],
    ) -> Flow[Decision]:
        """Asks, waits and consumes. Raises NotApproved, AlreadyConsumed, or what `check` raises about an approval that
        cannot be carried out: then it is not consumed."""
        decision = yield from self.ask(body, key, timeout)
        decision.check()
        check(decision)
        consumed = yield from self.consume(decision.request_id, execution)
        consumed.check()
        check(consumed)
        return consumed

    def consume(self, id: str, execution: str | None) -> Flow[Decision]:
        named = given.check_execution(uuid.uuid4().hex if execution is None else execution)
        data = yield from self._post(f"{_request_path(id)}/consume", {"execution": named})
        found = data.get("decision")
        return reading.decision(id, found if isinstance(found, dict) else {})

    def cancel(self, id: str, reason: str | None) -> Flow[Request]:
        """The request, also if it was cancelled before: by a first try whose answer was lost, for example."""
        try:
            return reading.request((yield from self._post(f"{_request_path(id)}/cancel", given.body_of(reason=reason))))
        except Refused:
            found = yield from self.get(id)
            if found.status != "cancelled":
                raise
            return found

    def page(self, filters: Mapping[str, str | None], limit: int, cursor: str | None) -> Flow[Page[Request]]:
        return reading.page(reading.request)((yield from self._page("/v1/requests", filters, limit, cursor)))

    def audit(self, id: str) -> Flow[tuple[AuditEntry, ...]]:
        return reading.audit((yield from self._get(f"{_request_path(id)}/audit")))

    def vote(self, id: str, body: Mapping[str, object]) -> Flow[Request]:
        return reading.request((yield from self._post(f"{_request_path(id)}/votes", body, repeatable=False)))

    def call_off(self, id: str, verb: str, person: str) -> Flow[Request]:
        """`take-back` or `stop`. It is not repeated if it may have counted: people may have decided again since."""
        body = given.body_of(person=person)
        return reading.request((yield from self._post(f"{_request_path(id)}/{verb}", body, repeatable=False)))

    # --- Tasks ----------------------------------------------------------------------------------

    def start(self, body: Mapping[str, object], key: str) -> Flow[Task]:
        return reading.task((yield from self._post("/v1/tasks", body, key=key)))

    def task(self, id: str) -> Flow[Task]:
        return reading.task((yield from self._get(_task_path(id))))

    def wait_task(self, id: str, timeout: float | None) -> Flow[Task]:
        return self._wait(id, _task_path(id), timeout, reading.task, _if_over)

    def cancel_task(self, id: str, reason: str | None) -> Flow[Task]:
        """The task, also if it was stopped before."""
        try:
            return reading.task((yield from self._post(f"{_task_path(id)}/cancel", given.body_of(reason=reason))))
        except Refused:
            found = yield from self.task(id)
            if found.status != "stopped":
                raise
            return found

    def tasks_page(self, filters: Mapping[str, str | None], limit: int, cursor: str | None) -> Flow[Page[Task]]:
        return reading.page(reading.task)((yield from self._page("/v1/tasks", filters, limit, cursor)))

    # --- One call -------------------------------------------------------------------------------

    def _post(
        self, path: str, body: Mapping[str, object], *, key: str | None = None, repeatable: bool = True
    ) -> Flow[reading.Json]:
        call = Call(method="POST", path=path, body=given.encoded(body), key=key, timeout=self.timeout)
        reply = yield from retries.answered(call, until=self._until(), repeatable=repeatable)
        return reading.json_object(reply.body)

    def _get(self, path: str) -> Flow[reading.Json]:
        call = Call(method="GET", path=path, timeout=self.timeout)
        return reading.json_object((yield from retries.answered(call, until=self._until())).body)

    def _page(self, path: str, filters: Mapping[str, str | None], limit: int, cursor: str | None) -> Flow[reading.Json]:
        said = {**filters, "limit": str(limit), "cursor": cursor}
        query = urlencode({name: value for name, value in said.items() if value is not None})
        return self._get(f"{path}?{query}")

    def _wait(
        self,
        id: str,
        path: str,
        timeout: float | None,
        read: Callable[[reading.Json], S],
        result: Callable[[S], T | None],
    ) -> Flow[T]:
        """Asks until there is a result. A server that is away, restarts or ends a wait early is asked again."""
        end = None if timeout is None else time.monotonic() + timeout
        early = 0
        while True:
            left = POLL_SECONDS if end is None else min(float(POLL_SECONDS), end - time.monotonic())
            seconds = max(0, math.floor(left))
            began = time.monotonic()
            call = Call(method="GET", path=f"{path}?wait={seconds}", timeout=seconds + self.timeout)
            try:
                reply = yield from retries.answered(call, until=end)
            except (Unreachable, Unavailable) as error:
                if end is None:
                    raise
                raise StillPending(id) from error
            found = result(read(reading.json_object(reply.body)))
            if found is not None:
                return found
            if end is not None and time.monotonic() >= end:
                raise StillPending(id)
            early = early + 1 if time.monotonic() - began < min(_QUICK_SECONDS, seconds) else 0
            if early or not seconds:
                pause = retries.pause(early)
                yield Pause(seconds=pause if end is None else min(pause, max(0.0, end - time.monotonic())))

    def _until(self) -> float:
        return time.monotonic() + self.retry_for


def _decision(request: Request) -> Decision | None:
    if request.decision is None and request.failure is not None:
        raise NotAsked(request.id, request.failure)
    return request.decision


def _if_over(task: Task) -> Task | None:
    return task if task.over else None


def _request_path(id: str) -> str:
    return f"/v1/requests/{given.check_id(id)}"


def _task_path(id: str) -> str:
    return f"/v1/tasks/{given.check_id(id)}"
