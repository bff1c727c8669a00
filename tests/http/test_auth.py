"""Tokens: who is let in, and for what."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.approvals.model.token import Scope, digest_of
from bot.stores import system_clock
from tests.support.served import Api, served

pytestmark = pytest.mark.asyncio(loop_scope="module")
CALLS = [
    ("POST", "/v1/requests", {Scope.WRITE_REQUESTS}),
    ("GET", "/v1/requests", {Scope.READ_REQUESTS}),
    ("GET", "/v1/requests/req_1", {Scope.READ_REQUESTS}),
    ("GET", "/v1/requests/req_1/events", {Scope.READ_REQUESTS}),
    ("GET", "/v1/requests/req_1/audit", {Scope.READ_REQUESTS}),
    ("POST", "/v1/requests/req_1/cancel", {Scope.WRITE_REQUESTS}),
    ("POST", "/v1/requests/req_1/consume", {Scope.WRITE_REQUESTS}),
    ("POST", "/v1/requests/req_1/votes", {Scope.VOTES}),
    ("POST", "/v1/tasks", {Scope.WRITE_TASKS}),
    ("GET", "/v1/tasks", {Scope.WRITE_TASKS, Scope.READ_REQUESTS}),
    ("GET", "/v1/tasks/1", {Scope.WRITE_TASKS, Scope.READ_REQUESTS}),
    ("POST", "/v1/tasks/1/cancel", {Scope.WRITE_TASKS}),
]


@pytest.mark.parametrize(("method", "path", "needed"), CALLS)
async def test_each_call_needs_a_scope(api: Api, method: str, path: str, needed: set[Scope]) -> None:
    others = await api.token(scopes=frozenset(Scope) - needed)

    refused = await api.call(method, path, token=others, body={} if method == "POST" else None)

    assert (refused.status, refused.problem) == (403, "scope-missing")
    assert all(f"`{scope}`" in refused.json["detail"] for scope in needed)
    for scope in needed:
        allowed = await api.call(method, path, token=await api.token(scopes=frozenset({scope})))
        assert allowed.status not in (401, 403)


async def test_a_token_that_is_not_valid_is_told_nothing_more(api: Api) -> None:
    yesterday = system_clock() - timedelta(days=1)
    expired = await api.token(expires_at=yesterday)
    revoked = await api.token()
    await api.revoke(revoked)
    unlike = {"Authorization": f"Basic {await api.own()}"}

    answers = [
        await api.get("/v1/requests", token=""),
        await api.get("/v1/requests", token="csk_" + "x" * 43),
        await api.get("/v1/requests", token="xoxb-1"),
        await api.get("/v1/requests", token=expired),
        await api.get("/v1/requests", token=revoked),
    ]
    async with served() as other:
        answers.append(await other.get("/v1/requests", token="", headers=unlike))
        answers.append(await other.get("/v1/requests", token="", headers={"Authorization": "Bearer csk_\xfc"}))
        answers.append(await other.get("/v1/requests", token="csk_" + "x" * 5000))

    assert {answer.status for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {'Bearer realm="countersign"'}


async def test_a_token_is_refused_before_its_call_is_read(api: Api) -> None:
    refused = await api.post("/v1/requests?nonsense=1", token=await api.token(scopes=frozenset()), data=b"{")

    assert refused.status == 403


async def test_the_last_use_of_a_token_is_kept_to_the_minute(api: Api) -> None:
    text = await api.token()

    await api.get("/v1/requests", token=text)
    await api.get("/v1/requests", token=text)

    token = await api.storage.token_of(digest_of(text))
    assert token is not None
    assert token.used_at is not None
    assert (token.used_at.second, token.used_at.microsecond) == (0, 0)
    assert token.revision == 1


async def test_wrong_tokens_are_slowed_down_and_known_ones_are_not() -> None:
    """Nor are those that were used before this process began: anybody behind the same proxy can send wrong ones."""
    async with served(free=2) as api:
        known = await api.own()
        assert (await api.get("/v1/requests", token=known)).status == 200
        wrong = [await api.get("/v1/requests", token=f"csk_{number}") for number in range(4)]
        unused = await api.get("/v1/requests", token=await api.token(), headers={"X-Forwarded-For": "10.1.1.1"})
        used = await api.get("/v1/requests", token=await api.token(used_at=system_clock()))
        again = await api.get("/v1/requests", token=known)

    assert [answer.status for answer in wrong] == [401, 401, 401, 429]
    assert wrong[3].problem == "too-many-failures"
    assert int(wrong[3].headers["Retry-After"]) > 0
    assert unused.status == 429
    assert used.status == 200
    assert again.status == 200
