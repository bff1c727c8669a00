"""The server inside the gateway's process: its address, its signals, its end."""

from __future__ import annotations

import signal

import pytest

from bot.approvals.model.errors import SettingsError
from bot.http.server import serving
from tests.support.served import Api, served

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_address_that_is_taken_stops_the_start_with_what_to_do(api: Api) -> None:
    bind = f"{api.serving.host}:{api.serving.port}"

    with pytest.raises(SettingsError, match=f"HTTP_BIND {bind}: .* such as 127.0.0.1:8420"):
        async with serving(api.parts, bind):
            pass


async def test_an_address_that_is_not_of_this_machine_stops_the_start(api: Api) -> None:
    with pytest.raises(SettingsError, match=r"HTTP_BIND 192\.0\.2\.1:8420"):
        async with serving(api.parts, "192.0.2.1:8420"):
            pass


async def test_signals_stay_the_gateways() -> None:
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]

    async with served():
        during = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]

    assert before == during == [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]


async def test_an_address_of_version_6_is_written_in_brackets() -> None:
    try:
        async with served() as own, serving(own.parts, "[::1]:0") as running:
            url = running.url
    except SettingsError:
        pytest.skip("this machine has no IPv6")

    assert url.startswith("http://[::1]:")


async def test_an_error_of_ours_is_a_problem_with_an_error_id_that_the_log_has(
    api: Api, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(api.parts.views, "request", broken)

    answer = await api.post("/v1/requests", {"question": "May I?"}, key="broken")

    assert (answer.status, answer.problem) == (500, "internal")
    assert f"error {answer.json['error_id']} ended a call of the API (POST /v1/requests)" in caplog.text
    assert "a bug" in caplog.text
    assert "a bug" not in answer.text
