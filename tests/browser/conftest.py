"""One Chromium, one local Slack and one bot per module, one page per test; a page that complained fails its test."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.backstage import Backstage, backstage
from tests.browser.people import NoChromium, Person, browser, executable
from tests.support.stage import PATIENT_POLICY, Bot, Slack

ASKING = Path(__file__).resolve().parents[1] / "scenario" / "shapes" / "graphs" / "asking.py"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """All that is skipped for want of a Chromium is one line of the summary."""
    report = yield
    if report.skipped and call.excinfo is not None and isinstance(call.excinfo.value.__context__, NoChromium):
        report.longrepr = (__file__, 0, f"Skipped: THE PAGE IS NOT TESTED: {call.excinfo.value}")
    return report


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser; without one the tests are skipped on a desk and fail in CI."""
    try:
        path = executable()
    except NoChromium as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    with browser(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def slack(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slack]:
    """The local Slack of this module."""
    slack = Slack.start(tmp_path_factory.mktemp("slack"))
    yield slack
    slack.stop()


@pytest.fixture(scope="module")
def bot(slack: Slack, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """The bot of this module, with its POLICY, the cleanup graph, and one that asks whatever its case says."""
    policy = getattr(request.module, "POLICY", PATIENT_POLICY)
    bot = Bot.prepare(tmp_path_factory.mktemp("bot"), slack.environment, policy=policy)
    config = bot.folder / "langgraph.json"
    graphs: dict[str, Any] = json.loads(config.read_text())["graphs"]
    config.write_text(json.dumps({"graphs": {**graphs, "asking": f"{ASKING}:graph"}}))
    bot.start()
    yield bot
    assert bot.stop() == 0, bot.log


@pytest.fixture
def person(chromium: Browser, slack: Slack) -> Iterator[Callable[..., Person]]:
    """Makes people at pages of the local Slack; none of their browsers may have complained in the end."""
    people: list[Person] = []

    def made(**options: Any) -> Person:
        people.append(Person.at(chromium, slack.url, **options))
        return people[-1]

    yield made
    for one in people:
        one.page.context.close()
    assert [complaint for one in people for complaint in one.complaints] == []


@pytest.fixture(scope="module")
def rooms() -> Iterator[int]:
    return itertools.count()


@pytest.fixture
def room(rooms: Iterator[int]) -> str:
    """A channel in which nothing has happened yet, and in which everybody is."""
    return f"room-{next(rooms)}"


@pytest.fixture(scope="module")
def app(chromium: Browser) -> Iterator[Backstage]:
    with backstage() as app:
        yield app


@pytest.fixture
def bob(chromium: Browser, app: Backstage) -> Iterator[Person]:
    """bob at a page of that Slack; his browser may not complain."""
    bob = Person.at(chromium, app.url, timezone_id="Asia/Tokyo")
    yield bob
    bob.page.context.close()
    assert bob.complaints == []
