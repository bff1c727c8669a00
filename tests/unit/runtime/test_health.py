"""`python -m bot healthy` says whether the bot on this machine is well."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.runtime import health

ROOT = Path(__file__).parents[3]
TOKEN = "xoxb-1"
BOT = health.identity(TOKEN)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder."""
    for name in ("SLACK_API_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
    return tmp_path


def is_well(folder: Path) -> bool:
    return not health.problem(folder, BOT)


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let so many seconds pass."""
    now = time.time() + seconds
    monkeypatch.setattr(time, "time", lambda: now)


def test_a_bot_that_never_ran_is_not_well() -> None:
    assert main(["healthy"]) == 1


def test_a_bot_is_well_after_a_beat(folder: Path) -> None:
    health.beat(folder, 5, "gateway", BOT)

    assert main(["healthy"]) == 0


@pytest.mark.parametrize(
    ("interval", "silence", "well"), [(5, 25, True), (5, 31, False), (60, 150, True), (60, 200, False)]
)
def test_a_bot_that_has_been_silent_for_long_is_not_well(
    folder: Path, monkeypatch: pytest.MonkeyPatch, interval: float, silence: float, well: bool
) -> None:
    health.beat(folder, interval, "gateway", BOT)

    later(monkeypatch, silence)

    assert is_well(folder) is well


def test_each_beat_counts_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    health.beat(folder, 5, "gateway", BOT)
    later(monkeypatch, 31)

    health.beat(folder, 5, "gateway", BOT)

    assert is_well(folder)


def test_a_bot_is_well_only_if_each_of_its_roles_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that is connected says nothing of the agents, and the other way round."""
    health.beat(folder, 60, "gateway", BOT)
    health.beat(folder, 5, "worker", BOT)

    later(monkeypatch, 31)

    assert not is_well(folder)
    health.beat(folder, 5, "worker", BOT)
    assert is_well(folder)


def test_a_role_that_was_ended_in_order_is_not_missed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Roles may move to other machines; one that ended here makes nothing unwell."""
    health.beat(folder, 60, "gateway", BOT)
    health.beat(folder, 5, "worker", BOT)

    health.forget(folder, "worker")
    later(monkeypatch, 31)

    assert is_well(folder)
    health.forget(folder, "gateway")
    assert not is_well(folder), "nothing runs here any more"
    health.forget(folder, "gateway")


def test_the_beat_lies_in_the_state_folder_and_is_private(folder: Path) -> None:
    """Another user of the machine can neither read it nor put one in its place."""
    health.beat(folder, 5, "gateway", BOT)

    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_beat_of_another_machine_does_not_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replicas may share the folder; one that has died is not well because another is."""
    health.beat(folder, 5, "gateway", BOT)

    monkeypatch.setattr(socket, "gethostname", lambda: "another")

    assert not is_well(folder)


def test_the_beat_of_a_bot_that_was_killed_does_not_count(folder: Path) -> None:
    """Its heartbeat is valid for a while. Nobody starts that role again, because who would do so is gone too."""
    script = (
        "import os\nfrom pathlib import Path\nfrom bot.runtime import health\n"
        f"if os.fork() == 0: health.beat(Path({str(folder)!r}), 5, 'worker', {BOT!r})\n"
        "else: os.wait()"
    )

    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)

    assert health.problem(folder, BOT) == "The worker was killed."


def test_a_process_that_has_the_number_of_the_killed_one_is_another(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart of the machine or of a container, numbers come again."""
    health.beat(folder, 5, "worker", BOT)

    said = json.loads(next(folder.iterdir()).read_text())
    (beat,) = folder.iterdir()
    at = beat.stat().st_mtime
    beat.write_text(json.dumps(said | {"started": "1"}))
    os.utime(beat, (at, at))

    assert health.problem(folder, BOT) == "The worker was killed."


@pytest.mark.parametrize(
    "changed",
    [{"SLACK_BOT_TOKEN": "xoxb-2"}, {"REDIS_URL": "redis://localhost/1"}, {"SLACK_API_URL": "http://localhost/api/"}],
)
def test_the_beat_of_a_bot_with_other_settings_does_not_count(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], changed: dict[str, str]
) -> None:
    """It runs with this STATE_DIR, and no bot of these settings does."""
    health.beat(folder, 5, "gateway", BOT)
    assert main(["healthy"]) == 0

    for name, value in changed.items():
        monkeypatch.setenv(name, value)

    assert main(["healthy"]) == 1
    assert "another bot's" in capsys.readouterr().err


def test_a_heartbeat_of_an_earlier_version_does_not_count(folder: Path) -> None:
    """It says nothing of who runs."""
    health.beat(folder, 5, "gateway", BOT)
    (beat,) = folder.iterdir()
    at = beat.stat().st_mtime
    beat.write_bytes(b"")
    os.utime(beat, (at, at))

    assert not is_well(folder)


@pytest.mark.parametrize("said", ["environment", ".env", "nowhere"])
def test_the_containers_check_says_the_same(tmp_path: Path, said: str) -> None:
    """It finds the folder as the bot does: in the environment, in .env, or at its default."""
    state = tmp_path / ("var" if said == "nowhere" else "elsewhere")
    state.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "STATE_DIR"}
    environment |= {"PYTHONPATH": str(ROOT), "SLACK_API_URL": health.SLACK.rstrip("/")}
    if said == "environment":
        environment["STATE_DIR"] = str(state)
    elif said == ".env":
        (tmp_path / ".env").write_text("STATE_DIR=elsewhere\n")
    command = [sys.executable, "-m", "bot.runtime.health"]

    before = subprocess.run(command, cwd=tmp_path, env=environment, check=False).returncode
    health.beat(state, 5, "worker", BOT)
    after = subprocess.run(command, cwd=tmp_path, env=environment, check=False).returncode

    assert (before, after) == (1, 0)
