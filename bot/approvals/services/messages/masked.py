"""Records and events with their secrets masked, as they leave the process.

Everything here is pure. Code that draws a record masks it first; code that decides reads the true one.
"""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Final

from bot.approvals.inbox.queries import Contents, Page, Row
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.errors import Difference
from bot.approvals.model.ids import RequestId, TaskId
from bot.approvals.model.request import Delivered, Request
from bot.approvals.model.task import Ended, Task, in_short
from bot.approvals.ports.slack import View
from bot.approvals.ports.storage import Records
from bot.approvals.rules.masking import Masker, Secrets
from bot.approvals.rules.matching import Policies

MAX_RECENT: Final = 16
"""Tasks whose masked records are kept."""
_OPEN: Final = ("task_id", "thread_id", "interrupt_id", "graph", "requester", "policy", "asked")
"""Fields of a request that hold no secret."""


def marks_of(policies: Policies, graph: str) -> tuple[str, ...]:
    """The keys that any rule of the policy file masks in this graph's questions."""
    named = [policies.otherwise.mask]
    for rule in policies.rules:
        if not rule.graphs or any(fnmatchcase(graph.casefold(), pattern.casefold()) for pattern in rule.graphs):
            named.append(rule.policy.mask)
    return tuple(dict.fromkeys(mark for marks in named for mark in marks))


@dataclass(frozen=True, slots=True)
class _Kept:
    """A task's records as they were masked last."""

    task: Task
    requests: Sequence[Request]
    marks: tuple[str, ...]
    masker: Masker
    masked: Task
    shown: Mapping[RequestId, Request]


def _same(some: Sequence[Request], others: Sequence[Request]) -> bool:
    """Whether these are the very same records, not only equal ones."""
    return len(some) == len(others) and all(map(operator.is_, some, others))


@dataclass(frozen=True, slots=True, kw_only=True)
class Masking:
    """Masks what is drawn. `marks` returns the keys that the policy file masks for a graph; `learned` gets the values
    that were hidden because of their names, so that the log can hide them too."""

    secrets: Secrets
    marks: Callable[[str], tuple[str, ...]]
    learned: Callable[[Collection[str]], object]
    _recent: OrderedDict[TaskId, _Kept] = field(default_factory=OrderedDict, init=False, repr=False, compare=False)

    def text(self, words: str) -> str:
        """A sentence that may repeat what somebody typed, outside of any task."""
        return Masker(self.secrets).text(words)

    def view(self, view: View) -> View:
        """Everything that a message may show. A task's messages are drawn together, so what was masked last is kept."""
        requests = view.requests or ((view.request,) if view.request is not None else ())
        marks = self.marks(view.task.graph)
        kept = self._recent.get(view.task.id)
        if kept is None or kept.task is not view.task or kept.marks != marks or not _same(kept.requests, requests):
            masker = self._masker(view.task, requests)
            shown = {each.id: _request(masker, each, view.task) for each in requests}
            kept = _Kept(view.task, requests, marks, masker, _task(masker, view.task), shown)
            self._recent[view.task.id] = kept
            if len(self._recent) > MAX_RECENT:
                self._recent.popitem(last=False)
        return replace(
            view,
            task=kept.masked,
            request=None if view.request is None else kept.shown[view.request.id],
            requests=tuple(kept.shown[each.id] for each in view.requests),
            doing=None if view.doing is None else kept.masker.text(view.doing),
        )

    def request(self, task: Task, request: Request) -> Request:
        """One request, for its modals."""
        return _request(self._masker(task, (request,)), request, task)

    def differences(self, task: Task, request: Request, found: Sequence[Difference]) -> tuple[Difference, ...]:
        """What has changed in a request, for people. A value that is hidden before and now is left out."""
        masker = self._masker(task, (request,))
        for side in ("before", "now"):
            masker.learn({each.name: getattr(each, side) for each in found}, "arguments")

        def masked(each: Difference) -> Difference:
            shown = [masker.value({each.name: side}, "arguments") for side in (each.before, each.now)]
            before, now = (side[each.name] if isinstance(side, dict) else None for side in shown)
            hidden = before == now
            return replace(each, before=None if hidden else before, now=None if hidden else now)

        return tuple(masked(each) for each in found)

    def records(self, records: Records) -> Records:
        """A task and its requests, for lists."""
        masker = self.masker(records)
        requests = tuple(_request(masker, each, records.task) for each in records.requests)
        return replace(records, task=_task(masker, records.task), requests=requests)

    def contents(self, contents: Contents) -> Contents:
        """What somebody's inbox shows."""
        return replace(
            contents,
            waiting=self._page(contents.waiting),
            asked=self._page(contents.asked),
            decided=self._page(contents.decided),
            undoable=self._page(contents.undoable),
        )

    def masker(self, records: Records) -> Masker:
        """The masker of a task, for anything else that is said about it."""
        return self._masker(records.task, records.requests)

    def learn(self, task: Task, requests: Sequence[Request]) -> None:
        """Have the log hide what is secret in this task."""
        self._masker(task, requests)

    def _masker(self, task: Task, requests: Sequence[Request]) -> Masker:
        marks = dict.fromkeys((*self.marks(task.graph), *(mark for each in requests for mark in each.policy.mask)))
        masker = Masker(self.secrets, tuple(marks))
        masker.learn(dict(task.inputs), "inputs")
        for request in requests:
            masker.study(request.proposed)
            if request.edited:
                masker.study(request.question)
        self.learned(masker.known)
        return masker

    def _page(self, page: Page[Row]) -> Page[Row]:
        return replace(page, rows=tuple(self._row(row) for row in page.rows))

    def _row(self, row: Row) -> Row:
        masker = self.masker(row.records)
        task = row.records.task
        requests = tuple(_request(masker, each, task) for each in row.records.requests)
        records = replace(row.records, task=_task(masker, task), requests=requests)
        return Row(records=records, request=None if row.request is None else _request(masker, row.request, task))


def masked_event(masker: Masker, event: AuditEvent) -> AuditEvent:
    """The event as people may read it. Its digest stays that of the true question."""
    data = masker.value(dict(event.data), "data")
    return replace(event, data=data if isinstance(data, dict) else {})


def _task(masker: Masker, task: Task) -> Task:
    return masker.record(task, but=("thread_id", "graph", "requester", "channel", "thread_ts"))


def _request(masker: Masker, request: Request, task: Task) -> Request:
    if not request.edited and request.proposed == request.question:
        masked = masker.record(request, but=(*_OPEN, "proposed"))
        masked = replace(masked, proposed=masked.question)
    else:
        masked = masker.record(request, but=_OPEN)
    state = masked.state
    if not isinstance(state, Delivered) or not state.outcome or not isinstance(task.state, Ended):
        return masked
    # the short outcome may end within a secret, which only the full text lets us see
    return replace(masked, state=replace(state, outcome=in_short(masker.text(task.state.outcome, "outcome"))))
