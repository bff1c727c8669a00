"""Breakpoints (`interrupt_before`, `interrupt_after`) of a server's graph: where a thread stands at one, as a question.

The server does not say that a thread stands at a breakpoint. It follows from the thread's state: nothing of the next
step has begun, and either the last run came to an orderly end, or the graph's drawing has a breakpoint there. To go on
is to run without input, which passes every breakpoint at which the thread stands, also in subgraphs. So all of them are
one question, as in `bot.engines.langgraph.breakpoints`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bot.approvals.model.agent import Asked
from bot.approvals.model.fingerprint import fingerprint
from bot.approvals.model.ids import JSON, InterruptId
from bot.approvals.model.question import Item, Question, Verdict
from bot.engines import schemas
from bot.engines.payload import to_json
from bot.engines.questions import breakpoint
from bot.engines.server.client import Row

_PREFIX: Final = "breakpoint:"
_WITHIN: Final = ":"
"""Between the name of a node and those of the graph within it, in the server's drawing."""
_PUSHED: Final = "__pregel_push"
"""Begins the path of a task that `Send` made."""
_ANY: Final = "*"
_MAX_SCHEMA_CHARACTERS: Final = 4000
"""A longer schema, such as that of messages, helps nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stops:
    """The nodes before and after which a graph stops. Those of a graph within it have the names of the nodes around
    them before their own. `*` stands for all nodes of the root."""

    before: frozenset[str] = frozenset()
    after: frozenset[str] = frozenset()

    def and_of(self, run: Row | None) -> Stops:
        """With the breakpoints that whoever began the run has added to it."""
        kwargs = (run or {}).get("kwargs") or {}
        before, after = (_listed(kwargs.get(key)) for key in ("interrupt_before", "interrupt_after"))
        return Stops(before=self.before | before, after=self.after | after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A graph, the root or one within it, of whose next step nothing has begun."""

    state: Row
    within: tuple[str, ...] = ()
    """The nodes around it."""
    ran: tuple[str, ...] = ()
    """The nodes of the step before, as far as they were looked up."""

    @property
    def checkpoint_id(self) -> str:
        return str((self.state.get("checkpoint") or {}).get("checkpoint_id", ""))

    @property
    def next(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(task["name"]) for task in self.state["tasks"]))

    @property
    def sent(self) -> tuple[str, ...]:
        """The nodes that run with arguments of their own (`Send`), which the server does not show."""
        paths = ((task["name"], task.get("path") or ()) for task in self.state["tasks"])
        return tuple(dict.fromkeys(str(name) for name, path in paths if path and path[0] == _PUSHED))

    def stops_at(self, stops: Stops) -> bool:
        """Whether the graph has a breakpoint here."""
        return bool(self._before(stops) or self._after(stops))

    def title(self, stops: Stops) -> str:
        before, after = self._before(stops), self._after(stops)
        if after and not before:
            return f"After {', '.join(sorted(after))}"
        return f"Before {', '.join(sorted(before or self.next))}"

    def _before(self, stops: Stops) -> list[str]:
        return [name for name in self.next if self._named(name) in stops.before or self._all(stops.before)]

    def _after(self, stops: Stops) -> list[str]:
        return [name for name in self.ran if self._named(name) in stops.after or self._all(stops.after)]

    def _named(self, name: str) -> str:
        return _WITHIN.join((*self.within, name))

    def _all(self, names: frozenset[str]) -> bool:
        return _ANY in names and not self.within


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The breakpoints at which a thread stands."""

    root: str
    """The root's checkpoint."""
    steps: tuple[Step, ...]
    stops: Stops
    schema: Mapping[str, JSON] = field(default_factory=dict)
    """The JSON Schema of the root's state."""

    @property
    def id(self) -> InterruptId:
        """Made of the checkpoints, so that it is the same as long as the thread stands there."""
        within = [step.checkpoint_id for step in self.steps if step.within]
        return InterruptId(_PREFIX + ":".join((self.root, *within)))

    @property
    def titles(self) -> list[str]:
        return [step.title(self.stops) for step in self.steps]

    def runs(self, states: Sequence[JSON] | None = None) -> JSON:
        """What runs if the thread goes on. `states` take the place of the states as they are."""
        states = states if states is not None else [to_json(step.state["values"]) for step in self.steps]
        return [
            {"next": list(step.next), "state": state, "sends": list(step.sent)}
            for step, state in zip(self.steps, states, strict=True)
        ]

    def asked(self, now: datetime) -> Asked:
        """The breakpoints as an open interrupt."""
        return Asked(
            interrupt_id=self.id,
            question=self._question(),
            place=self.titles[0].lower(),
            fingerprint=fingerprint(self.runs(), None, now),
        )

    def _question(self) -> Question:
        titles = self.titles
        named = [""] if len(titles) == 1 else titles
        hidden = list(dict.fromkeys(name for step in self.steps for name in step.sent))
        return Question(
            shape=breakpoint.NAME,
            title=f"{' and '.join(titles)}: go on?",
            text=_unseen(hidden) if hidden else "",
            items=tuple(self._item(step, name, seen=not hidden) for step, name in zip(self.steps, named, strict=True)),
            payload={title: to_json(step.state["values"]) for title, step in zip(titles, self.steps, strict=True)},
            types=(),
        )

    def _item(self, step: Step, name: str, *, seen: bool) -> Item:
        """The state: every key of its schema, with None for a key without a value. Only the root's can be edited, and
        only if one node ran before: else the server cannot tell in whose name the edit is written."""
        values = step.state["values"]
        verdicts: tuple[Verdict, ...] = (Verdict.APPROVE, Verdict.REJECT) if seen else (Verdict.REJECT,)
        if not isinstance(values, dict):
            return Item(name=name, arguments={"state": to_json(values)}, verdicts=verdicts)
        schema = self.schema if not step.within else {}
        properties, keys = _properties(schema, values), schema.get("properties")
        if seen and not step.within and len(step.ran) == 1 and properties:
            verdicts = (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT)
        named = [*(keys if isinstance(keys, dict) else ()), *values]
        arguments = {str(key): to_json(values.get(key)) for key in dict.fromkeys(named)}
        return Item(
            name=name, arguments=arguments, verdicts=verdicts, schema={"type": "object", "properties": properties}
        )


def is_breakpoint(interrupt_id: InterruptId) -> bool:
    """Whether the id is one of ours for a breakpoint. LangGraph's own ids are hexadecimal."""
    return interrupt_id.startswith(_PREFIX)


def root_of(interrupt_id: InterruptId) -> str:
    """The root's checkpoint at which the thread stood at the breakpoint."""
    return interrupt_id.removeprefix(_PREFIX).split(":")[0]


def drawn(drawing: Row) -> Stops:
    """The breakpoints that the server's drawing of the graph has."""
    marks = {str(node["id"]): str((node.get("metadata") or {}).get("__interrupt", "")) for node in drawing["nodes"]}
    return Stops(
        before=frozenset(name for name, mark in marks.items() if "before" in mark.split(",")),
        after=frozenset(name for name, mark in marks.items() if "after" in mark.split(",")),
    )


def nodes(drawing: Row) -> tuple[str, ...]:
    """The names of the graph's own nodes."""
    ids = (str(node["id"]) for node in drawing["nodes"])
    return tuple(dict.fromkeys(id.split(_WITHIN)[0] for id in ids if not id.startswith("__")))


def unbegun(state: Row, within: tuple[str, ...] = ()) -> Iterator[Step]:
    """The graphs of whose next step nothing has begun."""
    tasks = state["tasks"]
    if tasks and not any(_begun(task) for task in tasks):
        yield Step(state=state, within=within)
        return
    for task in tasks:
        if task.get("state") and task.get("result") is None:
            yield from unbegun(task["state"], (*within, str(task["name"])))


def _begun(task: Row) -> bool:
    inner = task.get("state") or {}
    return bool(task["interrupts"] or task.get("error") or task.get("result") is not None or inner.get("created_at"))


def _listed(names: Any) -> frozenset[str]:
    if isinstance(names, str):
        return frozenset({names})
    return frozenset(str(each) for each in names) if isinstance(names, Sequence) else frozenset()


def _properties(schema: Mapping[str, JSON], values: Mapping[str, Any]) -> dict[str, JSON]:
    found: dict[str, JSON] = {}
    listed = schema.get("properties")
    for name, entry in listed.items() if isinstance(listed, dict) else ():
        if not isinstance(entry, dict):
            continue
        own = {key: value for key, value in entry.items() if key != "default"}
        whole = schemas.inlined({**own, "$defs": schema.get("$defs", {})})
        if len(json.dumps(whole)) > _MAX_SCHEMA_CHARACTERS:
            continue
        found[name] = whole if values.get(name) is not None else {"anyOf": [whole, {"type": "null"}]}
    return found


def _unseen(names: Iterable[str]) -> str:
    listed = ", ".join(f"`{name}`" for name in names)
    return (
        f"The server does not show what {listed} would be run with, so nobody can approve it here. "
        "You can reject it, or go on where all of it can be seen."
    )
