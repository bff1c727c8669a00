"""A LangGraph Server says that something has changed: a hint, of which nothing but the key counts."""

from __future__ import annotations

import pytest

from tests.support.served import HINT, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
NAME, KEY = HINT
CHANGED = f"/v1/servers/{NAME}/changed?key={KEY}"


@pytest.mark.parametrize("body", [None, {"run_id": "1", "values": {"approved": True}}, ["x"]])
async def test_a_server_with_its_key_is_looked_at(api: Api, body: object) -> None:
    """No token is needed, and what the server sends of its run is not read."""
    api.hinted.clear()

    answer = await api.post(CHANGED, body, token="")

    assert (answer.status, answer.text) == (204, "")
    assert api.hinted == [NAME]


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/servers/{NAME}/changed",
        f"/v1/servers/{NAME}/changed?key=",
        f"/v1/servers/{NAME}/changed?key={KEY[:-1]}",
        f"/v1/servers/{NAME}/changed?key={KEY}&key={KEY}",
        f"/v1/servers/other/changed?key={KEY}",
    ],
)
async def test_without_the_key_nothing_is_looked_at(api: Api, path: str) -> None:
    """The answer does not say whether there is such a server. A token is no key."""
    api.hinted.clear()

    answer = await api.post(path, token=await api.own())

    assert (answer.status, answer.problem) == (404, "not-found")
    assert KEY not in answer.text
    assert api.hinted == []


async def test_a_hint_is_a_post(api: Api) -> None:
    """A link that somebody opens, or that a chat program looks up, does nothing."""
    api.hinted.clear()

    answer = await api.get(CHANGED, token="")

    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert api.hinted == []
