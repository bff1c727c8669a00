"""What the intake graph asks for, which answers it takes, and which ticket comes of them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from graphs import intake
from tests.graphs.models import installed
from tests.graphs.threads import Killed, Thread, dying

Saver = BaseCheckpointSaver[Any]
CLEAR = "The door of the archive does not close. Please repair it"
SILENCE = "Rejected: nobody answered by 2030-01-01 09:00 UTC."


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INTAKE_ROOT", str(tmp_path / "tickets"))
    return tmp_path / "tickets"


def filed(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir()) if root.exists() else []


def ticket(root: Path) -> dict[str, str]:
    (path,) = root.glob("*.json")
    read: dict[str, str] = json.loads(path.read_text())
    return read


class TestFiling:
    async def test_a_clear_task_is_filed_without_a_question(self, saver: Saver, root: Path) -> None:
        thread = Thread(intake.graph, saver)

        question = await thread.start(task=CLEAR, due="2999-06-01", priority="High")

        assert question is None
        number = ticket(root)["number"]
        assert ticket(root) == {
            "number": number,
            "title": "The door of the archive does not close",
            "task": CLEAR,
            "due": "2999-06-01",
            "priority": "high",
            "filed": datetime.now(UTC).date().isoformat(),
        }
        assert filed(root) == [f"{number}.json", f"{number}.md"]
        assert markdown(root).startswith(
            f"# {number}: The door of the archive does not close\n\n- Priority: high\n- Due: 2999-06-01\n"
        )
        assert await thread.outcome() == (
            f"Filed {number}: The door of the archive does not close (high, due 2999-06-01), in {root}/{number}.md."
        )

    async def test_what_is_missing_or_vague_is_asked_in_one_form(self, saver: Saver, root: Path) -> None:
        thread = Thread(intake.graph, saver)

        question = await thread.start(task="Fix it")
        await thread.answer({"task": "the archive's door does not close", "due": "none", "priority": "low"})

        assert question == {
            "type": "clarification_needed",
            "question": "Some questions before this can begin",
            "questions": [
                {
                    "id": "task",
                    "question": "What exactly should be done, where, and why?",
                    "hint": "Too vague. Please use at least 5 different words.",
                },
                {"id": "due", "question": "By when is it needed?", "hint": "A date such as 2030-06-01, or none."},
                {
                    "id": "priority",
                    "question": "How urgent is it?",
                    "hint": "low, normal, high or urgent.",
                    "options": ["low", "normal", "high", "urgent"],
                },
            ],
            "details": {"task": "Fix it"},
            "reason": "Task: Too vague. Please use at least 5 different words.",
        }
        assert ticket(root)["task"] == "Fix it\nthe archive's door does not close"
        assert (await thread.outcome()).endswith(f"Fix it (low, no date), in {root}/{ticket(root)['number']}.md.")

    async def test_only_what_is_open_is_asked(self, saver: Saver, root: Path) -> None:
        thread = Thread(intake.graph, saver)

        question = await thread.start(task=CLEAR, priority="urgent")
        await thread.answer({"due": "None", "task": "ignored"})

        assert [each["id"] for each in question["questions"]] == ["due"]
        assert question["details"] == {"task": CLEAR, "priority": "urgent"}
        assert question["reason"] == "Nobody can begin without this."
        assert ticket(root)["task"] == CLEAR

    async def test_a_model_entitles_it(self, saver: Saver, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        model = installed(monkeypatch, "Repair the\n archive's door.")

        await Thread(intake.graph, saver).start(task=CLEAR, due="none", priority="low")

        assert ticket(root)["title"] == "Repair the archive's door"
        assert CLEAR in next(model.texts())

    async def test_a_long_title_is_cut(self, saver: Saver, root: Path) -> None:
        await Thread(intake.graph, saver).start(task="one two three four five " * 20, due="none", priority="low")

        assert len(ticket(root)["title"]) <= 100
        assert ticket(root)["title"].endswith("…")


def markdown(root: Path) -> str:
    (path,) = root.glob("*.md")
    return path.read_text()


class TestAskingAgain:
    async def test_a_wrong_answer_is_asked_again_with_what_was_wrong(self, saver: Saver, root: Path) -> None:
        thread = Thread(intake.graph, saver)
        await thread.start(task=CLEAR)

        again = await thread.answer({"due": "soon", "priority": "high"})
        last = await thread.answer({"due": "2001-01-01"})
        await thread.answer({"due": "2999-02-28"})

        assert [each["id"] for each in again["questions"]] == ["due"]
        assert again["question"] == "This is still open"
        assert again["reason"] == "Due: 'soon' is not a date. Write one such as 2030-06-01, or none."
        assert again["details"] == {"task": CLEAR, "priority": "high"}
        assert last["reason"] == "Due: 2001-01-01 has passed. This is the last time that you are asked."
        assert ticket(root)["due"] == "2999-02-28"

    async def test_what_was_said_before_is_not_lost(self, saver: Saver, root: Path) -> None:
        thread = Thread(intake.graph, saver)
        await thread.start(task="Fix it", due="none", priority="low")

        again = await thread.answer({"task": "now"})
        await thread.answer({"task": "Fix it: the archive's door does not close"})

        assert again["reason"].startswith("Task: Too vague")
        assert ticket(root)["task"] == "Fix it: the archive's door does not close"

    async def test_after_three_rounds_nothing_is_filed(self, saver: Saver, root: Path) -> None:
        thread = Thread(intake.graph, saver)
        await thread.start(task=CLEAR, priority="low")

        for _ in range(intake.MAX_ROUNDS):
            question = await thread.answer({"due": "2999-02-30"})

        assert question is None
        assert filed(root) == []
        assert await thread.outcome() == (
            "Nothing was filed: after 3 rounds of questions, this is still open. "
            "Due: 2999-02-30 does not exist in the calendar."
        )

    @pytest.mark.parametrize("answer", [{"due": SILENCE}, {}, {"due": " "}, SILENCE, None, {"due": 5}, True])
    async def test_where_nobody_answers_nothing_is_filed(self, saver: Saver, root: Path, answer: object) -> None:
        thread = Thread(intake.graph, saver)
        await thread.start(task=CLEAR, priority="low")

        await thread.answer(answer)

        assert filed(root) == []
        assert await thread.outcome() == "Nothing was filed: nobody said what is missing."

    @pytest.mark.parametrize(
        ("task", "problem"),
        [
            ("fix fix fix fix fix fix", "Too vague"),
            ("", "There is no answer yet."),
            ("five different words of this " + "x" * 10_001, "characters. At most 10,000 are allowed."),
        ],
    )
    async def test_a_task_is_some_words(self, saver: Saver, task: str, problem: str) -> None:
        thread = Thread(intake.graph, saver)
        await thread.start(task="Fix", due="none")

        again = await thread.answer({"task": task, "priority": "grave"})

        assert problem in again["reason"]
        assert "Priority: 'grave' is not a priority. Write low, normal, high or urgent." in again["reason"]


class TestFilingOnce:
    async def test_a_crash_after_filing_is_no_second_ticket(self, saver: Saver, root: Path) -> None:
        thread = Thread(dying(intake.graph, "file", times=2), saver)
        for step in (thread.start(task=CLEAR, due="none", priority="low"), thread.proceed()):
            with pytest.raises(Killed):
                await step

        await thread.proceed(intake.graph)

        assert len(filed(root)) == 2, "one as JSON, one as Markdown"

    async def test_two_tasks_with_the_same_words_are_two_tickets(self, saver: Saver, root: Path) -> None:
        for _ in range(2):
            await Thread(intake.graph, saver).start(task=CLEAR, due="none", priority="low")

        assert len(filed(root)) == 4


class TestInputs:
    @pytest.mark.parametrize(
        ("inputs", "sentence"),
        [
            ({"task": " "}, "task is missing: what should be done?"),
            ({"task": 5}, "task is missing: what should be done?"),
            ({"task": "x" * 5_001}, "task has 5,001 characters. At most 5,000 are allowed."),
            ({"due": "June"}, "due: 'June' is not a date. Write one such as 2030-06-01, or none."),
            ({"due": "2001-01-01"}, "due: 2001-01-01 has passed."),
            ({"due": 5}, "due 5 should be text."),
            ({"priority": "grave"}, "priority: 'grave' is not a priority. Write low, normal, high or urgent."),
        ],
    )
    def test_bad_inputs_are_refused_in_a_sentence(self, inputs: dict[str, Any], sentence: str) -> None:
        with pytest.raises(intake.InputError) as refused:
            intake.check_inputs({"task": "Fix it"} | inputs)

        assert str(refused.value) == sentence

    def test_a_vague_task_is_no_error(self) -> None:
        intake.check_inputs({"task": "Fix it", "due": None, "priority": ""})
