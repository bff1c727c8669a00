"""The line that says what a graph is doing: coalesced, paced, and gone with its run."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.ids import MessageRef, TaskId, Ts
from bot.approvals.model.message import MessageKind
from bot.approvals.model.task import Task
from bot.approvals.ports.slack import MessageGone, NotNow, OutcomeUnknown, PlaceGone
from bot.approvals.services.delivery.progress import FIRST_LINE_SECONDS, MIN_EDIT_SECONDS, Progress
from bot.approvals.services.messages.posting import CLAIM_TTL
from tests.support.fakes.world import CHANNEL, RITA, World

ONE = TaskId("t-one")


@dataclass
class Timer:
    at: float
    call: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Desk:
    """Progress with a clock that is turned by hand."""

    now: float = 100.0
    timers: list[Timer] = field(default_factory=list)
    shown: list[TaskId] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.progress = Progress(show=self.shown.append, monotonic=lambda: self.now, later=self.later)

    def later(self, seconds: float, call: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now + seconds, call))
        return self.timers[-1]

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        due = [timer for timer in self.timers if timer.at <= self.now]
        self.timers = [timer for timer in self.timers if timer.at > self.now]
        for timer in due:
            if not timer.cancelled:
                timer.call()


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_run_that_is_over_at_once_is_not_spoken_of(desk: Desk) -> None:
    desk.progress.tell(ONE, "plan")
    desk.progress.over(ONE)

    desk.pass_by(60)

    assert desk.shown == []
    assert desk.progress.doing(ONE) is None


def test_the_newest_words_are_shown_and_the_others_are_left_out(desk: Desk) -> None:
    for words in ("plan", "research", "write"):
        desk.progress.tell(ONE, words)
    assert desk.progress.doing(ONE) is None

    desk.pass_by(FIRST_LINE_SECONDS)

    assert desk.shown == [ONE]
    assert desk.progress.doing(ONE) == "write"


def test_no_two_edits_come_closer_than_slacks_pace_allows(desk: Desk) -> None:
    edits: list[float] = []
    for number in range(200):
        desk.progress.tell(ONE, f"file {number}")
        desk.pass_by(0.1)
        while desk.shown:
            desk.shown.pop()
            desk.progress.edited(ONE, desk.progress.doing(ONE))
            edits.append(desk.now)

    assert len(edits) >= 6
    assert min(later - earlier for earlier, later in itertools.pairwise(edits)) >= MIN_EDIT_SECONDS - 1e-6


def test_between_edits_the_words_that_stand_there_stay(desk: Desk) -> None:
    desk.progress.tell(ONE, "plan")
    desk.pass_by(FIRST_LINE_SECONDS)
    desk.progress.edited(ONE, "plan")

    desk.progress.tell(ONE, "write")

    assert desk.progress.doing(ONE) == "plan"
    assert desk.progress.wait(ONE) == MIN_EDIT_SECONDS
    desk.pass_by(MIN_EDIT_SECONDS)
    assert desk.progress.doing(ONE) == "write"
    assert desk.progress.wait(ONE) == 0


def test_the_same_words_again_are_no_edit(desk: Desk) -> None:
    desk.progress.tell(ONE, "plan")
    desk.pass_by(FIRST_LINE_SECONDS)
    desk.progress.edited(ONE, "plan")
    desk.shown.clear()

    desk.progress.tell(ONE, "plan")
    desk.pass_by(60)

    assert desk.shown == []


def test_a_run_that_nobody_told_of_ends_without_a_word(desk: Desk) -> None:
    desk.progress.over(ONE)
    desk.progress.edited(ONE, "")

    assert desk.progress.wait(ONE) == MIN_EDIT_SECONDS


def test_an_edit_long_ago_is_forgotten(desk: Desk) -> None:
    desk.progress.edited(ONE, "")
    desk.pass_by(MIN_EDIT_SECONDS)
    desk.progress.edited(TaskId("t-other"), "")

    assert list(desk.progress._edited) == ["t-other"]


# --- On the opening message ---------------------------------------------------------------------


@dataclass
class Scene:
    """A task whose opening stands in Slack while its graph runs."""

    world: World
    desk: Desk
    task: Task

    async def told(self, words: str) -> list[str]:
        """The calls to Slack after the graph said this, and time enough has passed."""
        before = len(self.world.messenger.calls)
        self.desk.progress.tell(self.task.id, words)
        self.desk.pass_by(MIN_EDIT_SECONDS)
        await self.world.messages.sync_task(self.task.id)
        return self.world.messenger.calls[before:]

    def line(self) -> str:
        (opening,) = self.world.messenger.of(MessageKind.OPENING)
        return opening.drawing.fingerprint


@pytest.fixture
async def scene(world: World, desk: Desk) -> Scene:
    world.messages = replace(world.messages, progress=desk.progress)
    task = await world.tasks.start(world.actor(RITA, COMMAND), "cleanup", {}, CHANNEL)
    await world.messages.sync_task(task.id)
    return Scene(world, desk, task)


async def test_the_opening_says_what_the_graph_is_doing(scene: Scene) -> None:
    assert await scene.told("research") == ["update"]

    assert "research" in scene.line()
    assert await scene.world.storage.out_of_date(scene.world.now, 10) == ()


async def test_the_end_takes_its_place_after_a_pause(scene: Scene) -> None:
    await scene.told("research")
    scene.desk.progress.over(scene.task.id)
    await scene.world.delivery.drive(scene.task.id)

    again = await scene.world.messages.sync_task(scene.task.id)

    assert again is not None
    assert "research" in scene.line()
    scene.desk.pass_by(MIN_EDIT_SECONDS)
    assert await scene.world.messages.sync_task(scene.task.id) is None
    assert "Waiting" in scene.line()
    assert "research" not in scene.line()


async def test_after_a_crash_whoever_comes_next_says_how_it_stands(scene: Scene) -> None:
    await scene.told("research")
    scene.world.be_born()

    await scene.world.delivery.drive(scene.task.id)
    await scene.world.messages.sync_task(scene.task.id)

    assert "Waiting" in scene.line()
    assert "research" not in scene.line()


async def test_words_that_stand_there_already_cost_no_call(scene: Scene) -> None:
    await scene.told("research")

    assert await scene.told("research") == []


async def test_words_that_come_too_soon_after_an_edit_wait(scene: Scene) -> None:
    await scene.told("research")
    scene.desk.progress._edited[scene.task.id] = scene.desk.now + MIN_EDIT_SECONDS

    assert await scene.told("write") == []


@pytest.mark.parametrize("fault", [NotNow("busy", 1.0), OutcomeUnknown("lost")])
async def test_words_that_slack_does_not_take_are_lost_and_nothing_else(scene: Scene, fault: Exception) -> None:
    scene.world.messenger.fail("update", fault)

    assert await scene.told("research") == ["update"]

    opening = await scene.world.message(scene.task, MessageKind.OPENING)
    assert (opening.not_before, opening.abandoned, opening.tries) == (None, None, 0)
    assert await scene.told("write") == ["update"]
    assert "write" in scene.line()


@pytest.mark.parametrize("fault", [MessageGone(), PlaceGone("is_archived")])
async def test_an_opening_that_is_gone_is_left_to_the_next_pass(scene: Scene, fault: Exception) -> None:
    scene.world.messenger.fail("update", fault)

    assert await scene.told("research") == ["update"]

    assert [message.kind for message in await scene.world.storage.out_of_date(scene.world.now, 10)] == [
        MessageKind.OPENING
    ]


async def test_an_opening_that_somebody_else_is_at_is_left_to_them(scene: Scene) -> None:
    opening = await scene.world.message(scene.task, MessageKind.OPENING)
    await scene.world.storage.save_message(replace(opening, not_before=scene.world.now + CLAIM_TTL))

    assert await scene.told("research") == []


async def test_an_opening_that_was_changed_meanwhile_is_left_to_them(scene: Scene) -> None:
    opening = await scene.world.message(scene.task, MessageKind.OPENING)
    draw = scene.world.messenger.draw
    ref = MessageRef(channel=CHANNEL, ts=Ts("9.9"))

    async def overtake() -> None:
        await scene.world.storage.save_message(replace(opening, ref=ref))

    scene.desk.progress.tell(scene.task.id, "research")
    scene.desk.pass_by(MIN_EDIT_SECONDS)
    view = scene.world.messages
    saved = scene.world.storage.save_message

    class Late:
        def __getattr__(self, name: str) -> object:
            return getattr(scene.world.storage, name)

        async def save_message(self, message: object) -> object:
            await overtake()
            return await saved(message)  # type: ignore[arg-type]

    await replace(view, storage=Late()).sync_task(scene.task.id)  # type: ignore[arg-type]

    assert draw is not None
    assert "update" not in scene.world.messenger.calls
