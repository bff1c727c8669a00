"""What the API tells of each call: its route and the answer, and no id."""

from __future__ import annotations

import pytest

from bot.approvals.model.facts import ApiAnswered
from bot.http.app import UNKNOWN
from tests.support.served import HINT, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "s3cret-in-the-address"


def told(api: Api) -> tuple[str, str, int]:
    """Of the last call."""
    fact = api.heard.of(ApiAnswered)[-1]
    assert fact.seconds > 0
    return fact.method, fact.route, fact.code


async def test_each_call_is_told_by_its_route(api: Api) -> None:
    """The names of the parameters stand where a call has ids."""
    asked = await api.post("/v1/requests", {"question": "May I?"}, key="told")
    first = told(api)
    await api.get(f"/v1/requests/{asked.json['id']}")

    assert first == ("POST", "/v1/requests", asked.status)
    assert told(api) == ("GET", "/v1/requests/{id}", 200)
    assert asked.json["id"] not in repr(api.heard.of(ApiAnswered))
    assert api.heard.of(ApiAnswered)[-1].token.startswith("token-")


async def test_a_route_of_starlette_is_told_by_its_path(api: Api) -> None:
    """A hint of a server has its key in the address, which stays out."""
    name, key = HINT
    await api.call("POST", f"/v1/servers/{name}/changed?key={key}", token="")

    assert told(api) == ("POST", "/v1/servers/{name}/changed", 204)
    assert key not in repr(api.heard.of(ApiAnswered))


@pytest.mark.parametrize("method", ["GET", "PROPFIND"])
async def test_an_address_that_there_is_not_is_told_as_unknown(api: Api, method: str) -> None:
    """Whatever a stranger writes there, an uncommon method among it."""
    await api.call(method, f"/{SECRET}", token="")

    assert told(api) == (method if method == "GET" else UNKNOWN, UNKNOWN, 404)
    assert SECRET not in repr(api.heard.of(ApiAnswered))


async def test_a_refused_call_is_told_without_a_token(api: Api) -> None:
    """Nobody knows yet who calls."""
    await api.call("GET", "/v1/requests", token="csk_wrong")

    assert told(api) == ("GET", "/v1/requests", 401)
    assert api.heard.of(ApiAnswered)[-1].token == ""
