"""The cleanup graph as the bot runs it: what its questions are read as, and what it makes of the answers."""

from pathlib import Path

import pytest

from bot.approvals.model.decision import Keep, Undo
from bot.approvals.model.policy import UndoTerms
from bot.approvals.model.question import Verdict
from graphs import cleanup
from tests.graphs.driving import write
from tests.support.agent_stage import a_stage
from tests.support.fakes.world import ALICE

BY_ALICE = UndoTerms(approvers=(ALICE.user_id,))


@pytest.fixture(autouse=True)
def old(root: Path) -> Path:
    """An old file in a folder that may be cleaned."""
    return write(root / "logs" / "a.log", days=40, text="a")


def text_of(path: Path) -> str | None:
    """What the file holds. None if it is not there."""
    return path.read_text() if path.exists() else None


async def test_the_move_is_offered_and_undone(tmp_path: Path, old: Path) -> None:
    """The offer is a request of its own, an undo window."""
    async with a_stage(tmp_path, cleanup.graph, undo=BY_ALICE) as stage:
        task = await stage.started(path="logs")
        await stage.approve(await stage.question(task))
        offer = await stage.question(task)
        moved = text_of(old) is None
        await stage.vote(offer, Undo())
        outcome = await stage.outcome(task)

    (item,) = offer.question.items
    assert (offer.question.shape, item.verdicts) == ("undo_window", (Verdict.UNDO, Verdict.KEEP))
    assert offer.question.window is not None
    assert offer.question.window.problem == ""
    assert offer.question.window.at is not None
    assert moved
    assert text_of(old) == "a"
    assert outcome.startswith("Undone: moved 1 file, 1 byte, back from ")


async def test_what_is_kept_stays_in_the_trash(tmp_path: Path, old: Path) -> None:
    """The outcome is that of the move."""
    async with a_stage(tmp_path, cleanup.graph, undo=BY_ALICE) as stage:
        task = await stage.started(path="logs")
        await stage.approve(await stage.question(task))
        await stage.vote(await stage.question(task), Keep())
        outcome = await stage.outcome(task)

    assert text_of(old) is None
    assert outcome.startswith("Moved 1 file, 1 byte, to ")


async def test_a_file_that_changed_is_the_next_version_of_the_request(tmp_path: Path, old: Path) -> None:
    """Nothing is moved until that version is approved."""
    async with a_stage(tmp_path, cleanup.graph, undo=BY_ALICE) as stage:
        task = await stage.started(path="logs")
        first = await stage.question(task)
        write(old, days=0, text="grown")
        await stage.approve(first)
        second = await stage.question(task)
        waiting = text_of(old)
        await stage.approve(second)
        offer = await stage.question(task)

    assert second.id == first.id
    assert second.version > first.version
    assert waiting == "grown"
    assert text_of(old) is None
    assert offer.question.shape == "undo_window"
