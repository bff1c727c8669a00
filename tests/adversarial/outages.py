"""Leases and saves: what holds the loop, or what the store does not hear of, is not silently run again."""

from __future__ import annotations

from tests.adversarial.case import (
    APPROVE,
    FINISHED,
    Case,
    Effect,
    Logged,
    Posted,
    RedisAway,
    RedisBack,
    Start,
    Sweeps,
    Touch,
)

_BLOCKS = """
async def acts(state):
    act("begun")
    end = time.monotonic() + 3.5
    while time.monotonic() < end:
        pass
    act("done")

"""

CASES: tuple[Case, ...] = (
    Case(
        name="an async node blocks the loop for longer than its lease",
        graph=_BLOCKS + "graph = line(ask, acts, done)",
        steps=(Start(), APPROVE, FINISHED, Sweeps()),
        exactly=("begun", "done"),
        stores=("sqlite", "redis"),
    ),
    Case(
        name="a first async node blocks the loop with a sleep",
        graph="""
async def acts(state):
    act("begun")
    time.sleep(3)
    act("done")

graph = line(acts, done)
""",
        steps=(Start(), FINISHED, Sweeps()),
        exactly=("begun", "done"),
        stores=("sqlite", "redis"),
    ),
    Case(
        name="Redis is away while a node acts",
        graph="""
def acts(state):
    act("begun")
    wait("go")
    act("done")

graph = line(ask, acts, done)
""",
        steps=(
            Start(),
            APPROVE,
            Effect("begun"),
            RedisAway(),
            Logged("its lease could not be looked at"),
            Touch("go"),
            Effect("done"),
            Logged("could not be saved"),
            RedisBack(),
            FINISHED,
            Sweeps(),
        ),
        exactly=("begun", "done"),
        stores=("redis",),
    ),
    Case(
        name="Redis is away while an async node acts",
        graph="""
async def acts(state):
    act("begun")
    while not there("go"):
        await asyncio.sleep(0.01)
    act("done")

graph = line(acts, done)
""",
        steps=(
            Start(),
            Effect("begun"),
            Posted(),
            RedisAway(),
            Logged("its lease could not be looked at"),
            Touch("go"),
            Effect("done"),
            Logged("could not be saved"),
            RedisBack(),
            FINISHED,
            Sweeps(),
        ),
        exactly=("begun", "done"),
        stores=("redis",),
    ),
)
