"""The long run, as a table: `make crash`."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.crash import campaign
from tests.crash.campaign import Outcome, Plan
from tests.crash.cluster import POINTS, UNDO_POINTS
from tests.support.redis_server import NoRedis, RedisServer, find
from tests.support.stage import Slack

SQLITE, REDIS = "SQLite", "Redis"
CHANCE = 0.25
"""Of dying each time that the point is reached: deep enough into a run, and often enough."""
COLUMNS = (
    ("store", 8),
    ("point", 24),
    ("tasks", 6),
    ("kills", 6),
    ("there", 6),
    ("gateways", 9),
    ("workers", 9),
    ("ended", 6),
    ("approve / reject / expired, undo / keep / closed", 50),
    ("cards twice", 12),
    ("effects twice", 14),
    ("leases lost", 12),
    ("commands lost", 14),
    ("seconds", 8),
    ("", 8),
)
"""there: kills at the point. gateways, workers: kills of whole nodes + of single processes."""


def main() -> int:
    options = _parser().parse_args()
    try:
        sys.stdout.write(
            f"on {find()} with three gateways and three workers, and on SQLite with one of each; "
            f"tasks of two gates each, or of one whose action can be undone, seed {options.seed}\n"
        )
    except NoRedis as error:
        sys.stderr.write(f"{error}\n")
        return 2
    stores = {*options.only} & {SQLITE, REDIS} or {SQLITE, REDIS}
    names = {*options.only} - stores
    rows = [
        (store, plan)
        for store, plans in _plans(options.tasks, options.kills, options.seed).items()
        for plan in plans
        if store in stores and (plan.name in names or not names)
    ]
    return asyncio.run(_table(rows, options.jobs))


def _plans(tasks: int, kills: int, seed: int) -> dict[str, list[Plan]]:
    plan = Plan(name="", tasks=tasks, kills=kills, chance=CHANCE, any_moment=4, deadline=8, seconds=60, seed=seed)
    faulty = replace(plan, kills=4, any_moment=10, seconds=45)
    alone = replace(plan, of="process")
    undo = [(f"undo: {point}", point) for point in UNDO_POINTS]
    often = 2 * CHANCE  # a task comes to each of these points only once or twice
    patient = 2 * plan.deadline  # so that most are approved, and most of what they do is undone or kept
    return {
        SQLITE: [
            *(replace(alone, name=point, points=(point,)) for point in POINTS),
            *(
                replace(alone, name=name, points=(point,), gates=0, chance=often, deadline=patient)
                for name, point in undo
            ),
            replace(alone, name="any process", any_moment=2),
            replace(faulty, name="Slack misbehaves", faults="slack"),
        ],
        REDIS: [
            *(replace(plan, name=point, points=(point,)) for point in POINTS),
            *(
                replace(plan, name=name, points=(point,), gates=0, chance=often, deadline=patient)
                for name, point in undo
            ),
            replace(plan, name="any process", any_moment=2),
            replace(faulty, name="Slack misbehaves", faults="slack"),
            replace(faulty, name="Redis dies", faults="redis"),
            replace(faulty, name="replicas sleep", faults="sleep"),
        ],
    }


async def _table(rows: Sequence[tuple[str, Plan]], jobs: int) -> int:
    """Run the plans, each on its store, some at a time; print each one's row as it ends. Returns the exit code."""
    _print([name for name, _ in COLUMNS])
    slots = asyncio.Semaphore(jobs)

    async def one(store: str, plan: Plan) -> bool:
        async with slots:
            folder = Path(tempfile.mkdtemp(prefix="countersign-crash-"))
            try:
                outcome = await _run(store, plan, folder)
            except Exception as error:  # the other rows are still worth having
                _say(f"BROKEN: {plan.name} on {store}: {error!r}; logs in {folder}")
                return False
        _print(_row(outcome))
        if outcome.whole:
            shutil.rmtree(folder)
        else:
            _say("\n".join([*(f"BROKEN: {problem}" for problem in outcome.findings.problems), f"logs in {folder}"]))
        return outcome.whole

    return 0 if all(await asyncio.gather(*(one(store, plan) for store, plan in rows))) else 1


async def _run(store: str, plan: Plan, folder: Path) -> Outcome:
    redis = RedisServer(folder=folder / "redis") if store == REDIS else None
    slack = await asyncio.to_thread(Slack.start, folder)
    try:
        if redis is not None:
            await asyncio.to_thread(redis.start)
        return await campaign.run(plan, folder / "crash", redis, slack)
    finally:
        if redis is not None:
            redis.kill()
        slack.stop()


def _row(outcome: Outcome) -> list[str]:
    found, plan = outcome.findings, outcome.plan
    return [
        outcome.cluster.store,
        plan.name,
        str(found.tasks),
        str(outcome.kills),
        str(sum(count for point, count in outcome.died_at.items() if point)),
        outcome.killed("gateway"),
        outcome.killed("worker"),
        str(found.ended),
        ", ".join(" / ".join(str(found.decisions[word]) for word in words) for words in _outcomes(plan)),
        str(found.cards_twice),
        str(found.effects_twice),
        str(outcome.lost_leases),
        str(found.lost),
        f"{outcome.seconds:.0f}",
        "" if outcome.whole else "BROKEN",
    ]


def _outcomes(plan: Plan) -> Sequence[Sequence[str]]:
    asked, done = ("approve", "reject", "expired"), ("undo", "keep", "closed")
    return [asked] if plan.gates else [asked, done]


def _print(cells: Sequence[str]) -> None:
    _say("".join(cell.ljust(width) for cell, (_, width) in zip(cells, COLUMNS, strict=True)).rstrip())


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description="The crash tests' long run.")
    parser.add_argument("--tasks", type=int, default=12, help="of each row")
    parser.add_argument("--kills", type=int, default=8, help="of each row, about; a last one of all replicas follows")
    parser.add_argument("--jobs", type=int, default=3, help="rows at a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("only", nargs="*", help="names of stores, of rows, or both; none: all")
    return parser


if __name__ == "__main__":
    sys.exit(main())
