"""Which threads have changed and which agents can be started, as a real server tells it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from bot.engines.server import agents, watching
from bot.engines.server.client import connect
from tests.server.stage import Stage

pytestmark = pytest.mark.heavy
AN_HOUR = timedelta(hours=1)


async def test_threads_that_wait_are_found_whoever_started_them(stage: Stage) -> None:
    team = {"team": uuid.uuid4().hex}
    theirs = await stage.begun_elsewhere("plain", metadata={**team, "user_email": "rita@example.com"})
    others = await stage.begun_elsewhere("twice", metadata=team)
    broken = await stage.begun_elsewhere("failing", metadata=team)
    own = await stage.started("plain")

    found = await watching.changed(stage.client, metadata=team)
    plain = await watching.changed(stage.client, metadata=team, graphs=["plain"])
    all_of_them = {each.id: each for each in await watching.changed(stage.client)}

    assert [(each.id, each.graph, each.may_ask) for each in found] == [
        (broken, "failing", True),
        (others, "twice", True),
        (theirs, "plain", True),
    ]
    assert [each.id for each in plain] == [theirs]
    assert plain[0].said("metadata.user_email") == "rita@example.com"
    assert (plain[0].said("metadata.user.email"), plain[0].task_id) == ("", None)
    assert all_of_them[own.thread_id].task_id == own.id


async def test_only_what_has_changed_since_is_found(stage: Stage) -> None:
    """But for the last minutes, which are looked at twice."""
    team = {"team": uuid.uuid4().hex}
    await stage.begun_elsewhere("plain", metadata=team)
    now = datetime.now(UTC)

    assert len(await watching.changed(stage.client, now, metadata=team)) == 1
    assert await watching.changed(stage.client, now + AN_HOUR, metadata=team) == ()


async def test_a_thread_that_was_answered_elsewhere_is_among_those_of_any_status(stage: Stage) -> None:
    task = await stage.started("plain")
    (request,) = await stage.open(task)
    await stage.answer_elsewhere(task, request.interrupt_id, {"decisions": []})
    since = datetime.now(UTC)

    asking = await watching.changed(stage.client, since)
    (changed,) = [
        each for each in await watching.changed(stage.client, since, statuses=[None]) if each.id == task.thread_id
    ]

    assert task.thread_id not in [each.id for each in asking]
    assert (changed.status, changed.may_ask) == ("idle", False)


async def test_the_thread_of_a_subagent_says_which_run_started_it(stage: Stage) -> None:
    """In the keys that deepagents writes."""
    team = {"team": uuid.uuid4().hex}
    metadata = {**team, "subagent_name": "researcher", "parent_thread_id": "0001"}
    await stage.begun_elsewhere("plain", metadata=metadata)

    (found,) = await watching.changed(stage.client, metadata=team)

    assert found.parent == "0001 (researcher)"


async def test_assistants_are_agents_with_a_form(stage: Stage) -> None:
    """Of a graph, or with a name that somebody gave them."""
    name = f"refund-{uuid.uuid4().hex}"
    made = await stage.foreign.sdk.assistants.create("plain", name=name, description="Pays money back.")

    plain, named, missing = await agents.agents(stage.client, ["plain", name, "nowhere"])

    assert (plain.graph.server, plain.graph.example, plain.nodes) == ("dev", "/task plain key=STRING", ("ask", "act"))
    assert (named.graph.name, named.graph.description) == (name, "Pays money back.")
    assert missing.graph.unavailable == "the server dev has no assistant of this name."
    task = await stage.started(name)
    assert [run["assistant_id"] for run in await stage.runs(task)] == [made["assistant_id"]]
    assert len(await stage.open(task)) == 1


async def test_agents_of_a_server_that_is_away_are_unavailable(stage: Stage) -> None:
    away = connect("gone", "http://127.0.0.1:9", None)

    (agent,) = await agents.agents(away, ["plain"])
    await away.close()

    assert agent.graph.unavailable == "the LangGraph Server gone: nothing answers at its address."
