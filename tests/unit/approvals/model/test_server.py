"""What a task's id and an agent's name say about the LangGraph Server that runs it."""

from __future__ import annotations

import pytest

from bot.approvals.model.caller import task_id_of
from bot.approvals.model.ids import Person, Program, TaskId, TeamId, ThreadId, UserId
from bot.approvals.model.server import (
    OnServer,
    full_name,
    own_name,
    runs_elsewhere,
    server_of,
    server_of_thread,
    task_of_thread,
    thread_on,
)

THREAD = ThreadId("1f0c2b1e-7a53-4f0e-9a58-0c6b3f0f7d11")


@pytest.mark.parametrize("server", ["prod", "eu-1", "server-eu", "a", "a_b-c"])
def test_the_id_of_a_task_says_which_server_runs_it(server: str) -> None:
    id = task_of_thread(server, THREAD)

    assert server_of(id) == server
    assert runs_elsewhere(id)


@pytest.mark.parametrize("id", ["5f0c1a2b", "server-", "server-prod", f"server-{THREAD}", f"prod-{THREAD}"])
def test_other_ids_name_no_server(id: str) -> None:
    assert server_of(TaskId(id)) is None
    assert not runs_elsewhere(TaskId(id))


def test_a_callers_request_runs_elsewhere_and_on_no_server() -> None:
    assert server_of(task_id_of("1")) is None
    assert runs_elsewhere(task_id_of("1"))


@pytest.mark.parametrize("called", ["deploy", full_name("prod", "deploy")])
def test_a_server_calls_its_agent_by_the_agents_own_name(called: str) -> None:
    assert own_name(OnServer(name="prod"), called) == "deploy"


def test_what_runs_here_has_one_name() -> None:
    assert own_name(None, "prod/deploy") == "prod/deploy"


def test_only_a_thread_is_a_requester_of_a_server() -> None:
    assert server_of_thread(thread_on("prod")) == "prod"
    assert server_of_thread(Program(name="billing-service")) is None
    assert server_of_thread(Person(team_id=TeamId("T1"), user_id=UserId("U0ALICE"))) is None
