"""The systemd units: systemd finds nothing wrong, and they start and stop the bot as it wants to be."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.__main__ import _parser
from bot.durations import duration
from bot.runtime.supervisor import EXTRA_SECONDS, WRONG_SETTINGS
from bot.settings import RoleSettings

ROOT = Path(__file__).parents[3]
UNITS = ROOT / "deploy" / "systemd"
PROGRAM = "/opt/countersign/venv/bin/countersign"
ENV_FILE = "/etc/countersign/countersign.env"
EVERY_SERVICE = pytest.mark.parametrize("name", sorted(path.name for path in UNITS.glob("*.service")))
MAX_EXPOSURE = 2.0
"""Of ten, as `systemd-analyze security` counts it. A service with the network open cannot have much less than 1.5."""

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="SYSTEMD DOES NOT LOOK AT THE UNITS: systemd-analyze is missing"
)


def service(name: str) -> Mapping[str, str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / name)
    return parser["Service"]


@needs_systemd
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    """The units as they stand, but for the program, which is not installed here."""
    for unit in UNITS.iterdir():
        (tmp_path / unit.name).write_text(unit.read_text().replace(PROGRAM, "/bin/true"))

    looked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *sorted(map(str, tmp_path.iterdir()))], capture_output=True, text=True
    )

    about = [line for line in looked.stderr.splitlines() if "countersign" in line]
    assert (looked.returncode, about) == (0, [])


@needs_systemd
def test_the_bot_has_no_more_rights_than_it_needs() -> None:
    looked = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(UNITS / "countersign.service")],
        capture_output=True,
        text=True,
    )

    found = re.search(r"Overall exposure level for countersign.service: ([\d.]+)", looked.stdout)
    assert found is not None, looked.stderr
    assert float(found[1]) <= MAX_EXPOSURE


@EVERY_SERVICE
def test_each_service_runs_a_command_that_there_is(name: str) -> None:
    """With the one file of settings, as its own user, who can read nothing of others and gain nothing."""
    unit = service(name)
    (line,) = re.findall(rf"{PROGRAM} [^'$]*", unit["ExecStart"])
    words = shlex.split(line.replace('"', ""))

    assert _parser(words[1:]).parse_args(words[1:]).env_file == Path(ENV_FILE)
    assert (unit["User"], unit["NoNewPrivileges"], unit["ProtectSystem"]) == ("countersign", "yes", "strict")
    assert (unit["CapabilityBoundingSet"], unit["UMask"]) == ("", "0077")
    assert "countersign" in unit["StateDirectory"].split()


def test_a_stop_waits_for_longer_than_the_bot_drains() -> None:
    """Only the supervisor is told; it ends the gateway last, and kills what has not ended."""
    unit = service("countersign.service")
    grace = RoleSettings.model_fields["shutdown_grace"].default

    assert float(unit["TimeoutStopSec"]) > grace + EXTRA_SECONDS
    assert (unit["KillMode"], unit["KillSignal"]) == ("mixed", "SIGTERM")
    assert unit["Restart"] == "always"


def test_wrong_settings_are_not_tried_again() -> None:
    """`Restart=always` would hide the sentence that says what is wrong under a hundred others."""
    assert service("countersign.service")["RestartPreventExitStatus"] == str(WRONG_SETTINGS) == "2"


def test_a_file_of_secrets_is_named_and_none_is_in_a_unit() -> None:
    for path in UNITS.glob("*.service"):
        assert not re.search(r"xoxb-|xapp-|REDIS_URL|TOKEN=", path.read_text())
    assert service("countersign.service")["EnvironmentFile"] == "-/etc/countersign/graphs.env"


def test_a_backup_is_made_more_often_than_it_is_thrown_away() -> None:
    timer = (UNITS / "countersign-backup.timer").read_text()
    (days,) = re.findall(r"-mtime \+(\d+)", service("countersign-backup.service")["ExecStartPost"])

    assert "OnCalendar=hourly" in timer
    assert duration(f"{days}d").days >= 7
