"""What `undo.offer` asks, and what it makes of the answers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from typing_extensions import TypedDict

from graphs import undo
from tests.graphs.threads import Thread

KEY = "a" * 64
AT = "2026-11-29T10:00:00+00:00"


class State(TypedDict, total=False):
    undone: Any


def offering(action: Any = "Published the notes", **terms: Any) -> Thread:
    """A thread whose graph has acted and offers to undo it."""

    def offer(state: State) -> State:
        return {"undone": undo.offer(action, **terms)}

    graph = StateGraph(State)
    graph.add_node("offer", offer)
    graph.add_edge(START, "offer")
    return Thread(graph, InMemorySaver())


class TestAsking:
    async def test_an_action_alone_is_undone_by_the_graph_in_its_own_way(self) -> None:
        """The payload has no way back then, and counts from the question."""
        asked = await offering().start()

        assert asked == {"type": "undo_window", "action": "Published the notes", "window": "10m"}

    async def test_all_terms_are_said(self) -> None:
        """The way back carries the words that say what undoing does."""
        asked = await offering(
            {"name": "publish", "arguments": {"page": 7}},
            result={"address": "notes/7"},
            way_back={"page": 7},
            how="Takes the page down",
            window="2h",
            at=AT,
        ).start()

        assert asked == {
            "type": "undo_window",
            "action": {"name": "publish", "arguments": {"page": 7}},
            "result": {"address": "notes/7"},
            "undo": {"page": 7, "how": "Takes the page down"},
            "window": "2h",
            "at": AT,
        }

    @pytest.mark.parametrize(
        ("window", "said"),
        [(timedelta(minutes=5), 300), (timedelta(milliseconds=1500), 1.5), ("30s", "30s")],
    )
    async def test_a_window_is_a_span_or_a_timedelta(self, window: Any, said: object) -> None:
        """A timedelta is told in seconds."""
        asked = await offering(window=window).start()

        assert asked["window"] == said
        assert type(asked["window"]) is type(said)

    async def test_the_moment_may_be_a_datetime(self) -> None:
        """It is told as ISO 8601 with its zone."""
        asked = await offering(at=datetime(2026, 11, 29, 10, tzinfo=UTC)).start()

        assert asked["at"] == AT

    async def test_the_words_alone_are_a_way_back(self) -> None:
        """A person then reads what undoing does."""
        asked = await offering(how="Sends a correction").start()

        assert asked["undo"] == {"how": "Sends a correction"}

    async def test_what_cannot_be_undone_is_told_so(self) -> None:
        """Also if somebody wrote a way back."""
        asked = await offering(how="Never", irreversible=True).start()

        assert asked["undo"] is False


class TestAnswers:
    async def test_an_undo_brings_the_way_back_and_its_key(self) -> None:
        """The way back is what the payload said."""
        thread = offering(way_back={"page": 7}, how="Takes it down")
        asked = await thread.start()

        await thread.answer({"type": "undo", "undo": asked["undo"], "key": KEY})

        assert (await thread.state())["undone"] == undo.Undo(way_back={"page": 7, "how": "Takes it down"}, key=KEY)

    @pytest.mark.parametrize("back", [None, "its own way", [1]])
    async def test_an_undo_without_a_way_back_brings_an_empty_one(self, back: object) -> None:
        """The graph knows how then."""
        thread = offering()
        await thread.start()

        await thread.answer({"type": "undo", "undo": back, "key": KEY})

        assert (await thread.state())["undone"] == undo.Undo(way_back={}, key=KEY)

    @pytest.mark.parametrize(
        "answer",
        [
            {"type": "keep"},
            {"type": "undo"},
            {"type": "undo", "key": ""},
            {"type": "undo", "key": 7},
            {"type": "Undo", "key": KEY},
            {"key": KEY},
            {"approved": True},
            {"approved": False},
            "undo",
            "Rejected: nobody answered",
            True,
            False,
            0,
            [],
            ["undo"],
        ],
    )
    async def test_what_is_not_clearly_an_undo_keeps_the_result(self, answer: object) -> None:
        """Nothing is undone by mistake."""
        thread = offering(how="Takes it down")
        await thread.start()

        await thread.answer(answer)

        assert (await thread.state())["undone"] is None

    async def test_what_cannot_be_undone_is_kept_whatever_is_answered(self) -> None:
        """A graph has no way to undo it."""
        thread = offering(irreversible=True)
        await thread.start()

        await thread.answer({"type": "undo", "undo": {}, "key": KEY})

        assert (await thread.state())["undone"] is None


def test_the_moment_of_an_action_has_a_zone_and_survives_json() -> None:
    """It is a text, and the bot can read it."""
    before = datetime.now(UTC)

    at = datetime.fromisoformat(undo.acted_at())

    assert before <= at <= datetime.now(UTC)


def test_a_failure_is_an_outcome_that_begins_with_it() -> None:
    """The bot shows such an outcome loudly."""
    assert undo.failed("the page was changed since") == "Not undone: the page was changed since"
