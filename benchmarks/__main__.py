"""`make bench`: Countersign beside bare LangGraph and the bot of the tutorials, on SQLite and Redis, in one run.

Nothing here is asserted: other work on the machine moves every number, and ratios less than numbers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import api, calls, decisions, kills, leak, report, scale, servers, stage, telemetry
from benchmarks.peers import measured as peers
from benchmarks.stage import OURS, Program
from benchmarks.unpaced import LIFTED
from tests.support.langgraph_server import NoServer, program
from tests.support.redis_server import NoRedis, find

LONGEST = 300.0
"""Seconds for one measurement."""
LONGEST_TELEMETRY = 900.0
LONGEST_LEAK = 1500.0
"""Seconds for the one of 20,000 tasks, which takes about 10 minutes on two cores."""
PEERS_ON, PEERS_AT_ONCE = "sqlite", 8
LONGEST_SERVERS = 900.0
"""Seconds for the one of a LangGraph Server, which takes about 6 minutes, most of it waiting."""
ON_REQUEST = ("servers",)
"""Sections that are measured only if they are named."""
SECTIONS = (
    *("calls", "decisions", "telemetry", "hindered", "kills", "sweeps", "memory", "recovery", "api", "leak", "peers"),
)
NAIVE = Program(module="benchmarks.naive")
LIFTED_NOTE = (
    f"Lifted for the bot: its own keeping to Slack's pace ({', '.join(LIFTED)} of bot.slack: a post a second in a "
    "channel, 50 updates a minute). The local Slack has no rate limits here. Slack, its people and the bot share this "
    "machine."
)


async def main(options: argparse.Namespace) -> int:
    """Measure, print, write."""
    began = time.monotonic()
    names = [name for name in options.stores if name != "redis" or _redis()]
    results: dict[str, dict[str, Any]] = {name: {} for name in names}
    problems: list[tuple[str, str]] = []

    async def measured(name: str, what: str, measurement: Awaitable[Any], longest: float = LONGEST) -> Any:
        sys.stderr.write(f"{time.monotonic() - began:6.1f} s  {name}: {what}\n")
        try:
            async with asyncio.timeout(min(longest, began + 60 * options.minutes - time.monotonic())):
                return await measurement
        except (TimeoutError, RuntimeError) as error:
            problems.append((f"{name}: {what}", str(error) or "there was no time left for it"))
            return None

    with tempfile.TemporaryDirectory(prefix="countersign-bench-") as scratch:
        for name in names:
            found = await _store(name, Path(scratch) / name, options, measured)
            results[name] = {what: numbers for what, numbers in found.items() if numbers}
    print(LIFTED_NOTE, report.goals(results), report.table(results), report.failures(problems), sep="\n")  # noqa: T201
    _write(options, results, problems, time.monotonic() - began)
    return 1 if problems else 0


async def _store(name: str, folder: Path, options: argparse.Namespace, measured: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    before = {"before": Program(checkout=options.before.resolve())} if options.before else {}
    bots = {"bot": OURS, **before, "naive": NAIVE}
    sizes = decisions.Sizes(
        decisions=options.decisions,
        at_once=options.at_once,
        rounds=options.rounds,
        clicks=options.clicks,
        per_second=options.per_second,
    )
    if "calls" in options.only:
        measurement = calls.of_each(name, folder / "calls", bots, options.counted)
        found["calls"] = await measured(name, "calls to Slack and transactions of a decision", measurement)
    if "decisions" in options.only:
        beside = decisions.side_by_side(name, folder, bots, sizes)
        found |= await measured(name, "decisions, beside bare LangGraph and the naive bot", beside) or {}
    if "telemetry" in options.only:
        of_telemetry = telemetry.Sizes(pairs=options.pairs, decisions=options.told, at_once=options.at_once)
        on_and_off = telemetry.measured(name, folder / "telemetry", of_telemetry)
        found["telemetry"] = await measured(name, "decisions with telemetry and without", on_and_off, LONGEST_TELEMETRY)
    if "hindered" in options.only:
        clicks = decisions.hindered(name, folder / "hindered", OURS, sizes)
        found["hindered"] = await measured(name, "clicks while one graph blocks and another burns a core", clicks)
    if "kills" in options.only:
        of_all = kills.of_all(name, folder / "kill-all", OURS, options.kills)
        found["kill_all"] = await measured(name, "kill of all processes", of_all)
        of_worker = kills.of_worker(name, folder / "kill-worker", OURS, options.kills)
        found["kill_worker"] = await measured(name, "kill of the worker", of_worker)
    if "sweeps" in options.only:
        swept = {
            str(size): await measured(
                name,
                f"sweeps with {size:,} pending",
                scale.sweeps(name, folder / f"sweeps-{size}", size, options.due),
            )
            for size in options.pending
        }
        found["sweeps"] = swept if all(swept.values()) else None
    if "memory" in options.only:
        found["memory"] = await measured(name, "memory", scale.memory(name, folder / "memory", [0, *options.memory]))
    if "recovery" in options.only:
        waiting, left = options.memory[-1], options.undelivered
        found["recovery"] = await measured(
            name,
            f"start with {waiting:,} pending and {left:,} undelivered",
            scale.recovery(name, folder / "recovery", waiting, left),
        )
    if "api" in options.only:
        of_api = api.Sizes(waiting=options.waiting, seconds=options.seconds, posts=options.posts)
        beside_bare = api.side_by_side(name, folder / "api", of_api)
        found["api"] = await measured(name, f"the HTTP API, with {options.waiting:,} calls that wait", beside_bare)
    if "servers" in options.only and _langgraph_server():
        of_servers = servers.Sizes(
            watched=options.watched,
            cards=options.cards,
            decisions=options.on_server,
            at_once=min(options.at_once, servers.JOBS),
            rounds=options.rounds,
            seconds=options.seconds,
        )
        on_server = servers.measured(name, folder / "servers", of_servers)
        what = f"a LangGraph Server, with {options.watched:,} threads that wait"
        found["servers"] = await measured(name, what, on_server, LONGEST_SERVERS)
    if "leak" in options.only:
        finished = leak.of_finished(name, folder / "leak", OURS, options.finished)
        found["leak"] = await measured(name, f"{options.finished[-1]:,} finished tasks", finished, LONGEST_LEAK)
    if "peers" in options.only and name == PEERS_ON:
        beside_peers = peers.measured(folder / "peers", {"bot": OURS, "naive bot": NAIVE}, options.peers, PEERS_AT_ONCE)
        found["peers"] = await measured(name, "peers, each installed if it is not yet", beside_peers, LONGEST_LEAK)
    return found


def _redis() -> bool:
    try:
        sys.stderr.write(f"redis: {find()}\n")
    except NoRedis as error:
        sys.stderr.write(f"redis: NOT MEASURED: {error}\n")
        return False
    return True


def _langgraph_server() -> bool:
    try:
        sys.stderr.write(f"LangGraph Server: {program()}\n")
    except NoServer as error:
        sys.stderr.write(f"LangGraph Server: NOT MEASURED: {error}\n")
        return False
    return True


def _write(
    options: argparse.Namespace, results: dict[str, Any], problems: list[tuple[str, str]], seconds: float
) -> None:
    path = options.json or Path("var/bench") / f"{datetime.now(UTC):%Y%m%d-%H%M%S}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    settings = {name: value for name, value in vars(options).items() if name not in ("json", "before")}
    machine = {"python": platform.python_version(), "processors": os.cpu_count()}
    written = {
        "settings": settings,
        "machine": machine,
        "note": LIFTED_NOTE,
        "results": results,
        "problems": problems,
        "seconds": seconds,
    }
    path.write_text(json.dumps(written, indent=2) + "\n")
    sys.stdout.write(f"{seconds:.0f} s; written to {path}\n")


def _options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--only", nargs="+", choices=(*SECTIONS, *ON_REQUEST), default=SECTIONS)
    parser.add_argument("--stores", nargs="+", choices=stage.BACKENDS, default=stage.BACKENDS)
    parser.add_argument("--counted", type=int, help="tasks whose calls to Slack are counted")
    parser.add_argument("--decisions", type=int, help="tasks from start to outcome")
    parser.add_argument("--at-once", type=int, default=16, help="of them under way at a time")
    parser.add_argument("--rounds", type=int, default=3, help="in which they take turns; the median counts")
    parser.add_argument("--pairs", type=int, help="in which the bot with telemetry and without it take turns")
    parser.add_argument("--told", type=int, help="decisions of each of them in each pair")
    parser.add_argument("--clicks", type=int)
    parser.add_argument("--per-second", type=int, default=50, help="clicks a second")
    parser.add_argument("--pending", type=int, nargs="+", help="sizes for the sweep")
    parser.add_argument("--due", type=int, help="requests that are due at once")
    parser.add_argument("--memory", type=int, nargs="+", help="sizes for memory, the last for the start too")
    parser.add_argument("--undelivered", type=int)
    parser.add_argument("--waiting", type=int, help="calls of the HTTP API that wait at once")
    parser.add_argument("--seconds", type=float, help="for which the CPU time of what waits is counted")
    parser.add_argument("--posts", type=int, help="calls of the HTTP API that ask, one after the other")
    parser.add_argument("--watched", type=int, help="threads of somebody else's on a LangGraph Server that wait")
    parser.add_argument("--cards", type=int, help="threads whose cards are waited for, by looks and by hints")
    parser.add_argument("--on-server", type=int, help="tasks from start to outcome, on a server and beside it")
    parser.add_argument("--kills", type=int, help="of the bot, and of its worker; the median counts")
    parser.add_argument("--finished", type=int, nargs="+", help="tasks after which memory is read; the growth counts")
    parser.add_argument("--peers", type=int, help="decisions of each peer")
    parser.add_argument("--before", type=Path, help="a checkout of an earlier version, to be measured beside this one")
    parser.add_argument("--minutes", type=float, default=60, help="for all; what has no time left is not measured")
    parser.add_argument("--json", type=Path, help="where to write the numbers (var/bench/<time>.json)")
    options = parser.parse_args(arguments)
    sizes: dict[str, Any] = {
        "counted": (10, 3),
        "decisions": (300, 60),
        "pairs": (12, 2),
        "told": (100, 20),
        "clicks": (250, 50),
        "pending": ([1_000, 100_000], [100, 1_000]),
        "due": (1_000, 100),
        "memory": ([1_000, 10_000], [100, 1_000]),
        "undelivered": (500, 50),
        "waiting": (1_000, 100),
        "seconds": (20.0, 4.0),
        "posts": (100, 10),
        "watched": (1_000, 50),
        "cards": (40, 6),
        "on_server": (150, 24),
        "kills": (3, 1),
        "peers": (200, 40),
        "finished": ([4_000, 12_000, 20_000], [100, 300, 500]),
    }
    for name, (whole, quick) in sizes.items():
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else whole)
    return options


if __name__ == "__main__":
    sys.exit(asyncio.run(main(_options())))
