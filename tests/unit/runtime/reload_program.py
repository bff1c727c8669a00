"""A supervisor whose roles use a text, in a process of its own: `python -m tests.unit.runtime.reload_program FILE
ROLE...`. What it prints is what the tests read.

A role objects to a text that holds its name, and dies of one that holds its name and `dies`.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bot.approvals.model.errors import SettingsError
from bot.runtime.children import Channel
from bot.runtime.control import Control, listening
from bot.runtime.reloads import Offer, Reloads
from bot.runtime.supervisor import Supervisor
from bot.telemetry.lines import Lines
from bot.telemetry.stream import Stream
from tests.unit.runtime.programs import PATIENCE, say


class Source:
    """The text that roles are started with, and the file that it is read from."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.text = "the first"

    def read(self, number: int) -> Offer:
        found = self.file.read_text()
        if "wrong" in found:
            raise SettingsError(f"line 1: {found}")
        copy = self.file.with_name(f"copy-{number}")
        copy.write_text(found)

        def take() -> None:
            self.text = found

        return Offer(
            file=str(copy), said=found, told={"changes": [found]}, take=take, drop=lambda: copy.unlink(missing_ok=True)
        )


def role(name: str, source: Source, channel: Channel) -> int:
    """Says what it uses, until it is asked to end."""
    say(name, "starts with", source.text)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    channel.send(ready=True)
    while True:
        words: Any = channel.received(PATIENCE) or {}
        if "consider" in words:
            text = Path(words["file"]).read_text()
            if f"{name} dies" in text:
                os._exit(3)
            channel.send(considered=words["consider"], problem=f"{name} cannot" if name in text else "")
        if "use" in words:
            say(name, "uses it")
            channel.send(used=words["use"])
        if "drop" in words:
            say(name, "drops it")


def main(file: str, *names: str) -> int:
    logging.basicConfig(format="log %(message)s", stream=sys.stdout, level=logging.INFO)
    source = Source(Path(file))

    def named(name: str) -> Any:
        return lambda channel: role(name, source, channel)

    with ExitStack() as stack:
        control: Control = stack.enter_context(listening(Path(file).parent, {"bot": "this"}))
        reloads = Reloads(roles=names, read=source.read, control=control)
        return Supervisor(
            roles={name: named(name) for name in names},
            grace=1.0,
            started=lambda: say("started"),
            telemetry=Stream(sinks=[Lines()]),
            reloads=reloads,
        ).run()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
