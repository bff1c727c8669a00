"""Graphs that harm the process that runs them: they end it, block it, fill its memory, fork it or print into it.

Each writes down when its deed begins and in which process, and whether an earlier process that began it still runs. It
does its deed until the file `mended` is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.adversarial.case import PRELUDE as CASES_PRELUDE

PRELUDE = (
    CASES_PRELUDE
    + """
import ctypes, subprocess

def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False

def begin():
    effects = Path(__file__).with_suffix(".effects")
    lines = effects.read_text().splitlines() if effects.exists() else []
    before = {int(each.split()[1]) for each in lines if each.startswith("begun ")}
    if any(pid != os.getpid() and runs(pid) for pid in before):
        act("in two processes")
    act(f"begun {os.getpid()}")

def log_in(state):
    return {"answer": interrupt({"question": "Log in?", "details": {"password": state["note"]}})}

"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Killer:
    """A graph that harms its process, and what people are told of that."""

    does: str
    how: str = ""
    """How the process ended, as people are told it."""
    kind: str = "def"
    asks: str = "ask"
    """The node after whose approval it does its deed. Empty if it does it at once."""

    @property
    def source(self) -> str:
        nodes = f"{self.asks}, acts, done" if self.asks else "acts, done"
        return f"""{PRELUDE}
{self.kind} acts(state):
    begin()
    if there("mended"):
        return {{}}
    {self.does}

graph = line({nodes})
"""


_HANGS = "did not respond for 3 s and was killed"

DEADLY: Mapping[str, Killer] = {
    "exits": Killer(does="os._exit(3)", how="exited with code 3"),
    "exits_well": Killer(does="os._exit(0)", how="exited with code 0"),
    "exits_at_once": Killer(does="os._exit(3)", how="exited with code 3", kind="async def", asks=""),
    "segfaults": Killer(does="ctypes.string_at(0)", how="was killed by SIGSEGV"),
    "hangs": Killer(does="time.sleep(60)", how=_HANGS, kind="async def"),
    "spins": Killer(does="while True: pass", how=_HANGS, kind="async def", asks=""),
    "holds_the_interpreter": Killer(does="ctypes.PyDLL(None).sleep(60)", how=_HANGS),
    "hoards": Killer(
        does="hoard = []\n    while True: hoard.append(b'x' * 10_000_000); time.sleep(0.02)",
        how="MB of memory and was killed",
    ),
}
"""By name, what ends its process, or has it killed."""

BLOCKING: Mapping[str, Killer] = {
    "hangs": Killer(does="time.sleep(600)", kind="async def"),
    "spins": Killer(does="while True: pass", kind="async def", asks=""),
    "spins_in_a_thread": Killer(does="while True: pass"),
    "prints_without_end": Killer(does="while True: print('x' * 100)"),
    "holds_the_interpreter": Killer(does="ctypes.PyDLL(None).sleep(600)"),
}
"""By name, what never comes to an end."""

COMES_BACK = Killer(does='wait("go")', kind="async def")

_CHILD = 'pid = os.fork()\n    pid and act(f"child {pid}")\n    '
FORKING: Mapping[str, Killer] = {
    "forks": Killer(does=_CHILD + "return {}"),
    "forks_async": Killer(does=_CHILD + "return {}", kind="async def"),
    "forks_at_once": Killer(does=_CHILD + "return {}", kind="async def", asks=""),
    "child_raises": Killer(does=_CHILD + 'if not pid: raise ValueError("in the child")', kind="async def"),
    "child_awaits": Killer(does=_CHILD + "await asyncio.sleep(0.05)", kind="async def"),
    "child_exits": Killer(does=_CHILD + "if not pid: sys.exit(4)"),
    "forks_in_a_task": Killer(
        does=f"async def one():\n        {_CHILD.replace('    ', '        ')}\n    await asyncio.create_task(one())",
        kind="async def",
    ),
}
"""By name, what forks, and comes back in both processes."""

LEAVING = Killer(does=_CHILD + 'if not pid: os.setsid(); wait("never")')
"""What leaves a process behind that is not its worker's any more."""

RAISING: Mapping[str, Killer] = {
    "raises": Killer(does='raise type("Own", (BaseException,), {})()', how="Own"),
    "raises_async": Killer(does='raise type("Own", (BaseException,), {})()', how="Own", kind="async def"),
    "interrupts": Killer(does="raise KeyboardInterrupt", how="KeyboardInterrupt", kind="async def"),
    "interrupts_at_once": Killer(does="raise KeyboardInterrupt", how="KeyboardInterrupt", asks=""),
    "leaves": Killer(does="sys.exit(3)", how="SystemExit", kind="async def"),
}
"""By name, what the interpreter alone should raise: the run fails, and its process goes on."""

SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
PASSWORD = "correct-horse-battery"
PRINTING = Killer(
    does=f"""print("from a print")
    print("a token", {SECRET!r})
    print("a password", state["note"])
    os.write(2, b"from a descriptor\\n")
    subprocess.run(["echo", "from a command"])
    print("2026-01-01T00:00:00.000Z ERROR bot: no line of ours\\r\\x1b[31m")
    for number in range(3000):
        print(number, "of many")
    print("the last of many")
    os._exit(3)""",
    how="exited with code 3",
    asks="log_in",
)
CLOSING = Killer(does="os.close(1); os.close(2); print('closed')\n    return {}")


def sources(killers: Mapping[str, Killer]) -> Mapping[str, str]:
    """The files of these graphs."""
    return {name: killer.source for name, killer in killers.items()}


def begun(effects: Sequence[str]) -> list[int]:
    """The processes in which a deed was begun, in their order."""
    return [int(line.split()[1]) for line in effects if line.startswith("begun ")]


def children(effects: Sequence[str]) -> list[int]:
    """The processes that it forked."""
    return [int(line.split()[1]) for line in effects if line.startswith("child ")]
