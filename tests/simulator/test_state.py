"""What survives a restart of the simulator that was told to keep its state."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient

from simulator.client import Simulator
from simulator.process import NotReady, SimulatorProcess, spawn
from tests.support.desk import TRUSTED, actions, button, section


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """An app's manifest.yml."""
    path = tmp_path / "manifest.yml"
    path.write_text(yaml.safe_dump(TRUSTED))
    return path


@asynccontextmanager
async def _kept(manifest: Path, folder: Path) -> AsyncIterator[tuple[SimulatorProcess, Simulator]]:
    state = folder / "state.json"
    async with await spawn(manifest, fast=True, state=state) as process, Simulator.connect(process.url) as sim:
        yield process, sim


def _bot(process: SimulatorProcess) -> AsyncWebClient:
    return AsyncWebClient(token=process.bot_token, base_url=process.api_url)


async def _fill(sim: Simulator, bot: AsyncWebClient) -> None:
    parent = await bot.chat_postMessage(channel="C0OPS", text="Card", blocks=[section(), actions(button("approve"))])
    await bot.chat_postMessage(
        channel="C0OPS",
        text="Reply",
        thread_ts=parent["ts"],
        metadata={"event_type": "request_posted", "event_payload": {"id": "r1"}},
    )
    await bot.reactions_add(channel="C0OPS", timestamp=parent["ts"], name="eyes")
    await bot.chat_postMessage(channel="U0BOB", text="Psst")
    await bot.chat_postEphemeral(channel="C0OPS", user="U0BOB", text="Only you")
    await bot.files_upload_v2(channel="C0GENERAL", filename="plan.txt", content="All of it")
    await bot.views_publish(user_id="U0BOB", view={"type": "home", "blocks": [section("Nothing waits")]})
    later = int((await sim.state())["now"]) + 24 * 3600
    made = await bot.conversations_create(name="migration")
    await bot.conversations_invite(channel=made["channel"]["id"], users="U0BOB")
    await bot.chat_scheduleMessage(channel="C0OPS", text="Later", post_at=later)
    await sim.change_standing("carol", "guest")
    await sim.change_group("on-call", people=["bob"])
    await sim.seat("bob").read("@countersign")
    await sim.advance(3600)


async def _seen(sim: Simulator, bot: AsyncWebClient) -> dict[str, Any]:
    bob, state = sim.seat("bob"), await sim.state()
    ops = await bob.messages("#ops")
    thread = await bot.conversations_replies(channel="C0OPS", ts=ops[0]["ts"], include_all_metadata=True)
    home = await bob.home()
    return {
        "ops": ops,
        "thread": thread["messages"],
        "channels": await bob.channels(),
        "notices": await bob.notices(),
        "home": home,
        "people": [(person["name"], person["standing"]) for person in state["people"]],
        "groups": state["groups"],
        "files": [(one["name"], one["size"]) for m in await bob.messages("#general") for one in m["files"]],
        "scheduled": (await bot.chat_scheduledMessages_list())["scheduled_messages"],
        "skipped": await sim.skipped(),
    }


async def test_a_simulator_that_was_ended_goes_on_where_it_was(manifest: Path, tmp_path: Path) -> None:
    async with _kept(manifest, tmp_path) as (first, sim):
        await _fill(sim, _bot(first))
        before, seq = await _seen(sim, _bot(first)), (await sim.state())["seq"]

    async with _kept(manifest, tmp_path) as (second, sim):
        after, seq_after = await _seen(sim, _bot(second)), (await sim.state())["seq"]

    assert (second.bot_token, second.app_token, second.signing_secret) == (
        first.bot_token,
        first.app_token,
        first.signing_secret,
    )
    assert after == before
    assert seq_after > seq


async def test_what_was_done_is_kept_without_waiting_for_the_end(manifest: Path, tmp_path: Path) -> None:
    process = await spawn(manifest, fast=True, state=tmp_path / "state.json")
    async with Simulator.connect(process.url) as sim:
        await sim.seat("alice").send("#ops", "Hello")

        while "Hello" not in (tmp_path / "state.json").read_text():
            await sim.state()
    process.process.kill()
    await process.process.wait()

    async with _kept(manifest, tmp_path) as (_again, sim):
        [message] = await sim.seat("bob").messages("#ops")

    assert message["text"] == "Hello"


async def test_new_things_get_ids_of_their_own_after_a_restart(manifest: Path, tmp_path: Path) -> None:
    ids: list[tuple[str, str]] = []
    for _ in range(2):
        async with await spawn(manifest, fast=True, state=tmp_path / "state.json") as process:
            bot = _bot(process)
            file = await bot.files_upload_v2(channel="C0OPS", filename="plan.txt", content="x")
            posted = await bot.chat_postMessage(channel="C0OPS", text="x")
            ids.append((file["files"][0]["id"], posted["ts"]))

    assert ids[0][0] != ids[1][0]
    assert ids[0][1] < ids[1][1]


@pytest.mark.parametrize(
    ("kept", "complaint"), [("{", "cannot be read"), ('{"format": 0}', "another version"), ("[]", "cannot be read")]
)
async def test_a_file_that_is_no_state_is_refused_and_left_alone(
    manifest: Path, tmp_path: Path, kept: str, complaint: str
) -> None:
    (tmp_path / "state.json").write_text(kept)

    with pytest.raises(NotReady, match=complaint):
        await spawn(manifest, state=tmp_path / "state.json")

    assert (tmp_path / "state.json").read_text() == kept
