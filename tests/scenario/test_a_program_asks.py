"""Programs that ask through the HTTP API with the client of `clients/python`: the real bot, and people who answer in
Slack."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from functools import partial

import pytest

from countersign import (
    AlreadyConsumed,
    AsyncCountersign,
    Cancelled,
    Countersign,
    Decision,
    Expired,
    KeyAlreadyUsed,
    NotFound,
    Rejected,
    requires_approval,
)
from tests.support.stage import UNPACED, Bot, Message, Room, Slack, Thread
from tests.support.starter import ran

POLICY = """
defaults:
  approvers: ["@ops-leads"]
  deadline: 1h
rules:
  - name: hurried
    match: {source: hurried}
    deadline: 2s
"""


@pytest.fixture(scope="module")
def bot(slack: Slack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """A bot that serves the API at a port that stays the same when it is started again."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("bot")
    bot = Bot.prepare(folder, slack.environment, policy=POLICY, HTTP_BIND=f"127.0.0.1:{port}")
    bot.module = UNPACED
    bot.start()
    yield bot
    assert bot.stop() == 0, bot.log


@pytest.fixture(scope="module")
def tokens(bot: Bot) -> dict[str, str]:
    """A token for each of two programs."""

    def added(source: str) -> str:
        scopes = "requests:write,requests:read,tasks:write"
        command = ["bot", "tokens", "add", source, "--source", source, "--scope", scopes]
        made = ran(command, cwd=bot.folder, env=bot.environment)
        return next(word for word in made.stdout.split() if word.startswith("csk_"))

    return {source: added(source) for source in ("billing", "hurried")}


@pytest.fixture
def url(bot: Bot) -> str:
    return f"http://{bot.environment['HTTP_BIND']}"


@pytest.fixture
def blocking(url: str, tokens: dict[str, str]) -> Countersign:
    return Countersign(url, tokens["billing"], source="billing")


@pytest.fixture
def client(blocking: Countersign) -> AsyncCountersign:
    return blocking.asynchronous()


async def asked(room: Room) -> Message:
    """The card of what a program has asked in this room."""

    async def opening() -> Message | None:
        return next(iter(await room.seat("bob").messages(room.channel)), None)

    found = await room.until(opening, "the message that opens the thread")
    return await Thread(room, found["ts"]).card()


async def rejected(room: Room, card: Message, why: str) -> None:
    await room.press("bob", card, "reject")
    await room.modal("bob", "Why?")
    assert await room.submit("bob", {"Why?": why}) == {}


async def test_what_people_edit_and_approve_is_what_runs(blocking: Countersign, room: Room) -> None:
    ran_with: list[tuple[str, int]] = []

    @requires_approval(
        blocking, key=lambda order, amount: f"refund-{order}", description="The parcel is lost.", channel=room.channel
    )
    async def refund_order(order: str, amount: int) -> str:
        ran_with.append((order, amount))
        return "paid"

    refunding = asyncio.create_task(refund_order("4711", amount=99))
    card = await asked(room)
    shown = room.read(card)
    assert "Refund order 4711?" in shown
    assert "The parcel is lost." in shown

    await room.press("bob", card, "edit")
    await room.modal("bob", "Amount")
    assert await room.submit("bob", {"Amount": "nine"}) != {}
    assert await room.submit("bob", {"Amount": "45"}) == {}

    assert await refunding == "paid"
    assert ran_with == [("4711", 45)]
    with pytest.raises(AlreadyConsumed):
        await refund_order("4711", amount=99)
    assert len(ran_with) == 1


async def test_the_bot_is_killed_while_a_program_waits(bot: Bot, client: AsyncCountersign, room: Room) -> None:
    arguments = {"order": "1", "lines": [{"amount": 1.5, "paid": False, "note": None}]}
    asking = asyncio.create_task(client.approve_or_raise("refund", arguments, key="killed", channel=room.channel))
    card = await asked(room)

    bot.kill()
    bot.start()
    await room.press("bob", card, "approve")

    decision = await asking
    assert (decision.arguments, decision.edited) == (arguments, False)
    assert len(decision.by) == 1


async def test_a_program_that_is_run_again_finds_its_request(client: AsyncCountersign, room: Room) -> None:
    """It dies while it waits, and once more after the decision."""
    approve = partial(client.approve_or_raise, "refund", {"order": "2"}, key="again", channel=room.channel)
    first = asyncio.create_task(approve(execution="job-7"))
    card = await asked(room)
    first.cancel()
    await room.press("bob", card, "approve")

    second = await approve(execution="job-7")
    third = await approve(execution="job-7")

    assert second == third
    assert len(await room.seat("bob").messages(room.channel)) == 1
    with pytest.raises(AlreadyConsumed):
        await approve()
    with pytest.raises(KeyAlreadyUsed):
        await client.ask("refund", {"order": "3"}, key="again", channel=room.channel)


async def test_no_and_a_withdrawal_run_nothing(client: AsyncCountersign, room: Room) -> None:
    rejecting = asyncio.create_task(client.approve_or_raise("refund", {"order": "4"}, key="no", channel=room.channel))
    card = await asked(room)
    await rejected(room, card, "The audit still reads this.")
    with pytest.raises(Rejected, match="The audit still reads this") as refused:
        await rejecting
    assert not refused.value.decision

    request = await client.request("May I?", key="withdrawn", channel=room.channel)
    waiting = asyncio.create_task(client.wait(request.id))
    cancelled = await client.cancel(request.id, reason="Not needed")
    assert cancelled.status == "cancelled"
    decision = await waiting
    with pytest.raises(Cancelled):
        decision.check()
    assert (await client.cancel(request.id)).status == "cancelled"


async def test_silence_runs_nothing_and_others_see_nothing(
    client: AsyncCountersign, url: str, tokens: dict[str, str], room: Room
) -> None:
    other = AsyncCountersign(url, tokens["hurried"])
    with pytest.raises(Expired) as expired:
        await other.approve_or_raise("refund", {"order": "5"}, key="silence", channel=room.channel)

    with pytest.raises(NotFound):
        await client.get(expired.value.decision.request_id)
    assert [each.status for each in (await other.list()).data] == ["expired"]
    kinds = [each.kind for each in await other.audit(expired.value.decision.request_id)]
    assert "opened" in kinds


async def test_a_question_in_any_shape_and_its_events(blocking: Countersign, room: Room) -> None:
    question = {"question": "Which host?", "options": ["db-1", "db-2"]}
    request = await asyncio.to_thread(blocking.request, question, key="host", channel=room.channel)
    events = asyncio.create_task(asyncio.to_thread(lambda: list(blocking.events(request.id))))
    card = await asked(room)
    await room.press("bob", card, next(each["action_id"] for each in _buttons(card) if "db-2" in str(each)))

    kinds = [event.kind for event in await events]
    decision: Decision = await asyncio.to_thread(blocking.wait, request.id)

    assert (kinds[0], kinds[-1]) == ("pending", "decided")
    assert (decision.answer, bool(decision)) == ("db-2", False)


async def test_a_graph_of_the_bot(bot: Bot, client: AsyncCountersign, room: Room) -> None:
    bot.fill("by-program", old=1)
    inputs = {"path": "by-program", "older_than": "30d"}
    task = await client.start("cleanup", inputs, key="clean", channel=room.channel)
    waiting = asyncio.create_task(client.wait_task(task.id))
    card = await asked(room)
    await room.press("bob", card, "approve")

    ended = await waiting

    assert (ended.status, [request.status for request in ended.requests]) == ("ended", ["decided"])
    assert bot.trashed("by-program") == ["old-0.log"]


def _buttons(card: Message) -> list[Message]:
    return [each for block in card["blocks"] if block["type"] == "actions" for each in block["elements"]]
