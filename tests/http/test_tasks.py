"""A program starts a graph, and follows it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.approvals.rules.masking import MASK
from tests.support.served import ADDRESS, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
NEW = {"graph": "cleanup", "inputs": {"bucket": "logs"}}


async def started(api: Api, key: str, **more: Any) -> dict[str, Any]:
    """A task whose graph asks."""
    made = await api.post("/v1/tasks", {**NEW, **more}, key=key)
    assert made.status == 201, made
    return await until(api, made.json["id"], "awaiting_human")


async def until(api: Api, id: str, status: str) -> dict[str, Any]:
    """The task, once it stands like this."""
    what = "asked" if status == "awaiting_human" else "over"
    task = (await api.get(f"/v1/tasks/{id}?wait=60&until={what}")).json
    assert task["status"] == status
    return dict(task)


async def test_a_graph_asks_is_answered_and_reports(api: Api) -> None:
    made = await api.post("/v1/tasks", {**NEW, "metadata": {"a": 1}, "requester": "U0RITA"}, key="whole")
    assert (made.status, made.headers["Location"]) == (201, f"/v1/tasks/{made.json['id']}")
    assert made.json["requester"] == "U0RITA"

    task = await until(api, made.json["id"], "awaiting_human")
    (request,) = task["requests"]
    assert request["question"] == {"action": "delete", "arguments": {"path": "/old", "password": MASK}}
    assert (request["status"], request["digest"] is not None) == ("pending", True)
    assert (await api.get(f"/v1/requests/{request['id']}")).json["status"] == "pending"

    await api.vote(request["id"])
    ended = await until(api, made.json["id"], "ended")

    assert (ended["outcome"], ended["failure"], ended["metadata"]) == ("all clean", None, {"a": 1})
    assert ended["ended_at"] is not None
    assert ended["permalink"].startswith(f"{ADDRESS}archives/")
    assert ended["requests"][0]["decision"]["approved"] is True
    assert "hunter22" not in str(ended) + (await api.get(f"/v1/requests/{request['id']}/audit")).text


async def test_the_same_key_starts_a_graph_once(api: Api) -> None:
    first = await started(api, "once")

    again = await api.post("/v1/tasks", NEW, key="once")
    other = await api.post("/v1/tasks", {**NEW, "inputs": {"bucket": "else"}}, key="once")

    assert (again.status, again.json["id"]) == (200, first["id"])
    assert (other.status, other.problem) == (422, "key-reused")


@pytest.mark.parametrize(
    ("body", "problem", "path"),
    [
        ({"graph": "nonsense"}, "unknown-name", "body.graph"),
        ({"graph": "cleanup", "inputs": {}}, "invalid", "body.inputs.bucket"),
        ({"graph": "cleanup", "inputs": {"bucket": "a", "buket": "b"}}, "invalid", "body.inputs.buket"),
        ({**NEW, "callback_url": "https://example.com"}, "invalid", "body"),
    ],
)
async def test_what_a_graph_does_not_take_is_named(api: Api, body: object, problem: str, path: str) -> None:
    refused = await api.post("/v1/tasks", body, key=f"wrong {problem} {path}".replace(" ", "-"))

    assert (refused.status, refused.problem) == (422, problem)
    assert refused.json["errors"][0]["path"] == path


async def test_a_task_is_stopped(api: Api) -> None:
    task = await started(api, "stop")

    stopped = await api.post(f"/v1/tasks/{task['id']}/cancel", {"reason": "Not needed."})
    again = await api.post(f"/v1/tasks/{task['id']}/cancel")

    assert (stopped.json["status"], again.json["status"]) == ("stopped", "stopped")
    assert stopped.json["requests"][0]["status"] == "cancelled"
    assert stopped.json["requests"][0]["decision"]["approved"] is False


async def test_what_has_ended_cannot_be_stopped(api: Api) -> None:
    task = await started(api, "ended")
    await api.vote(task["requests"][0]["id"])
    await until(api, task["id"], "ended")

    refused = await api.post(f"/v1/tasks/{task['id']}/cancel")

    assert (refused.status, refused.problem) == (409, "already-settled")


@pytest.mark.parametrize(("what", "body"), [("cancel", None), ("consume", {"execution": "one"})])
async def test_a_graphs_request_belongs_to_the_graph(api: Api, what: str, body: object) -> None:
    task = await started(api, f"graphs-{what}")

    refused = await api.post(f"/v1/requests/{task['requests'][0]['id']}/{what}", body)

    assert (refused.status, refused.problem) == (409, "of-a-graph")
    assert f"/v1/tasks/{task['id']}/cancel" in refused.json["detail"]


async def test_tasks_are_listed_and_filtered(api: Api) -> None:
    token = await api.token("lister")
    ids = [(await api.post("/v1/tasks", NEW, key=f"list-{number}", token=token)).json["id"] for number in range(3)]
    await api.post(f"/v1/tasks/{ids[1]}/cancel", token=token)

    async def listed(query: str = "") -> tuple[list[str], str | None]:
        page = (await api.get(f"/v1/tasks{query}", token=token)).json
        return [task["id"] for task in page["data"]], page["next_cursor"]

    assert await listed() == (ids[::-1], None)
    assert await listed("?status=stopped") == ([ids[1]], None)
    assert await listed("?source=another") == ([], None)
    first, cursor = await listed("?limit=2")
    assert (first, (await listed(f"?limit=2&cursor={cursor}"))[0]) == (ids[:0:-1], ids[:1])
    assert (await api.get("/v1/requests", token=token)).json["data"] == []


async def test_a_wait_ends_with_the_task(api: Api) -> None:
    task = await started(api, "waits")
    call = asyncio.create_task(api.get(f"/v1/tasks/{task['id']}?wait=60"))
    while not len(api.waiters):  # noqa: ASYNC110 - gives way to the server in this same loop
        await asyncio.sleep(0)

    await api.vote(task["requests"][0]["id"])

    assert (await call).json["status"] == "ended"


async def test_a_request_is_no_task_whatever_its_token_may_do(api: Api) -> None:
    """Its records are a task's, but the scopes of tasks do not open them."""
    asked = await api.ask()
    path = f"/v1/tasks/{asked['id'].replace('req_', 'caller-')}"

    read = await api.get(path)
    cancelled = await api.post(f"{path}/cancel")

    assert [(each.status, each.problem) for each in (read, cancelled)] == [(404, "not-found")] * 2
    assert (await api.get(f"/v1/requests/{asked['id']}")).json["status"] == "pending"
