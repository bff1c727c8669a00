"""Makes the environment of `make setup`, `make demo` or `make server`, and says from its first second what it is doing.

python tools/environment.py setup|demo|server FOLDER     (the standard library alone: there is nothing else yet)

uv installs the packages, in a fraction of the time that pip takes. If this machine has a uv, it is used as it is
configured. If not, pip fetches one into a folder that is removed again, and it is given pip's own registry. If that
does not work here either, pip installs everything.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

ROOT: Final = Path(__file__).resolve().parents[1]
LOCKS: Final = {
    "setup": ROOT / "requirements.lock",
    "demo": ROOT / "requirements-demo.lock",
    "server": ROOT / "requirements-server.lock",
}
"""What each environment consists of."""
UV_LOCK: Final = ROOT / "requirements-uv.lock"
INSTALL: Final = ("install", "--no-deps", "--require-hashes", "--requirement")
"""What pip and uv have in common: the lock names every package, so nothing has to be resolved."""
TERMINAL_SECONDS: Final = 0.2
LOG_SECONDS: Final = 3.0
"""How long until the line is written again, on a terminal and elsewhere."""

UV_NAMES: Final = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
}
"""pip's setting -> the variable by which uv is told the same."""


@dataclass(slots=True)
class Progress:
    """One line that says the step, how far it is, and the seconds since the start."""

    out: TextIO
    name: str
    started: float = field(default_factory=time.monotonic)
    step: str = ""
    written: float = 0.0

    def begin(self, step: str) -> None:
        self.step = step
        self._write()

    def tick(self, done: int = 0, total: int = 0) -> None:
        """Write the line again if it is old enough."""
        if time.monotonic() - self.written >= (TERMINAL_SECONDS if self.out.isatty() else LOG_SECONDS):
            self._write(f": {min(done, total)} of {total}" if done else "")

    def end(self, line: str) -> None:
        self.step = line
        self._write()
        if self.out.isatty():
            self.out.write("\n")

    def _write(self, counted: str = "") -> None:
        self.written = time.monotonic()
        line = f"== {self.name}: {self.written - self.started:3.0f} s  {self.step}{counted}"
        self.out.write(f"\r\033[K{line}" if self.out.isatty() else f"{line}\n")
        self.out.flush()


@dataclass(slots=True, kw_only=True)
class Environment:
    """The environment that is made, and what is said about it."""

    folder: Path
    lock: Path
    for_work: bool
    """Whether it has pip as well, and the bytecode of every package: many processes will import them."""
    progress: Progress
    total: int
    errors: str = ""
    """What the last command that failed said."""

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def make(self) -> bool:
        """Make it; returns whether every package is installed."""
        self.progress.begin("making the environment")
        options = ["--clear"] if self.for_work else ["--clear", "--without-pip"]
        if not self._run([sys.executable, "-m", "venv", *options, str(self.folder)]):
            return False
        uv = shutil.which("uv")
        if uv is not None and self._by_uv(uv):
            return True
        pip = self._pip()
        return pip is not None and (self._by_fetched_uv(pip) or self._by_pip(pip))

    def _pip(self) -> list[str] | None:
        """The command of this Python's pip. If it has none, the one that every Python can put into an environment."""
        if self._run([sys.executable, "-m", "pip", "--version"]):
            return [sys.executable, "-m", "pip"]
        self.progress.begin("unpacking pip")
        if self._run([str(self.python), "-m", "ensurepip"]):
            return [str(self.python), "-m", "pip"]
        return None

    def _by_fetched_uv(self, pip: Sequence[str]) -> bool:
        self.progress.begin("fetching uv, which installs the packages")
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            target = Path(folder, "uv")
            fetch = [*pip, *INSTALL, str(UV_LOCK), "--only-binary", ":all:", "--no-compile", "--target", str(target)]
            if not self._run(fetch):
                return False
            # In the environment's own folder, so that packages are linked there and need not be copied.
            cache = Path(folder, "cache")
            settings = {**self._registry(pip), "UV_CACHE_DIR": str(cache), "UV_NO_CONFIG": "1"}
            return self._by_uv(str(target / "bin" / "uv"), settings, cache)

    def _registry(self, pip: Sequence[str]) -> dict[str, str]:
        return uv_settings(subprocess.run([*pip, "config", "list"], capture_output=True, text=True).stdout)  # noqa: S603

    def _by_uv(self, uv: str, settings: Mapping[str, str] | None = None, cache: Path | None = None) -> bool:
        self.progress.begin(f"installing {self.total} packages")
        packages = self.folder / "lib"

        def done(_line: str) -> int:
            unpacked = len(list(cache.glob("archive-v*/*"))) if cache is not None else 0
            return max(unpacked, len(list(packages.glob("*/site-packages/*.dist-info"))))

        compiled = ["--compile-bytecode"] if self.for_work else []
        command = [uv, "pip", *INSTALL, str(self.lock), *compiled, "--python", str(self.python)]
        return self._run(command, settings, done)

    def _by_pip(self, pip: Sequence[str]) -> bool:
        self.progress.begin(f"installing {self.total} packages with pip, which takes longer")
        collected = 0

        def done(line: str) -> int:
            nonlocal collected
            collected += line.startswith("Collecting ")
            return collected

        # pip can install into another environment since 22.3.
        compiled = [] if self.for_work else ["--no-compile"]
        into = [] if pip[0] == str(self.python) else ["--python", str(self.python)]
        return self._run([*pip, *into, *INSTALL, str(self.lock), *compiled], done=done)

    def _run(
        self,
        command: Sequence[str],
        settings: Mapping[str, str] | None = None,
        done: Callable[[str], int] = lambda _line: 0,
    ) -> bool:
        """Whether it succeeds. `done` gets each line that it writes, and an empty one now and then, and counts."""
        try:
            process = subprocess.Popen(  # noqa: S603
                command,
                env={**os.environ, **(settings or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            self.errors = str(error)
            return False
        lines: list[str] = []
        reading = threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True)
        reading.start()
        read = 0
        while reading.is_alive():
            reading.join(TERMINAL_SECONDS)
            new, read = lines[read:], len(lines)
            counted = max(map(done, new or [""]))
            self.progress.tick(counted, self.total)
        if process.wait() != 0:
            self.errors = "".join(lines)
        return process.returncode == 0


def uv_settings(listed: str) -> dict[str, str]:
    """What `pip config list` printed, as variables for uv: the registry, and how it is reached."""
    found: dict[str, str] = {}
    for section in ("global", "install", ":env:"):  # as pip does, the later ones win
        for name, quoted in re.findall(rf"(?m)^{section}\.([\w-]+)=(['\"].*)$", listed):
            value = str(ast.literal_eval(quoted)).strip()
            if name in UV_NAMES and value:
                found[UV_NAMES[name]] = ",".join(value.split()) if name == "find-links" else " ".join(value.split())
            elif name == "no-index" and value.lower() in {"1", "true", "yes", "on"}:
                found["UV_NO_INDEX"] = "1"
    # pip takes the best of all its registries; uv alone would stop at the first that knows the name.
    return {**found, "UV_INDEX_STRATEGY": "unsafe-best-match"}


def count(lock: str) -> int:
    """How many of the packages of a lock are installed here."""
    return sum(_wanted(marker) for marker in re.findall(r"(?m)^[\w.-]+(?:\[.*?\])?==[^\s;]+(?: ; ([^\\\n]*))?", lock))


def _wanted(marker: str) -> bool:
    """Whether a marker of the lock holds. One of another form than `uv` writes for us counts as true."""
    here = {"sys_platform": sys.platform, "python_full_version": sys.version_info[:3]}
    for name, sign, value in re.findall(r"(\w+) (==|!=|<|>=) '([^']*)'", marker):
        if name not in here or " or " in marker:
            continue
        wanted = value if name == "sys_platform" else tuple(map(int, value.split(".")))
        known = here[name]
        holds = {"==": known == wanted, "!=": known != wanted, "<": known < wanted, ">=": known >= wanted}  # type: ignore[operator]
        if not holds[sign]:
            return False
    return True


def main() -> int:
    """Make the environment and the folder that the command line names; returns the exit code."""
    name, folder = sys.argv[1:]
    progress = Progress(sys.stdout, name)
    lock = LOCKS[name]
    total = count(lock.read_text())
    environment = Environment(folder=Path(folder), lock=lock, for_work=name == "setup", progress=progress, total=total)
    if environment.make():
        progress.end(f"{total} packages are installed")
        return 0
    progress.end("the packages could not be installed")
    sys.stderr.write(f"{environment.errors}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
