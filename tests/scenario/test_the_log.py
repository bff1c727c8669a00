"""What the log of a real bot says of a whole approval, as text and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import pairwise

from simulator.client import Simulator
from tests.support.stage import Bot, Room

WORDS = "the old ones of the printers"
STORY = (
    "audit.started",
    "audit.opened",
    "audit.refused",
    "audit.voted",
    "audit.resume_begun",
    "run.ended",
    "audit.delivered",
)
"""What happens in this order, whatever else does."""


async def approved(bot: Bot, room: Room, folder: str) -> None:
    """Somebody starts a task, somebody who may not approves it, and then somebody who may."""
    bot.fill(folder, old=2)
    thread = await room.start(f"/task cleanup path={folder}")
    card = await thread.card()
    await room.press("dave", card, "approve")
    await room.told("dave", containing="You may not")
    await room.press("bob", card, "reject")
    await room.modal("bob", "Why?")
    await room.seat("bob").submit({"reason": WORDS})
    await thread.settled("Rejected by @bob", "Nothing was moved")


def in_order(events: Iterable[str]) -> bool:
    """Whether the story is told, in its order."""
    left = iter(events)
    return all(any(each == event for each in left) for event in STORY)


def is_entry(line: str) -> bool:
    return re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) \S", line) is not None


async def test_each_fact_of_an_approval_is_one_line(own_bot: Bot, room: Room) -> None:
    """With who and what, and with nothing that anybody wrote."""
    own_bot.start()
    await approved(own_bot, room, "told")
    assert own_bot.stop() == 0

    lines = own_bot.log.splitlines()
    assert [line for line in lines if not is_entry(line)] == []
    assert in_order(line.split()[2] for line in sorted(lines))  # by time: each process writes in batches of its own
    (voted,) = [line for line in lines if " audit.voted " in line]
    assert re.search(
        r"Z INFO audit\.voted task=\S+ request=[0-9a-f]{16} person=T\w+/U\w+ version=1 outcome=reject$", voted
    )
    assert "slack.called" not in own_bot.log
    for role in ("gateway", "worker"):
        for event in ("process.started", "process.draining", "process.ended"):
            assert own_bot.log.count(f" {event} role={role} ") == 1
    assert own_bot.log.count(" slack.connected") == 1
    assert WORDS not in own_bot.log
    assert all(one != other for one, other in pairwise(lines))


async def test_as_json_every_line_is_an_object(own_bot: Bot, simulator: Simulator, room: Room) -> None:
    """From the first one on, from every process. DEBUG adds the calls of Slack and the rule."""
    own_bot.launch(LOG_FORMAT="json", LOG_LEVEL="DEBUG")
    await simulator.wait_connected(timeout=60)
    await approved(own_bot, room, "told")
    assert own_bot.stop() == 0

    told = sorted((json.loads(line) for line in own_bot.log.splitlines()), key=lambda each: each["time"])
    assert all({"time", "level"} < each.keys() for each in told)
    assert in_order(each.get("event", "") for each in told)
    (voted,) = [each for each in told if each.get("event") == "audit.voted"]
    assert (voted["version"], voted["outcome"], voted["level"]) == (1, "reject", "INFO")
    (refused,) = [each for each in told if each.get("event") == "audit.refused"]
    assert refused["why"] == "NotAnApprover"
    assert {each["task"] for each in (voted, refused)} == {voted["task"]}
    calls = {each["method"] for each in told if each.get("event") == "slack.called"}
    assert {"chat.postMessage", "users.info"} <= calls
    assert [each["level"] for each in told if each.get("event") == "rule.chosen"] == ["DEBUG"]
    assert {each["role"] for each in told if each.get("event") == "sweep.ended"} == {"gateway", "worker"}
    assert WORDS not in own_bot.log
    for secret in (own_bot.environment["SLACK_BOT_TOKEN"], own_bot.environment["SLACK_APP_TOKEN"]):
        assert secret not in own_bot.log


async def test_a_log_on_a_full_disk_keeps_nobody_from_approving(own_bot: Bot, room: Room) -> None:
    """Its lines are lost, and nothing else. The bot ends in order, too."""
    (own_bot.folder / "bot.log").symlink_to("/dev/full")
    own_bot.start()

    await approved(own_bot, room, "told")

    assert own_bot.stop() == 0
