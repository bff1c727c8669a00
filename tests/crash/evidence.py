"""What can be seen from outside when all is over, and whether it is as promised."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Answered, Approve, Decision, Expired, Reject, outcome_of
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.request import Delivered, Request
from bot.approvals.model.task import Ended, Task
from bot.approvals.ports.storage import Records, Storage
from bot.approvals.services.audit.proof import Broken, verify
from bot.slack.cards import decision_words
from simulator.client import Simulator, render_text
from tests.crash.people import ALICE, all_messages
from tests.crash.people import Message as Shown

SETTLING = ("voted", "expired", "cancelled", "window_closed", "opened")
OPEN = ("[Approve", "[Reject", decision_words.WAITING, "aiting for the agent")
"""What no message shows once all is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One line that the graph wrote."""

    task: int
    node: str
    gate: int
    approved: bool
    feedback: str
    pid: int
    replica: int


@dataclass(slots=True, kw_only=True)
class Findings:
    """The figures, and everything that breaks a promise."""

    problems: list[str] = field(default_factory=list)
    tasks: int = 0
    ended: int = 0
    lost: int = 0
    """Commands that were acknowledged by a process that died before it had recorded them."""
    decisions: Counter[str] = field(default_factory=Counter)
    cards_twice: int = 0
    effects_twice: int = 0
    """Made again because the process that had made it was killed, or lost its lease, before its node was committed."""

    def wrong(self, problem: str) -> None:
        self.problems.append(problem)


Check: TypeAlias = Callable[
    [Findings, Records, Sequence[AuditEvent], Path, dict[str, list[str]], Callable[[Effect], bool]], None
]
"""What has to be so of one task: of its records and its history, of its effects in the folder, and of what is shown."""


async def look(
    storage: Storage,
    simulator: Simulator,
    effects: Path,
    *,
    sent: int,
    acknowledged: Sequence[int],
    interrupted: Callable[[Effect], bool],
    check: Check | None = None,
) -> Findings:
    """Compare records, Slack and effects. `interrupted` says whether the process that made an effect may have cut its
    node short. `check` looks at each task; without it, as a task with gates."""
    found = Findings()
    tasks = await storage.tasks_of(ALICE, 10_000)
    numbers = Counter(number_of(task) for task in tasks)
    for number, count in numbers.items():
        if count > 1:
            found.wrong(f"command {number} made {count} tasks")
    found.tasks = len(tasks)
    found.lost = len(set(acknowledged) - set(numbers))
    messages = await all_messages(simulator, sent)
    names = await simulator.names()
    shown: dict[str, list[str]] = {}
    for message in messages:
        id = message.get("metadata", {}).get("event_payload", {}).get("id", "")
        shown.setdefault(id, []).append(render_text(message, names))
    posted = Counter(posted_in(await simulator.traffic(method="chat.postMessage")))
    for id, count in posted.items():
        if count > 1 or len(shown.get(id, [])) > 1:
            found.cards_twice += 1
            found.wrong(f"surface {id} was posted {count} times: {shown.get(id)}")
    recorded: set[str] = set()
    for task in tasks:
        kept = await storage.messages_of(task.id)
        recorded |= {message.id for message in kept}
        records = Records(task=task, requests=tuple(await storage.requests_of(task.id)), messages=tuple(kept))
        history = await storage.history(task.id)
        (check or _gates)(found, records, history, effects, shown, interrupted)
    proof = await verify(storage)
    if isinstance(proof, Broken):
        found.wrong(f"the audit log is broken at entry {proof.number}: {proof.why}")
    for id in set(shown) - recorded:
        found.wrong(f"shown and not recorded: {shown[id]}")
    return found


def _gates(
    found: Findings,
    records: Records,
    history: Sequence[AuditEvent],
    effects: Path,
    shown: dict[str, list[str]],
    interrupted: Callable[[Effect], bool],
) -> None:
    task, requests = records.task, records.requests
    _task(found, task, requests, records.messages)
    settled_once(found, requests, history)
    _effects(found, task, requests, effects_of(effects, number_of(task)), interrupted)
    _shown(found, task, {request.id: request for request in requests}, records.messages, shown)


def _task(found: Findings, task: Task, requests: Sequence[Request], messages: Sequence[Message]) -> None:
    name, gates = f"task {number_of(task)}", task.inputs["gates"]
    if isinstance(task.state, Ended):
        found.ended += 1
        if task.state.outcome != f"Task {number_of(task)} has passed {gates}.":
            found.wrong(f"{name} ended otherwise: {task.state.outcome}")
    else:
        found.wrong(f"{name} has not ended: {task.state}")
    titles = [request.question.title for request in requests]
    if titles != [f"Task {number_of(task)}, gate {gate + 1}" for gate in range(len(requests))] or len(titles) != gates:
        found.wrong(f"{name} asked {titles}")
    kinds = Counter(message.kind for message in messages)
    for kind, wanted in ((MessageKind.OPENING, 1), (MessageKind.CARD, gates), (MessageKind.OUTCOME, 1)):
        if kinds[kind] != wanted:
            found.wrong(f"{name} has {kinds[kind]} messages of the kind {kind}")
    copies = Counter((message.request_id, message.to) for message in messages if message.kind is MessageKind.COPY)
    for (request_id, to), count in copies.items():
        if count > 1:
            found.wrong(f"{name}: {count} copies of {request_id} to {to}")


def settled_once(found: Findings, requests: Sequence[Request], history: Sequence[AuditEvent]) -> None:
    """Each request is delivered, and one event settled it as its record says."""
    for request in requests:
        name = request.question.title
        if not isinstance(request.state, Delivered):
            found.wrong(f"{name} is not delivered: {request.state}")
        settling = [
            event
            for event in history
            if event.request_id == request.id and event.kind in SETTLING and "outcome" in event.data
        ]
        outcomes = [str(event.data["outcome"]) for event in settling]
        decided = str(outcome_of(request.decision)) if request.decision else "nothing"
        if outcomes != [decided]:
            found.wrong(f"{name} was settled by {outcomes}, and its record says {decided}")
        found.decisions[decided] += 1


def _effects(
    found: Findings,
    task: Task,
    requests: Sequence[Request],
    effects: Sequence[Effect],
    interrupted: Callable[[Effect], bool],
) -> None:
    made: dict[tuple[str, int], list[Effect]] = {}
    for effect in effects:
        made.setdefault((effect.node, effect.gate), []).append(effect)
    for number, request in enumerate(requests, start=1):
        for node in ("gate", "beyond"):
            name, same = f"{request.question.title}, effect of {node}", made.get((node, number), [])
            if not same:
                found.wrong(f"{name} was never made")
            if len(same) > 1:
                found.effects_twice += 1
            if alive := [effect.pid for effect in same[:-1] if not interrupted(effect)]:
                found.wrong(f"{name} was made {len(same)} times, also by {alive}, which was not interrupted")
            for effect in same:
                if not _is_answer(effect, request.decision):
                    found.wrong(f"{name} got {effect}, and what was decided is {request.decision}")


def _is_answer(effect: Effect, decision: Decision | None) -> bool:
    match decision:
        case Answered(verdicts=(Approve(),)):
            return effect.approved and not effect.feedback
        case Answered(verdicts=(Reject(reason=reason),)):
            return not effect.approved and effect.feedback == reason
        case Expired():
            return not effect.approved and effect.feedback.startswith("Rejected: nobody answered")
        case _:
            return False


def _shown(
    found: Findings,
    task: Task,
    requests: dict[Any, Request],
    messages: Sequence[Message],
    shown: dict[str, list[str]],
) -> None:
    decisions = sorted((each.decision for each in requests.values() if each.decision), key=lambda each: each.at)
    ending = [f"{_sign(decisions[-1])} ", *_decided(decisions[-1]), *_passed(task)] if decisions else []
    for message in messages:
        words = "\n".join(shown.get(message.id, []))
        request = requests[message.request_id] if message.request_id else None
        told = ["@alice"] if message.kind is MessageKind.OUTCOME else []
        wanted = _wanted(task, request) if request else [*ending, *told]
        missing = [word for word in wanted if word not in words]
        unwanted = [word for word in OPEN if word in words]
        if missing or unwanted:
            found.wrong(
                f"task {number_of(task)}, {message.kind}: {missing} missing, {unwanted} there, in: {words!r} "
                f"({message})"
            )


def _wanted(task: Task, request: Request) -> Iterator[str]:
    """What every card of a delivered request says: who decided what, and that the agent knows."""
    if request.decision is None:
        return  # that it is not delivered is a finding of its own
    yield f"{_sign(request.decision)} "
    yield from _decided(request.decision)
    match request.decision:
        case Answered(verdicts=(Reject(reason=reason),)):
            yield reason
        case _:
            pass
    reported = isinstance(request.state, Delivered) and request.state.outcome
    if reported:
        yield from _passed(task)
    if not reported or _sign(request.decision) != decision_words.APPROVED:
        yield "he agent was told"


def _decided(decision: Decision) -> Iterator[str]:
    match decision:
        case Answered(verdicts=(Approve(),)):
            yield "pproved by @bob"
        case Answered(verdicts=(Reject(),)):
            yield "Rejected by @carol"
        case _:
            yield "Expired: nobody answered by"


def _passed(task: Task) -> Iterator[str]:
    """What the agent reports in the end."""
    yield f"Task {number_of(task)} has passed {task.inputs['gates']}"


def _sign(decision: Decision) -> str:
    match decision:
        case Answered(verdicts=(Approve(),)):
            return decision_words.APPROVED
        case Answered():
            return decision_words.REJECTED
        case _:
            return decision_words.EXPIRED


def posted_in(calls: Iterable[Shown]) -> Iterator[str]:
    """The ids of the messages that came to stand in Slack, whether or not the bot was told."""
    return (call["arguments"]["metadata"]["event_payload"]["id"] for call in calls if call.get("ok"))


def effects_of(effects: Path, number: int) -> list[Effect]:
    """What the graph wrote for this task, in order."""
    file = effects / f"{number}.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    return [
        Effect(
            task=number,
            node=line["node"],
            gate=line["gate"],
            approved=line["answer"]["approved"],
            feedback=line["answer"]["feedback"],
            pid=line["pid"],
            replica=line["replica"],
        )
        for line in lines
    ]


def number_of(task: Task) -> int:
    return int(str(task.inputs["number"]))
