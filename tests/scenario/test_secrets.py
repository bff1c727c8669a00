"""No secret of the corpus reaches Slack or the log, wherever an agent or a person says it; those who may answer see it
by *Reveal*, and that is on the record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import aiohttp
import pytest

from bot.approvals.rules.masking import MASK
from tests import corpus
from tests.corpus import Sample
from tests.support.stage import Bot, Message, Room, Thread

GRAPHS = ("secretive",)
POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 1h
  mask: [customer.iban]
"""
ALL = corpus.secrets()
PASSWORD = "quiet-harbour"
"""Nothing but its name tells that it is one."""
GROUPS = [ALL[at : at + 12] for at in range(0, len(ALL), 12)]


def typed(samples: Sequence[Sample]) -> str:
    """One of them that can be typed in a command."""
    return next(each.text for each in samples if not each.key and not set("\"'\n&<>") & set(each.text))


def written(bot: Bot, name: str, samples: Sequence[Sample]) -> str:
    """The samples in a file that the graph reads; returns its path."""
    file = bot.folder / f"{name}.json"
    named: dict[str, Any] = {each.key: each.secret for each in samples if each.key}
    named |= {"customer": {"iban": "DE89370400440532013000"}, "db": {"password": PASSWORD}}
    file.write_text(json.dumps([[each.text for each in samples if not each.key] or ["nothing"], named]))
    return str(file)


async def sent(room: Room, after: int) -> str:
    """All that the bot has said to Slack since: its calls, and its answers to what Slack sent."""
    traffic = await room.simulator.traffic(after=after)
    said = [entry["arguments"] if entry["direction"] == "call" else entry["response"] for entry in traffic]
    return json.dumps(said, ensure_ascii=False)


def leaked(samples: Iterable[Sample], *places: str) -> list[str]:
    """The names of those that can be read there."""
    secrets = [(each.name, each.secret) for each in samples if len(each.secret) > 3]
    secrets += [("the password", PASSWORD), ("the policy's", "DE89370400440532013000")]
    forms = {name: {secret, json.dumps(secret)[1:-1], json.dumps(json.dumps(secret))[3:-3]} for name, secret in secrets}
    return [name for name, ways in forms.items() if any(way in place for way in ways for place in places)]


async def on_top(room: Room) -> bool:
    """Whether bob has a modal on top of another one."""
    view = await room.seat("bob").modal()
    return view is not None and view["depth"] == 2


async def looked_at_from_everywhere(room: Room, thread: Thread, card: Message) -> None:
    """What people open to see a request: all of it, its history, its forms, their Homes, lists, states."""
    request_id = await thread.request_id()
    for action in ("view_all", "edit", "reject", "respond"):
        await room.review("bob", card)
        await room.answer("bob", action)
        await room.until(partial(on_top, room), f"the modal of {action}")
        await room.seat("bob").close_modal(everything=True)
    await room.choose("bob", card, "history")
    await room.modal("bob", "History")
    await room.seat("bob").close_modal()
    for person, line in (
        ("bob", "/approvals"),
        ("bob", f"/approvals {request_id}"),
        ("alice", "/approvals mine"),
        ("alice", f"/task status {await thread.task_id()}"),
        ("alice", "/task list"),
    ):
        assert await room.says(person, line)


@pytest.mark.parametrize("raises", [False, True], ids=["ends", "raises"])
@pytest.mark.parametrize("number", range(len(GROUPS)))
async def test_no_secret_reaches_slack_or_the_log(bot: Bot, room: Room, number: int, raises: bool) -> None:
    samples = GROUPS[number]
    file, mark = written(bot, f"{number}-{raises}", samples), await room.mark()
    said = typed([*samples, *ALL])
    line = f'/task secretive file={file} password={PASSWORD} raises={str(raises).lower()} note="{said}"'

    thread = await room.start(line)
    card = await thread.card()
    await looked_at_from_everywhere(room, thread, card)
    await room.choose("bob", card, "comment")
    await room.modal("bob", "Your question")
    await room.submit("bob", {"Your question": f"Why {said}?"})
    await room.review("bob", card)
    await room.answer("bob", "reject")
    await room.modal("bob", "Why?")
    await room.submit("bob", {"Why?": f"Not with {said}"})
    ended = await thread.ended("⚠️ Stopped by an error" if raises else "⛔ Rejected by @bob", "@alice")
    await room.press("bob", await thread.settled("Rejected by @bob"), "history")
    await room.modal("bob", "Request ")
    await room.seat("bob").close_modal()

    traffic = await sent(room, mark)
    assert leaked([*samples, Sample(name="typed", secret=said, text="")], traffic, bot.log) == []
    assert MASK in traffic
    assert "values are hidden" in room.read(card)
    assert ended
    assert "\n2026-11-28T10:00:00.000Z INFO" not in bot.log


async def test_a_file_that_is_too_long_for_a_modal_holds_no_secret(bot: Bot, room: Room) -> None:
    samples = ALL[:20]
    thread = await room.start(f"/task secretive file={written(bot, 'long', samples)} size=210000")
    await thread.card()

    async def filed() -> Message | None:
        return next((each for each in await thread.messages() if each.get("files")), None)

    message = await room.until(filed, "the file")
    async with aiohttp.ClientSession() as session, session.get(message["files"][0]["url_private"]) as answer:
        content = await answer.text()

    assert leaked(samples, content) == []
    assert content.count(MASK) >= len(samples)


async def test_a_line_that_cannot_be_understood_is_not_repeated_with_its_secrets(bot: Bot, room: Room) -> None:
    said, mark = ALL[0].secret, await room.mark()

    for line in ("/task {}", "/task secretive file=x {}", "/task secretive file=x size={}", "/approvals {} x"):
        assert await room.says("alice", line.format(said))

    assert leaked([Sample(name="typed", secret=said, text="")], await sent(room, mark), bot.log) == []


async def test_whoever_may_answer_sees_what_is_hidden_and_that_is_on_the_record(bot: Bot, room: Room) -> None:
    samples = [each for each in ALL if each.name in ("GitHub personal token", "password argument")]
    thread = await room.start(f"/task secretive file={written(bot, 'reveal', samples)}")
    card = await thread.card("values are hidden")

    refused = await room.pressing("alice", card, "reveal")
    await room.press("bob", card, "reveal")
    shown = await room.modal("bob", "Hidden values")
    await room.seat("bob").close_modal()

    assert "not yours to approve" in refused
    assert leaked(samples, shown) == [*(each.name for each in samples), "the password", "the policy's"]
    await room.choose("bob", card, "history")
    told = await room.modal("bob", "Request ")
    assert "@bob looked at what is hidden:" in told
    assert "arguments.db.password" in told
    assert "@alice was refused" in told
    assert leaked(samples, told) == []
    await room.seat("bob").close_modal()


async def test_an_edit_keeps_what_is_hidden_and_what_was_approved_is_what_runs(bot: Bot, room: Room) -> None:
    """Another argument is changed; the agent gets the secrets as they were. A mask that is written into is refused."""
    samples = [each for each in ALL if each.name in ("GitHub personal token", "password argument")]
    thread = await room.start(f"/task secretive file={written(bot, 'edit', samples)}")
    card = await thread.card()

    await room.review("bob", card)
    await room.answer("bob", "edit")
    form = await room.modal("bob", "Save")
    wrong = await room.submit("bob", {"Password": f"{MASK}7"})
    await room.submit("bob", {"Password": MASK, "Size": "small"})
    outcome = await thread.ended("used")

    assert "hidden part" in wrong["Password"]
    assert leaked(samples, form, room.read(outcome)) == []
    assert '"size": "small"' in room.read(outcome)
    assert "swordfish" not in bot.log
