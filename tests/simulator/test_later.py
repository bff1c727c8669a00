"""Messages that are posted at a time to come."""

from tests.support.desk import Desk, refusal


def _in(desk: Desk, seconds: float) -> int:
    return int(desk.clock.now() + seconds)


async def test_a_scheduled_message_is_posted_when_its_time_has_come(desk: Desk) -> None:
    await desk.bot.chat_scheduleMessage(channel="C0OPS", text="Later", post_at=_in(desk, 60))
    alice = desk.seat("alice")

    before = await alice.messages("#ops")
    await desk.sim.advance(61)
    posted = await desk.sim.wait_for(lambda: alice.message("#ops", containing="Later"))

    assert before == []
    assert float(posted["ts"]) >= _in(desk, 0)
    assert (await desk.bot.chat_scheduledMessages_list())["scheduled_messages"] == []


async def test_a_scheduled_message_can_be_taken_back(desk: Desk) -> None:
    answer = await desk.bot.chat_scheduleMessage(channel="C0OPS", text="Later", post_at=_in(desk, 60))
    [listed] = (await desk.bot.chat_scheduledMessages_list(channel="C0OPS"))["scheduled_messages"]
    one = {"channel": "C0OPS", "scheduled_message_id": answer["scheduled_message_id"]}

    await desk.bot.chat_deleteScheduledMessage(**one)

    assert (listed["id"], listed["text"]) == (answer["scheduled_message_id"], "Later")
    assert (await refusal(desk.bot.chat_deleteScheduledMessage(**one)))["error"] == "invalid_scheduled_message_id"


async def test_a_message_is_scheduled_neither_for_the_past_nor_for_next_year(desk: Desk) -> None:
    errors = [
        (await refusal(desk.bot.chat_scheduleMessage(channel="C0OPS", text="x", post_at=_in(desk, seconds))))["error"]
        for seconds in (-1, 121 * 24 * 3600)
    ]

    assert errors == ["time_in_past", "time_too_far"]


async def test_thirty_messages_at_most_are_scheduled_for_the_same_minutes(desk: Desk) -> None:
    for _ in range(30):
        await desk.bot.chat_scheduleMessage(channel="C0OPS", text="x", post_at=_in(desk, 600))

    answer = await refusal(desk.bot.chat_scheduleMessage(channel="C0OPS", text="x", post_at=_in(desk, 601)))

    assert answer["error"] == "restricted_too_many"
