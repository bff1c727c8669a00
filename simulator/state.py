"""What survives a restart with --state: everything that people and the app would find again, as JSON.

Short-lived things are not kept: open sockets, triggers, the traffic, planned faults, and choices in a message that were
not sent yet.
"""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from cattrs.errors import BaseValidationError
from cattrs.preconf.json import make_converter

from simulator.channels import Channel
from simulator.files import File
from simulator.messages import Message
from simulator.notices import Notice
from simulator.people import Person, UserGroup
from simulator.response_urls import ResponseUrl
from simulator.scheduled import Scheduled
from simulator.views import View
from simulator.world import World

_FORMAT = 1
_SAVE_INTERVAL_SECONDS = 1.0
_FEED_AHEAD = 10_000
"""A page may have seen changes after the last save. Numbers continue this far above, so that none is used twice."""


class StateError(Exception):
    """The file cannot be read. The message names the file and the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What the app has and could not ask for again."""

    bot_token: str
    app_token: str
    verification_token: str
    signing_secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that is kept."""

    format: int
    secrets: Secrets
    seq: int
    skipped: float
    people: list[Person]
    groups: list[UserGroup]
    channels: list[Channel]
    messages: list[Message]
    read: list[tuple[str, str, str]]
    stacks: dict[str, list[View]]
    homes: dict[str, View]
    notices: dict[str, list[Notice]]
    files: list[File]
    response_urls: dict[str, ResponseUrl]
    scheduled: list[Scheduled]


def of(world: World) -> State:
    """The current state of the world."""
    return State(
        format=_FORMAT,
        secrets=Secrets(
            bot_token=world.bot_token,
            app_token=world.app_token,
            verification_token=world.verification_token,
            signing_secret=world.request_urls.signing_secret,
        ),
        seq=world.feed.seq,
        skipped=world.clock.skipped,
        people=world.people.all(),
        groups=world.people.groups(),
        channels=world.channels.all(),
        messages=world.messages.everywhere(),
        read=world.read_marks(),
        stacks=world.views.stacks(),
        homes=world.views.homes(),
        notices=world.notices.everybodys(),
        files=world.files.all(),
        response_urls=world.response_urls.all(),
        scheduled=world.schedule.all(),
    )


def restore(world: World, state: State) -> None:
    """Restores a kept state into a new world."""
    world.bot_token, world.app_token = state.secrets.bot_token, state.secrets.app_token
    world.verification_token = state.secrets.verification_token
    world.request_urls.signing_secret = state.secrets.signing_secret
    world.feed.go_on_at(state.seq + _FEED_AHEAD)
    world.clock.advance(state.skipped)
    world.people.restore(state.people, state.groups)
    world.channels.restore(state.channels)
    world.messages.restore(state.messages)
    world.restore_read_marks(state.read)
    world.views.restore(state.stacks, state.homes)
    world.notices.restore(state.notices)
    world.files.restore(state.files)
    world.response_urls.restore(state.response_urls)
    world.schedule.restore(state.scheduled)


def load(path: Path) -> State | None:
    """The state in that file, or None if there is no file. Raises `StateError` if it cannot be read."""
    try:
        kept = json.loads(path.read_text("utf-8"))
        if kept["format"] != _FORMAT:
            raise StateError(f"{path}: it was written by another version. Delete it to start again")
        return make_converter(detailed_validation=False).structure(kept, State)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, BaseValidationError) as error:
        raise StateError(f"{path}: it cannot be read ({error}). Delete it to start again") from error


def save(path: Path, state: State) -> None:
    """Writes the state to the file. After a crash, the file has the old state or the new one."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(make_converter().dumps(state), "utf-8")
    beside.replace(path)


class Keeper:
    """Saves a world after each change, at most once a second, and when it is closed."""

    def __init__(self, world: World, path: Path) -> None:
        self._world = world
        self._path = path
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Saves now, and then after each change."""
        save(self._path, of(self._world))
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        """Saves one last time and stops."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        save(self._path, of(self._world))

    async def _watch(self) -> None:
        seq = self._world.feed.seq
        while True:
            await self._world.feed.wait(seq, 3600.0)
            await asyncio.sleep(_SAVE_INTERVAL_SECONDS)
            seq = self._world.feed.seq
            save(self._path, of(self._world))
