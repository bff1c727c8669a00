"""`check` really tries what a start needs on this machine, leaves nothing behind, and says which bot runs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import stores
from bot.app.identity import bot_of
from bot.app.policies import digest_of
from bot.cli.check import graphs, machine
from bot.cli.check.findings import Findings
from bot.cli.check.machine import Here
from bot.runtime.control import listening
from bot.settings import Bind, Settings
from bot.storage.sqlite.store import SqliteStorage
from tests.unit.runtime.running import ROOT

NOBODY = Here(ours=frozenset(), others=False)
OURS = Here(ours=frozenset({"gateway", "worker"}), others=False)
HOLDER = """
import fcntl, sys
lock = open(sys.argv[1], "a")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The state folder."""
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


def the_settings(folder: Path, **changes: Any) -> Settings:
    given = {"slack_bot_token": "xoxb-1", "slack_app_token": "xapp-1", "state_dir": folder, **changes}
    return Settings(_env_file=None, **given)


def tried(folder: Path, *, keeps_records: bool = True) -> list[str]:
    """What is found about the folder."""
    findings = Findings()
    machine.state_dir(folder, findings, keeps_records=keeps_records)
    return findings.lines


def whole(folder: Path) -> dict[str, int]:
    """Every file, and when it was last changed."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*")}


# --- The folder -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["state", "not/yet/there"])
def test_a_folder_that_can_be_used_is_ok_and_stays_as_it_was(folder: Path, name: str) -> None:
    before = whole(folder.parent)

    said = tried(folder.parent / name)

    assert said == [f"ok     SQLite in STATE_DIR {folder.parent / name}, for one machine"]
    assert whole(folder.parent).keys() == before.keys()


@pytest.mark.parametrize("keeps_records", [True, False])
def test_a_folder_that_takes_no_file_is_wrong_though_its_mode_allows_it(folder: Path, *, keeps_records: bool) -> None:
    """A full file system says so only to who writes. Here, the system lets this process write nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        (said,) = tried(folder, keeps_records=keeps_records)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert said == f"wrong  STATE_DIR {folder}: {folder} cannot be written to (File too large). Name another folder."
    assert list(folder.iterdir()) == []


def test_a_folder_that_everybody_writes_to_is_wrong(folder: Path) -> None:
    folder.chmod(0o1777)

    (said,) = tried(folder)

    assert said.startswith(f"wrong  STATE_DIR {folder}: everybody may write to this folder")


# --- The records ----------------------------------------------------------------------------------


@pytest.fixture
def records(folder: Path) -> Path:
    """The records of a bot that has run here."""

    async def made() -> None:
        await (await SqliteStorage.open(folder / stores.RECORDS)).close()

    asyncio.run(made())
    return folder / stores.RECORDS


@pytest.mark.parametrize(
    ("version", "level", "words"),
    [
        (None, "ok", "can be read and written"),
        (1, "ok", "a start brings it up to date"),
        (10_000, "wrong", "was written by a newer Countersign, so this one does not start with it"),
    ],
)
def test_it_says_what_a_start_would_do_with_the_records_and_does_not_do_it(
    records: Path, version: int | None, level: str, words: str
) -> None:
    if version is not None:
        with contextlib.closing(sqlite3.connect(records)) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
    before = records.read_bytes()

    said = tried(records.parent)[-1]

    assert said.startswith(f"{level:<6} {records}")
    assert words in said
    assert records.read_bytes() == before


def test_records_that_are_no_database_are_wrong(records: Path) -> None:
    records.write_bytes(b"something else" * 1000)

    said = tried(records.parent)[-1]

    assert said.startswith(f"wrong  {records}: the records cannot be opened")


# --- The bot that runs ----------------------------------------------------------------------------


def found_running(settings: Settings) -> tuple[Here, list[str]]:
    findings = Findings()
    return machine.running(settings, findings), findings.lines


def test_where_no_bot_runs_nothing_is_said(folder: Path) -> None:
    assert found_running(the_settings(folder)) == (NOBODY, [])


def answered(settings: Settings, about: dict[str, Any]) -> list[str]:
    """What is found while a supervisor listens that says this about itself."""
    command = (
        "import sys, json, select; from pathlib import Path; from bot.runtime.control import listening\n"
        "with listening(Path(sys.argv[1]), json.loads(sys.argv[2])) as control:\n"
        "  print(flush=True)\n"
        "  while sys.stdin not in select.select([sys.stdin, *control.descriptors], [], [])[0]: control.look()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", command, str(settings.state_dir), json.dumps(about)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        return found_running(settings)[1]


def test_the_bot_that_runs_is_told_by_its_roles(folder: Path) -> None:
    settings = the_settings(folder)

    said = answered(settings, {"bot": bot_of(settings), "roles": ["worker", "gateway"]})

    assert said == ["ok     this bot runs here: gateway and worker"]


@pytest.mark.parametrize(("used", "said"), [("the text", []), ("another", ["risky  policies: the bot that runs here"])])
def test_a_file_that_the_running_bot_does_not_use_yet_is_a_risk(used: str, said: list[str]) -> None:
    """Whoever reads the file is wrong about what happens. It works, and one command mends it."""
    here, findings = replace(OURS, policies=frozenset({digest_of(used)})), Findings()

    machine.policies_in_use("the text", Path("policies.yaml"), here, findings)

    assert [line[:39] for line in findings.lines] == said


def test_another_bot_in_the_same_folder_is_wrong(folder: Path) -> None:
    said = answered(the_settings(folder), {"bot": "another", "roles": ["gateway"]})

    assert [line[:65] for line in said] == [f"wrong  STATE_DIR {folder}: a bot runs with"[:65]]


def test_a_role_that_does_not_answer_and_holds_the_lock_is_wrong(folder: Path) -> None:
    """A start would be refused. The lock itself is not touched: the bot may be starting."""
    lock = folder / "gateway.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()

        (said,) = found_running(the_settings(folder))[1]

    assert said.startswith(f"wrong  STATE_DIR {folder}: a gateway works with these files (process {process.pid})")
    assert found_running(the_settings(folder))[1] == [], "it has ended"


def test_a_socket_of_a_bot_that_was_killed_is_nobody(folder: Path) -> None:
    with listening(folder, {}) as control:
        left = control.path.with_name("run-dead.socket")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(left))

    assert found_running(the_settings(folder)) == (NOBODY, [])


# --- HTTP_BIND ------------------------------------------------------------------------------------


@pytest.fixture
def taken() -> Iterator[Bind]:
    """An address at which somebody listens."""
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        yield Bind(host="127.0.0.1", port=somebody.getsockname()[1])


@pytest.mark.parametrize(
    ("here", "said"),
    [
        (NOBODY, "wrong  HTTP_BIND {at}: nothing can be served there (Address already in use)."),
        (OURS, "ok     HTTP API at {at}, where this bot serves it"),
    ],
)
def test_an_address_that_is_taken_is_wrong_unless_this_bot_has_it(taken: Bind, here: Here, said: str) -> None:
    findings = Findings()

    machine.bind(taken, here, findings)

    assert findings.lines[0].startswith(said.format(at=taken))


def test_an_address_of_another_machine_is_wrong() -> None:
    findings = Findings()

    machine.bind(Bind(host="192.0.2.1", port=8420), NOBODY, findings)

    assert findings.lines[0].startswith("wrong  HTTP_BIND 192.0.2.1:8420: nothing can be served there (")


# --- Memory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("memory", "level"), [(50_000_000, "wrong"), (500_000_000_000, "ok")])
async def test_graphs_that_leave_a_worker_no_memory_are_wrong(tmp_path: Path, memory: int, level: str) -> None:
    """Such a worker would be killed as soon as it has started, again and again."""
    (tmp_path / "langgraph.json").write_text('{"graphs": {"none": "./none.py:graph"}}')
    settings = the_settings(tmp_path, langgraph_config=tmp_path / "langgraph.json", worker_memory=memory)
    findings = Findings()

    await graphs.check(settings, None, findings)

    assert findings.found[-1].level == level
    assert "a worker that has loaded these graphs uses about" in findings.lines[-1]
