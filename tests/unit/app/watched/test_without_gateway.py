"""A worker role that runs alone, as those see it that watch it."""

from __future__ import annotations

import json
import os
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.app.watched import without_gateway
from bot.app.watched.watching import Sweeps
from bot.app.watched.without_gateway import WorkersWatched, _Listening
from bot.http.routes.watched import verdict
from bot.runtime import health
from bot.settings import Bind, RoleSettings
from bot.telemetry.exposition import Exposition


@pytest.fixture
def watched(tmp_path: Path) -> WorkersWatched:
    return WorkersWatched(
        settings=RoleSettings(slack_bot_token=SecretStr("xoxb-1"), state_dir=tmp_path, sweep_interval=5),
        exposition=Exposition(folder=None),
        sweeps=Sweeps(state_dir=tmp_path, interval=5, roles=["worker"], started=0),
    )


def problems(watched: WorkersWatched, path: str = "/readyz") -> list[str]:
    answer = watched.answer(path)
    said: list[str] = json.loads(answer.body).get("problems", [])
    assert answer.status == (503 if said else 200)
    return said


def swept(folder: Path, *, answered: bool) -> None:
    """A sweep has just ended, after one that storage had answered."""
    health.swept(folder, "worker")
    health.beat(folder, 5, "worker", "this")
    if not answered:
        for file in folder.glob("heartbeat-*"):
            os.utime(file, (file.stat().st_mtime - 6,) * 2)


def test_a_worker_is_ready_once_a_sweep_of_its_was_answered(watched: WorkersWatched, tmp_path: Path) -> None:
    assert problems(watched) == ["No worker is ready."]

    swept(tmp_path, answered=True)

    assert problems(watched) == problems(watched, "/healthz") == []


def test_a_worker_whose_storage_is_away_is_well_and_not_ready(watched: WorkersWatched, tmp_path: Path) -> None:
    swept(tmp_path, answered=False)

    assert problems(watched) == ["Storage did not answer the worker's last sweep."]
    assert problems(watched, "/healthz") == []


def test_a_worker_that_ends_is_not_ready_at_once_and_stays_well(watched: WorkersWatched) -> None:
    watched.draining = True

    assert problems(watched) == ["The worker is shutting down."]
    assert problems(watched, "/healthz") == []


def test_what_storage_counts_is_left_to_gateways(watched: WorkersWatched) -> None:
    page = watched.answer("/metrics").body.decode()

    assert "countersign_sweep_interval_seconds 5.0" in page
    assert "countersign_undelivered" not in page
    assert "countersign_slack_connected 0" not in page, "a worker has no connection that could be away"


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other


def test_an_address_that_is_taken_is_said_once_and_used_when_it_is_free(
    taken: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A gateway of this machine may have the same settings, and the worker has to work."""
    monkeypatch.setattr(without_gateway, "BIND_SECONDS", 0.0)
    port = taken.getsockname()[1]
    server = _Listening(Bind(host="127.0.0.1", port=port), lambda _: verdict([]))

    server.try_to_listen()
    server.try_to_listen()
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    taken.close()
    server.try_to_listen()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    server.close()

    assert len(said) == 1
    assert f"HTTP_BIND 127.0.0.1:{port}" in said[0]
