"""Nothing of another source is ever visible, whatever id and token come together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.served import Answer, InThread, in_thread

SOURCES = ("first-service", "second-service", "third-service")
SECRET = "what only {} may see"
READS = ("/v1/requests/{}", "/v1/requests/{}?wait=0.001", "/v1/requests/{}/events", "/v1/requests/{}/audit")
WRITES = tuple(f"/v1/requests/{{}}/{verb}" for verb in ("cancel", "consume", "votes", "take-back", "stop"))
TASKS = ("/v1/tasks/{}", "/v1/tasks/{}/cancel")
BODIES: dict[str, object] = {
    "consume": {"execution": "one"},
    "take-back": {"person": "U0ALICE"},
    "stop": {"person": "U0ALICE"},
    "votes": {"person": "U0ALICE", "version": 1, "digest": "0" * 64, "verdict": "approve"},
}


@pytest.fixture(scope="module")
def running() -> Iterator[InThread]:
    with in_thread(free=1_000_000) as running:
        yield running


@pytest.fixture(scope="module")
def owned(running: InThread) -> dict[str, list[str]]:
    """Source -> the ids of its request, of its task, and of the request of its graph."""
    return {source: running.run(_made(running, source)) for source in SOURCES}


async def _made(running: InThread, source: str) -> list[str]:
    api, token = running.api, await running.api.own(source)
    asked = await api.ask(SECRET.format(source), token=token, metadata={"note": SECRET.format(source)})
    task = await api.post(
        "/v1/tasks", {"graph": "cleanup", "inputs": {"bucket": SECRET.format(source)}}, key="task", token=token
    )
    shown = (await api.get(f"/v1/tasks/{task.json['id']}?wait=60&until=asked", token=token)).json
    return [asked["id"], shown["id"], shown["requests"][0]["id"]]


def calls() -> st.SearchStrategy[tuple[str, str, int, str]]:
    """Who calls, whose id is used, which one of these, and a path; and some change of the id."""
    path = st.sampled_from([*READS, *WRITES, *TASKS])
    return st.tuples(st.sampled_from(SOURCES), st.sampled_from(SOURCES), st.integers(0, 2), path)


@settings(max_examples=70, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    call=calls(),
    change=st.sampled_from(
        ["{}", "{}", "{}", " {}", "{} ", "{}%00", "{}/", "./{}", "%2e/{}", "{}?source=*", "{}#", "task:{}"]
    ),
    written=st.sampled_from([str, str.upper, lambda id: id.replace("req_", "caller-"), lambda id: f"req_{id}"]),
)
@pytest.mark.heavy
def test_an_id_of_another_source_is_answered_as_one_that_does_not_exist(
    running: InThread, owned: dict[str, list[str]], call: tuple[str, str, int, str], change: str, written: Any
) -> None:
    caller, owner, which, path = call
    mine = owned[owner][which]
    id, other_id = (change.format(written(each)) for each in (mine, f"{mine[:-1]}{'1' if mine[-1] == '0' else '0'}"))
    foreign = caller != owner
    if not foreign and path not in READS:
        return  # it would change what the other calls are about

    answer = running.run(_call(running, caller, path.format(id)))
    missing = running.run(_call(running, caller, path.format(other_id)))

    for other in SOURCES:
        if other != caller:
            assert SECRET.format(other) not in answer.text
    if foreign:
        assert answer.status in (404, 405, 422), answer
        assert answer.status == missing.status
    if foreign and change == "{}" and written is str and which != 1 and "tasks" not in path:
        assert answer.status == 404


async def _call(running: InThread, source: str, path: str) -> Answer:
    token, body = await running.api.own(source), BODIES.get(path.rpartition("/")[2])
    writes = path.endswith(("cancel", "consume", "votes", "take-back", "stop"))
    return await running.api.call("POST" if writes else "GET", path, token=token, body=body)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    cut=st.tuples(st.integers(0, 47), st.integers(0, 47)),
    put=st.text(st.characters(min_codepoint=33, max_codepoint=255), max_size=8),
    around=st.sampled_from(["Bearer {}", "bearer {}", "Bearer  {}", "{}", "Basic {}", "Bearer {},{}", "Bearer {} x"]),
)
def test_what_is_almost_a_token_opens_nothing(
    running: InThread, owned: dict[str, list[str]], cut: tuple[int, int], put: str, around: str
) -> None:
    token = running.run(running.api.own("first-service"))
    written = token[: cut[0]] + put + token[cut[1] :]
    if written == token:
        return

    headers = {"Authorization": around.replace("{}", written)}
    answer = running.run(running.api.get("/v1/requests", token="", headers=headers))

    assert answer.status in (400, 401)
    assert SECRET.format("first-service") not in answer.text


@pytest.mark.parametrize("path", ["/v1/requests", "/v1/tasks"])
@pytest.mark.parametrize("query", ["", "?limit=100", "?source=second-service", "?status=pending", "?status=running"])
def test_lists_hold_nothing_of_another_source(
    running: InThread, owned: dict[str, list[str]], path: str, query: str
) -> None:
    listed = running.run(_call(running, "first-service", path + query))

    assert listed.status in (200, 422)
    for other in ("second-service", "third-service"):
        assert SECRET.format(other) not in listed.text
        assert not any(id in listed.text for id in owned[other])


def test_what_waits_for_a_person_holds_nothing_of_another_source(
    running: InThread, owned: dict[str, list[str]]
) -> None:
    listed = running.run(_call(running, "first-service", "/v1/requests?approver=U0ALICE"))

    assert {each["id"] for each in listed.json["data"]} == {owned["first-service"][0], owned["first-service"][2]}


def test_a_cursor_of_another_source_shows_only_ones_own(running: InThread, owned: dict[str, list[str]]) -> None:
    for number in range(2):
        running.run(running.api.ask(f"{number}?", token=running.run(running.api.own("second-service"))))
    cursor = running.run(_call(running, "second-service", "/v1/requests?limit=1")).json["next_cursor"]

    listed = running.run(_call(running, "first-service", f"/v1/requests?cursor={cursor}"))

    assert {each["source"]["name"] for each in listed.json["data"]} <= {"first-service"}
