"""A version of a request in full, as lines of text: what is asked, of whom, on which terms, and where it comes from.

Empty fields are left out. Keys that this module does not know are shown as they were recorded.
"""

from __future__ import annotations

from typing import Final

from bot.approvals.model.ids import JSON
from bot.cli.audit.values import (
    Data,
    as_json,
    indented,
    is_empty,
    listed,
    moment,
    one_line,
    pairs,
    person,
    prose,
    seconds,
    shown,
)
from bot.printable import printable

VERDICTS: Final = {
    "approve": "approved",
    "edit": "changed",
    "reject": "rejected",
    "respond": "answered",
    "choose": "chosen",
    "undo": "undone",
    "keep": "kept",
}


def version(data: Data) -> list[str]:
    """What begins a version. Takes what it tells from the data."""
    if "question" not in data.left:
        return []
    return [*_question(data.inner("question")), *_task(data.inner("task")), *_terms(data)]


def _question(asked: Data) -> list[str]:
    lines = [*prose("Asked", asked.take("title")), *prose("Text", asked.take("text"))]
    items = asked.take("items")
    actions = items if isinstance(items, list) else [items]
    for number, action in enumerate(actions, start=1):
        lines += _item(action, f" {number} of {len(actions)}" if len(actions) > 1 else "")
    lines += _named("Choices", asked, "choices", listed(asked.left.get("choices"), "or"))
    options = asked.take("options")
    for option in options if isinstance(options, list) else []:
        lines += shown("Choice in full", option)
    risk = asked.take("risk")
    lines += [f"Risk: {one_line(risk)}"] if risk else []
    lines += _named("To be seen first", asked, "summary", listed(asked.left.get("summary")))
    lines += _window(asked.inner("window"))
    look = asked.take("look_again")
    lines += [f"The agent looked again: what had been approved was {one_line(look)}."] if look else []
    shape, convention = asked.text("shape"), asked.text("convention")
    lines += [f"Form of the interrupt: {shape}{f', {convention}' if convention else ''}"] if shape else []
    for key, name in (("form", "The form to fill in"), ("labels", "The agent's own words for buttons")):
        value = asked.take(key)
        lines += [] if is_empty(value) else shown(name, value)
    payload = asked.take("payload")
    lines += [] if payload is None else shown("As the agent gave it", payload)
    types = asked.take("types")
    lines += [] if is_empty(types) else shown("What JSON cannot say of that", types)
    return [*lines, *asked.rest()]


def _item(action: JSON, which: str) -> list[str]:
    if not isinstance(action, dict):
        return shown(f"Action{which}", action)
    item = Data(dict(action))
    name, verdicts, arguments = item.text("name"), item.take("verdicts"), item.take("arguments")
    may = [VERDICTS.get(str(each), str(each)) for each in verdicts] if isinstance(verdicts, list) else []
    can_be = f" (can be {listed([*may], 'or')})" if may else ""
    lines = [f"Action{which}{f': {name}' if name else ''}{can_be}"]
    if isinstance(arguments, dict):
        lines += indented(pairs(arguments))
    else:
        lines += indented(shown("arguments", arguments)) if arguments is not None else []
    return [*lines, *indented(item.rest())]


def _window(window: Data) -> list[str]:
    if not any(not is_empty(value) for value in window.left.values()):
        return []
    length, at, how = seconds(window.take("length")), window.take("at"), window.take("how")
    since = f", counted from {moment(at)}" if at else ""
    return [f"It can be undone for {length}{since}.", *prose("How it is undone", how), *window.rest()]


def _task(task: Data) -> list[str]:
    lines = []
    graph, place = task.text("graph"), task.text("place")
    if graph:
        lines.append(f"Asked by {graph}{f', at {place}' if place else ''}")
    inputs = task.take("inputs")
    if isinstance(inputs, dict) and inputs:
        lines += ["It was started with:", *indented(pairs(inputs))]
    requester = task.take("requester")
    lines += [f"Requester: {person(requester)}"] if requester is not None else []
    lines += source(task)
    server = task.take("server")
    lines += [] if is_empty(server) else shown("LangGraph Server", server)
    return [*lines, *task.rest()]


def source(data: Data) -> list[str]:
    """The program that asks, as it said itself."""
    of = data.inner("source")
    name, url, run = of.text("name"), of.text("url"), of.text("run")
    if not name:
        return of.rest()
    more = "".join([f", run {run}" if run else "", f", {url}" if url else ""])
    return [f"Program: {name}{more}", *of.rest()]


def _terms(data: Data) -> list[str]:
    policy = data.inner("policy")
    rule, stages = policy.text("rule"), policy.take("stages")
    lines = [f"Policy: {rule}"] if rule else []
    each_stage = stages if isinstance(stages, list) else [stages]
    for number, stage in enumerate(each_stage, start=1):
        lines += indented(_stage(stage, f"stage {number} of {len(each_stage)}: " if len(each_stage) > 1 else ""))
    requester_may = policy.take("self_approval")
    if requester_may is not None:
        lines.append(f"    the requester {'may' if requester_may is True else 'may not'} answer")
    reasons = policy.take("reasons")
    lines += [f"    a reason is needed to {listed(reasons, 'or')}"] if reasons else []
    lines += ["    only approvers see it"] if policy.take("private") is True else []
    via = policy.take("via")
    lines += [f"    people may also answer on pages with the token {listed(via, 'or')}"] if via else []
    hold = policy.take("hold_seconds")
    lines += [f"    a decision is held for {seconds(hold)}"] if hold else []
    valid = policy.take("valid_for_seconds")
    stale = policy.take("on_stale")
    then = {"ask": "people are asked again", "stop": "the task is stopped"}.get(str(stale), one_line(stale))
    lines += [f"    a decision is valid for {seconds(valid)}; then {then}"] if valid is not None else []
    undo = policy.inner("undo")
    approvers, by_requester = undo.take("approvers"), undo.take("requester")
    may_undo = [*(approvers if isinstance(approvers, list) else []), *(["the requester"] if by_requester else [])]
    lines += [f"    {listed(may_undo, 'or')} may undo it"] if may_undo else []
    lines += indented(policy.rest())
    able = data.take("eligible")
    lines.append(f"May answer now: {listed(able, 'or') or 'nobody'}")
    if "deadline" in data.left:
        deadline = data.take("deadline")
        lines.append(f"Deadline: {moment(deadline) if deadline else 'none'}")
    return lines


def _stage(value: JSON, which: str) -> list[str]:
    if not isinstance(value, dict):
        return shown(f"{which}stage", value) if value is not None else []
    stage = Data(dict(value))
    name, groups = stage.text("name"), stage.take("groups")
    words = []
    for group in groups if isinstance(groups, list) else []:
        match group:
            case {"approvers": approvers, "needed": needed, **more} if not more:
                words.append(f"{one_line(needed)} of {listed(approvers) or '(nobody is named)'}")
            case _:
                words.append(printable(as_json(group)))
    quorum, deadline = stage.take("reject_quorum"), stage.take("deadline_seconds")
    line = f"{which}{f'{name}: ' if name else ''}{' and '.join(words)} must approve"
    line += f"; {one_line(quorum)} can reject" if quorum is not None else ""
    line += f"; within {seconds(deadline)}" if deadline is not None else ""
    return [line, *stage.rest()]


def _named(name: str, data: Data, key: str, words: str) -> list[str]:
    data.take(key)
    return [f"{name}: {words}"] if words else []
