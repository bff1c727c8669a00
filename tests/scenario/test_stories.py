"""README and tutorial, played as they are written, in order, in a clone of their own.

What a page says to do is bold or in a block, and what it says is seen stands in quotes: `Reader` knows no other way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.cli.demo import stage
from tests.scenario import pages
from tests.scenario.reader import Reader

README = "README.md"
TUTORIAL = "docs/tutorial.md"
GUIDE = "docs/guides/your-own-agent.md"
SECONDS = 400

pytestmark = pytest.mark.timeout(SECONDS)


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    async with AsyncExitStack() as held:
        reader = Reader.at_a_clone(tmp_path, held)
        yield reader
        reader.stop()


async def test_the_readme_is_tried_as_it_says(reader: Reader) -> None:
    for step in pages.steps(README, ["Try it"]):
        await reader.follow(step)


async def test_the_readme_connects_a_workspace_as_it_says(reader: Reader) -> None:
    async with stage.simulator(0) as slack:
        await reader.connect(slack)
        for step in pages.steps(README, ["Connect it to Slack"]):
            await reader.follow(step)
        reader.stop()


async def test_the_tutorial_is_done_as_it_says(reader: Reader) -> None:
    *lessons, following = pages.headings(TUTORIAL)
    for step in pages.steps(TUTORIAL, lessons):
        await reader.follow(step)

    assert following == "Next"


async def test_an_agent_in_a_repository_of_its_own_runs_as_the_guide_says(tmp_path: Path) -> None:
    """The guide's files beside the tutorial's graph: `check` finds nothing wrong, and the graph asks and acts."""
    shown = {block.language: block.text for block in _blocks(GUIDE, "Set up your repository")}
    (graph,) = [block.text for block in _blocks(TUTORIAL, "Your own graph") if block.language == "python"]
    (rule,) = [block.text for block in _blocks(GUIDE, "Say who may answer") if block.language == "yaml"]
    files = {
        "langgraph.json": shown["json"],
        "agents/deploy.py": graph,
        "policies.yaml": f'defaults: {{approvers: ["@ops-leads"]}}\n{rule}\n',
        ".env": "SLACK_BOT_TOKEN=\nSLACK_APP_TOKEN=\nSLACK_API_URL=\n",
        "payload.json": '{"question": "Deploy?"}',
    }
    assert {name for name in files if name != "payload.json"} <= set(shown["text"].split())

    async with AsyncExitStack() as held, stage.simulator(0) as slack:
        reader = Reader.in_a_repository(tmp_path, held, files)
        await reader.connect(slack)
        reader.fill_in()
        try:
            for line in (*shown["sh"].splitlines(), "python -m bot policy explain payload.json --graph deploy"):
                await reader.follow(pages.Block(language="sh", text=line))
            assert "deployments" in reader.printed
            await reader.follow(pages.Block(language="text", text="/task deploy version=1.4.2"))
            await reader.follow(pages.Sentence(text='**As carol, press Approve.** "Deployed 1.4.2."'))
        finally:
            reader.stop()


def _blocks(page: str, section: str) -> list[pages.Block]:
    return [step for step in pages.steps(page, [section]) if isinstance(step, pages.Block)]


@pytest.mark.parametrize(
    "sentence",
    ["**Press Aprove.**", "**Take a walk.**", "**As alice, start the task again and dance.**"],
)
async def test_a_step_that_nobody_can_follow_fails(reader: Reader, sentence: str) -> None:
    """A page that is rewritten in other words is not skipped in silence."""
    step = pages.Sentence(text=sentence.replace("start the task again", "do nothing"))

    with pytest.raises(AssertionError, match="nobody knows how to do this"):
        await reader.follow(step)
