"""How a process below the supervisor takes changed policies, and how the worker role answers for all its workers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot import policy_file
from bot.app.policies import PolicyFile, PolicyRelay, PolicySwitch
from bot.approvals.model.errors import SettingsError
from bot.approvals.rules.matching import Policies
from bot.approvals.services.policies.current import CurrentPolicies
from bot.runtime.children import Channel, Child

FIRST = "defaults: {approvers: ['@first'], deadline: 1h}"
SECOND = "defaults: {approvers: ['@second'], deadline: 1h}"
WRONG = "defaults: {approvers: ['@second'], deadline: soon}"


@dataclass
class Said:
    """A channel that notes what is said over it."""

    words: list[dict[str, Any]] = field(default_factory=list)

    def send(self, **words: Any) -> None:
        self.words.append(words)


@dataclass
class Process:
    """A process that uses policies, with the file that its supervisor keeps for it."""

    folder: Path
    check: Any = id
    said: Said = field(default_factory=Said)
    taken: list[Policies] = field(default_factory=list)
    current: CurrentPolicies = field(init=False)
    switch: PolicySwitch = field(init=False)

    def __post_init__(self) -> None:
        self.current = CurrentPolicies(policy_file.read(Path("policies.yaml"), FIRST))
        self.switch = PolicySwitch(
            path=Path("policies.yaml"),
            current=self.current,
            channel=self.said,  # type: ignore[arg-type]
            check=self.check,
            used=self.taken.append,
        )

    def kept(self, number: int, text: str) -> dict[str, Any]:
        """What the supervisor says of a text that it has kept."""
        file = self.folder / f"copy-{number}"
        file.write_text(text)
        return {"consider": number, "file": str(file)}

    @property
    def asks(self) -> str:
        """Whom new requests ask."""
        return self.current.now.otherwise.stages[0].approvers[0]


@pytest.fixture
def process(tmp_path: Path) -> Process:
    return Process(tmp_path)


async def considered(process: Process, words: dict[str, Any]) -> None:
    """Hear it, and let the thread read the file."""
    process.switch.heard(words)
    await asyncio.gather(*process.switch._tasks)


async def test_a_text_is_read_first_and_used_when_the_parent_says_so(process: Process) -> None:
    await considered(process, process.kept(1, SECOND))
    assert process.asks == "@first"

    process.switch.heard({"use": 1})

    assert process.said.words == [{"considered": 1, "problem": ""}, {"used": 1}]
    assert process.asks == "@second"
    assert process.taken == [process.current.now]


async def test_what_is_wrong_is_told_with_the_name_of_the_real_file(process: Process) -> None:
    """People know nothing of the copy."""
    await considered(process, process.kept(1, WRONG))

    (answer,) = process.said.words
    assert str(answer["problem"]).startswith('policies.yaml, line 1, key "defaults.deadline"')
    assert process.asks == "@first"


async def test_what_does_not_fit_this_process_is_told(tmp_path: Path) -> None:
    def check(_: Policies) -> None:
        raise SettingsError("no graph is called that")

    process = Process(tmp_path, check=check)

    await considered(process, process.kept(1, SECOND))

    assert process.said.words == [{"considered": 1, "problem": "no graph is called that"}]


async def test_a_text_that_was_dropped_is_not_used(process: Process) -> None:
    await considered(process, process.kept(1, SECOND))

    process.switch.heard({"drop": 1})
    process.switch.heard({"use": 1})

    assert process.asks == "@first"


async def test_who_was_blocked_and_hears_everything_at_once_switches_before_anything_else(process: Process) -> None:
    """The thread has not read the file by then."""
    process.switch.heard(process.kept(1, SECOND))
    process.switch.heard({"use": 1})

    assert process.asks == "@second"
    await asyncio.gather(*process.switch._tasks)
    assert process.asks == "@second"


async def test_who_was_blocked_for_long_passes_over_a_text_that_is_not_in_use_any_more(process: Process) -> None:
    """Its copy is gone. What the parent says next has the newest one."""
    old, new = {"consider": 1, "file": str(process.folder / "gone")}, process.kept(2, SECOND)

    for words in (old, {"use": 1}, new, {"use": 2}):
        process.switch.heard(words)

    assert process.asks == "@second"
    await asyncio.gather(*process.switch._tasks)


# --- The worker role ------------------------------------------------------------------------------


@dataclass
class Role:
    """The worker role with workers that say what a test has them say."""

    process: Process
    relay: PolicyRelay
    sockets: ExitStack
    workers: int = 0

    def worker(self) -> Child:
        self.workers += 1
        ours, _ = map(self.sockets.enter_context, socket.socketpair())
        return Child(pid=self.workers, name="worker", channel=Channel(ours), started=0.0)


@pytest.fixture
def role(process: Process) -> Iterator[Role]:
    with ExitStack() as sockets:
        relay = PolicyRelay(switch=process.switch, channel=process.said)  # type: ignore[arg-type]
        yield Role(process, relay, sockets)


def test_the_role_answers_when_all_workers_that_can_have_answered(role: Role) -> None:
    one, other, blocked = role.worker(), role.worker(), role.worker()
    role.relay.heard(role.process.kept(1, SECOND), [one, other], [blocked])
    for worker in (one, other):
        role.relay.go_on()
        assert role.process.said.words == []
        role.relay.heard_of(worker, {"considered": 1, "problem": ""})
    role.relay.go_on()

    assert role.process.said.words == [{"considered": 1, "problem": ""}]


def test_what_one_worker_objects_to_is_the_roles_answer(role: Role) -> None:
    worker = role.worker()
    role.relay.heard(role.process.kept(1, SECOND), [worker], [])
    role.relay.heard_of(worker, {"considered": 1, "problem": "no such graph"})

    role.relay.go_on()

    assert role.process.said.words == [{"considered": 1, "problem": "no such graph"}]
    role.relay.heard({"drop": 1}, [worker], [])
    assert role.process.asks == "@first"


def test_a_role_without_a_worker_that_knows_its_graphs_says_so(role: Role) -> None:
    role.relay.heard(role.process.kept(1, SECOND), [], [role.worker()])

    role.relay.go_on()

    (answer,) = role.process.said.words
    assert str(answer["problem"]).startswith("no worker is ready")


def test_a_worker_that_ends_meanwhile_has_said_nothing(role: Role) -> None:
    worker = role.worker()
    role.relay.heard(role.process.kept(1, SECOND), [worker], [])

    role.relay.ended(worker)
    role.relay.go_on()

    assert role.process.said.words == [
        {"considered": 1, "problem": "the worker ended before it had answered. Try again."}
    ]


def test_workers_that_are_forked_from_then_on_have_what_is_in_use(role: Role) -> None:
    """The role itself switches first."""
    worker = role.worker()
    role.relay.heard(role.process.kept(1, SECOND), [worker], [])
    role.relay.heard_of(worker, {"considered": 1, "problem": ""})
    role.relay.go_on()

    role.relay.heard({"use": 1}, [worker], [])

    assert role.process.asks == "@second"
    role.relay.go_on()
    assert len(role.process.said.words) == 1, "the worker has not said that it uses it"
    role.relay.heard_of(worker, {"used": 1})
    role.relay.go_on()
    assert role.process.said.words[1:] == [{"used": 1, "problem": ""}]


# --- The supervisor -------------------------------------------------------------------------------


def test_the_file_is_read_once_and_its_copy_lies_beside_the_bots_files(tmp_path: Path) -> None:
    """Whoever comes late reads the same text."""
    file, current = tmp_path / "policies.yaml", CurrentPolicies(policy_file.read(Path("p"), FIRST))
    file.write_text(SECOND)
    source = PolicyFile(path=file, copies=tmp_path / "run-ab12", current=current)

    offer = source.read(1)
    file.write_text(WRONG)

    copy = Path(offer.file)
    assert copy.read_text() == SECOND
    assert copy.stat().st_mode & 0o777 == 0o600
    assert (offer.said, offer.told["changes"]) == ("the defaults are changed", ["the defaults are changed"])
    offer.take()
    assert current.now.otherwise.stages[0].approvers == ("@second",)
    assert source.about == {"policies": offer.told["digest"]}
    source.forget()
    assert not copy.exists()


def test_the_copy_of_what_is_in_use_stays_until_another_one_is(tmp_path: Path) -> None:
    file, current = tmp_path / "policies.yaml", CurrentPolicies(policy_file.read(Path("p"), FIRST))
    file.write_text(SECOND)
    source = PolicyFile(path=file, copies=tmp_path / "run-ab12", current=current)
    used, dropped = source.read(1), source.read(2)
    used.take()

    dropped.drop()

    assert Path(used.file).exists()
    assert not Path(dropped.file).exists()
    source.read(3).take()
    assert not Path(used.file).exists()
