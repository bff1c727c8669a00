"""The figures of several processes as one page."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import mmap_key

from bot.approvals.model.facts import LeaseLost
from bot.approvals.model.ids import TaskId, ThreadId
from bot.telemetry import figures
from bot.telemetry.exposition import Exposition, fold
from bot.telemetry.figures import FIRST_BYTES, Figures
from bot.telemetry.folder import METRICS, own_folder
from bot.telemetry.metrics import Metrics
from bot.telemetry.names import FOLDER_VARIABLE
from bot.telemetry.standing import Standing
from tests.support.builders import NOON

ROOT = Path(__file__).parents[3]
PROCESSES = """
import os, sys
from pathlib import Path
from bot.approvals.model.facts import LeaseLost, SweepEnded
from bot.telemetry import figures
from bot.telemetry.exposition import Exposition, fold
from bot.telemetry.figures import FIRST_BYTES, Figures
from bot.telemetry.metrics import Metrics

def counting(number):
    metrics = Metrics(now=lambda: 100.0 + number)
    metrics.take(LeaseLost(task_id="t", thread_id="t"))
    metrics.take(SweepEnded(role="worker", seconds=2.0))
    metrics.pulse(lag=0.5 * number, lanes={"delivery": 1})

def forked(number):
    if (pid := os.fork()) == 0:
        counting(number)
        os._exit(0)
    os.waitpid(pid, 0)

page = Exposition()
counting(0)
for number in range(1, 9):
    forked(number)
    if number == 4:
        page.page()
print(page.page().decode())
print("files", len(list(page.folder.glob("*.db"))))
Path(page.folder / f"counter_{2**22 + 1}.db").write_bytes(b"")
print("torn", b"countersign_leases_lost_total 9.0" in page.page())
"""


def lease_lost() -> LeaseLost:
    return LeaseLost(task_id=TaskId("t"), thread_id=ThreadId("t"))


def samples(page: str) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in page.splitlines() if line.startswith("countersign_"))
    return {name: float(value) for name, _, value in lines}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a process prints that has forked eight others, one after the other."""
    folder = tmp_path_factory.mktemp("figures")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), FOLDER_VARIABLE: str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", PROCESSES], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_processes_counted_that_are_gone_still_counts(told: str) -> None:
    found = samples(told)

    assert found["countersign_leases_lost_total"] == 9
    assert found['countersign_sweep_seconds_count{role="worker"}'] == 9
    assert found['countersign_sweep_seconds_bucket{le="5.0",role="worker"}'] == 9
    assert found['countersign_sweep_last_success_timestamp_seconds{role="worker"}'] == 108


def test_what_stands_now_is_said_by_processes_that_live(told: str) -> None:
    """The lag and the lanes of those that are gone are no news."""
    found = samples(told)

    assert found["countersign_loop_lag_seconds"] == 0
    assert found['countersign_lane_depth{lane="delivery"}'] == 1


def test_files_are_as_many_as_there_are_processes_that_live(told: str) -> None:
    """However many there were: five of the process itself, and three for all that are gone."""
    assert "files 8" in told


def test_a_file_that_its_process_could_not_finish_spoils_nothing(told: str) -> None:
    assert "torn True" in told


def test_a_bot_of_one_process_shows_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is given with the page, without what another library counts, or when a series began."""
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    metrics = Metrics()
    metrics.take(lease_lost())

    made = Exposition(own=metrics.registry).page(Standing(sweep_interval=5).metrics(NOON))

    assert made is not None
    page = made.decode()
    assert samples(page)["countersign_leases_lost_total"] == 1
    assert samples(page)["countersign_sweep_interval_seconds"] == 5
    assert "_created" not in page
    assert "python_info" not in page


# --- A disk that is full, and a folder that is gone ----------------------------------------------


def test_no_file_of_figures_has_a_hole(tmp_path: Path) -> None:
    """Into which a process would write on a full disk, and be killed. Nor when it has grown."""
    file = tmp_path / "counter_1.db"
    figures.replace(file, {f"{number:0100}": 1.0 for number in range(2_000)})

    kept = file.stat()

    assert kept.st_size > FIRST_BYTES
    assert kept.st_blocks * 512 >= kept.st_size


A, B = (mmap_key(f"countersign_{name}", f"countersign_{name}_total", [], [], "It counts.") for name in "ab")


def test_figures_that_cannot_be_kept_are_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So those of a process that is gone are added once, when there is space again. Nobody finds half a file."""
    gone, total = tmp_path / f"counter_{2**22 + 1}.db", tmp_path / "counter_0.db"
    figures.replace(gone, {A: 1.0})
    figures.replace(total, {A: 2.0, B: 5.0})
    before = sorted(tmp_path.iterdir())

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as on_a_full_disk:
        on_a_full_disk.setattr(os, "posix_fallocate", full, raising=False)
        for _ in range(2):
            with pytest.raises(OSError, match="No space"):
                fold(tmp_path)
        with pytest.raises(OSError, match="No space"):
            Figures(str(tmp_path / "counter_7.db"))
        exposition = Exposition(folder=tmp_path)
        assert samples((exposition.page() or b"").decode()) == {"countersign_a_total": 3, "countersign_b_total": 5}
        exposition.tidy()
        assert sorted(tmp_path.iterdir()) == before

    fold(tmp_path)
    assert figures.read(total) == {A: 3.0, B: 5.0}
    assert list(tmp_path.iterdir()) == [total]


def test_a_folder_that_is_gone_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """There is no page then: half of the figures would look as if all were well."""
    exposition = Exposition(folder=tmp_path / "gone")

    assert [exposition.page(), exposition.page()] == [None, None]
    exposition.tidy()

    assert [record.levelname for record in caplog.records] == ["WARNING"]


# --- The folder ---------------------------------------------------------------------------------


def test_each_run_has_a_folder_of_its_own_that_nobody_else_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)

    with own_folder(tmp_path) as one, own_folder(tmp_path) as other:
        assert one != other
        assert one.parent.stat().st_mode & 0o077 == one.stat().st_mode & 0o077 == 0
        assert os.environ[FOLDER_VARIABLE] == str(other)

    assert FOLDER_VARIABLE not in os.environ
    assert list((tmp_path / METRICS).iterdir()) == []


def test_a_start_removes_what_runs_have_left_that_were_killed(tmp_path: Path) -> None:
    """And leaves alone what a run uses, or is just making."""
    left, half = tmp_path / METRICS / "vm-1-abc", tmp_path / METRICS / ".new-abc"
    old = tmp_path / METRICS / ".new-old"
    for folder in (left, half, old):
        folder.mkdir(parents=True)
    (left / "lock").touch()
    (left / "counter_1.db").touch()
    os.utime(old, (time.time() - 3600,) * 2)

    with own_folder(tmp_path) as used, own_folder(tmp_path):
        assert used.exists()
        assert not left.exists()
        assert not old.exists()
        assert half.exists()
