"""The results as tables: the goals, then ratios, then what they were made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.goals import MEASURED_BEFORE, rows
from benchmarks.stage import BACKENDS

Results = Mapping[str, Mapping[str, Any]]
"""By store: the name of a measurement -> its numbers."""
BOTS = (("bot", "bot"), ("before", "the earlier bot"), ("naive", "naive bot"))


def table(results: Results) -> str:
    """For a terminal."""
    stores = [name for name in BACKENDS if name in results]
    measured = [dict(_ratios(results[name])) for name in stores]
    numbers = [dict(_numbers(results[name])) for name in stores]
    lines = [("", *stores)]
    for title, columns in (("RATIOS", measured), ("NUMBERS", numbers)):
        lines += [("", *("" for _ in stores)), (title, *("" for _ in stores))]
        labels = list(dict.fromkeys(label for column in columns for label in column))
        lines += [(label, *(column.get(label, "-") for column in columns)) for label in labels]
    return _aligned(lines)


def goals(results: Results) -> str:
    """For a terminal: each goal with what was, what is, and whether it is met."""
    lines: list[tuple[str, ...]] = [("GOALS", "before", "now", "goal", "")]
    for name in (name for name in BACKENDS if name in results):
        lines += [(f"{name}: {label}", *cells) for label, *cells in rows(name, results[name])]
    return f"Before, where it was not measured in this run: {MEASURED_BEFORE}.\n{_aligned(lines)}\n"


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        line[0].ljust(widths[0])
        + "".join("  " + cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        for line in lines
    )


def _ratios(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if {"bare", "bot", "naive"} <= one.keys():
        bot, naive = one["bot"], one["naive"]
        yield "decisions/s, bot : bare LangGraph (goal 0.5)", f"{bot['per_second_of_bare']:.2f}"
        yield "decisions/s, naive bot : bare LangGraph", f"{naive['per_second_of_bare']:.2f}"
        yield "CPU a decision, bot process : bare LangGraph", f"{bot['cpu_ms_each_of_bare']:.1f}"
        yield "CPU a decision, naive bot : bare LangGraph", f"{naive['cpu_ms_each_of_bare']:.1f}"
    if {"bot_clicks", "naive_clicks"} <= one.keys():
        for what in ("acknowledged", "resumed", "updated"):
            yield (
                f"click to {what}, p50, bot : naive bot",
                _over(one["bot_clicks"], one["naive_clicks"], f"{what}_p50_ms"),
            )
    if "api" in one:
        bot, bare = one["api"]["bot"], one["api"]["bare"]
        waiting = f"{bot['waiting']:,} calls that wait"
        yield f"memory for {waiting}, bot : bare FastAPI", _over(bot, bare, "megabytes_for_waiting")
        yield "a call that asks, p50, bot : bare FastAPI", _over(bot, bare, "post_p50_ms")
    if "servers" in one:
        here, there = one["servers"]["approval"], one["servers"]["elsewhere"]
        yield "CPU a decision, bot, on a LangGraph Server : in its worker", _over(there, here, "cpu_ms_each")
    if "sweeps" in one:
        small, *_, large = one["sweeps"].values()
        few, *_, many = one["sweeps"]
        yield f"empty sweep, {int(many):,} : {int(few):,} pending (goal 1)", _over(large, small, "empty_ms")
        yield f"a due request, {int(many):,} : {int(few):,} pending", _over(large, small, "due_ms_each")
    if "memory" in one:
        none, *_, large = one["memory"].values()
        yield f"memory, {int(list(one['memory'])[-1]):,} : 0 pending (goal 1)", _over(large, none, "megabytes")
        if "recovery" in one:
            yield "start with all that waits : empty start", _over(one["recovery"], none, "start_seconds")


def _numbers(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for who, name in BOTS:
        if who in one.get("calls", {}):
            yield from _calls(name, one["calls"][who])
    for who, name in (("bare", "bare LangGraph"), *BOTS):
        if who in one:
            yield f"decisions/s, {name}", f"{one[who]['per_second']:.1f}"
            yield f"CPU ms a decision, {name}", f"{one[who]['cpu_ms_each']:.1f}"
    if "telemetry" in one:
        yield from _telemetry(one["telemetry"])
    clicks = ((f"{who}_clicks", name) for who, name in BOTS)
    for who, name in (*clicks, ("hindered", "bot while graphs hinder")):
        if who in one:
            yield f"clicks, {name}: all / acknowledged late", f"{one[who]['clicks']} / {one[who]['late']}"
            for what in ("acknowledged", "resumed", "updated"):
                cells = [f"{one[who][f'{what}_{cut}_ms']:.0f}" for cut in ("p50", "p99", "max")]
                yield f"click to {what}, {name}: p50 / p99 / max ms", " / ".join(cells)
    for size, each in one.get("sweeps", {}).items():
        yield f"empty sweep, {int(size):,} pending: ms", f"{each['empty_ms']:.2f}"
        yield f"a due request, {int(size):,} pending: ms", f"{each['due_ms_each']:.2f}"
    for size, each in one.get("memory", {}).items():
        for what, number in each.items():
            if what.startswith("megabytes"):
                yield f"{what}, {int(size):,} pending", f"{number:.0f}"
    if "memory" in one:
        yield "start, nothing pending: s", f"{next(iter(one['memory'].values()))['start_seconds']:.1f}"
    if "recovery" in one:
        found = one["recovery"]
        yield "start, with all that waits: s", f"{found['start_seconds']:.1f}"
        yield "all undelivered delivered after: s", f"{found['delivered_seconds']:.1f}"
        yield "all of it shown in Slack after: s", f"{found['shown_seconds']:.1f}"
    for who, name in (("bare", "bare FastAPI"), ("bot", "bot")):
        if each := one.get("api", {}).get(who):
            yield from _api(name, each)
    if "servers" in one:
        yield from _servers(one["servers"])
    if "kill_all" in one:
        yield "start after a kill of all: s", f"{one['kill_all']['start_seconds']:.1f}"
    for who, peer in one.get("peers", {}).items():
        if isinstance(peer, str):
            yield f"peer {who}: NOT MEASURED", peer[-100:]
        else:
            numbers = f"{peer['per_second']:.1f} / {peer['cpu_ms_each']:.1f}"
            yield f"8 at once, {who}: decisions/s / CPU ms of each", numbers
    for what, number in one.get("leak", {}).items():
        yield f"finished tasks: {what}", f"{number:.1f}"


def _telemetry(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for what, words in (("on", "CPU ms a decision, telemetry on"), ("off", "CPU ms a decision, telemetry off")):
        yield f"{words}: min / median / max", _spread(found[what], 1)
    yield "telemetry, % of a decision's CPU, pair by pair: min / median / max", _spread(found["percent"], 1)
    within = found["within"]
    yield (
        "within telemetry: CPU ms a decision / calls / %",
        (f"{within['cpu_ms_each']:.2f} / {within['calls_each']:.0f} / {within['percent']:.1f}"),
    )


def _spread(found: Mapping[str, float], digits: int) -> str:
    return " / ".join(f"{found[each]:.{digits}f}" for each in ("min", "median", "max"))


def _api(name: str, each: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    waiting = f"{each['waiting']:,} calls that wait, {name}"
    yield f"{waiting}: MB / of them for the calls", f"{each['megabytes']:.0f} / {each['megabytes_for_waiting']:.1f}"
    yield f"{waiting}: CPU % / without them", f"{each['cpu_percent']:.1f} / {each['cpu_percent_before']:.1f}"
    for what, words in (("post", "a call that asks"), ("card", "POST to card")):
        if f"{what}_p50_ms" in each:
            yield f"{words}, {name}: p50 / p95 ms", f"{each[f'{what}_p50_ms']:.1f} / {each[f'{what}_p95_ms']:.1f}"


def _servers(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for graph, where in (("approval", "in its worker"), ("elsewhere", "on a LangGraph Server")):
        each = found[graph]
        yield f"decisions/s, {where}", f"{each['per_second']:.1f}"
        cells = f"{each['cpu_ms_each']:.1f} / {each['server_cpu_ms_each']:.1f}"
        yield f"CPU ms a decision, {where}: bot / server", cells
    for how, words in (("look", "found by a look"), ("hint", "with a hint")):
        cells = f"{found['cards'][f'{how}_p50_ms'] / 1000:.2f} / {found['cards'][f'{how}_p95_ms'] / 1000:.2f}"
        yield f"thread waits to card, {words}: p50 / p95 s", cells
    watched = f"{found['watched']:,} watched threads"
    for when, words in (("idle", "no watched thread"), ("new", f"{watched}, all new"), ("old", watched)):
        cells = f"{found[when]['cpu_percent']:.2f} / {found[when]['server_cpu_percent']:.2f}"
        yield f"CPU % while nothing happens, {words}: bot / server", cells
    yield f"{watched}: from the first run to the last card: s", f"{found['shown']:.0f}"


def _calls(name: str, counted: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    limit = f"{counted['workspace_per_minute']:.0f} ({counted['limited_by']})"
    yield f"decisions a minute in a workspace by Slack's limits, {name} (goal 50)", limit
    yield f"decisions a minute in a channel by Slack's limits, {name}", f"{counted['channel_per_minute']:.0f}"
    for what, made in counted["commits"].items():
        yield f"transactions a decision, {name}: {what}", f"{made:.1f}"
    for method, made in counted["each"].items():
        yield f"calls a decision, {name}: {method}", f"{made:.1f}"


def _over(one: Mapping[str, float], other: Mapping[str, float], what: str) -> str:
    return f"{one[what] / other[what]:.2f}"


def failures(problems: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"NOT MEASURED: {what}: {why}" for what, why in problems)
