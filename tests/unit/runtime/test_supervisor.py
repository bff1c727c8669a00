"""The roles are started, started again when they end, and ended in their order."""

from __future__ import annotations

import os
import signal

from bot.runtime import supervisor
from bot.runtime.supervisor import CALM_SECONDS, FIRST_PAUSE_SECONDS, MAX_PAUSE_SECONDS, Backoff
from tests.unit.runtime.running import Program, program


def release(pid: str) -> None:
    """Let the role go on to what it does next."""
    os.kill(int(pid), signal.SIGUSR1)


def both_up(running: Program) -> tuple[str, str]:
    """The process ids of the gateway and of the worker, in whichever order they start."""
    lines = dict(line.rsplit(" ", 1) for line in running.lines(2))
    return lines["gateway up"], lines["worker up"]


def started(running: Program) -> tuple[str, str]:
    """The same, once the gateway has heard that the worker is ready."""
    gateway, worker = both_up(running)
    release(worker)
    assert set(running.lines(2)) == {"gateway hears others_ready", "started"}
    return gateway, worker


def test_the_gateway_hears_that_the_worker_is_ready_and_the_start_is_told_once_all_are() -> None:
    with program("supervise", "gateway", "worker") as running:
        _, worker = both_up(running)

        release(worker)

        assert set(running.lines(2)) == {"gateway hears others_ready", "started"}


def test_if_the_files_are_lost_all_roles_end_in_order_and_the_log_says_why() -> None:
    with program("misplaced") as running:
        said = running.rest()

        assert "the folder is gone" in said
        assert said[-2:] == ["gateway asked", "gateway hears alone"]
        assert running.code() == supervisor.WRONG_SETTINGS


def test_at_the_end_the_gateway_stays_until_the_worker_has_ended() -> None:
    """It shows what the worker does last."""
    with program("supervise", "gateway", "worker") as running:
        _, worker = started(running)

        running.send(signal.SIGTERM)

        assert set(running.lines(2)) == {"gateway asked", "worker asked"}
        release(worker)
        assert running.rest() == ["worker ends", "gateway hears alone"]
        assert running.code() == 0


def test_a_gateway_that_was_killed_is_started_again_and_hears_again_that_the_worker_is_ready() -> None:
    with program("supervise", "gateway", "worker") as running:
        gateway, _ = started(running)

        os.kill(int(gateway), signal.SIGKILL)

        said = running.lines(3)
        assert said[0] == "log role.ended role=gateway code=-9 pause=0.2"
        assert said[1].startswith("gateway up ")
        assert said[1] != f"gateway up {gateway}"
        assert said[2] == "gateway hears others_ready"


def test_a_role_that_ends_with_a_wrong_setting_before_it_was_ready_ends_all() -> None:
    with program("supervise", "plain", "wrong") as running:
        _, worker = both_up(running)

        release(worker)

        said = running.rest()
        assert "gateway asked" in said
        assert not any(line.startswith("log ") for line in said)
        assert running.code() == 2


def test_what_is_wrong_is_said_once_though_both_roles_find_it() -> None:
    with program("supervise", "plain", "wrong") as running:
        _, worker = both_up(running)

        release(worker)

        assert [line for line in running.rest() if "REDIS_URL" in line] == ["REDIS_URL: it is wrong."]


def test_a_role_that_was_ready_before_is_started_again_whatever_its_exit_code() -> None:
    """A store that is away for a moment must not end what has been running well."""
    with program("supervise", "wrong_later") as running:
        worker = running.until("worker up")
        running.until("started")

        release(worker)

        assert running.line() == "log role.ended role=worker code=2 pause=0.2"
        assert running.until("worker up") != worker


def test_a_role_that_outlives_its_grace_is_killed() -> None:
    with program("supervise", "deaf") as running:
        running.until("worker up")
        running.until("started")

        running.send(signal.SIGTERM)

        assert running.rest() == ["log role.ended role=worker"]
        assert running.code() == 0


def test_the_pause_before_a_start_doubles_up_to_its_limit_and_is_none_after_a_calm_life() -> None:
    backoff = Backoff()

    pauses = [backoff.after(0) for _ in range(12)]

    assert pauses[:3] == [FIRST_PAUSE_SECONDS, 2 * FIRST_PAUSE_SECONDS, 4 * FIRST_PAUSE_SECONDS]
    assert pauses[-1] == MAX_PAUSE_SECONDS
    assert backoff.after(CALM_SECONDS) == 0
    assert backoff.after(1) == FIRST_PAUSE_SECONDS
