"""What holds for every listener: when it is acknowledged, who acts, and what is said of what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from bot.approvals.model.actor import Shown
from bot.approvals.model.errors import NotAnApprover, Unreachable
from bot.approvals.model.ids import MessageRef, Person, Ts
from bot.approvals.model.message import MessageKind
from bot.approvals.model.request import Request
from bot.slack import actions
from bot.slack.actions import RequestTarget
from bot.slack.listeners import buttons, guard, register, submissions
from bot.slack.listeners.acts import Body, Click, Submission
from bot.slack.listeners.context import Parts
from bot.slack.listeners.events import Event
from bot.slack.listeners.guard import Guard
from bot.slack.modals.views import Problems
from bot.slack.refusals import Refused
from tests.support.fakes.world import ALICE, BOB, CHANNEL, STRANGER, World, a_world
from tests.unit.slack.listeners.parts import Whispers, parts_of

NO_CLIENT = cast("Any", None)


@dataclass
class Desk:
    """Slack's side of what somebody does."""

    world: World
    whispers: Whispers = field(default_factory=Whispers)
    acknowledged: list[dict[str, Any]] = field(default_factory=list)
    happened: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parts = parts_of(self.world, messenger=self.whispers)
        self.guard = Guard(self.parts)

    def redraws_at_once(self) -> None:
        """As if Slack took every update while the listener still waits for it."""
        redraw = self.parts.tasks.redraw

        class Tasks:
            def __getattr__(this, name: str) -> object:  # noqa: N805
                return getattr(self.world.tasks, name)

            async def redraw(this, ref: MessageRef) -> None:  # noqa: N805
                await redraw(ref)
                message = await self.world.storage.message_at(ref)
                assert message is not None
                await self.world.messages.sync_task(message.task_id)

        self.parts = replace(self.parts, tasks=cast("Any", Tasks()))
        self.guard = Guard(self.parts)

    async def ack(self, **answer: Any) -> None:
        self.happened.append("acknowledged")
        self.acknowledged.append(answer)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with a_world() as world:
        yield Desk(world)


async def asked(world: World) -> Request:
    task = await world.started()
    (request,) = await world.storage.requests_of(task.id)
    return request


async def a_click(world: World, by: Person, on: Request | None = None, **button: Any) -> Body:
    """Of a button of the request's card."""
    container = {"channel_id": CHANNEL, "message_ts": "1.1"}
    if on is not None:
        listed = await world.storage.messages_of(on.task_id)
        ref = next(each.ref for each in listed if each.kind is MessageKind.CARD and each.ref is not None)
        container = {"channel_id": ref.channel, "message_ts": ref.ts}
        button = {"value": RequestTarget.of(on).encoded(), **button}
    return {
        "type": "block_actions",
        "user": {"id": by.user_id, "team_id": by.team_id},
        "container": container,
        "actions": [{"action_id": "any", **button}],
        "trigger_id": "trigger",
    }


def a_submission(by: Person) -> Body:
    view = {"private_metadata": "", "state": {"values": {}}}
    return {"type": "view_submission", "user": {"id": by.user_id, "team_id": by.team_id}, "view": view}


# --- Acknowledged -------------------------------------------------------------------------------------


async def test_a_click_is_acknowledged_before_it_is_worked_on(desk: Desk) -> None:
    async def act(parts: Parts, click: Click) -> None:
        desk.happened.append("worked on")

    await desk.guard.click(act)(desk.ack, await a_click(desk.world, ALICE), NO_CLIENT)

    assert desk.happened == ["acknowledged", "worked on"]


async def test_a_vote_is_acknowledged_once_it_is_stored(desk: Desk) -> None:
    async def act(parts: Parts, click: Click) -> None:
        desk.happened.append("stored")

    await desk.guard.vote(act)(desk.ack, await a_click(desk.world, ALICE), NO_CLIENT)

    assert desk.happened == ["stored", "acknowledged"]


async def test_a_vote_that_takes_longer_is_acknowledged_in_time_and_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "SECONDS_TO_ANSWER", 0)
    answered = asyncio.Event()

    async def act(parts: Parts, click: Click) -> None:
        await answered.wait()
        desk.happened.append("stored")

    async def ack() -> None:
        desk.happened.append("acknowledged")
        answered.set()

    await desk.guard.vote(act)(ack, await a_click(desk.world, ALICE), NO_CLIENT)

    assert desk.happened == ["acknowledged", "stored"]


async def test_what_comes_too_late_to_open_a_modal_is_refused() -> None:
    click = Click(actor=cast("Any", None), body={}, client=NO_CLIENT, until=0)

    with pytest.raises(Unreachable):
        async with click.in_time():
            await asyncio.Event().wait()


# --- Who acts, and what is refused --------------------------------------------------------------------


async def test_the_actor_is_who_clicked_and_the_message_that_they_clicked_on(desk: Desk) -> None:
    request = await asked(desk.world)
    acted: list[Click] = []

    async def act(parts: Parts, click: Click) -> None:
        acted.append(click)

    await desk.guard.click(act)(desk.ack, await a_click(desk.world, ALICE, request), NO_CLIENT)

    (click,) = acted
    listed = await desk.world.storage.messages_of(request.task_id)
    assert click.actor.person == ALICE
    assert click.actor.surface == next(each.id for each in listed if each.kind is MessageKind.CARD)
    assert click.actor.at == desk.world.now


async def test_a_refusal_is_said_in_private_and_the_record_keeps_what_was_said(desk: Desk) -> None:
    request = await asked(desk.world)

    await desk.guard.vote(buttons.approve)(desk.ack, await a_click(desk.world, STRANGER, request), NO_CLIENT)

    ((person, sentence),) = desk.whispers.told
    (event,) = [each for each in await desk.world.storage.history(request.task_id) if each.kind == "refused"]
    assert person == STRANGER
    assert sentence.startswith("You may not answer this request. Who may: <@U-ALICE>")
    assert (event.data["why"], event.data["said"]) == (NotAnApprover.__name__, sentence)


async def test_a_click_on_a_card_that_is_out_of_date_has_it_drawn_again(desk: Desk) -> None:
    request = await asked(desk.world)
    click = await a_click(desk.world, BOB, request)
    await desk.world.vote(ALICE, on=request)
    await desk.world.settle()

    await desk.guard.vote(buttons.approve)(desk.ack, click, NO_CLIENT)

    ((_, sentence),) = desk.whispers.told
    assert sentence.startswith("<@U-ALICE> approved this at <!date^")
    assert desk.world.work.syncs == [request.task_id]


async def edited(world: World, first: Request, value: str = "/new") -> None:
    """Somebody changes what the request asks."""
    shown = Shown(request_id=first.id, version=first.version, digest=first.digest)
    await world.answers.edit(world.actor(BOB), shown, 0, {"path": value})


@pytest.mark.parametrize("synced", [True, False])
async def test_a_click_on_what_has_changed_has_the_card_drawn_again_and_says_what_changed(
    desk: Desk, synced: bool
) -> None:
    request = await asked(desk.world)
    click = await a_click(desk.world, ALICE, request)
    await edited(desk.world, request)
    if synced:
        await desk.world.settle()
        desk.redraws_at_once()

    await desk.guard.vote(buttons.approve)(desk.ack, click, NO_CLIENT)

    ((person, sentence),) = desk.whispers.told
    assert person == ALICE
    assert "Path /old → /new. The card " + ("shows it now" if synced else "will show it") in sentence
    assert request.task_id in desk.world.work.syncs
    (event,) = [each for each in await desk.world.storage.history(request.task_id) if each.kind == "refused"]
    assert "/new" not in str(event.data["said"]), "the log holds no value that is not masked"


async def test_what_changed_is_told_without_secrets(desk: Desk) -> None:
    request = await asked(desk.world)
    click = await a_click(desk.world, ALICE, request)
    await edited(desk.world, request, "sec-abcdefghijkl")

    await desk.guard.vote(buttons.approve)(desk.ack, click, NO_CLIENT)

    ((_, sentence),) = desk.whispers.told
    assert "Path /old → sec-" in sentence
    assert "abcdefgh" not in sentence


async def test_a_modal_about_what_has_changed_says_what_changed_and_has_the_card_drawn_again(desk: Desk) -> None:
    request = await asked(desk.world)
    sent = await a_submission_about(desk.world, ALICE, request)
    await edited(desk.world, request)
    desk.world.work.forget()

    await desk.guard.submission(submissions.reject)(desk.ack, sent)

    (answer,) = desk.acknowledged
    assert answer["view"]["title"]["text"] == "Not counted"
    assert "Path /old → /new" in str(answer["view"]["blocks"])
    assert desk.world.work.syncs == [request.task_id]


# --- A card that lags ---------------------------------------------------------------------------------


async def a_submission_about(world: World, by: Person, on: Request) -> dict[str, Any]:
    """Of a modal that was opened from the request's card."""
    click = await a_click(world, by, on)
    place = click["container"]
    ref = MessageRef(channel=place["channel_id"], ts=place["message_ts"])
    metadata = replace(RequestTarget.of(on), message=ref).encoded()
    reason = {"reason": {"value": {"type": "plain_text_input", "value": "no"}}}
    view = {"private_metadata": metadata, "state": {"values": reason}, "callback_id": actions.REJECT}
    return {"type": "view_submission", "user": {"id": by.user_id, "team_id": by.team_id}, "view": view}


async def test_whoever_votes_is_told_that_it_counted_if_the_card_lags(desk: Desk) -> None:
    request = await asked(desk.world)
    click = await a_click(desk.world, ALICE, request, action_id=actions.APPROVE)

    await desk.guard.vote(buttons.approve)(desk.ack, click, NO_CLIENT)

    assert desk.whispers.told == [(ALICE, "Your approval counted. The card will show it in a moment.")]
    assert desk.happened == ["acknowledged"]


async def test_nobody_is_told_anything_if_the_card_shows_it(desk: Desk) -> None:
    request = await asked(desk.world)
    click = await a_click(desk.world, ALICE, request, action_id=actions.APPROVE)

    async def vote_and_see(parts: Parts, clicked: Click) -> None:
        await buttons.approve(parts, clicked)
        await desk.world.settle()

    await desk.guard.vote(vote_and_see)(desk.ack, click, NO_CLIENT)

    assert desk.whispers.told == []


async def test_whoever_sends_a_modal_is_told_in_the_cards_thread(desk: Desk) -> None:
    request = await asked(desk.world)
    opening = await desk.world.message(await desk.world.task(request.task_id), MessageKind.OPENING)

    await desk.guard.submission(submissions.reject)(desk.ack, await a_submission_about(desk.world, ALICE, request))

    assert desk.acknowledged == [{"response_action": "clear"}]
    assert desk.whispers.told == [(ALICE, "Your rejection counted. The card will show it in a moment.")]
    assert opening.ref is not None
    assert desk.whispers.places == [(CHANNEL, opening.ref.ts)]


async def test_an_outage_after_a_vote_was_stored_is_not_said_as_if_nothing_had_counted(desk: Desk) -> None:
    request = await asked(desk.world)
    click = await a_click(desk.world, ALICE, request, action_id=actions.APPROVE)

    class Away:
        def __getattr__(self, name: str) -> object:
            return getattr(desk.parts.reading, name)

        async def shows(self, ref: MessageRef) -> bool:
            raise Unreachable

    away = Guard(replace(desk.parts, reading=cast("Any", Away())))
    await away.vote(buttons.approve)(desk.ack, click, NO_CLIENT)

    assert desk.whispers.told == []


@pytest.mark.parametrize(
    ("pressed", "said"),
    [
        (actions.APPROVE, "Your approval counted."),
        ("choose:1", "Your answer counted."),
        (actions.TAKE_BACK, "That is recorded."),
    ],
)
async def test_what_counted_is_named(desk: Desk, pressed: str, said: str) -> None:
    request = await asked(desk.world)
    click = await a_click(desk.world, ALICE, request, action_id=pressed)

    async def act(parts: Parts, clicked: Click) -> None:
        await desk.world.vote(ALICE, on=request)

    await desk.guard.vote(act)(desk.ack, click, NO_CLIENT)

    assert desk.whispers.told == [(ALICE, f"{said} The card will show it in a moment.")]


async def test_what_nobody_foresaw_is_said_under_an_id_that_the_log_has(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(parts: Parts, click: Click) -> None:
        raise ZeroDivisionError

    await desk.guard.click(act)(desk.ack, await a_click(desk.world, ALICE), NO_CLIENT)

    ((_, sentence),) = desk.whispers.told
    error_id = sentence.partition("(error `")[2][:8]
    assert f"error {error_id}: answering Slack failed" in caplog.text


# --- Modals that are sent -----------------------------------------------------------------------------


async def test_a_modal_that_is_done_closes(desk: Desk) -> None:
    async def act(parts: Parts, sent: Submission) -> None: ...

    await desk.guard.submission(act)(desk.ack, a_submission(ALICE))

    assert desk.acknowledged == [{"response_action": "clear"}]


async def test_what_is_wrong_in_a_modal_is_said_at_its_field(desk: Desk) -> None:
    async def act(parts: Parts, sent: Submission) -> Problems:
        return Problems(by_block={"amount": "must be a number"})

    await desk.guard.submission(act)(desk.ack, a_submission(ALICE))

    assert desk.acknowledged == [{"response_action": "errors", "errors": {"amount": "must be a number"}}]


@pytest.mark.parametrize(
    ("error", "title", "said"),
    [
        (Refused("Not now."), "Not counted", "Not now."),
        (ZeroDivisionError(), "Something went wrong", "Your answer may not have counted"),
    ],
)
async def test_a_modal_that_is_refused_says_so_in_its_place(
    desk: Desk, error: Exception, title: str, said: str
) -> None:
    async def act(parts: Parts, sent: Submission) -> None:
        raise error

    await desk.guard.submission(act)(desk.ack, a_submission(ALICE))

    (answer,) = desk.acknowledged
    assert answer["response_action"] == "update"
    assert answer["view"]["title"]["text"] == title
    assert said in str(answer["view"]["blocks"])


@pytest.mark.parametrize(
    "error", [None, Refused("Not now."), ZeroDivisionError()], ids=lambda error: type(error).__name__
)
async def test_a_modal_whose_answer_takes_longer_says_that_it_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception | None
) -> None:
    monkeypatch.setattr(guard, "SECONDS_TO_ANSWER", 0)
    answered = asyncio.Event()

    async def act(parts: Parts, sent: Submission) -> None:
        await answered.wait()
        if error is not None:
            raise error

    async def ack(**answer: Any) -> None:
        await desk.ack(**answer)
        answered.set()

    await desk.guard.submission(act)(ack, a_submission(ALICE))

    (answer,) = desk.acknowledged
    assert answer["view"]["title"]["text"] == "Still at it"


# --- Events -------------------------------------------------------------------------------------------


def a_message(**event: Any) -> Body:
    told = {"type": "message", "channel": CHANNEL, "user": ALICE.user_id, "ts": "5.0", "text": "hello", **event}
    return {"event_id": "Ev1", "team_id": ALICE.team_id, "event": told}


async def test_an_event_is_heard_once_however_often_slack_tells_it(desk: Desk) -> None:
    heard: list[Event] = []

    async def hear(parts: Parts, event: Event) -> None:
        heard.append(event)

    listener = desk.guard.event(hear)
    await listener(a_message())
    await listener(a_message())

    (event,) = heard
    assert (event.actor.person, event.words) == (ALICE, "hello")


@pytest.mark.parametrize("event", [{"bot_id": "B1"}, {"subtype": "channel_join"}, {"user": ""}])
async def test_what_no_person_did_is_not_heard(desk: Desk, event: dict[str, Any]) -> None:
    async def hear(parts: Parts, event: Event) -> None:
        raise AssertionError

    await desk.guard.event(hear)(a_message(**event))

    assert desk.whispers.told == []


# --- The table ----------------------------------------------------------------------------------------

OF_THE_MENU = {actions.EXTEND, actions.NUDGE}
"""Options of a card's menu, which `MORE` is told of."""
NOBODY_LISTENS = {actions.HOME, actions.NOTICE}
"""Views that send nothing."""


def test_everything_that_can_be_pressed_or_sent_has_a_listener() -> None:
    named = {value for name, value in vars(actions).items() if name.isupper() and isinstance(value, str)}
    listened = [*register.VOTES, *register.CLICKS, *register.OPENING, *register.SUBMISSIONS, *register.SHORTCUTS]

    def heard(name: str) -> bool:
        forms = (name, f"{name}:0", f"{name}:waiting:0")
        return any(each in forms if isinstance(each, str) else any(map(each.search, forms)) for each in listened)

    assert {name for name in named if not heard(name)} == OF_THE_MENU | NOBODY_LISTENS


@pytest.mark.parametrize(
    ("kept", "changes"),
    [
        (1, {}),
        (0, {"response_url": ""}),
        (0, {"container": {"channel_id": CHANNEL, "message_ts": "1.1", "is_ephemeral": True}}),
        (0, {"container": {"view_id": "V1"}, "view": {"id": "V1", "type": "modal", "private_metadata": ""}}),
        (0, {"type": "message_action"}),
    ],
)
async def test_the_address_of_a_click_is_kept_for_the_message_that_all_see(
    desk: Desk, kept: int, changes: Body
) -> None:
    body = {**await a_click(desk.world, BOB), "response_url": "https://hooks.example/1", **changes}

    async def press(parts: Parts, click: Click) -> None:
        assert len(desk.whispers.addresses) == kept  # before anything is done: the card may be updated at once

    await desk.guard.click(press)(ack=desk.ack, body=body, client=NO_CLIENT)

    assert not desk.whispers.told
    expected = [(MessageRef(channel=CHANNEL, ts=Ts("1.1")), "https://hooks.example/1")]
    assert desk.whispers.addresses == expected[:kept]


async def test_what_happens_to_a_channel_is_forgotten_at_once(desk: Desk) -> None:
    forgotten: list[str] = []

    class Directory:
        def forget_channel(self, channel: str) -> None:
            forgotten.append(channel)

    told = Guard(parts_of(desk.world, directory=Directory())).note(register.forget_channel)

    await told(body={"event": {"type": "channel_left", "channel": "C0OPS"}})

    assert forgotten == ["C0OPS"]
