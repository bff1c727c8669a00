"""What a process tells, and that it works if it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
PROGRAM = """
import os, shutil, sys
from pathlib import Path
from bot.app.watched.telling import telemetry_of
from bot.approvals.model.facts import LeaseLost
from bot.runtime import logs
from bot.settings import RoleSettings
from bot.telemetry.folder import own_folder
logs.to_stderr("text")
folder = Path(sys.argv[1])
settings = RoleSettings(slack_bot_token="xoxb-1", state_dir=folder, http_bind="127.0.0.1:1")
fact = LeaseLost(task_id="task-1", thread_id="task-1")
with own_folder(folder) as figures:
    telemetry_of(settings, "worker").tell(fact)
    shutil.rmtree(figures)
    if (pid := os.fork()) == 0:
        telemetry_of(settings, "worker").tell(fact)
        os._exit(7)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


def test_a_process_without_a_place_for_its_figures_works_all_the_same(tmp_path: Path) -> None:
    """Somebody has removed the folder while the bot ran: a worker that starts then says so, and has its log."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert ran.returncode == 7, ran.stderr
    before, warning, after = ran.stderr.splitlines()
    assert "keeps no figures" in warning
    assert "lease.lost task=task-1" in before
    assert "lease.lost task=task-1" in after
