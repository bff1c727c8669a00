"""`check` says whether operators can be told what needs a person."""

from __future__ import annotations

import pytest

from bot.approvals.model.ids import ChannelId
from bot.cli.check import Findings
from bot.cli.check import ops as check_ops
from tests.support.fakes.directory import FakeDirectory

OPS = ChannelId("C0OPS")


@pytest.mark.parametrize(
    ("channel", "known", "absent", "down", "said"),
    [
        (None, True, False, False, "ok     no messages to operators: OPS_CHANNEL is not set"),
        ("#ops", True, False, False, "ok     operators are told of troubles in #ops"),
        ("C0OPS", True, False, False, "ok     operators are told of troubles in C0OPS"),
        ("#ops", False, False, False, "wrong  OPS_CHANNEL: there is no channel #ops that the bot can see."),
        ("#ops", True, True, False, "wrong  OPS_CHANNEL: the bot is not in #ops. Invite it there."),
        ("#ops", True, False, True, "wrong  OPS_CHANNEL: #ops could not be looked up"),
    ],
)
async def test_the_channel_for_operators_is_one_that_the_bot_is_in(
    channel: str | None, known: bool, absent: bool, down: bool, said: str
) -> None:
    """Otherwise it says what to do. None is fine."""
    directory, findings = FakeDirectory(), Findings()
    directory.channels = {"#ops": OPS} if known else {}
    directory.elsewhere = {OPS} if absent else set()
    directory.down = down

    await check_ops.check(channel, directory, findings)

    (line,) = findings.lines
    assert line.startswith(said)
