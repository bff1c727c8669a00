"""`make day`: a day of a team in a few minutes, with faults, and what an operator saw of it.

A real bot on a real Redis, a local Slack, and a Prometheus with the rules of `deploy/prometheus`, whose minutes are as
short as the day's. At the end there is a table: for each kind of fact its line, its metric, and its alert. The exit
code is 1 if anything that is promised is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

from simulator.client import Simulator
from tests.day import evidence, report
from tests.day.prometheus import SCRAPES_PER_MINUTE, NoPrometheus, Prometheus, running
from tests.day.scene import Scene, free_port, scene
from tests.day.story import CHAPTERS, Day
from tests.support.redis_server import NoRedis

LONGEST_SECONDS = 600.0


async def main(options: argparse.Namespace) -> int:
    folder = Path(tempfile.mkdtemp(prefix="countersign-day-"))
    try:
        async with scene(folder, options.minute) as place:
            with running(folder / "prometheus", place.bind, options.minute, free_port()) as prometheus:
                return await _day(place, prometheus, options)
    except (NoRedis, NoPrometheus) as missing:
        sys.stderr.write(f"{missing}\n")
        return 2
    finally:
        if options.keep:
            sys.stderr.write(f"files in {folder}\n")
        else:
            shutil.rmtree(folder, ignore_errors=True)


async def _day(place: Scene, prometheus: Prometheus, options: argparse.Namespace) -> int:
    began = time.time()

    def say(words: str) -> None:
        sys.stderr.write(f"{time.time() - began:5.0f} s  {words}\n")

    async with Simulator.connect(place.slack.url) as simulator:
        await place.start_bot(simulator)
        say("the bot is connected")
        day = Day(scene=place, simulator=simulator, names=await simulator.names(), prometheus=prometheus, say=say)
        try:
            async with asyncio.timeout(LONGEST_SECONDS - 60):
                await day.pass_by(tuple(options.only))
        except TimeoutError:
            day.problems.append("the day did not end within ten minutes")
        await asyncio.sleep(4 * options.minute)
        say("evening")
        seen = await asyncio.to_thread(report.gathered, prometheus, began, options.minute / SCRAPES_PER_MINUTE)
        events = await evidence.recorded(place.redis.url)
        await asyncio.to_thread(place.bot.stop)
    done = report.made(place, day, seen, events, time.time() - began)
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(done.markdown)
    sys.stdout.write(done.text)
    sys.stdout.write(f"\nwritten to {options.report}\n")
    return 1 if done.missing and not options.only else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.day", description=__doc__)
    parser.add_argument("--minute", type=float, default=2.0, help="how many seconds a minute of the alerts lasts (2)")
    parser.add_argument("--only", nargs="+", default=(), choices=CHAPTERS, help="these chapters; the exit code is 0")
    parser.add_argument("--report", type=Path, default=Path("var/day/report.md"))
    parser.add_argument("--keep", action="store_true", help="keep the log, Redis' data and Prometheus'")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(_options())))
