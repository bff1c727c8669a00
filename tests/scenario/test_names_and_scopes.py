"""Names that change hands, scopes that are missing, and a policy that an operator corrects while the bot runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from simulator.client import Simulator
from tests.support.redis_server import RedisServer
from tests.support.stage import ROOT, Bot, Room, Slack
from tests.support.starter import ran

GRAPHS = ("proposal",)
POLICY = """
defaults: {approvers: ["@ops-leads"], deadline: 1h, reason_required: never}
rules:
  - {name: two, match: {action: "Deploy [prod]*"}, approvers: [U0BOB, U0CAROL], quorum: 2}
"""


@contextmanager
def at_work(folder: Path, *, without: str = "", policy: str = POLICY, **settings: str) -> Iterator[tuple[Slack, Bot]]:
    """A local Slack of one's own, whose app may lack a scope, and a bot on it."""
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())
    scopes = manifest["oauth_config"]["scopes"]
    scopes["bot"] = [scope for scope in scopes["bot"] if scope != without]
    folder.mkdir(exist_ok=True)
    (folder / "manifest.yml").write_text(yaml.safe_dump(manifest))
    slack = Slack.start(folder, folder / "manifest.yml")
    bot = Bot.prepare(folder / "bot", slack.environment, policy=policy, graphs=GRAPHS, **settings)
    try:
        yield slack, bot.start()
    finally:
        bot.kill()
        slack.stop()


@pytest.fixture(params=["sqlite", "redis"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """The settings of either store."""
    if request.param == "sqlite":
        yield {}
        return
    redis = RedisServer(folder=tmp_path / "redis")
    redis.start()
    yield {"REDIS_URL": redis.url}
    redis.stop()


async def room_in(slack: Slack, simulator: Simulator, number: int = 1) -> Room:
    return Room(simulator, await simulator.names(), f"#room-{number}")


def apply(bot: Bot, *typed: str) -> str:
    """What `policy apply` says, beside the bot that runs."""
    done = ran(["bot", "policy", "apply", *typed], cwd=bot.folder, env=bot.environment)
    return f"{done.returncode} {done.stdout}{done.stderr}"


async def test_a_group_is_renamed_and_another_takes_its_name(tmp_path: Path) -> None:
    """Those who were asked may answer, and those who have the name now may not."""
    with at_work(tmp_path) as (slack, _):
        async with Simulator.connect(slack.url) as simulator:
            room = await room_in(slack, simulator)
            thread = await room.start("/task proposal action=pay")
            card = await thread.card("Pay")
            await simulator.post("/sim/groups/ops-leads", {"handle": "ops-heads"})
            await simulator.post("/sim/groups/finance", {"handle": "ops-leads"})

            refused = await room.pressing("dave", card, "approve")
            await room.press("bob", card, "approve")

            assert "You may not answer this request" in refused
            await thread.shows("Approved by @bob")


async def test_an_operator_corrects_the_file_and_applies_it_while_the_bot_runs(
    tmp_path: Path, store: dict[str, str]
) -> None:
    with at_work(tmp_path, policy=POLICY.replace("@ops-leads", "@gone-team"), **store) as (slack, bot):
        async with Simulator.connect(slack.url) as simulator:
            room = await room_in(slack, simulator)
            thread = await room.start("/task proposal action=pay")
            card = await thread.card("Nobody may answer", "@gone-team means nobody")
            assert "You may not answer" in await room.pressing("bob", card, "approve")
            request_id = room.read(card).split("policy apply ")[1].split()[0].strip("`.")
            (bot.folder / "policies.yaml").write_text(POLICY)

            said = apply(bot, request_id)

            assert said.startswith(f"0 {request_id}: now has the policy `defaults`"), said
            card = await thread.card("Another policy was applied to this request", "Needs 1 of @ops-leads")
            assert "Nobody may answer" not in room.read(card)
            await thread.opening("⏳ Pay · @ops-leads, by", without=["nobody"])
            assert "already has the policy `defaults`. Nothing was changed." in apply(bot, request_id)
            await room.press("bob", card, "approve")
            await thread.shows("Approved by @bob")
            assert apply(bot, request_id).startswith(f"1 {request_id}: is no longer open")
            assert apply(bot).startswith("2 There is no open request")
            assert apply(bot, "nothing").startswith("2 There is no request `nothing`")


async def test_without_the_scope_for_groups_the_rest_works_and_it_is_said(tmp_path: Path) -> None:
    """No policy names a group here, so that nobody misses anything."""
    policy = "defaults: {approvers: [U0BOB], deadline: 1h, reason_required: never}\n"
    with at_work(tmp_path, without="usergroups:read", policy=policy) as (slack, _):
        async with Simulator.connect(slack.url) as simulator:
            room = await room_in(slack, simulator)
            thread = await room.start("/task proposal action=pay")
            card = await thread.card("Pay")

            listed = await room.says("bob", "/approvals")
            await room.press("bob", card, "approve")

            assert "Waiting for you: 1" in listed
            assert ":warning:" not in listed
            await thread.shows("Approved by @bob")


async def test_a_policy_that_names_a_group_says_which_scope_is_missing(tmp_path: Path) -> None:
    policy = 'defaults: {approvers: [U0BOB, "@on-call"], deadline: 1h, reason_required: never}\n'
    with at_work(tmp_path, without="usergroups:read", policy=policy) as (slack, _):
        async with Simulator.connect(slack.url) as simulator:
            room = await room_in(slack, simulator)
            thread = await room.start("/task proposal action=pay")
            card = await thread.card("@on-call cannot be looked up", "usergroups:read", "policy apply")

            listed = await room.says("bob", "/approvals")
            refused = await room.pressing("carol", card, "approve")
            await room.press("bob", card, "approve")

            assert "Waiting for you: 1" in listed
            assert "usergroups:read" in listed
            assert "You may not answer" in refused
            await thread.shows("Approved by @bob")


async def test_a_name_that_looks_like_a_rules_is_governed_by_it_and_flagged(tmp_path: Path) -> None:
    with at_work(tmp_path) as (slack, _):
        async with Simulator.connect(slack.url) as simulator:
            room = await room_in(slack, simulator)

            thread = await room.start('/task proposal action="D\u0435PLOY\u200b [prod] now"')
            card = await thread.card("Needs 2 of @bob and @carol")

            assert "contains characters that are invisible or look like others: U+0435 and U+200B" in room.read(card)
            assert "It reads like DePLOY [prod] now" in room.read(card)
