"""The guide "Ask from anything" and the examples in examples/, as they stand, with one real bot and a local Slack."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio

from tests.examples.house import SECRET, House, house
from tests.examples.reading import Reader
from tests.scenario import pages
from tests.unit.docs.pages import fenced

GUIDE = "docs/guides/ask-from-anything.md"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with house(tmp_path_factory.mktemp("house"), *fenced(GUIDE, "yaml")) as home:
        yield home


async def test_the_guide_is_followed_as_it_says(home: House, tmp_path: Path) -> None:
    reader = Reader(house=home, folder=tmp_path)

    for step in pages.steps(GUIDE, ["Open the API", "Ask with curl"]):
        await reader.follow(step)
    for step in pages.steps(GUIDE, ["Ask from Python"]):
        await reader.follow(step)
    assert reader.printed == "refunding 4712\n"

    for step in pages.steps(GUIDE, ["Be told instead of waiting"]):
        await reader.follow(step)
    await home.receiver.wait()
    (webhook,) = home.receiver.received
    assert webhook.verified
    told = taken()(webhook.raw, webhook.headers, SECRET)
    assert told == f"request.decided {webhook.body['data']['id']}"

    for step in pages.steps(GUIDE, ["Let people answer on your own page"]):
        await reader.follow(step)
    await home.card("Approved by @carol", "through", "portal")


def taken() -> Callable[[bytes, dict[str, str], str], str]:
    """The guide's function."""
    (text,) = [each for each in fenced(GUIDE, "python") if "verify" in each]
    names: dict[str, object] = {}
    exec(text, names)  # noqa: S102 - the page's own lines
    return cast(Callable[[bytes, dict[str, str], str], str], names["take"])
