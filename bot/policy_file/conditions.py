"""A rule's `when`: a CEL expression over the question, its arguments, the task and who asked for it.

An expression that cannot be evaluated refuses: `ConditionFailed`, on which the task stops and says so. So does one that
takes too long or asks about too much.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bot.approvals.model.question import Item
from bot.approvals.rules.matching import Condition, ConditionFailed, Facts
from bot.approvals.rules.names import readable

NAMES: Final = ("question", "arguments", "action", "task", "requester")
"""What an expression may ask about."""
LONGEST: Final = 2_000
"""Characters of an expression."""
MOST_FACTS: Final = 500_000
"""Characters of what an expression asks about, as JSON."""
SECONDS: Final = 10.0
"""How long an answer is waited for, on a machine that is busy too; the evaluator itself stops after a second's work."""

_SCRIPT: Final = Path(__file__).with_name("evaluator.py")
_INHERITED: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG")
"""Of the environment: the tokens in it are none of the evaluator's business."""


class Evaluator:
    """The process that evaluates, started when it is first needed and again after it was ended."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def compiled(self, expression: str) -> Condition:
        """The condition that the expression says; `ValueError`, with what is wrong, if it says none."""
        if len(expression) > LONGEST:
            raise ValueError(f"this is too long: {len(expression):,} characters, and {LONGEST:,} is the most")
        self._try(expression)

        def condition(facts: Facts, items: Sequence[Item]) -> Sequence[bool]:
            said = self._said(expression, _shared(facts, expression), [_own(item) for item in items])
            for value in said:
                if not isinstance(value, bool):
                    raise ConditionFailed(f"`{expression}` is {value}, which is neither true nor false")
            return said

        return condition

    # --- Within ---------------------------------------------------------------------------------

    def _try(self, expression: str) -> None:
        """Return if it is an expression, and asks about nothing that is not there; else `ValueError`."""
        try:
            answer = self._ask({"expression": expression, "names": {name: {} for name in NAMES}, "each": [{}]})
        except ConditionFailed as failed:
            raise ValueError(f"this cannot be evaluated ({failed})") from None
        wrong, kind = answer.get("wrong", ""), answer.get("kind")
        if kind == "no expression":
            raise ValueError(f"this is no CEL expression ({wrong})")
        if kind == "RuntimeError":  # a name or function that there is not; all else fails because the sample is empty
            raise ValueError(f"{wrong} An expression may ask about {', '.join(NAMES)}")

    def _said(self, expression: str, names: Mapping[str, Any], each: Sequence[Mapping[str, Any]]) -> list[Any]:
        try:
            answer = self._ask({"expression": expression, "names": names, "each": each})
        except ConditionFailed as failed:
            raise ConditionFailed(f"{failed} in `{expression}`") from None
        if "wrong" in answer:
            raise ConditionFailed(f"{answer['wrong']} in `{expression}`")
        return list(answer["said"])

    def _ask(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """The evaluator's answer; `ConditionFailed` if it takes too long, or asks about too much."""
        try:
            line = json.dumps(asked).encode() + b"\n"
        except RecursionError:
            raise ConditionFailed("the question is nested too deeply") from None
        if len(line) > MOST_FACTS:
            raise ConditionFailed(f"the question is too large: {len(line):,} characters, of {MOST_FACTS:,} at most")
        with self._turn:
            process = self._started()
            try:
                return _exchanged(process, line)
            except (OSError, EOFError, TimeoutError):
                process.kill()
                ended = process.wait()
                self._process = None
        if ended in (-signal.SIGPROF, -signal.SIGKILL):
            raise ConditionFailed("it takes too long")
        raise ConditionFailed("it takes too much memory, or more than can be evaluated")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and a script of our own
                [sys.executable, "-P", str(_SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,  # a signal to the terminal's group is the bot's to handle
            )
            weakref.finalize(self, _end, self._process)
        return self._process


def _exchanged(process: subprocess.Popen[bytes], line: bytes) -> Mapping[str, Any]:
    """What the process answers to a line; `EOFError` if it has ended, `TimeoutError` if it does not answer."""
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(line)
    process.stdin.flush()
    until, answer = time.monotonic() + SECONDS, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not answer.endswith(b"\n"):
            if not selector.select(until - time.monotonic()):
                raise TimeoutError
            more = os.read(process.stdout.fileno(), 65536)
            if not more:
                raise EOFError
            answer += more
    read: Mapping[str, Any] = json.loads(answer)
    return read


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _shared(facts: Facts, expression: str) -> dict[str, Any]:
    """What is the same for every item, as far as the expression asks about it."""
    question = facts.question
    names: dict[str, Any] = {
        "question": {
            "title": question.title,
            "text": question.text,
            "risk": str(question.risk or ""),
            "choices": list(question.choices),
            "actions": [readable(each.name) for each in question.items],
            "payload": question.payload,
        },
        "task": {"graph": facts.graph, "channel": str(facts.channel), "inputs": dict(facts.inputs)},
        "requester": {"id": str(facts.requester.user_id), "team": str(facts.requester.team_id)},
    }
    return {name: value for name, value in names.items() if name in expression}


def _own(item: Item) -> dict[str, Any]:
    return {"arguments": dict(item.arguments), "action": readable(item.name)}
