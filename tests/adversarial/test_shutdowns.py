"""On SIGTERM the bot ends within SHUTDOWN_GRACE, whatever a graph has left running."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adversarial import shutdowns
from tests.adversarial.case import Case
from tests.adversarial.playing import MAX_SECONDS, on_each_store, play_case
from tests.support.stage import Room, Slack


@pytest.mark.timeout(MAX_SECONDS)
@on_each_store(shutdowns.CASES)
async def test_case(
    case: Case, store: str, slack: Slack, room: Room, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    await play_case(case, store, slack, room, tmp_path, request)
