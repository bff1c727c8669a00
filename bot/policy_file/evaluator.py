"""Evaluates CEL expressions in a process of its own, which is killed if one takes too long. Run as a script.

CEL holds Python's lock while it works, so that a thread would stop the bot as well. Each line of input is a JSON object
and is answered by one: `{"said": ...}`, or `{"wrong": "why"}`. Nothing of `bot` is imported here, so it starts fast.
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import sys
from typing import Any

SECONDS = 1.0
"""Of processor time for one line; then the process is ended by the system."""
MEMORY = 1 << 30
"""Bytes that it may use; then the process is ended by the system."""


def main() -> None:
    """Answer each line until there is none."""
    import cel

    with contextlib.suppress(ValueError, OSError):  # a system that cannot bound memory still bounds time
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    programs: dict[str, Any] = {}
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
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
    except BaseException as error:  # what Rust panics with is no Exception; all of it is reported
        return {"wrong": _first_line(error), "kind": kind or type(error).__name__}
    return {"said": [value if isinstance(value, bool) else repr(value)[:100] for value in said]}


def _first_line(error: BaseException) -> str:
    """CEL's own words, in one line: a key that is missing is named alone."""
    if isinstance(error, KeyError):
        return f"there is no key {error}"
    words = (str(error).splitlines() or [type(error).__name__])[0][:300]
    return words if words.endswith(".") else f"{words}."


if __name__ == "__main__":
    main()
