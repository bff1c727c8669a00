"""What has to be so of a task whose action can be undone: one action, undone once or kept, and cards that agree."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Outcome, outcome_of
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Request
from bot.approvals.model.task import Ended
from bot.approvals.ports.storage import Records
from bot.engines import questions
from tests.crash.evidence import OPEN, Effect, Findings, effects_of, number_of, settled_once

_OFFERS = (*OPEN, "[Undo", "[Keep", "an be undone until", "is being undone", "Not undone")
"""What no message shows once all is over."""
_CARD = {Outcome.UNDO: "@alice chose Undo", Outcome.KEEP: "Kept by @alice", Outcome.CLOSED: "It stays: nobody undid it"}
_APPROVAL = {
    Outcome.UNDO: "Undo was chosen later",
    Outcome.KEEP: "What it did was kept",
    Outcome.CLOSED: "What it did stays",
}


def check(
    found: Findings,
    records: Records,
    history: Sequence[AuditEvent],
    effects: Path,
    shown: dict[str, list[str]],
    interrupted: Callable[[Effect], bool],
) -> None:
    """Look at one task, whose action can be undone."""
    number = number_of(records.task)
    settled_once(found, records.requests, history)
    made = effects_of(effects, number)
    problems = [
        *_of_requests(found, records),
        *_of_effects(records, effects, made),
        *_of_runs(found, made, interrupted),
        *_of_messages(records, shown),
    ]
    found.problems += [f"task {number}: {each}" for each in problems]


def _asked(records: Records) -> tuple[Request, Request | None]:
    """The approval, and the offer to undo if there is one."""
    return records.requests[0], next((each for each in records.requests if each.is_window), None)


def _outcome(request: Request | None) -> Outcome | None:
    return request.decision.outcome if request is not None and request.decision is not None else None


def _of_requests(found: Findings, records: Records) -> Iterator[str]:
    """It asked, and if it was approved it offered to undo that, once. The approval says what became of the offer."""
    number, state = number_of(records.task), records.task.state
    approval, window = _asked(records)
    approved = _outcome(approval) is Outcome.APPROVE
    if len(records.requests) != 1 + approved or (window is not None) is not approved:
        yield f"it has requests {[each.question.title for each in records.requests]} after {approval.decision}"
    if approval.undo is None if window is not None else approval.undo is not None:
        yield f"its approval knows {approval.undo} of {window}"
    if approval.undo is not None and approval.undo.outcome != _outcome(window):
        yield f"its approval says {approval.undo}, and people decided {_outcome(window)}"
    came_of = {None: "refused", Outcome.UNDO: "moved back"}.get(_outcome(window), "kept")
    if isinstance(state, Ended):
        found.ended += 1
    if not isinstance(state, Ended) or state.outcome != f"Task {number} was {came_of}.":
        yield f"it should have been {came_of}, and is {state}"


def _of_effects(records: Records, effects: Path, made: Sequence[Effect]) -> Iterator[str]:
    """It acted once if it was approved, and undid that once, under the key of the decision, if somebody wanted it."""
    approval, window = _asked(records)
    wanted = {"act": int(_outcome(approval) is Outcome.APPROVE), "undo": int(_outcome(window) is Outcome.UNDO)}
    rows = _rows(effects, number_of(records.task))
    counted = Counter(node for node, _ in rows)
    if any(counted[node] != count for node, count in wanted.items()):
        yield f"it made {counted}, and should have made {wanted}"
    if window is not None and window.decision is not None and wanted["undo"]:
        told: Any = questions.answer(window.question, window.proposed, window.decision)
        keys = {effect.feedback for effect in made if effect.node == "undo"} | {key for n, key in rows if n == "undo"}
        if keys != {told["key"]}:
            yield f"it was undone under the keys {keys}, and was told {told}"


def _rows(effects: Path, number: int) -> list[tuple[str, str]]:
    """The effects of this task that happened: node and key."""
    file = effects / "effects.sqlite"
    if not file.exists():
        return []
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT node, key FROM made WHERE number = ?", (number,)).fetchall()


def _of_runs(found: Findings, made: Sequence[Effect], interrupted: Callable[[Effect], bool]) -> Iterator[str]:
    """A node ran again only because its process did not come to its end."""
    for node in ("act", "undo"):
        same = [effect for effect in made if effect.node == node]
        found.effects_twice += len(same) > 1
        if alive := [effect.pid for effect in same[:-1] if not interrupted(effect)]:
            yield f"{node} ran {len(same)} times, also in {alive}, which was not interrupted"


def _of_messages(records: Records, shown: dict[str, list[str]]) -> Iterator[str]:
    """There is one card for each request, and all of them say what became of it."""
    kinds = Counter(message.kind for message in records.messages)
    if kinds[MessageKind.CARD] != len(records.requests) or kinds[MessageKind.OPENING] != 1:
        yield f"it has messages {kinds}"
    requests = {request.id: request for request in records.requests}
    _, window = _asked(records)
    for message in records.messages:
        words = "\n".join(shown.get(message.id, [])).replace("*", "")
        request = requests[message.request_id] if message.request_id else None
        missing = [word for word in _wanted(message.kind, request, window) if word not in words]
        if unwanted := [word for word in _OFFERS if word in words]:
            yield f"{message.kind} still shows {unwanted}: {words!r}"
        if missing:
            yield f"{message.kind} lacks {missing}: {words!r}"


def _wanted(kind: MessageKind, request: Request | None, window: Request | None) -> Iterator[str]:
    if request is None or request.decision is None or kind is not MessageKind.CARD:
        return
    if request.is_window:
        yield _CARD[request.decision.outcome]
        return
    yield {"approve": "pproved by @bob", "reject": "Rejected by @carol"}.get(outcome_of(request.decision), "Expired")
    if (came_of := _outcome(window)) is not None:
        yield _APPROVAL[came_of]
