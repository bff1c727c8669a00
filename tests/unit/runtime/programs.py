"""Small programs that fork, each in a process of its own: `python -m tests.unit.runtime.programs NAME`. What they print
is what the tests read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.runtime import supervisor
from bot.runtime.children import Channel, Child, Children, forget_signals, woken_by_signals
from bot.runtime.hints import UnixHints, bound, listening
from bot.runtime.line import Line
from bot.runtime.prints import Prints
from bot.runtime.supervisor import Supervisor
from bot.telemetry.lines import Lines
from bot.telemetry.stream import Stream

PATIENCE = 60.0
"""Seconds after which a program gives up, so that nothing is left of a test that failed."""


def say(*words: object) -> None:
    """One line, whole, at once."""
    os.write(1, f"{' '.join(map(str, words))}\n".encode())


# --- Children -----------------------------------------------------------------------------------


def talk() -> None:
    """Words go both ways, and then each end learns that the other is gone."""

    def child(channel: Channel) -> int:
        while words := channel.received(PATIENCE):
            channel.send(got=words["number"])
            if words["number"] == 3:
                break
        return 3

    children = Children()
    one = children.fork("one", child)
    for number in (1, 2, 3):
        one.channel.send(number=number)
    got: list[int] = []
    while len(got) < 3:
        children.wait(PATIENCE)
        got += [words["got"] for words in one.heard()]
    say(json.dumps(got))
    _ended(children)
    try:
        one.channel.received(PATIENCE)
    except EOFError:
        say("gone")


def closed() -> None:
    """A child whose parent has closed the channel, with a brother that was forked later."""

    def child(channel: Channel) -> int:
        try:
            channel.received(PATIENCE)
        except EOFError:
            say("gone")
        return 0

    children = Children()
    one = children.fork("one", child)
    brother = children.fork("brother", _sleep)
    one.channel.socket.close()
    os.waitpid(one.pid, 0)
    brother.send_signal(signal.SIGKILL)


def large() -> None:
    """A message that is too large, and one after it."""

    def child(channel: Channel) -> int:
        words = channel.received(PATIENCE)
        say(sorted(words or ()))
        return 0

    children = Children()
    one = children.fork("one", child)
    one.channel.send(large="x" * 70_000)
    one.channel.send(small="x")
    _ended(children)


def ends() -> None:
    """How children end."""

    def fails(_: Channel) -> int:
        raise ValueError("a bug")

    def exits(_: Channel) -> int:
        sys.exit("at once")

    def killed(_: Channel) -> int:
        os.kill(os.getpid(), signal.SIGSEGV)
        return 0

    for run in (lambda _: 0, lambda _: 3, fails, exits, killed):
        children = Children()
        child = children.fork("one", run)
        _ended(children)
        say(child.code, child.how)
        child.send_signal(signal.SIGTERM)  # to nobody


def groups() -> None:
    """The process groups of two children."""

    def child(_: Channel) -> int:
        say(os.getpgid(0) == os.getpid(), os.getpgid(0) == os.getpgid(os.getppid()))
        return 0

    for own in (True, False):
        children = Children()
        children.fork("one", child, own_group=own)
        _ended(children)


def orphan() -> None:
    """A child, and a child of that, which say who they are and wait."""

    def child(_: Channel) -> int:
        Children().fork("grandchild", _sleep)
        return _sleep(_)

    Children().fork("child", child)
    signal.pause()


def woken() -> None:
    """A process that waits for signals, with a child that takes none of them from it."""
    heard: list[int] = []
    with woken_by_signals(lambda: heard.append(1)) as descriptor:
        children = Children()
        one = children.fork("one", _sleep)
        while not heard:
            children.wait(PATIENCE, descriptor)
            forget_signals(descriptor)
        say("heard")
        one.send_signal(signal.SIGTERM)
        while one.status is None:
            children.wait(PATIENCE, descriptor)
            forget_signals(descriptor)
            children.ended()
        say(one.how)


def _sleep(_: Channel) -> int:
    say("up", os.getpid())
    signal.alarm(int(PATIENCE))
    signal.pause()
    return 0


def _ended(children: Children) -> None:
    while children.running:
        children.wait(PATIENCE)
        children.ended()


# --- The supervisor -----------------------------------------------------------------------------


class Role:
    """A role that says what happens to it, and does one thing after the other when it gets SIGUSR1."""

    def __init__(self, name: str, channel: Channel) -> None:
        self.name, self.channel = name, channel
        signal.alarm(int(PATIENCE))
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
        self.say("up", os.getpid())

    def say(self, *words: object) -> None:
        say(self.name, *words)

    def ready(self) -> None:
        self.channel.send(ready=True)

    def released(self) -> None:
        signal.sigwait({signal.SIGUSR1})

    def asked(self) -> None:
        signal.sigwait({signal.SIGTERM})
        self.say("asked")

    def hears(self, word: str) -> None:
        while words := self.channel.received(PATIENCE):
            self.say("hears", *words)
            if word in words:
                return


def gateway(channel: Channel) -> int:
    role = Role("gateway", channel)
    role.ready()
    role.hears("others_ready")
    role.asked()
    role.hears("alone")
    return 0


def worker(channel: Channel) -> int:
    role = Role("worker", channel)
    role.released()
    role.ready()
    role.asked()
    role.released()
    role.say("ends")
    return 0


def deaf(channel: Channel) -> int:
    role = Role("worker", channel)
    role.ready()
    signal.sigwait({signal.SIGUSR1})
    return 0


def wrong(channel: Channel) -> int:
    role = Role("worker", channel)
    role.channel.send(refused="REDIS_URL: it is wrong.")
    role.released()
    return supervisor.WRONG_SETTINGS


def wrong_later(channel: Channel) -> int:
    role = Role("worker", channel)
    role.ready()
    role.released()
    return supervisor.WRONG_SETTINGS


def plain(channel: Channel) -> int:
    role = Role("gateway", channel)
    role.channel.send(refused="REDIS_URL: it is wrong.")
    role.asked()
    return 0


def supervise(*names: str) -> int:
    """These functions as roles."""
    logging.basicConfig(format="log %(message)s", stream=sys.stdout)
    supervisor.EXTRA_SECONDS = 0.1  # type: ignore[misc]
    kinds: dict[str, Callable[[Channel], int]] = {each: globals()[each] for each in names}
    roles = {"gateway" if each in ("gateway", "plain") else "worker": run for each, run in kinds.items()}
    grace = 0.1 if "deaf" in names else PATIENCE
    telemetry = Stream(sinks=[Lines()])
    return Supervisor(roles=roles, grace=grace, started=lambda: say("started"), telemetry=telemetry).run()


def misplaced() -> int:
    """A supervisor that finds, once all is ready, that its files are not where they were."""
    logging.basicConfig(format="log %(message)s", stream=sys.stdout)
    supervisor.LOOK_SECONDS = 0.01  # type: ignore[misc]
    up: list[bool] = []

    def started() -> None:
        up.append(True)

    def lost() -> str | None:
        return "the folder is gone" if up else None

    return Supervisor(roles={"gateway": gateway}, grace=PATIENCE, started=started, lost=lost).run()


# --- The rest -----------------------------------------------------------------------------------


def line() -> None:
    """A process with a line, whose parent closes the channel."""

    def child(channel: Channel) -> int:
        async def runs() -> None:
            async with Line(owner="me", beat=lambda _: None, ttl=9, channel=channel).held():
                say("up")
                await asyncio.sleep(PATIENCE)

        asyncio.run(runs())
        return 0

    children = Children()
    one = children.fork("one", child)
    while not list(one.heard()):
        children.wait(PATIENCE)
    one.channel.socket.close()
    say(os.waitstatus_to_exitcode(os.waitpid(one.pid, 0)[1]))


def takers(folder: str, processes: str, hints: str) -> None:
    """So many processes that share a socket, and so many hints to them. Ends on SIGTERM."""
    own = bound(Path(folder), "worker")

    def child(_: Channel) -> int:
        async def takes() -> None:
            with listening(own, lambda hint: say(hint["number"], os.getpid())):
                await asyncio.sleep(PATIENCE)

        asyncio.run(takes())
        return 0

    children = Children()
    for _ in range(int(processes)):
        children.fork("taker", child)

    async def sends() -> None:
        sender = UnixHints.to(Path(folder))
        for number in range(int(hints)):
            sender.send("worker", number=number)
        await asyncio.sleep(PATIENCE)

    asyncio.run(sends())


def prints() -> None:
    """A child that prints in each way, and the log of its parent."""
    logging.basicConfig(format="%(name)s|%(message)s", stream=sys.stdout, level=logging.INFO)
    pipe = Prints.made()

    def child(_: Channel) -> int:
        pipe.take_over()
        sys.stdout.write("from Python\n")
        sys.stderr.write("an error\n")
        sys.stdout.flush()
        subprocess.run(["echo", "from a program"], check=True)
        logging.getLogger("bot").info("of our own")
        return 0

    children = Children()
    one: Child = children.fork("one", child)
    pipe.reads_from(one.pid)
    _ended(children)
    pipe.log_what_came()
    say("closed", pipe.descriptor)


if __name__ == "__main__":
    program: Any = globals()[sys.argv[1]]
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(program(*sys.argv[2:]))
