"""The client for programs that wait in a thread."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal, TypeVar

from countersign import given
from countersign.async_client import AsyncCountersign
from countersign.calls import Calls, Options
from countersign.events import follow
from countersign.records import AuditEntry, Decision, Event, Page, Request, Source, Task
from countersign.transport.address import Server, from_environment
from countersign.transport.blocking import Blocking
from countersign.transport.wire import Flow

T = TypeVar("T")


class Countersign:
    """Asks people for approval, and waits for their decision. Threads may share a client.

    url: the bot's address, such as `https://approvals.example.com`.
    token: `csk_...`, as `countersign tokens add` prints it.
    source: the name of your program, as people read it on the card. None: the source that the token speaks for.
    timeout: seconds that the server has for one answer. A wait adds its own time.
    retry_for: seconds that a call goes on if the server cannot be reached or asks for patience. A wait goes on until
        its own timeout.
    ssl_context: for your own certificates. None: those of the system.

    Proxies come from the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`), as urllib reads it. Redirects are not
    followed.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        source: str | Source | None = None,
        timeout: float = 10.0,
        retry_for: float = 120.0,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._server = Server.of(url, token, ssl_context)
        self.calls = Calls(source, timeout, retry_for)
        self._transport = Blocking(self._server)

    @classmethod
    def from_environment(cls, *, source: str | Source | None = None) -> Countersign:
        """The client for COUNTERSIGN_URL and COUNTERSIGN_TOKEN. Raises ValueError if one of them is not set."""
        return cls(*from_environment(), source=source)

    def __repr__(self) -> str:
        return f"Countersign({self._server.address.url!r}, source={self.calls.source.name!r})"

    def asynchronous(self) -> AsyncCountersign:
        """The same client for an event loop."""
        return AsyncCountersign.like(self._server, self.calls)

    def run(self, flow: Flow[T]) -> T:
        """What this flow of `calls` returns: for adapters."""
        return self._transport.run(flow)

    # --- Ask ------------------------------------------------------------------------------------

    @given.keyed
    def approve_or_raise(
        self,
        action: str,
        arguments: Mapping[str, object],
        *,
        key: str,
        description: str | None = None,
        edit: bool = False,
        schema: Mapping[str, object] | None = None,
        requester: str | None = None,
        channel: str | None = None,
        source: str | Source | None = None,
        callback_url: str | None = None,
        metadata: Mapping[str, object] | None = None,
        timeout: float | None = None,
        execution: str | None = None,
    ) -> Decision:
        """Asks, waits, and takes the decision for this execution alone. If it returns, do the action, with the
        `arguments` of the decision.

        Raises Rejected, Expired, Cancelled or another NotApproved if the action must not be done; AlreadyConsumed if
        another execution took the decision; StillPending if the timeout (seconds; None: none) is over.

        execution: what this execution calls itself, such as a job id. By default it is random, and the action is done
        at most once: a program that dies after this call and before the action finds AlreadyConsumed when it is run
        again. With an execution that is the same in the next run, this call returns again, and the action may be done
        twice: make it safe to repeat. `ask` has the other parameters.
        """
        question = given.question_of(action, arguments, description=description, edit=edit, schema=schema)
        options = Options(
            requester=requester, channel=channel, source=source, callback_url=callback_url, metadata=metadata
        )
        return self.run(
            self.calls.approve(
                self.calls.body(question, options),
                key,
                timeout,
                execution,
                lambda decision: given.check_approved(decision, action, arguments, edit=edit),
            )
        )

    @given.keyed
    def ask(
        self,
        action: str,
        arguments: Mapping[str, object],
        *,
        key: str,
        description: str | None = None,
        edit: bool = False,
        schema: Mapping[str, object] | None = None,
        requester: str | None = None,
        channel: str | None = None,
        source: str | Source | None = None,
        callback_url: str | None = None,
        metadata: Mapping[str, object] | None = None,
        timeout: float | None = None,
    ) -> Decision:
        """Asks whether an action may be done with these arguments, and waits. The decision is false in a condition
        unless it is an approval. Nothing is consumed: two executions may get the same decision.

        key: names this wish; see the README. description: shown below the title. edit: whether people may change the
        arguments; then use those of the decision. schema: a JSON Schema of the arguments, for the form and the check of
        edits. requester: Slack id or e-mail of the person for whom you ask, who may not approve it. channel: `#name` or
        id. source: your program. callback_url: where a webhook is sent. metadata: comes back with the request.
        timeout: seconds; None: no end. Raises StillPending when it is over.
        """
        question = given.question_of(action, arguments, description=description, edit=edit, schema=schema)
        options = Options(
            requester=requester, channel=channel, source=source, callback_url=callback_url, metadata=metadata
        )
        return self.run(self.calls.ask(self.calls.body(question, options), key, timeout))

    @given.keyed
    def offer_undo(
        self,
        action: str | Mapping[str, object],
        *,
        key: str,
        result: object = None,
        undo: Mapping[str, object] | str | Literal[False] | None = None,
        window: str | float = "10m",
        at: datetime | str | None = None,
        description: str | None = None,
        requester: str | None = None,
        channel: str | None = None,
        source: str | Source | None = None,
        callback_url: str | None = None,
        metadata: Mapping[str, object] | None = None,
        timeout: float | None = None,
    ) -> Decision:
        """Says what your program has done, and waits until people undo or keep it, or until the window closes. The
        decision is false in a condition: it approves nothing. If it is `undone`, consume it, then undo what was done by
        its `way_back`, under its `key`.

        action: what was done, as a text, or as a dictionary with `name` and `arguments`. result: what came of it. undo:
        your way back, of which people read `how`; a text is a `how`; None: you undo it in your own way; False: it
        cannot be undone, and people are only told. window: how long it can be undone, such as `30s`, `10m`, `2h`, or a
        number of seconds. at: when it was done, with its zone; None: now. It belongs to the key, so store it with what
        you did. requester: who may undo it; None: those who approve under the policy. `ask` has the other parameters.
        """
        question = given.undo_window(action, result=result, undo=undo, window=window, at=at, description=description)
        options = Options(
            requester=requester, channel=channel, source=source, callback_url=callback_url, metadata=metadata
        )
        return self.run(self.calls.ask(self.calls.body(question, options), key, timeout))

    @given.keyed
    def request(
        self,
        question: object,
        *,
        key: str,
        response_schema: Mapping[str, object] | None = None,
        requester: str | None = None,
        channel: str | None = None,
        source: str | Source | None = None,
        callback_url: str | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> Request:
        """Puts a question to people, and returns at once. The same key with the same question is the same request:
        it is found, not asked again.

        question: anything that LangGraph's `interrupt()` may carry. response_schema: a JSON Schema of the answer. `ask`
        has the other parameters. Raises KeyAlreadyUsed if the key was used for something else.
        """
        options = Options(
            requester=requester, channel=channel, source=source, callback_url=callback_url, metadata=metadata
        )
        return self.run(self.calls.request(self.calls.body(question, options, response_schema), key))

    # --- Requests -------------------------------------------------------------------------------

    def get(self, id: str) -> Request:
        """The request as it is now."""
        return self.run(self.calls.get(id))

    def wait(self, id: str, timeout: float | None = None) -> Decision:
        """The decision, once there is one. It goes on while the bot is away. timeout: seconds; None: no end. Raises
        StillPending when it is over."""
        return self.run(self.calls.wait(id, timeout))

    def consume(self, id: str, *, execution: str | None = None) -> Decision:
        """Takes the decision for one execution: the one that may act on it. Raises AlreadyConsumed if another one took
        it, and NotSettled if there is none. It says nothing about what was decided: look at the decision.

        execution: as in `approve_or_raise`.
        """
        return self.run(self.calls.consume(id, execution))

    def cancel(self, id: str, *, reason: str | None = None) -> Request:
        """Withdraws the request. Raises Refused if it was decided."""
        return self.run(self.calls.cancel(id, reason))

    def list(
        self,
        *,
        status: str | None = None,
        source: str | None = None,
        approver: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Request]:
        """A part of the requests that the token may see, newest first."""
        filters = {"status": status, "source": source, "approver": approver}
        return self.run(self.calls.page(filters, limit, cursor))

    def iterate(
        self, *, status: str | None = None, source: str | None = None, approver: str | None = None
    ) -> Iterator[Request]:
        """All these requests, newest first."""
        page = self.list(status=status, source=source, approver=approver, limit=100)
        yield from page.data
        while page.next_cursor is not None:
            page = self.list(status=status, source=source, approver=approver, limit=100, cursor=page.next_cursor)
            yield from page.data

    def audit(self, id: str) -> tuple[AuditEntry, ...]:
        """The history of the request."""
        return self.run(self.calls.audit(id))

    def vote(
        self,
        id: str,
        *,
        person: str,
        version: int,
        digest: str,
        verdict: str,
        reason: str | None = None,
        value: object = None,
        items: tuple[Mapping[str, object], ...] | None = None,
    ) -> Request:
        """A vote by this person (Slack id or e-mail) from your own approval page. The token needs the scope `votes`,
        and the policy must allow it. version and digest: those of the request that you showed."""
        body = given.body_of(
            person=person,
            version=version,
            digest=digest,
            verdict=verdict,
            reason=reason,
            value=value,
            items=items,
        )
        return self.run(self.calls.vote(id, body))

    def take_back(self, id: str, *, person: str) -> Request:
        """Takes the answer back that this person gave and that whoever asked does not have yet: from your own approval
        page, as `vote`. Raises Refused if it is too late, or Forbidden if others gave the answer."""
        return self.run(self.calls.call_off(id, "take-back", person))

    def stop(self, id: str, *, person: str) -> Request:
        """Stops a decision while it is held (`Request.held_until`), in the name of a person who may answer: from your
        own approval page, as `vote`. Raises Refused if none is held."""
        return self.run(self.calls.call_off(id, "stop", person))

    def events(self, id: str) -> Iterator[Event]:
        """The request each time that it changes, until it is settled. A broken stream is opened again, so an event may
        come twice."""
        return follow(self._transport, given.check_id(id), self.calls.retry_for)

    # --- Tasks ----------------------------------------------------------------------------------

    @given.keyed
    def start(
        self,
        graph: str,
        inputs: Mapping[str, object],
        *,
        key: str,
        requester: str | None = None,
        channel: str | None = None,
        source: str | Source | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> Task:
        """Starts a graph in the bot. The same key with the same inputs is the same task."""
        body = self.calls.task_body(graph, inputs, requester, channel, source, metadata)
        return self.run(self.calls.start(body, key))

    def task(self, id: str) -> Task:
        """The task as it is now."""
        return self.run(self.calls.task(id))

    def wait_task(self, id: str, timeout: float | None = None) -> Task:
        """The task, once it is over: `ended`, `failed` or `stopped`. timeout: seconds; None: no end. Raises
        StillPending when it is over."""
        return self.run(self.calls.wait_task(id, timeout))

    def cancel_task(self, id: str, *, reason: str | None = None) -> Task:
        """Stops the task. Raises Refused if it is over."""
        return self.run(self.calls.cancel_task(id, reason))

    def list_tasks(
        self, *, status: str | None = None, source: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[Task]:
        """A part of the tasks that the token may see, newest first."""
        return self.run(self.calls.tasks_page({"status": status, "source": source}, limit, cursor))
