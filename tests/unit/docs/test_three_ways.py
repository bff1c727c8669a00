"""The guide's three graphs are executed as they stand: one asks first, one is stopped at a gate, one offers to undo."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from bot.approvals.model.decision import Answered, Approve, Expired, ItemVerdict, Keep, Reject, Undo
from bot.approvals.model.question import Question, Verdict
from bot.engines import questions
from bot.engines.langgraph.loading import registry
from tests.support.builders import NOON
from tests.unit.docs.pages import PAGES, fenced

GUIDE = "docs/guides/after-yes.md"
GRAPHS = {text.split()[1]: text for text in fenced(GUIDE, "python")}
NOTICE = "Payments are slow."
SILENCE = Expired(at=NOON)


@dataclass(slots=True)
class Played:
    """One graph of the guide, in a folder of its own."""

    compiled: Any
    page: Path
    config: RunnableConfig

    async def starts(self) -> None:
        await self.compiled.ainvoke({"notice": NOTICE}, self.config)

    async def asked(self) -> tuple[str, Question]:
        (asked,) = (await self.compiled.aget_state(self.config)).interrupts
        return asked.id, questions.read(asked.value)

    async def hears(self, decision: Expired | ItemVerdict) -> str:
        """The outcome after this decision."""
        said = decision if isinstance(decision, Expired) else answered(decision)
        interrupt_id, question = await self.asked()
        answer = questions.answer(question, question, said)
        ended = await self.compiled.ainvoke(Command(resume={interrupt_id: answer}), self.config)
        return str(ended["outcome"])


def answered(verdict: ItemVerdict) -> Answered:
    return Answered(verdicts=(verdict,), voters=(), edited=False, at=NOON)


@asynccontextmanager
async def played(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Played]:
    (folder / "var").mkdir()
    (folder / f"{name}.py").write_text(GRAPHS[f"graphs/{name}.py"])
    (folder / "langgraph.json").write_text(f'{{"graphs": {{"{name}": "./{name}.py:graph"}}}}')
    monkeypatch.chdir(folder)
    config = RunnableConfig(configurable={"thread_id": "1"})
    async with registry.loaded(folder / "langgraph.json", folder, InMemorySaver()) as loaded:
        yield Played(loaded.compiled(name), folder / "var" / "status.txt", config)


@pytest.fixture
async def held() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def test_the_first_asks_before_it_publishes(
    held: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = await held.enter_async_context(played("asking", tmp_path, monkeypatch))
    await graph.starts()
    _, question = await graph.asked()

    assert question.title == "Publish this notice?"
    assert not graph.page.exists()
    assert await graph.hears(Approve()) == "Published on var/status.txt."
    assert graph.page.read_text() == NOTICE


@pytest.mark.parametrize("no", [Reject(), SILENCE])
async def test_the_first_takes_silence_for_a_no(
    held: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no: Expired | ItemVerdict
) -> None:
    graph = await held.enter_async_context(played("asking", tmp_path, monkeypatch))
    await graph.starts()

    assert await graph.hears(no) == "Nothing was published."
    assert not graph.page.exists()


async def test_the_second_stops_before_a_node_that_knows_nothing_of_it(
    held: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = await held.enter_async_context(played("gated", tmp_path, monkeypatch))
    await graph.starts()

    state = await graph.compiled.aget_state(graph.config)
    assert (state.next, state.interrupts) == (("publish",), ())
    assert not graph.page.exists()
    ended = await graph.compiled.ainvoke(None, graph.config)
    assert ended["outcome"] == "Published on var/status.txt."


async def test_the_third_publishes_and_offers_to_undo(
    held: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = await held.enter_async_context(played("reversible", tmp_path, monkeypatch))
    graph.page.write_text("All is well.")
    await graph.starts()
    _, question = await graph.asked()

    assert graph.page.read_text() == NOTICE
    assert question.items[0].verdicts == (Verdict.UNDO, Verdict.KEEP)
    assert question.window is not None
    assert question.window.at is not None
    assert await graph.hears(Undo()) == "Undone: var/status.txt says what it said before."
    assert graph.page.read_text() == "All is well."


@pytest.mark.parametrize("stays", [Keep(), SILENCE])
async def test_the_third_leaves_it_if_nobody_undoes_it(
    held: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stays: Expired | ItemVerdict
) -> None:
    graph = await held.enter_async_context(played("reversible", tmp_path, monkeypatch))
    await graph.starts()

    assert await graph.hears(stays) == "Published on var/status.txt."
    assert graph.page.read_text() == NOTICE


async def test_the_third_says_loudly_that_it_cannot_undo(
    held: AsyncExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the words that the guide quotes."""
    graph = await held.enter_async_context(played("reversible", tmp_path, monkeypatch))
    await graph.starts()
    graph.page.write_text("Somebody else's words.")

    outcome = await graph.hears(Undo())

    assert f'"{outcome}"' in " ".join(PAGES[GUIDE].split())
    assert graph.page.read_text() == "Somebody else's words."
