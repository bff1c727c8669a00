"""What is set wrong stops the start, and the terminal says file, key and what would be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.stage import Bot, Room, Slack

GRAPHS = ("failing", "plain")
TOKENS = {"SLACK_BOT_TOKEN": "xoxb-1-2-abc", "SLACK_APP_TOKEN": "xapp-1-A-abc"}
POLICIES = {
    "an unknown key": (
        'defaults:\n  aprovers: ["@ops-leads"]\n',
        ["policies.yaml, line 2", "aprovers", 'Did you mean "approvers"?'],
    ),
    "no approvers": (
        "defaults:\n  approvers: []\n",
        ["policies.yaml, line 2", "approvers", "nobody may answer", "@ops-leads"],
    ),
}


def refused(bot: Bot, environment: Mapping[str, str]) -> str:
    """What it says on its way out."""
    bot.launch(**environment)
    try:
        assert bot.wait() == 2
    finally:
        bot.kill()
    assert "Traceback" not in bot.log
    return bot.log


@pytest.mark.parametrize(("policy", "words"), POLICIES.values(), ids=POLICIES.keys())
def test_a_policy_file_that_cannot_be_relied_on_stops_the_start(
    tmp_path: Path, policy: str, words: Sequence[str]
) -> None:
    bot = Bot.prepare(tmp_path / "bot", TOKENS, policy=policy)

    said = refused(bot, {})

    for word in words:
        assert word in said


def test_tokens_that_are_missing_stop_the_start_with_where_to_get_them(tmp_path: Path) -> None:
    bot = Bot.prepare(tmp_path / "bot", {})

    said = refused(bot, {})

    assert "SLACK_BOT_TOKEN is not set" in said
    assert "OAuth & Permissions" in said
    assert "SLACK_APP_TOKEN is not set" in said
    assert "App-Level Tokens, with the scope connections:write" in said


def test_a_misspelt_name_in_the_env_file_stops_the_start(tmp_path: Path) -> None:
    bot = Bot.prepare(tmp_path / "bot", TOKENS)
    (bot.folder / ".env").write_text("SLACK_BOT_TOKN=xoxb-1\n")

    said = refused(bot, {})

    assert ".env, key SLACK_BOT_TOKN" in said
    assert "Did you mean SLACK_BOT_TOKEN?" in said


def test_a_graphs_file_that_names_nothing_stops_the_start(tmp_path: Path, slack: Slack) -> None:
    bot = Bot.prepare(tmp_path / "bot", slack.environment)
    (bot.folder / "langgraph.json").write_text('{"graphs": {}}')

    said = refused(bot, {})

    assert 'langgraph.json, key "graphs": name at least one graph' in said


@pytest.mark.parametrize(("name", "token"), [("SLACK_BOT_TOKEN", "xoxb-nobody"), ("SLACK_APP_TOKEN", "xapp-nobody")])
def test_a_token_that_slack_refuses_stops_the_start(tmp_path: Path, slack: Slack, name: str, token: str) -> None:
    bot = Bot.prepare(tmp_path / "bot", slack.environment)

    said = refused(bot, {name: token})

    assert f"{name}: Slack refuses it (invalid_auth)" in said
    assert "api.slack.com/apps" in said


async def test_a_graph_that_cannot_be_loaded_is_said_to_be_unavailable_and_stops_no_other(
    own_bot: Bot, room: Room
) -> None:
    (own_bot.folder / "langgraph.json").write_text(
        (own_bot.folder / "langgraph.json").read_text().replace("failing.py", "missing.py")
    )
    own_bot.start()

    answer = await room.says("alice", "/task failing fixed=x when=started")

    assert "The graph failing cannot run here" in answer
    assert "missing.py" in answer
    assert "Not available here" in await room.says("alice", "/task help")
    await (await room.start("/task plain topic=fine")).card()
