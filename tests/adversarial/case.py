"""A case: the source of a graph, what happens to it, and what its effects must be; one runner plays them all.

The graph's file begins with `PRELUDE`: `act("paid")` is an effect, `line(a, b)` is a graph of these nodes, and
`wait("go")` blocks until the step `Touch("go")`. A new kind of happening is one more class with a `do`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.slack.cards.decision_words import APPROVED as ENDED_WELL
from tests.support.play import ALICE, Play
from tests.support.stage import PATIENT_POLICY

PRELUDE = """
import asyncio, json, operator, os, sys, threading, time
from pathlib import Path
from typing import Annotated
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, RetryPolicy, Send, interrupt
from typing_extensions import TypedDict

class Inputs(TypedDict):
    note: str

class State(Inputs, total=False):
    answer: object
    outcome: str

def act(what):
    with open(Path(__file__).with_suffix(".effects"), "a") as effects:
        effects.write(what + "\\n")

def there(name):
    return Path(os.environ["FOLDER"], name).exists()

def wait(name):
    while not there(name):
        time.sleep(0.01)

def ask(state):
    return {"answer": interrupt({"question": "Go on?", "details": {"note": state["note"]}})}

def done(state):
    return {"outcome": "done"}

def built(*nodes):
    builder = StateGraph(State, input_schema=Inputs)
    builder.add_sequence(list(nodes))
    builder.add_edge(START, nodes[0].__name__)
    return builder

def line(*nodes, **more):
    return built(*nodes).compile(**more)
"""


class Step(Protocol):
    """Something that happens."""

    async def do(self, play: Play) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What must hold when these steps have been taken."""

    name: str
    graph: str
    """Python; it leaves its graph in the variable `graph`."""
    steps: Sequence[Step]
    exactly: Sequence[str] | None = None
    """All effects, in their order; None if any are fine but those that must never be."""
    never: Sequence[str] = ()
    """What must not be among the effects."""
    most: Mapping[str, int] = field(default_factory=dict)
    """How often an effect may be there at the most."""
    stores: Sequence[str] = ("sqlite",)
    policy: str = PATIENT_POLICY
    settings: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


# --- What happens -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """Alice starts a task."""

    line: str = "/task case note=x"

    async def do(self, play: Play) -> None:
        play.thread = await play.room.start(self.line)


@dataclass(frozen=True, slots=True)
class Press:
    """Somebody presses a button of the card that asks, which has these words."""

    action: str
    words: Sequence[str] = ()
    who: str = "bob"

    async def do(self, play: Play) -> None:
        await play.room.press(self.who, await play.of().card(*self.words), self.action)


APPROVE = Press("approve")


@dataclass(frozen=True, slots=True)
class Retry:
    """Alice tries again what an error has stopped."""

    async def do(self, play: Play) -> None:
        await play.room.press("alice", await play.of().shows("[Retry]"), "retry")


RETRY = Retry()


@dataclass(frozen=True, slots=True)
class Reject:
    """Bob rejects, with a reason if one is asked for."""

    async def do(self, play: Play) -> None:
        await play.room.press("bob", await play.of().card(), "reject")
        await play.room.modal("bob")
        await play.room.seat("bob").submit({"reason": "No."})


@dataclass(frozen=True, slots=True)
class Shows:
    """The thread shows a message with all of these words, and without those."""

    words: Sequence[str]
    without: Sequence[str] = ()

    async def do(self, play: Play) -> None:
        await play.of().shows(*self.words, without=self.without)


@dataclass(frozen=True, slots=True)
class Asked:
    """A card asks, and can be approved."""

    async def do(self, play: Play) -> None:
        await play.of().card("[Approve]")


@dataclass(frozen=True, slots=True)
class Finished:
    """The task has ended well, and its outcome says so."""

    async def do(self, play: Play) -> None:
        await play.of().ended(ENDED_WELL)


ASKED = Asked()
STOPPED = Shows(("Stopped by an error", "error id", "[Retry]"))
FINISHED = Finished()


@dataclass(frozen=True, slots=True)
class Effect:
    """Wait for this effect, to this number."""

    name: str
    times: int = 1

    async def do(self, play: Play) -> None:
        async def there() -> bool:
            return play.effects().count(self.name) >= self.times

        await play.until(there, f"the effect {self.name}")


@dataclass(frozen=True, slots=True)
class Posted:
    """It is stored where every message of the task stands in Slack: nothing of them is under way."""

    async def do(self, play: Play) -> None:
        async with play.records() as storage:

            async def there() -> bool:
                tasks = await storage.tasks_of(ALICE, 2)
                messages = [each for task in tasks for each in await storage.messages_of(task.id)]
                return bool(messages) and all(each.ref is not None for each in messages)

            await play.until(there, "the record of where the messages stand")


@dataclass(frozen=True, slots=True)
class Sweeps:
    """The bot has looked for work that was left, so many times, and has done what it found."""

    number: int = 3

    async def do(self, play: Play) -> None:
        for _ in range(self.number):
            await play.be_swept()


@dataclass(frozen=True, slots=True)
class Touch:
    """What waits for this name goes on."""

    name: str

    async def do(self, play: Play) -> None:
        (play.bot.folder / self.name).touch()


@dataclass(frozen=True, slots=True)
class Redeploy:
    """The bot is stopped, and started with this source."""

    graph: str

    async def do(self, play: Play) -> None:
        assert await asyncio.to_thread(play.bot.stop) == 0, play.bot.log
        play.write(case=PRELUDE + self.graph)
        play.bot.start()


@dataclass(frozen=True, slots=True)
class Restart:
    """The bot is killed, or has ended, and is started again."""

    async def do(self, play: Play) -> None:
        play.bot.kill()
        play.bot.start()


@dataclass(frozen=True, slots=True)
class Died:
    """The process ends with this exit code."""

    code: int

    async def do(self, play: Play) -> None:
        code = await asyncio.to_thread(play.bot.wait)
        assert code == self.code, f"{code}: {play.bot.log}"


@dataclass(frozen=True, slots=True)
class Terminate:
    """SIGTERM, so many times; the bot ends by itself, with 0."""

    times: int = 1

    async def do(self, play: Play) -> None:
        for _ in range(self.times):
            play.bot.terminate()
        await Died(0).do(play)


@dataclass(frozen=True, slots=True)
class RedisAway:
    """Redis is gone; if the case runs on SQLite, nothing happens."""

    async def do(self, play: Play) -> None:
        if play.redis is not None:
            play.redis.kill()


@dataclass(frozen=True, slots=True)
class RedisBack:
    async def do(self, play: Play) -> None:
        if play.redis is not None:
            play.redis.start()


@dataclass(frozen=True, slots=True)
class Logged:
    """The bot's log has these words."""

    words: str

    async def do(self, play: Play) -> None:
        async def there() -> bool:
            return self.words in play.bot.log

        await play.until(there, f"{self.words} in the log")


@dataclass(frozen=True, slots=True)
class Alive:
    """The bot still works: another task begins and ends."""

    async def do(self, play: Play) -> None:
        thread = await play.room.start("/task canary note=x")
        await thread.ended(ENDED_WELL)
