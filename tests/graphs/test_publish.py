"""What the publish graph asks at its two gates, and which file comes of it."""

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver

from graphs import publish
from tests.graphs.models import installed
from tests.graphs.threads import Killed, Thread, dying

Saver = BaseCheckpointSaver[Any]
BRIEF = """We moved.

# Where
The old harbour.
Why:
- more light
- a bigger kitchen
And it is cheaper."""
ARTICLE = {"topic": 'Our "new" office', "brief": BRIEF, "section": "Company News"}


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PUBLISH_ROOT", str(tmp_path / "published"))
    return tmp_path / "published"


def published(root: Path) -> dict[str, str]:
    return {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}


def place(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class TestPublishing:
    async def test_plan_and_text_are_approved_and_the_file_is_there(self, saver: Saver, root: Path) -> None:
        thread = Thread(publish.graph, saver)

        plan = await thread.start(**ARTICLE)
        text = await thread.approve()
        before = published(root)
        await thread.answer({"approved": True, "feedback": "Nice"})

        day = (await thread.state())["day"]
        path = f"company-news/{day}-our-new-office.md"
        assert plan["question"] == "Write 'Our \"new\" office' from this plan?"
        assert plan["details"] == {"plan": ["In short", "Where", "Why"], "brief": BRIEF, "goes to": path}
        assert plan["answer"] == text["answer"] == "object"
        assert plan["reason"] == "The text is written from the brief. You see it before it is published."
        assert set(plan["summary"]) <= set(plan["details"])
        assert set(text["summary"]) <= set(text["details"])
        assert text["question"] == "Publish 'Our \"new\" office'?"
        assert text["reason"] == f"It is written to {path} in {root}."
        assert before == {}
        assert published(root) == {path: text["details"]["text"]}
        assert text["details"]["text"] == (
            f'---\ntitle: "Our \\"new\\" office"\ndate: {day}\n---\n\n# Our "new" office\n\n'
            "We moved.\n\n## Where\n\nThe old harbour.\n\n## Why\n\n- more light\n- a bigger kitchen\n\n"
            "And it is cheaper.\n"
        )
        assert await thread.outcome() == (
            f"Published 'Our \"new\" office' as {root}/{path}.\n- plan: approved\n- text: approved: Nice"
        )

    async def test_a_model_plans_and_writes(self, saver: Saver, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        model = installed(monkeypatch, "1. The move\n- The harbour\n\n", "## The move\n\nWe moved.")
        thread = Thread(publish.graph, saver)

        plan = await thread.start(**ARTICLE)
        text = await thread.approve()
        await thread.approve()

        assert plan["details"]["plan"] == ["The move", "The harbour"]
        assert "scripted:one" in plan["reason"]
        assert text["details"]["text"].endswith('# Our "new" office\n\n## The move\n\nWe moved.\n')
        assert "Plan:\nThe move\nThe harbour" in list(model.texts())[1]
        assert len(model.asked) == 2
        assert list(published(root).values()) == [text["details"]["text"]]

    @pytest.mark.parametrize(
        ("answer", "said"),
        [
            ({"approved": False, "feedback": "Too long"}, ": Too long"),
            (False, ""),
            (
                "Rejected: nobody answered by 2030-01-01 09:00 UTC.",
                ": Rejected: nobody answered by 2030-01-01 09:00 UTC.",
            ),
        ],
    )
    async def test_a_no_at_either_gate_publishes_nothing(
        self, saver: Saver, root: Path, answer: object, said: str
    ) -> None:
        at_plan, at_text = Thread(publish.graph, saver), Thread(publish.graph, saver)
        await at_plan.start(**ARTICLE)
        await at_text.start(**ARTICLE)
        await at_text.approve()

        await at_plan.answer(answer)
        await at_text.answer(answer)

        assert published(root) == {}
        assert (
            await at_plan.outcome() == f"Nothing was published: the plan was not approved.\n- plan: not approved{said}"
        )
        assert await at_text.outcome() == (
            f"Nothing was published: the text was not approved.\n- plan: approved\n- text: not approved{said}"
        )

    async def test_a_crash_after_the_file_is_no_second_one(self, saver: Saver, root: Path) -> None:
        thread = Thread(dying(publish.graph, "publish", times=2), saver)
        await thread.start(**ARTICLE)
        await thread.approve()
        for step in (thread.approve(), thread.proceed()):
            with pytest.raises(Killed):
                await step

        await thread.proceed(publish.graph)

        assert len(published(root)) == 1
        assert (await thread.outcome()).startswith("Published")

    async def test_another_article_of_that_name_stays(self, saver: Saver, root: Path) -> None:
        thread = Thread(publish.graph, saver)
        path = (await thread.start(**ARTICLE))["details"]["goes to"]
        place(root / path, "mine")

        await thread.approve()
        await thread.approve()

        assert published(root) == {path: "mine"}
        assert (await thread.outcome()).startswith(
            f"Nothing was published: {path} exists already with another text, and stays as it is."
        )

    async def test_a_link_in_the_way_leads_nowhere(self, saver: Saver, root: Path, tmp_path: Path) -> None:
        thread = Thread(publish.graph, saver)
        await thread.start(**ARTICLE)
        await thread.approve()
        elsewhere = link(root / "company-news", tmp_path / "elsewhere")

        with pytest.raises(OSError, match="company-news"):
            await thread.approve()

        assert listed(elsewhere) == []


def link(at: Path, to: Path) -> Path:
    to.mkdir()
    at.parent.mkdir()
    at.symlink_to(to)
    return to


def listed(path: Path) -> list[Path]:
    return list(path.iterdir())


class TestInputs:
    @pytest.mark.parametrize("section", ["", None, "../../etc", "/etc/news", "a/b"])
    async def test_a_section_becomes_one_plain_folder(self, saver: Saver, section: str | None) -> None:
        given = ARTICLE | {"section": section, "topic": "../x"}

        question = await Thread(publish.graph, saver).start(**given)

        parts = question["details"]["goes to"].split("/")
        assert len(parts) <= 2
        assert parts[-1].endswith("-x.md")
        assert parts[:-1] in ([], ["etc"], ["etc-news"], ["a-b"])

    @pytest.mark.parametrize(
        ("inputs", "sentence"),
        [
            ({"topic": ""}, "topic is missing: what is the article about?"),
            ({"topic": 7}, "topic is missing: what is the article about?"),
            ({"topic": "a\nb"}, "topic should be one line of at most 150 characters."),
            ({"topic": "x" * 151}, "topic should be one line of at most 150 characters."),
            ({"topic": "…"}, "topic '…' has no letter a to z and no digit. The name of the file needs one."),
            ({"brief": " "}, "brief is missing: what should the article say?"),
            ({"brief": "x" * 50_001}, "brief has 50,001 characters. At most 50,000 are allowed."),
            ({"section": ".."}, "section '..' is not the name of a folder: write one such as news."),
            ({"section": 5}, "section 5 is not the name of a folder: write one such as news."),
        ],
    )
    def test_bad_inputs_are_refused_in_a_sentence(self, inputs: dict[str, Any], sentence: str) -> None:
        with pytest.raises(publish.InputError) as refused:
            publish.check_inputs(ARTICLE | inputs)

        assert str(refused.value) == sentence
