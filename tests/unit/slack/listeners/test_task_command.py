"""The line after `/task`: what is understood, and what is said of a line that is not."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bot.approvals.model.agent import Graph
from bot.approvals.model.errors import AgentsNotLoaded
from bot.approvals.model.ids import ChannelId
from bot.approvals.model.task import Task, TaskCancelled
from bot.approvals.ports.slack import LookupFailed
from bot.slack.api.directory import DirectMessage, Joined, NotJoined, PlaceCheck
from bot.slack.listeners import task_command
from bot.slack.listeners.guard import Guard
from bot.slack.modals import start_modal
from tests.support.fakes.engine import FakeEngine
from tests.support.fakes.world import ALICE, CHANNEL, FIRST, RITA, STRANGER, World, a_world, question
from tests.unit.slack.listeners.parts import parts_of


class Places:
    """Where the bot may post."""

    def __init__(self, place: PlaceCheck | LookupFailed) -> None:
        self.place = place

    async def may_post(self, channel: ChannelId) -> PlaceCheck:
        if isinstance(self.place, LookupFailed):
            raise self.place
        return self.place


@dataclass
class Client:
    """What is opened with a trigger."""

    opened: list[dict[str, Any]] = field(default_factory=list)

    async def views_open(self, **call: Any) -> None:
        self.opened.append(call)


class TwoGraphs(FakeEngine):
    """The fake engine, with a second graph, and one that cannot run."""

    def graphs(self) -> tuple[Graph, ...]:
        return (
            Graph(name="cleanup", description="Cleans up", inputs=(), example='/task cleanup path="my logs"'),
            Graph(name="deploy", description="Deploys", inputs=(), example="/task deploy version=7"),
            Graph(name="mailer", description="", inputs=(), unavailable="no <key>", example="/task mailer"),
        )


@dataclass
class Desk:
    """Somebody at Slack's message box."""

    world: World
    place: PlaceCheck | LookupFailed = field(default_factory=Joined)
    client: Client = field(default_factory=Client)
    triggers: Iterator[int] = field(default_factory=itertools.count)

    async def type(self, text: str, by: Any = RITA, trigger: str = "") -> str:
        """What is said in private to one who sent `/task` with this text."""
        heard: list[str] = []

        async def respond(text: str, **_: Any) -> None:
            heard.append(text)

        async def ack() -> None: ...

        parts = parts_of(self.world, directory=Places(self.place))
        body = {
            "text": text,
            "user_id": by.user_id,
            "team_id": by.team_id,
            "channel_id": CHANNEL,
            "trigger_id": trigger or f"trigger-{next(self.triggers)}",
        }
        await Guard(parts).command(task_command.typed)(ack, respond, body, cast("Any", self.client))
        return "\n".join(heard)

    async def started(self) -> list[Task]:
        return list(await self.world.storage.tasks_of(RITA, 10))


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with a_world() as world:
        world.engine = TwoGraphs({FIRST: question()})
        world.be_born()
        yield Desk(world)


# --- The words of a line ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "inputs"),
    [
        ("cleanup path=logs", {"path": "logs"}),
        ('cleanup path="my logs"', {"path": "my logs"}),
        ("cleanup path='my logs'", {"path": "my logs"}),
        ("cleanup path=\u201cmy logs\u201d", {"path": "my logs"}),
        ("cleanup path=\u2018my logs\u2019", {"path": "my logs"}),
        ('cleanup "path=my logs"', {"path": "my logs"}),
        ("cleanup where=a=b", {"where": "a=b"}),
        ("cleanup where==", {"where": "="}),
        ("cleanup path=", {"path": ""}),
        ('cleanup path=""', {"path": ""}),
        ("cleanup   path=logs\n days=30 ", {"path": "logs", "days": "30"}),
        (r"cleanup path=C:\logs\new", {"path": r"C:\logs\new"}),
        ("cleanup pattern=*.log;x#y", {"pattern": "*.log;x#y"}),
        ("cleanup keep='say \"hi\"'", {"keep": 'say "hi"'}),
        ('cleanup tags=\'["a", "b"]\'', {"tags": '["a", "b"]'}),
        ("cleanup", {}),
    ],
)
async def test_a_line_starts_its_graph_with_the_values_that_were_typed(
    desk: Desk, line: str, inputs: Mapping[str, str]
) -> None:
    assert await desk.type(line) == ""

    (task,) = await desk.started()
    assert (task.graph, task.inputs, task.requester, task.channel) == ("cleanup", inputs, RITA, CHANNEL)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('cleanup path="my logs', 'A quote is opened and not closed. Try: `/task cleanup path="my logs"`'),
        ("cleanup path='tis", 'A quote is opened and not closed. Try: `/task cleanup path="my logs"`'),
        ('cleanup path=logs"', 'A quote is closed that was not opened. Try: `/task cleanup path="my logs"`'),
        ("cleanup logs", '`logs` is not `key=value`. Try: `/task cleanup path="my logs"`'),
        ("deploy =7", "`=7` is not `key=value`. Try: `/task deploy version=7`"),
        ("cleanup a=1 b=2 a=3", '`a` is given twice. Try: `/task cleanup path="my logs"`'),
        (
            "claenup path=logs",
            '`claenup` is neither a graph nor a subcommand. Did you mean `/task cleanup path="my logs"`? '
            "Graphs: `cleanup`, `deploy`, `mailer`. `/task help` shows all that `/task` can do.",
        ),
        ("mailer ada@example.org", "The graph `mailer` cannot run here: no &lt;key&gt;"),
        (
            "lst",
            "`lst` is neither a graph nor a subcommand. Did you mean `/task list`? "
            "Graphs: `cleanup`, `deploy`, `mailer`. `/task help` shows all that `/task` can do.",
        ),
        (
            "zzz",
            "`zzz` is neither a graph nor a subcommand. "
            "Graphs: `cleanup`, `deploy`, `mailer`. `/task help` shows all that `/task` can do.",
        ),
        ("status", "Which task? Try: `/task status 1a2b3c4d`. `/task list` shows the ids."),
        ("status a b", "Which task? Try: `/task status 1a2b3c4d`. `/task list` shows the ids."),
        ("cancel", "Which task? Try: `/task cancel 1a2b3c4d`. `/task list` shows the ids."),
        ("list all", "`list` takes nothing after it. Try: `/task list`."),
        ("status nosuchid", "There is no task `nosuchid`. `/task list` shows your tasks."),
        ("cancel nosuchid", "There is no task `nosuchid`. `/task list` shows your tasks."),
    ],
)
async def test_a_line_that_is_not_understood_is_answered_with_a_right_one_and_starts_nothing(
    desk: Desk, line: str, sentence: str
) -> None:
    assert await desk.type(line) == sentence
    assert await desk.started() == []


# --- Where a task may be started ----------------------------------------------------------------------


@pytest.mark.parametrize("line", ["cleanup path=logs", ""])
@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (DirectMessage(), "Tasks are started in a channel, where approvers can see them."),
        (NotJoined(), "I am not in this channel, so I could not show the task here. Invite me with "),
    ],
)
async def test_a_task_is_started_only_where_its_thread_can_be_opened(
    desk: Desk, line: str, place: PlaceCheck, sentence: str
) -> None:
    desk.place = place

    assert (await desk.type(line)).startswith(sentence)
    assert await desk.started() == []
    assert desk.client.opened == []


async def test_where_slack_does_not_say_what_the_place_is_nothing_is_started(desk: Desk) -> None:
    desk.place = LookupFailed("ratelimited")

    assert await desk.type("cleanup path=logs") != ""
    assert await desk.started() == []


async def test_without_a_word_the_form_opens_for_this_channel(desk: Desk) -> None:
    assert await desk.type("  ", trigger="trigger") == ""

    (opened,) = desk.client.opened
    assert opened["trigger_id"] == "trigger"
    assert start_modal.Spot.decode(opened["view"]["private_metadata"]) == start_modal.Spot(channel=CHANNEL)


# --- While agents are loaded ----------------------------------------------------------------------------


class StillLoading(FakeEngine):
    """The fake engine, before a worker has published what it can run."""

    def graphs(self) -> tuple[Graph, ...]:
        raise AgentsNotLoaded


@pytest.mark.parametrize("line", ["cleanup path=logs", "", "help"])
async def test_while_the_agents_are_loaded_whoever_wants_one_is_told(desk: Desk, line: str) -> None:
    desk.world.engine = StillLoading({FIRST: question()})

    assert await desk.type(line) == "The agents are still being loaded. Please try again in a moment."
    assert await desk.started() == []
    assert desk.client.opened == []


async def test_while_the_agents_are_loaded_tasks_are_looked_after(desk: Desk) -> None:
    task = await desk.world.started()
    desk.world.engine = StillLoading({FIRST: question()})

    assert f"`{task.id}`" in await desk.type("list")
    assert "waits for an answer" in await desk.type(f"status {task.id}")
    assert (await desk.type(f"cancel {task.id}")).startswith(f"Task `{task.id}` is cancelled.")


# --- Looking after tasks --------------------------------------------------------------------------------


async def test_help_has_a_right_line_for_every_graph_that_can_run_and_the_reason_for_the_others(desk: Desk) -> None:
    for line in ("help", "help me please"):
        said = await desk.type(line)

        assert '• `/task cleanup path="my logs"`' in said
        assert "• `/task deploy version=7`" in said
        assert "`/task mailer`" not in said
        assert "• `mailer`: no &lt;key&gt;" in said


async def test_the_list_is_ones_own(desk: Desk) -> None:
    await desk.type("cleanup path=logs")
    (task,) = await desk.started()

    assert f"`{task.id}` *cleanup* · ▶️ working" in await desk.type("list")
    assert await desk.type("list", by=ALICE) == "You have started no task yet. `/task` opens a form to start one."


async def test_the_status_is_for_the_requester_and_for_those_who_were_asked(desk: Desk) -> None:
    task = await desk.world.started()

    assert "waits for an answer" in await desk.type(f"status {task.id}")
    assert "waits for an answer" in await desk.type(f"status {task.id}", by=ALICE)
    assert "belongs to <@U-RITA>" in await desk.type(f"status {task.id}", by=STRANGER)


async def test_a_task_is_cancelled_by_its_requester_alone(desk: Desk) -> None:
    task = await desk.world.started()

    assert "belongs to <@U-RITA>" in await desk.type(f"cancel {task.id}", by=ALICE)
    assert (await desk.type(f"cancel {task.id}")).startswith(f"Task `{task.id}` is cancelled.")

    assert isinstance((await desk.world.task(task.id)).state, TaskCancelled)
    assert await desk.type(f"cancel {task.id}") == f"Task `{task.id}` has already ended."


async def test_what_nobody_foresaw_is_said_with_an_id_that_the_log_has(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.place = cast("PlaceCheck", LookupFailed("x"))
    desk.world.engine.graphs = lambda: 1 / 0  # type: ignore[assignment, method-assign, return-value]

    said = await desk.type("help")

    assert said.startswith("Something went wrong here, and your action may not have counted (error `")
    error_id = said.partition("(error `")[2][:8]
    assert f"error {error_id}: answering Slack failed" in caplog.text


async def test_a_command_that_comes_again_starts_nothing_more(desk: Desk) -> None:
    """A proxy may send it again, to this process or to another one."""
    for _ in range(2):
        assert await desk.type("cleanup path=logs", trigger="1.2.abc") == ""

    assert len(await desk.started()) == 1
