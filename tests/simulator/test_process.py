"""The simulator as a process, its page, and the seats."""

import asyncio
import re
from importlib import resources
from pathlib import Path

import aiohttp
import pytest
import yaml

from simulator.client import ControlError, Simulator, TimedOut, spawn
from simulator.process import NotReady
from simulator.server import Server
from tests.support.desk import MANIFEST, Desk, make_world


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A small app's manifest.yml."""
    path = tmp_path / "manifest.yml"
    path.write_text(yaml.safe_dump(MANIFEST))
    return path


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """The manifest of an app that is reached over HTTP, on another machine."""
    interactivity = {"is_enabled": True, "request_url": "https://hooks.example.com/slack"}
    settings = {"interactivity": interactivity, "socket_mode_enabled": False}
    path = tmp_path / "outside.yml"
    path.write_text(yaml.safe_dump({**MANIFEST, "settings": settings}))
    return path


async def test_a_process_says_where_it_is_and_ends_cleanly(manifest: Path) -> None:
    process = await spawn(manifest, fast=True, seed_user="U0BOB")
    async with Simulator.connect(process.url) as sim:
        state = await sim.state()

    code = await process.terminate()

    assert state["team"]["name"] == "Acme"
    assert state["default_seat"] == "bob"
    assert process.bot_token.startswith("xoxb-")
    assert process.environment["SLACK_API_URL"] == f"{process.url}/api/"
    assert code == 0


async def test_a_process_without_a_manifest_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"missing\.yml"):
        await spawn(tmp_path / "missing.yml")


async def test_a_process_whose_seat_is_nobodys_says_so(manifest: Path) -> None:
    with pytest.raises(NotReady, match="no such person: zoe"):
        await spawn(manifest, seed_user="zoe")


async def test_a_process_that_would_send_beyond_this_machine_does_not_start(manifest: Path) -> None:
    with pytest.raises(NotReady, match="nothing is ever sent elsewhere"):
        await spawn(manifest, request_url="https://hooks.example.com/slack")


async def test_a_manifest_without_socket_mode_may_not_lead_beyond_this_machine(outside: Path) -> None:
    with pytest.raises(NotReady, match="nothing is ever sent elsewhere"):
        await spawn(outside)


def test_the_simulator_listens_on_loopback_alone() -> None:
    with pytest.raises(ValueError, match="loopback"):
        Server(make_world(), host="0.0.0.0")  # noqa: S104 - what is refused here


async def test_the_page_and_its_parts_are_served_with_a_policy_that_keeps_it_on_this_machine(desk: Desk) -> None:
    async with desk.session.get(f"{desk.world.base_url}/") as page:
        html = await page.text()
        policy = page.headers["Content-Security-Policy"]
    statuses = []
    for address in re.findall(r'(?:src|href)="(/[^"]+)"', html):
        async with desk.session.get(desk.world.base_url + address) as part:
            statuses.append(part.status)

    assert policy.startswith("default-src 'self'")
    assert len(statuses) >= 5
    assert set(statuses) == {200}


def test_the_page_never_parses_data_as_html_and_names_no_address_outside() -> None:
    page = resources.files("simulator").joinpath("page")
    for part in (each for each in page.iterdir() if each.is_file()):
        source = part.read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", source), part.name
        outside = set(re.findall(r"https?://[\w.-]+", source)) - {"http://www.w3.org"}
        assert not outside, part.name


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example:80"}])
async def test_a_page_of_another_origin_is_turned_away(desk: Desk, headers: dict[str, str]) -> None:
    async with desk.session.post(f"{desk.world.base_url}/sim/seats/bob/press", headers=headers, data="{}") as answer:
        assert answer.status == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1234", "[::1]:1234", "[::1]"])
async def test_this_machine_is_let_in_by_each_of_its_names(desk: Desk, host: str) -> None:
    """slack_sdk's own Socket Mode client names no port."""
    async with desk.session.get(f"{desk.world.base_url}/sim/state", headers={"Host": host}) as answer:
        assert answer.status == 200


async def test_waiting_ends_with_the_change_that_was_waited_for(desk: Desk) -> None:
    waiting = asyncio.create_task(desk.sim.wait_for(lambda: desk.seat("bob").message("#ops", containing="Here")))

    await desk.seat("alice").send("#ops", "Here")

    found = await waiting
    assert found["user"] == "U0ALICE"


async def test_waiting_in_vain_is_an_error(desk: Desk) -> None:
    with pytest.raises(TimedOut, match="the card"):
        await desk.sim.wait_for(desk.seat("bob").modal, timeout=0.05, what="the card")


async def test_changes_are_streamed_as_they_happen(desk: Desk) -> None:
    headers = {"Accept": "text/event-stream"}
    async with desk.session.get(f"{desk.world.base_url}/sim/events", headers=headers) as stream:
        await desk.seat("alice").send("#ops", "Here")
        lines = [await stream.content.readline() for _ in range(4)]

    assert any(b'"kind": "message"' in line for line in lines)


async def test_unread_messages_are_counted_until_they_are_read(desk: Desk) -> None:
    bob = desk.seat("bob")
    await desk.bot.chat_postMessage(channel="U0BOB", text="One")
    await desk.bot.chat_postMessage(channel="U0BOB", text="Two")

    [before] = await bob.dms()
    await bob.read("@countersign")
    [after] = await bob.dms()

    assert (before["unread"], after["unread"]) == (2, 0)


async def test_a_person_sees_only_the_channels_they_are_in(desk: Desk) -> None:
    names = {channel.get("name") for channel in await desk.seat("frank").channels()}

    assert names == {"partners", None}
    with pytest.raises(ControlError, match="frank is not in #ops"):
        await desk.seat("frank").messages("#ops")


async def test_a_deactivated_person_does_nothing_any_more(desk: Desk) -> None:
    await desk.sim.change_person("bob", deleted=True)

    with pytest.raises(ControlError, match="deactivated"):
        await desk.seat("bob").send("#ops", "Hello")


async def test_what_a_person_types_is_text_and_forges_nothing(desk: Desk) -> None:
    sent = await desk.seat("alice").send("#ops", "<!channel> & <@U0BOB> but @carol and @on-call")

    expected = "&lt;!channel&gt; &amp; &lt;<@U0BOB>&gt; but <@U0CAROL> and <!subteam^S0ONCALL>"
    assert sent["text"] == expected


async def test_a_press_on_a_button_that_is_not_there_says_what_there_is(desk: Desk) -> None:
    message = await desk.seat("alice").send("#ops", "No buttons")

    with pytest.raises(ControlError, match="no element 'approve'; there are: none"):
        await desk.seat("alice").press(message, "approve")


async def test_the_control_api_answers_errors_in_words(desk: Desk) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{desk.world.base_url}/sim/seats/x/channels") as answer:
        assert (answer.status, (await answer.json())["error"]) == (404, "no such person: x")
