"""Graphs that try to end the process: each is a failed run of one task, and never ends or wedges the bot."""

from __future__ import annotations

from collections.abc import Mapping

from tests.adversarial.case import APPROVE, FINISHED, STOPPED, Alive, Case, Effect, Restart, Shows, Start, Sweeps

_RAISED = {
    "SystemExit": "sys.exit(3)",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "a BaseException of its own": 'raise type("Own", (BaseException,), {})()',
    "an exception that cannot be worded": 'raise type("Mute", (Exception,), {"__str__": lambda self: sys.exit(2), '
    '"__repr__": lambda self: sys.exit(2)})()',
}
"""The others, such as a RecursionError, are tried by `tests/unit/engines/langgraph/test_containment.py`."""


def _node(kind: str, does: str) -> str:
    return f"""
{kind} acts(state):
    act("begun")
    {does}

def after(state):
    act("after")

graph = line(acts, after)
"""


_ACTS = """
def acts(state):
    act("begun")
"""

FAILING: Mapping[str, str] = {
    **{f"a node raises {what}": _node("def", how) for what, how in _RAISED.items()},
    **{f"an async node raises {what}": _node("async def", how) for what, how in _RAISED.items()},
    "a task that a node made exits": (
        _node("async def", "async def one(): sys.exit(4)\n    await asyncio.gather(one(), asyncio.sleep(0))")
    ),
    "a task group exits": (
        _node(
            "async def",
            "async def one(): sys.exit(4)\n    async with asyncio.TaskGroup() as group: group.create_task(one())",
        )
    ),
    "a node cancels itself": (_node("async def", "asyncio.current_task().cancel(); await asyncio.sleep(0)")),
    "an edge exits": (
        _ACTS
        + """
builder = built(acts)
builder.add_conditional_edges("acts", lambda state: sys.exit(1), {"acts": "acts", END: END})
graph = builder
"""
    ),
    "an edge cancels the task that it finds itself in": (
        _ACTS
        + """
async def edge(state):
    asyncio.current_task().cancel()
    await asyncio.sleep(0)

builder = built(acts)
builder.add_conditional_edges("acts", edge, {END: END})
graph = builder
"""
    ),
    "a reducer exits": (
        """
class Sum(State, total=False):
    sum: Annotated[int, lambda old, new: sys.exit(1)]

def acts(state):
    act("begun")
    return {"sum": 1}

builder = StateGraph(Sum, input_schema=Inputs)
builder.add_sequence([acts])
builder.add_edge(START, "acts")
graph = builder
"""
    ),
    "a subgraph exits": (
        """
def exits(state):
    act("begun")
    sys.exit(1)

inner = line(exits)

def outer(state):
    inner.invoke({"note": "x"})

graph = line(outer)
"""
    ),
    "the functional API exits": (
        """
from langgraph.func import entrypoint, task

@task
def exits():
    act("begun")
    sys.exit(1)

@entrypoint()
def graph(given: Inputs):
    return exits().result()
"""
    ),
    "a retry policy does not repeat an exit": (
        """
async def acts(state):
    act("begun")
    sys.exit(1)

builder = StateGraph(State, input_schema=Inputs)
builder.add_node("acts", acts, retry_policy=RetryPolicy(max_attempts=5, initial_interval=0.01))
builder.add_edge(START, "acts")
graph = builder
"""
    ),
}
"""By what it does, a graph that writes `begun` and fails then. One bot serves them all: it must survive each."""

CASES: tuple[Case, ...] = (
    Case(
        name="a callback exits and the loop is stopped while a node runs",
        graph="""
async def acts(state):
    loop = asyncio.get_running_loop()
    loop.call_soon(sys.exit, 1)
    await asyncio.sleep(0.05)
    loop.stop()
    await asyncio.sleep(0.05)
    act("done")

graph = line(acts, done)
""",
        steps=(Start(), FINISHED, Alive()),
        exactly=("done",),
    ),
    Case(
        name="what a graph returns cannot be worded",
        graph="""
class Mute:
    def __str__(self):
        sys.exit(1)
    __repr__ = __str__

def acts(state):
    act("begun")
    return {"outcome": Mute()}

graph = line(acts)
""",
        steps=(Start(), Shows(("case",)), Effect("begun"), Alive(), Sweeps(), Restart(), Alive()),
        most={"begun": 8},
    ),
    Case(
        name="a node exits on its answer",
        graph="""
def acts(state):
    act(f"told {state['answer']}")
    sys.exit(1)

graph = line(ask, acts, done)
""",
        steps=(Start(), APPROVE, Effect("told True"), STOPPED, Alive(), Sweeps(), Restart(), Alive(), Sweeps()),
        most={"told True": 8},
    ),
    Case(
        name="a check of inputs exits",
        graph="""
def check_inputs(given):
    sys.exit(1)

graph = line(done)
""",
        steps=(Alive(),),
        exactly=(),
    ),
)
