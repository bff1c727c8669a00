"""Evaluates CEL expressions in a process of its own, which is killed if an expression takes too long.

The bot runs this file as a script. A thread would not do: CEL holds Python's lock while it works, so it would stop the
whole bot. Each line of input is one JSON object, and the answer is one line: `{"said": [...]}`, or
`{"wrong": "the reason", "kind": "..."}`. This file imports nothing from `bot`, so that it starts fast.
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import sys
from types import ModuleType
from typing import Any

MAX_CPU_SECONDS = 1.0
"""Processor time for one line. If a line takes longer, the operating system ends the process."""
MAX_MEMORY_BYTES = 1 << 30
"""If the process needs more memory than this, the operating system ends it."""


def main() -> None:
    """Answer every line of input, then return."""
    # The package imports its own command line, with a terminal's toolkit, which takes most of the start.
    sys.modules["cel.cli"] = ModuleType("cel.cli")
    import cel

    with contextlib.suppress(ValueError, OSError):  # some systems cannot limit memory; the time limit still holds
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    programs: dict[str, Any] = {}
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, MAX_CPU_SECONDS)
        answer = _answer(line, cel, programs)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _answer(line: bytes, cel: Any, programs: dict[str, Any]) -> dict[str, Any]:
    kind = ""
    try:
        asked = json.loads(line)
        expression, names = asked["expression"], asked["names"]
        if expression not in programs:
            kind = "no expression"
            programs[expression] = cel.compile(expression)
        kind = ""
        said = [programs[expression].execute({**names, **each}) for each in asked["each"]]
    except BaseException as error:  # a panic in Rust is not an `Exception`; report it too
        return {"wrong": _first_line(error), "kind": kind or type(error).__name__}
    return {"said": [value if isinstance(value, bool) else repr(value)[:100] for value in said]}


def _first_line(error: BaseException) -> str:
    """What CEL says about the error, in one line. For a missing key, CEL gives only the name of the key."""
    if isinstance(error, KeyError):
        return f"there is no key {error}"
    words = (str(error).splitlines() or [type(error).__name__])[0][:300]
    return words if words.endswith(".") else f"{words}."


if __name__ == "__main__":
    main()
