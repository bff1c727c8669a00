"""Windows that pass while people look on: a reminder, a private message to others, the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

import pytest
from playwright.sync_api import expect

from tests.browser.people import Person
from tests.support.stage import Bot

People: TypeAlias = Callable[..., Person]

POLICY = """
defaults:
  approvers: ["@ops-leads"]
  remind_every: 1s
  escalate: {after: 5s, to: ["@on-call"]}
  deadline: 15s
"""


@pytest.mark.slow
def test_a_request_that_nobody_answers_is_recalled_passed_on_and_expires_before_everybodys_eyes(
    bot: Bot, person: People, room: str
) -> None:
    bot.fill(room)
    alice, dave = person().sits("alice", room), person().sits("dave", room)
    alice.starts(f"/task cleanup path={room} older_than=30d", having="to the trash?")

    expect(alice.thread).to_contain_text(re.compile("Still waiting for @bob(,| and) @carol"))
    app = dave.page.get_by_role("navigation").get_by_role("button", name="Countersign")
    expect(app).to_contain_text("1")
    app.click()
    expect(dave.main).to_contain_text("to the trash?")

    expect(alice.thread).to_contain_text("Expired")
    expect(alice.thread).to_contain_text("nobody answered")
    expect(alice.thread.get_by_role("button", name="Approve")).to_have_count(0)
    expect(dave.main).to_contain_text("Expired")
    expect(dave.main.get_by_role("button", name="Approve")).to_have_count(0)
    assert bot.trashed(room) == []
