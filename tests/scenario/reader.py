"""A reader who does what a page says, in a clone of their own: commands in a terminal, the rest in the local Slack."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, TypeAlias, TypeVar

from simulator.client import Simulator, SimulatorProcess, TimedOut, render_text
from tests.scenario.pages import ROOT, Block, Sentence, Step

WAIT: Final = 90.0
"""Seconds that anything may take on a busy machine before the test fails."""
OUR_OWN: Final = (
    "SLACK_",
    "REDIS_",
    "COUNTERSIGN_",
    "LANGSMITH_",
    "LANGCHAIN_",
    "CLEANUP_",
    "STATE_DIR",
    "MAKE",
    "MFLAGS",
)
"""What the environment of the tests has and that of a reader has not."""
NOT_CLONED: Final = (
    ".git",
    ".env",
    ".venv",
    "var",
    "tests",
    "benchmarks",
    "docs",
    "site",
    "node_modules",
    "*.egg-info",
)
NEEDS_THE_NETWORK: Final = re.compile(r"make (setup)")
"""Checked for its target, and not run."""
KNOWN: Final = (
    r"as (?P<seat>\w+)",
    r"start the task (?P<again>again)",
    r'write "(?P<words>[^"]+)"',
    r"press (?P<button>Approve|Reject|Undo|Details|History)",
    r"do (?P<wait>nothing)",
    r"look at your (?P<dms>DMs)",
)
"""The sentences that a page may be written in; between them `and`, and commas."""

Message: TypeAlias = dict[str, Any]
Found = TypeVar("Found")


@dataclass(slots=True, kw_only=True)
class Reader:
    """Follows the steps of a page; whatever is not as the page says fails, with what is seen instead."""

    clone: Path
    held: AsyncExitStack
    tokens: Mapping[str, str] = field(default_factory=dict)
    """What the reader fills into .env."""
    seat: str = "alice"
    channel: str = "#ops"
    line: str = ""
    """The command that started the newest task."""
    root: str = ""
    """The time stamp of the message that opened it."""
    at: float = 0.0
    """How far the clock was ahead when it was started."""
    words: str = ""
    """What is written into the modal that is open."""
    looks: str = "thread"
    printed: str = ""
    """What the last command printed."""
    noticed: dict[str, int] = field(default_factory=dict)
    """How many private messages each person had when the newest task was started."""
    running: subprocess.Popen[str] | None = None
    simulator: Simulator | None = None

    @classmethod
    def at_a_clone(cls, folder: Path, held: AsyncExitStack) -> Self:
        """A reader who has cloned the repository and made its virtual environment."""
        clone = folder / "clone"
        shutil.copytree(
            ROOT, clone, ignore=shutil.ignore_patterns(*NOT_CLONED, ".*cache*", "__pycache__", ".coverage*")
        )
        (clone / ".venv").symlink_to(sys.prefix)
        return cls(clone=clone, held=held)

    @classmethod
    def in_a_repository(cls, folder: Path, held: AsyncExitStack, files: Mapping[str, str]) -> Self:
        """A reader with files of their own, and Countersign installed beside them."""
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return cls(clone=folder, held=held)

    async def follow(self, step: Step) -> None:
        """Do what the step says, and see what it says is to be seen."""
        match step:
            case Block(language="sh"):
                for line in step.text.splitlines():
                    await self._run(line)
            case Block(language="python"):
                (self.clone / step.text.split()[1]).write_text(step.text + "\n")
            case Block(language="json"):
                self._name_graph(step.text)
            case Block(language="text"):
                for line in step.text.splitlines():
                    await self._type(line)
            case Sentence():
                await self._do(step)
                await self._see(step)
            case _:
                raise AssertionError(f"nobody knows what to do with this: {step}")

    async def connect(self, slack: SimulatorProcess) -> None:
        """Sit in that Slack, and have its tokens for .env."""
        self.tokens = slack.environment
        self.simulator = await self.held.enter_async_context(Simulator.connect(slack.url))

    # --- In a terminal --------------------------------------------------------------------------

    async def _run(self, line: str) -> None:
        line = line.partition(" #")[0].strip()
        if NEEDS_THE_NETWORK.fullmatch(line):
            self._finish(f"{line} --dry-run")
        elif line == "make demo":
            await self._demo()
        elif line.endswith("bot run"):
            assert "connected" in self._start(line)
        else:
            self._finish(line)
            if line.endswith(" .env"):
                self.fill_in()

    def _finish(self, line: str) -> None:
        """Run a command to its end, which has to be a good one."""
        ended = subprocess.run(
            ["bash", "-c", line], cwd=self.clone, env=self._environment(), capture_output=True, text=True, timeout=WAIT
        )
        self.printed = ended.stdout
        assert ended.returncode == 0, f"{line}\n{ended.stdout}\n{ended.stderr}"

    def _start(self, line: str) -> str:
        """Start what runs until it is stopped; returns what it prints first that is not empty."""
        self.stop()
        self.running = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=self.clone,
            env=self._environment(),
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.running.stdout is not None
        said = ""
        for printed in self.running.stdout:
            said += printed
            if re.search(r"http://|connected", said):
                return said
        raise AssertionError(f"{line} ended before it was ready: {said}")

    def stop(self) -> None:
        """Press Ctrl-C."""
        if self.running is None:
            return
        assert self.running.stdout is not None
        os.killpg(self.running.pid, signal.SIGINT)
        self.running.stdout.close()
        self.running.wait(timeout=WAIT)
        self.running = None

    async def _demo(self) -> None:
        """`make demo`, with the virtual environment that is there already, and its page opened at alice's seat."""
        said = self._start("make --assume-old=.venv/.locked --assume-old=.venv/.ready demo")
        while not (address := re.search(r"http://[\w.]+:\d+", said)):
            assert self.running is not None
            assert self.running.stdout is not None
            said += self.running.stdout.readline()
        self.simulator = await self.held.enter_async_context(Simulator.connect(address[0]))
        self.seat, self.root, self.noticed = "alice", "", {}

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OUR_OWN)}
        return {**clean, "PATH": f"{Path(sys.executable).parent}:{clean.get('PATH', os.defpath)}"}

    def fill_in(self) -> None:
        """The tokens, where .env has a place for them; the address, which is another than Slack's."""
        file = self.clone / ".env"
        text = file.read_text()
        for name, value in self.tokens.items():
            text, times = re.subn(rf"^#?{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
            assert times == 1, name
        file.write_text(text)
        self._take_out("assistant")

    def _take_out(self, graph: str) -> None:
        """Take a graph out of langgraph.json, as the page says of one that needs a model."""
        file = self.clone / "langgraph.json"
        config = json.loads(file.read_text())
        config["graphs"].pop(graph, None)
        file.write_text(json.dumps(config))

    def _name_graph(self, entry: str) -> None:
        file = self.clone / "langgraph.json"
        config = json.loads(file.read_text())
        config["graphs"] |= json.loads(f"{{{entry}}}")
        file.write_text(json.dumps(config))

    # --- In Slack -------------------------------------------------------------------------------

    async def _do(self, sentence: Sentence) -> None:
        """Everything that the bold words say; words that are not known fail."""
        told = sentence.told
        for match in re.finditer("|".join(KNOWN), told, re.IGNORECASE):
            match match.lastgroup, match[match.lastgroup or 0]:
                case "seat", name:
                    self.seat, self.looks = name, "thread"
                case "again", _:
                    await self._type(self.line)
                case "words", words:
                    self.words = words
                case "button", label:
                    await self._press(label)
                case "dms", _:
                    self.looks = "dms"
                case _:
                    pass
        glue = re.sub("|".join(KNOWN), "", told, flags=re.IGNORECASE)
        unknown = re.sub(r"\band\b|[,;\s]", "", glue)
        assert not unknown, f"nobody knows how to do this: {told}"

    async def _see(self, sentence: Sentence) -> None:
        """What stands in quotes is seen, by whoever sits there; moments are brought about first."""
        for match in re.finditer(r'After (?P<seconds>\d+) seconds|"(?P<words>[^"]+)"', sentence.rest):
            if match["seconds"]:
                slack = self._slack
                await slack.advance(self.at + int(match["seconds"]) - await slack.skipped())
            elif match["words"] not in self.printed:
                await self._wait_for(match["words"].rstrip("."))

    async def _type(self, line: str) -> None:
        seat, slack = self._slack.seat(self.seat), self._slack
        if line == "/invite @countersign":
            self.channel = "#finance"
            await slack.change_channel(self.channel, add=("countersign",))
            return
        before = {message["ts"] for message in await seat.messages(self.channel)}
        self.noticed = {name: len(await slack.seat(name).notices()) for name in ("alice", "bob", "carol")}
        answer = await seat.command(self.channel, line)
        assert answer.get("ok", True), answer
        if line == "/task help":
            self.root = ""
            await self._wait_for("Start a task")
            return
        self.line, self.at, self.looks, self.printed = line, await slack.skipped(), "thread", ""

        async def opened() -> str | None:
            shown = [message for message in await seat.messages(self.channel) if message["ts"] not in before]
            return next((message["ts"] for message in shown if "started" in render_text(message)), None)

        self.root = await self._until(opened, f"a thread for {line}")
        await self._wait_for("[Details]")

    async def _press(self, label: str) -> None:
        """The button of the modal that is open, with what was to be written; else that of the newest card."""
        seat = self._slack.seat(self.seat)
        view = await seat.modal()
        if view is not None and (view.get("submit") or {}).get("text") == label:
            (field_id,) = (block["block_id"] for block in view["blocks"] if block["type"] == "input")
            assert await seat.submit({field_id: self.words}) == {}
            return

        async def there() -> tuple[Message, str] | None:
            return _newest(await seat.thread(self.channel, self.root), label)

        card, action_id = await self._until(there, f"a button {label}")
        answer = await seat.press(card, action_id)
        assert answer.get("ok", True), answer

    async def _wait_for(self, words: str) -> None:
        async def seen() -> bool:
            return words in await self._seen()

        try:
            await self._slack.wait_for(seen, timeout=WAIT)
        except TimedOut:
            raise AssertionError(f'{self.seat} does not see "{words}", but:\n{await self._seen()}') from None

    async def _seen(self) -> str:
        """All that whoever sits there sees of the newest task: its thread, their modal, and what only they are told."""
        slack = self._slack
        names, seat = await slack.known_names(), slack.seat(self.seat)
        shown: list[Mapping[str, Any]] = []
        if self.looks == "dms":
            shown += await seat.messages("@countersign")
        else:
            shown += await seat.thread(self.channel, self.root) if self.root else []
            shown += (await seat.notices())[self.noticed.get(self.seat, 0) :]
            view = await seat.modal()
            shown += [view] if view is not None else []
        return "\n".join(render_text(each, names) for each in shown)

    async def _until(self, predicate: Callable[[], Awaitable[Found | None]], what: str) -> Found:
        try:
            found = await self._slack.wait_for(predicate, timeout=WAIT)
        except TimedOut:
            raise AssertionError(f"there is not {what}, but:\n{await self._seen()}") from None
        assert found is not None
        return found

    @property
    def _slack(self) -> Simulator:
        assert self.simulator is not None, "no Slack is running yet"
        return self.simulator


def _newest(messages: Sequence[Message], label: str) -> tuple[Message, str] | None:
    """The newest message that has a button of this name, and the button's action. A page leaves out the dots that say
    that a button opens a modal."""
    for message in reversed(messages):
        elements = [each for block in message.get("blocks", []) for each in block.get("elements", [])]
        for element in elements:
            if element["type"] == "button" and element["text"]["text"].removesuffix("…") == label:
                return message, element["action_id"]
    return None
