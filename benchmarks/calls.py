"""How many calls to Slack a decision costs, by method, and how many decisions a minute Slack's limits leave room for;
and how often it writes to its store.

A decision is a task with one question that one person answers, from the command to the last edit. Slack allows so many
calls of each method in a minute in a workspace, and one post a second in a channel.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from redis import Redis

from benchmarks import stage
from benchmarks.crowd import Crowd, crowd
from benchmarks.stage import NOTED, Backend, Bot, Program
from simulator.client import Json

CHANGES: Final = ("evalsha", "fcall", "exec")
QUIET_SECONDS: Final = 0.7
"""A decision is over once no call has been made for so long."""
LOOK_AGAIN: Final = 0.1
CHANNELS: Final = 3
"""Fewer have no room for fifty decisions a minute of three posts each."""
POSTS_IN_A_CHANNEL: Final = 60
"""A minute (Slack: "Rate limits", one a second)."""
A_MINUTE: Final[Mapping[str, int]] = {
    "chat.postMessage": 300,  # "several hundred" in a workspace, says Slack
    "chat.update": 50,
    "chat.delete": 50,
    "chat.postEphemeral": 100,
    "conversations.open": 50,
    "conversations.history": 50,
    "conversations.info": 50,
    "conversations.replies": 50,
    "users.info": 100,
    "views.open": 100,
    "views.update": 100,
    "views.publish": 100,
}
"""Calls of each method in a workspace. Look-ups of groups are not here: their answers are remembered for some seconds,
so a minute has no more of them if it has more decisions."""


async def of_each(name: str, folder: Path, bots: Mapping[str, Program], count: int) -> dict[str, Any]:
    """The calls of a decision of each bot, and its transactions."""
    found: dict[str, Any] = {}
    for who, program in bots.items():
        with stage.backend(name, folder / who) as store:
            noted = str(store.folder / program.module / NOTED)
            async with (
                stage.slack(store.folder) as slack,
                stage.bot(store, slack, program, BENCH_COMMITS=noted) as bot,
                crowd(slack.url, CHANNELS) as people,
                people.watching(),
            ):
                found[who] = await _counted(people, bot, store, count)
    return found


async def _counted(people: Crowd, bot: Bot, store: Backend, count: int) -> dict[str, Any]:
    for _ in range(CHANNELS):
        await _decision(people)  # from now on the bot knows its people and channels
    mark = await _quiet(people)
    before = bot.commits() + _scripts(store)
    for _ in range(count):
        await _decision(people)
    commits = bot.commits() + _scripts(store) - before
    calls = [entry for entry in await people.simulator.traffic(after=mark) if entry["direction"] == "call"]
    each = {method: made / count for method, made in sorted(Counter(call["method"] for call in calls).items())}
    posts = sum(_in_a_channel(call) for call in calls) / count
    by_method = {method: A_MINUTE[method] / made for method, made in each.items() if method in A_MINUTE}
    return {
        "each": each,
        "commits": {what: made / count for what, made in sorted(commits.items())},
        "posts_in_channel": posts,
        "limited_by": min(by_method, key=lambda method: by_method[method]),
        "workspace_per_minute": min(by_method.values()),
        "channel_per_minute": POSTS_IN_A_CHANNEL / posts,
    }


async def _decision(people: Crowd) -> None:
    """From the command until nothing more follows from the click."""
    name = await people.asked()
    await _quiet(people)
    await people.approve(name)
    await _quiet(people)


async def _quiet(people: Crowd) -> int:
    """Waits until no call has been made for a while. Returns the number of the last one."""
    loop = asyncio.get_running_loop()
    last, since = -1, loop.time()
    while loop.time() - since < QUIET_SECONDS:
        await asyncio.sleep(LOOK_AGAIN)
        newer = await people.simulator.traffic(after=max(last, 0))
        if newer or last < 0:
            last, since = newer[-1]["seq"] if newer else 0, loop.time()
    return last


def _scripts(store: Backend) -> Counter[str]:
    """What Redis was asked to change as one, so far: scripts and MULTI. Nothing on SQLite."""
    if not store.url:
        return Counter()
    with Redis.from_url(store.url) as redis:
        stats = cast("Json", redis.info("commandstats"))
    return Counter({f"Redis {name}": stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in CHANGES})


def _in_a_channel(call: Json) -> bool:
    return call["method"] == "chat.postMessage" and str(call["arguments"]["channel"]).startswith(("C", "G"))
