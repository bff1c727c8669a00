"""What every test shares. Fixtures of one area live beside its tests."""

import os
import uuid
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support import examples
from tests.support.langgraph_server import NoServer
from tests.support.redis_server import NoRedis, RedisServer, find

examples.register()

_REDIS_FIXTURES = frozenset({"redis_url", "redis_server"})
_TESTS = Path(__file__).parent
_TRACED = (
    "unit/approvals",
    "unit/cli",
    "unit/slack/listeners",
    "conformance",
    "shapes",
    "adversarial/test_redeploys.py",
)
"""Where the domain's coverage comes from. A trace doubles the CPU time of a test, so the others go without."""
_SLOW_ON_REDIS = (
    "adversarial",
    "scenario/test_hold.py",
    "scenario/test_looking_again.py",
    "scenario/test_policy_reload.py",
    "scenario/test_taking_back_races.py",
    "scenario/test_undo.py",
    "scenario/test_validity.py",
)
"""Where `make test` runs each case on SQLite alone, and `make crash` on both stores."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a Redis, as its fixtures tell; a browser, no trace, or more time, as its folder tells."""
    for item in items:
        if not _is_of(_TRACED, item.path):
            item.add_marker(pytest.mark.no_cover)
        if _REDIS_FIXTURES & set(getattr(item, "fixturenames", ())) or _on_redis(item):
            item.add_marker(pytest.mark.redis)
        if _on_redis(item) and _is_of(_SLOW_ON_REDIS, item.path):
            item.add_marker(pytest.mark.slow)
        if _is_of(("browser",), item.path):
            item.add_marker(pytest.mark.browser)


@cache
def _is_of(folders: tuple[str, ...], file: Path) -> bool:
    """Whether the file is in one of these folders of the tests, or is one of them."""
    return any(file.is_relative_to(_TESTS / folder) for folder in folders)


def _on_redis(item: pytest.Item) -> bool:
    """Whether a parameter says so: a contract is tested on each store."""
    given = getattr(item, "callspec", None)
    return given is not None and "redis" in [each for each in given.params.values() if isinstance(each, str)]


def pytest_report_header() -> str:
    """Which Redis the tests run on, before anything is skipped for want of one."""
    if os.environ.get("REDIS_URL"):
        return "redis: the one of REDIS_URL"
    try:
        return f"redis: {find()}"
    except NoRedis as error:
        return f"redis: NONE, so its tests are {'failed' if os.environ.get('CI') else 'SKIPPED'}: {error}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """All that is skipped for want of a Redis, or of a LangGraph Server, is one line of the summary."""
    report = yield
    if report.skipped and call.excinfo is not None:
        match call.excinfo.value.__context__:
            case NoRedis():
                report.longrepr = (__file__, 0, f"Skipped: REDIS IS NOT TESTED: {call.excinfo.value}")
            case NoServer():
                report.longrepr = (__file__, 0, f"Skipped: LANGGRAPH SERVER IS NOT TESTED: {call.excinfo.value}")
    return report


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis with the search and JSON modules, for all tests of this worker; see `redis_prefix`."""
    named = os.environ.get("REDIS_URL")
    if named:
        yield named
        return
    server = _own(tmp_path_factory)
    server.start()
    yield server.url
    server.kill()


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis of this test alone, not started yet, that may be killed and started again."""
    server = _own(tmp_path_factory)
    yield server
    server.kill()


@pytest.fixture
def redis_prefix() -> str:
    """Before every key of this test: nothing is ever flushed, as the server may be somebody's."""
    return f"test-{uuid.uuid4().hex}"


def _own(tmp_path_factory: pytest.TempPathFactory) -> RedisServer:
    try:
        return RedisServer(folder=tmp_path_factory.mktemp("redis"))
    except NoRedis as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
