"""SIGTERM: the bot ends within SHUTDOWN_GRACE, whatever a graph has left running."""

from __future__ import annotations

from tests.adversarial.case import Case, Effect, Start, Terminate, Touch

_GRACE = {"SHUTDOWN_GRACE": "3"}

_LEFT = {
    "a sync node that never ends": """
def acts(state):
    act("begun")
    wait("never")
graph = line(acts)
""",
    "an async node that blocks the loop": """
async def acts(state):
    await asyncio.to_thread(wait, "go")
    act("begun")
    wait("never")
graph = line(acts)
""",
    "a node that swallows its cancellation": """
async def acts(state):
    act("begun")
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass
graph = line(acts)
""",
    "a node in a thread that catches everything": """
def acts(state):
    act("begun")
    while True:
        try:
            wait("never")
        except BaseException:
            pass
graph = line(acts)
""",
    "a thread that is no daemon": """
def acts(state):
    threading.Thread(target=wait, args=("never",)).start()
    act("begun")
graph = line(acts)
""",
    "a handler at the exit that hangs": """
import atexit
def acts(state):
    atexit.register(wait, "never")
    act("begun")
graph = line(acts)
""",
    "a signal handler of its own": """
import signal
def acts(state):
    act("begun")
    time.sleep(3600)
graph = line(acts)
""",
}

CASES: tuple[Case, ...] = tuple(
    Case(
        name=f"{what} ({times} signals)" if times > 1 else what,
        graph=graph,
        steps=(Start(), Touch("go"), Effect("begun"), Terminate(times)),
        never=("nothing",),
        settings=_GRACE,
    )
    for what, graph in _LEFT.items()
    for times in ((1, 2) if "sync node" in what else (1,))
)
