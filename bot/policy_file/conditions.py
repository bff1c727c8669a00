"""A rule's `when`: a CEL expression about the question, its arguments, the task and the requester.

An expression that cannot be evaluated never counts as true or false. It raises `ConditionFailed`, and the task stops
with the reason. The same happens if the expression takes too long, or if the question is too large for it.
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

from bot.approvals.model.ids import Person, Program
from bot.approvals.model.question import Item
from bot.approvals.rules.matching import Condition, ConditionFailed, Facts
from bot.approvals.rules.names import readable

NAMES: Final = ("question", "arguments", "action", "task", "requester")
"""The names that an expression may use."""
MAX_EXPRESSION_CHARACTERS: Final = 2_000
MAX_FACTS_CHARACTERS: Final = 500_000
"""The values of the names in an expression, as JSON."""
ANSWER_TIMEOUT_SECONDS: Final = 10.0
"""How long to wait for the evaluator. It stops by itself after one second of processor time, but a busy machine may
take longer to give it that second."""

_SCRIPT: Final = Path(__file__).with_name("evaluator.py")
_INHERITED: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LANG")
"""The only environment variables that the evaluator gets. It must not see the bot's tokens."""


class Evaluator:
    """The process that evaluates expressions. It starts at the first use, and again after it was killed. A process that
    was forked from this one starts one of its own."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._starter = 0
        """The process that started it."""

    def compiled(self, expression: str) -> Condition:
        """A function that evaluates the expression. Raises `ValueError` if it is not a valid expression."""
        if len(expression) > MAX_EXPRESSION_CHARACTERS:
            raise ValueError(
                f"this is too long: it has {len(expression):,} characters, and at most {MAX_EXPRESSION_CHARACTERS:,} "
                "are allowed"
            )
        self._try(expression)

        def condition(facts: Facts, items: Sequence[Item]) -> Sequence[bool]:
            said = self._said(expression, _shared(facts, expression), [_own(item) for item in items])
            for value in said:
                if not isinstance(value, bool):
                    raise ConditionFailed(f"`{expression}` is {value}, which is neither true nor false")
            return said

        return condition

    def rest(self) -> None:
        """End the process until the next use."""
        with self._turn:
            if self._process is not None and self._starter == os.getpid():
                _end(self._process)
            self._process = None

    # --- Within ---------------------------------------------------------------------------------

    def _try(self, expression: str) -> None:
        """Raises `ValueError` if this is not an expression, or if it uses a name or function that does not exist."""
        try:
            answer = self._ask({"expression": expression, "names": {name: {} for name in NAMES}, "each": [{}]})
        except ConditionFailed as failed:
            raise ValueError(f"this cannot be evaluated ({failed})") from None
        wrong, kind = answer.get("wrong", ""), answer.get("kind")
        if kind == "no expression":
            raise ValueError(f"this is not a CEL expression ({wrong})")
        if kind == "RuntimeError":  # an unknown name or function; other errors come from the empty sample
            raise ValueError(f"{wrong} An expression may use {', '.join(NAMES)}")

    def _said(self, expression: str, names: Mapping[str, Any], each: Sequence[Mapping[str, Any]]) -> list[Any]:
        try:
            answer = self._ask({"expression": expression, "names": names, "each": each})
        except ConditionFailed as failed:
            raise ConditionFailed(f"{failed} in `{expression}`") from None
        if "wrong" in answer:
            raise ConditionFailed(f"{answer['wrong']} in `{expression}`")
        return list(answer["said"])

    def _ask(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """The evaluator's answer. Raises `ConditionFailed` if it takes too long, or if the question is too large."""
        try:
            line = json.dumps(asked).encode() + b"\n"
        except RecursionError:
            raise ConditionFailed("the question is nested too deeply") from None
        if len(line) > MAX_FACTS_CHARACTERS:
            raise ConditionFailed(
                f"the question is too large: it has {len(line):,} characters, and at most {MAX_FACTS_CHARACTERS:,} are "
                "allowed"
            )
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
        raise ConditionFailed("it takes too much memory, or is too complex to evaluate")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._starter != os.getpid() or self._process.poll() is not None:
            environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and a script of our own
                [sys.executable, "-P", str(_SCRIPT)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,  # Ctrl-C in the terminal reaches only the bot, which ends this process
            )
            self._starter = os.getpid()
            weakref.finalize(self, _end_of, self._starter, self._process)
        return self._process


def _exchanged(process: subprocess.Popen[bytes], line: bytes) -> Mapping[str, Any]:
    """The process's answer to a line. Raises `EOFError` if it has ended, `TimeoutError` if it is too slow."""
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(line)
    process.stdin.flush()
    until, answer = time.monotonic() + ANSWER_TIMEOUT_SECONDS, b""
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


def _end_of(starter: int, process: subprocess.Popen[bytes]) -> None:
    if starter == os.getpid():
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _shared(facts: Facts, expression: str) -> dict[str, Any]:
    """The values that are the same for every item. Contains only the names that the expression uses."""
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
        "task": {
            "graph": facts.graph,
            "source": facts.source,
            "server": facts.server,
            "channel": str(facts.channel),
            "inputs": dict(facts.inputs),
        },
        "requester": _requester(facts.requester),
    }
    return {name: value for name, value in names.items() if name in expression}


def _requester(who: Person | Program) -> dict[str, str]:
    """A person's ids. They are empty if a program asks that names nobody."""
    return {"id": who.user_id, "team": who.team_id} if isinstance(who, Person) else {"id": "", "team": ""}


def _own(item: Item) -> dict[str, Any]:
    return {"arguments": dict(item.arguments), "action": readable(item.name)}
