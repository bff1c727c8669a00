"""A `systemctl` for a host that is a folder: it starts what units say, with the host's paths put into that folder.

python units.py HOST VERB [OPTION ...] UNIT ...

It knows what the shipped units need: services of the types `exec` and `oneshot`, and timers, which it only notes.
"""

from __future__ import annotations

import configparser
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

PATHS: Final = ("/opt/countersign", "/etc/countersign", "/etc/systemd/system", "/var/lib/countersign")
WAIT: Final = 45.0


def inside(host: Path, text: str) -> str:
    """The text with the host's paths in its folder."""
    for path in PATHS:
        text = text.replace(path, f"{host}{path}")
    return text


class Unit:
    def __init__(self, host: Path, name: str) -> None:
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string(inside(host, (host / "etc" / "systemd" / "system" / name).read_text()))
        self.host, self.name = host, name
        self.service = dict(parser["Service"]) if "Service" in parser else {}
        self.pid_file = host / f"{name}.pid"
        self.log = host / f"{name}.log"

    def words(self, key: str) -> list[str]:
        return shlex.split(self.service[key].replace("%%", "%"))

    def start(self) -> int:
        if not self.service:
            self.log.write_text("the timer is on\n")
            return 0
        for folder in self.service["StateDirectory"].split():
            (self.host / "var" / "lib" / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.service["Type"] == "oneshot":
            return self._run("ExecStart") or self._run("ExecStartPost")
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.words("ExecStart"),
                cwd=self.service.get("WorkingDirectory", self.host),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid_file.write_text(str(process.pid))
        return 0

    def _run(self, key: str) -> int:
        with self.log.open("ab") as log:
            return subprocess.run(self.words(key), cwd=self.host, stdout=log, stderr=log).returncode

    def stop(self) -> int:
        """SIGTERM to the first process, and back when it has ended."""
        if not self.pid_file.exists():
            return 0
        pid = int(self.pid_file.read_text())
        self.pid_file.unlink()
        os.kill(pid, getattr(signal, self.service.get("KillSignal", "SIGTERM")))
        end = time.monotonic() + WAIT
        while _lives(pid):
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
                return 1
            time.sleep(0.02)
        return 0

    def reload(self) -> int:
        words = self.service["ExecReload"].replace("$MAINPID", self.pid_file.read_text())
        return subprocess.run(shlex.split(words)).returncode


def _lives(pid: int) -> bool:
    """Whether the process runs: one that has ended and is nobody's child any more is gone."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def main() -> int:
    host, (verb, *rest) = Path(sys.argv[1]), sys.argv[2:]
    units = [Unit(host, name) for name in rest if not name.startswith("-")]
    match verb:
        case "daemon-reload":
            return 0
        case "enable" | "start":
            return max((unit.start() for unit in units), default=0)
        case "stop":
            return max((unit.stop() for unit in units), default=0)
        case "restart":
            return max((unit.stop() or unit.start() for unit in units), default=0)
        case "reload":
            return max((unit.reload() for unit in units), default=0)
        case _:
            raise SystemExit(f"no such verb here: {verb}")


if __name__ == "__main__":
    sys.exit(main())
