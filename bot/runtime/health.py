"""A heartbeat file, by which a container's health check knows that `run` is well.

`python -m bot.runtime.health` does the same as `python -m bot healthy` without importing the bot, which can take
seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

MIN_VALID_SECONDS: Final = 30.0
"""How long a heartbeat is valid at least, so that a few ticks may fail."""
MAX_MISSED_TICKS: Final = 3
"""How many ticks may fail, if they are far apart."""
SLACK: Final = "https://slack.com/api/"


def identity(bot_token: str, api_url: str = "", redis_url: str = "") -> str:
    """Which bot this is: the one of this app, in this workspace, with these records. Nothing can be learned from it."""
    parts = [bot_token, (api_url or SLACK).rstrip("/"), redis_url]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def beat(state_dir: Path, interval: float, role: str, bot: str) -> None:
    """Records that a role of this bot is well: storage has answered, and a gateway is connected to Slack. The next
    heartbeat is due in `interval` seconds.

    It counts only while the process lives that started this one, and that starts it again.
    """
    until = time.time() + _valid(interval)
    file, new = state_dir / f"{_prefix()}{role}", state_dir / f".{_prefix()}{role}.{os.getpid()}"
    parent = os.getppid()
    said = json.dumps({"bot": bot, "parent": parent, "started": _started(parent)}).encode()
    written = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(written, said)
    finally:
        os.close(written)
    os.utime(new, (until, until))
    new.replace(file)


def swept(state_dir: Path, role: str) -> None:
    """Records that a sweep of the role has ended, even if something did not answer."""
    file = _sweep_of(state_dir, role)
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    os.utime(file)


def last_sweep(state_dir: Path, role: str) -> float | None:
    """When a sweep of the role on this machine last ended, in seconds since 1970. None if none has since its start."""
    try:
        return _sweep_of(state_dir, role).stat().st_mtime
    except OSError:
        return None


def last_beat(state_dir: Path, interval: float, role: str) -> float | None:
    """When the role on this machine last recorded that it is well, in seconds since 1970. None if it has not since its
    start. `interval` as in `beat`."""
    try:
        return (state_dir / f"{_prefix()}{role}").stat().st_mtime - _valid(interval)
    except OSError:
        return None


def forget(state_dir: Path, role: str) -> None:
    """Forgets the heartbeat and the sweeps of a role that ends in order, or is about to start."""
    (state_dir / f"{_prefix()}{role}").unlink(missing_ok=True)
    _sweep_of(state_dir, role).unlink(missing_ok=True)


def problem(state_dir: Path, bot: str) -> str:
    """Why this bot is not well on this machine, as a sentence. Empty if the last heartbeat of each of its roles is
    recent, and there is one."""
    try:
        files = sorted(state_dir.glob(f"{_prefix()}*"))
        found = [_problem_of(file, bot) for file in files]
    except OSError as error:
        return f"STATE_DIR {state_dir} cannot be read ({error.strerror})."
    if not found:
        return f"No bot runs on this machine with STATE_DIR {state_dir}, or it is still starting."
    return next(filter(None, found), "")


def report(env_file: Path) -> int:
    """Says on standard error why the bot of these settings is not well. Returns the exit code: 0 if it is."""
    said = _settings(env_file)
    bot = identity(said.get("SLACK_BOT_TOKEN", ""), said.get("SLACK_API_URL", ""), said.get("REDIS_URL", ""))
    why = problem(Path(said.get("STATE_DIR", "var")), bot)
    if why:
        sys.stderr.write(f"{why}\n")
    return 1 if why else 0


# --- Within -------------------------------------------------------------------------------------


def _problem_of(file: Path, bot: str) -> str:
    role = file.name.removeprefix(_prefix())
    late = time.time() - file.stat().st_mtime
    if late >= 0:
        return f"The {role} does not say any more that it is well."
    said = _read(file)
    if said.get("bot") != bot:
        return f"The {role} that runs here is another bot's: it has another token, or another REDIS_URL."
    if not _runs(said.get("parent"), said.get("started")):
        return f"The {role} was killed."
    return ""


def _read(file: Path) -> Mapping[str, Any]:
    try:
        said = json.loads(file.read_bytes())
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _runs(process: object, started: object) -> bool:
    """Whether this very process still runs, and not another one that has its number by now."""
    if not isinstance(process, int):
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _started(process) == started


def _started(process: int) -> str | None:
    """When the process was started, as the system counts. None if it does not say."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _prefix() -> str:
    """How the names of heartbeats begin. Each is named after the machine or container, because replicas may share the
    folder, and after the role."""
    return f"heartbeat-{socket.gethostname()}-"


def _valid(interval: float) -> float:
    """For how many seconds a heartbeat is valid."""
    return max(MIN_VALID_SECONDS, MAX_MISSED_TICKS * interval)


def _sweep_of(state_dir: Path, role: str) -> Path:
    return state_dir / f"swept-{socket.gethostname()}-{role}"


def _settings(env_file: Path) -> Mapping[str, str]:
    """What is set in the environment or in the file, as `bot.settings` reads it."""
    written: Mapping[str, str | None] = {}
    if env_file.exists():  # imported only then, because a health check has to be quick
        from dotenv import dotenv_values

        written = dotenv_values(env_file)
    given = [(name.upper(), value) for name, value in (*written.items(), *os.environ.items())]
    return {name: value for name, value in given if value}


if __name__ == "__main__":
    sys.exit(report(Path(".env")))
