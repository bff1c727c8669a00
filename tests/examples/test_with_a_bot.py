"""The guide "Ask from anything" and the examples in examples/, as they stand, with one real bot and a local Slack."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeAlias, cast

import aiohttp
import pytest
import pytest_asyncio

from tests.examples.house import SECRET, House, house
from tests.examples.reading import Reader
from tests.scenario import pages
from tests.support.stage import DAY, ROOT, WAIT
from tests.unit.docs.pages import fenced

Call: TypeAlias = Callable[..., Awaitable[Any]]

EXAMPLES = ROOT / "examples"
GUIDE = "docs/guides/ask-from-anything.md"

needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="THE CRON JOB IS NOT TESTED: jq is not installed")
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


@asynccontextmanager
async def service(home: House, folder: Path, **settings: str) -> AsyncIterator[Call]:
    """examples/fastapi_service as a process, ended with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    folders = ["--app-dir", str(EXAMPLES / "fastapi_service")]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", *folders, "app:app", "--port", port, "--log-level", "warning"),
        cwd=folder,
        env={**home.environment, "COUNTERSIGN_TOKEN": token_of(home), **settings},
    )
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            call = partial(called, session)
            await listening(session)
            yield call
    finally:
        process.terminate()
        await process.wait()


async def listening(session: aiohttp.ClientSession) -> None:
    until = time.monotonic() + WAIT
    while True:
        try:
            async with session.get("/openapi.json"):
                return
        except aiohttp.ClientConnectionError:
            assert time.monotonic() < until
            await asyncio.sleep(0.05)


async def called(
    session: aiohttp.ClientSession, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> Any:
    given: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
    async with session.request(method, path, headers=headers, **given) as response:
        return await response.json() if response.content_type == "application/json" else None


async def cron(home: House, folder: Path, **settings: str) -> asyncio.subprocess.Process:
    """examples/cron_curl, started."""
    return await asyncio.create_subprocess_exec(
        *(EXAMPLES / "cron_curl" / "delete_backups.sh", folder, "30"),
        env={**home.environment, "COUNTERSIGN_TOKEN": token_of(home), "DAY": "2026-11-29", **settings},
        stdout=asyncio.subprocess.PIPE,
    )


async def output(process: asyncio.subprocess.Process) -> tuple[int | None, str]:
    """How a process ended, and what it printed."""
    async with asyncio.timeout(WAIT):
        told, _ = await process.communicate()
    return process.returncode, told.decode()


def backup(folder: Path, name: str, *, days: int) -> Path:
    file = folder / name
    file.write_text("backup")
    os.utime(file, (time.time() - days * DAY, time.time() - days * DAY))
    return file


@cache
def token_of(home: House) -> str:
    """One token for all examples."""
    return home.token("examples", "--source", "billing-service", "--channel", "#ops")


def taken() -> Callable[[bytes, dict[str, str], str], str]:
    """The guide's function."""
    (text,) = [each for each in fenced(GUIDE, "python") if "verify" in each]
    names: dict[str, object] = {}
    exec(text, names)  # noqa: S102 - the page's own lines
    return cast(Callable[[bytes, dict[str, str], str], str], names["take"])


async def test_the_lines_of_the_readme_act_on_what_was_approved(home: House) -> None:
    (lines,) = [each for each in fenced("README.md", "python") if "countersign" in each]
    acts = "def refund_order(**arguments):\n    print(arguments)\n"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", acts + lines),
        env={**home.environment, "COUNTERSIGN_TOKEN": token_of(home)},
        stdout=asyncio.subprocess.PIPE,
    )

    await home.presses("approve", "Refund order 4700?")

    assert await output(process) == (0, "{'order': '4700', 'amount': '99.00'}\n")


# --- examples/fastapi_service -------------------------------------------------------------------


async def test_the_service_pays_once_what_was_approved(home: House, tmp_path: Path) -> None:
    async with service(home, tmp_path) as call:
        assert (await call("POST", "/submit/1"))["detail"] == "There is no refund of order 1."
        await call("POST", "/start", {"order": "5001", "amount": "99.00"})
        first, again = [await call("POST", "/submit/5001") for _ in range(2)]
        assert first == again
        assert (await call("POST", "/resume/5001"))["state"] == "submitted"
        assert first["request"] in [each["request"] for each in await call("GET", "/pending")]

    async with service(home, tmp_path) as call:  # it was restarted meanwhile
        await home.presses("approve", "Refund order 5001?")
        await home.card("Approved by @bob", "Refund order 5001?")
        paid = [await call("POST", "/resume/5001") for _ in range(2)]

    assert [each["note"] for each in paid] == ["99.00 for order 5001, by U0BOB"] * 2


async def test_the_service_is_told_by_webhook_and_does_not_pay_after_a_no(home: House, tmp_path: Path) -> None:
    async with service(home, tmp_path, HOOK_URL=home.receiver.url, WEBHOOK_SECRET=SECRET) as call:
        await call("POST", "/start", {"order": "5002", "amount": "1.00"})
        await call("POST", "/submit/5002")
        await home.rejects("Refund order 5002?", "Not this one.")
        webhook = await home.webhook("5002")

        assert (await call("POST", "/hooks/countersign", webhook.raw, {**webhook.headers, "webhook-id": "1"})) is None
        assert (await call("GET", "/pending")) == []
        assert (await call("POST", "/start", {"order": "5002", "amount": "1.00"}))["state"] == "submitted"
        await call("POST", "/hooks/countersign", webhook.raw, webhook.headers)
        refused = await call("POST", "/start", {"order": "5002", "amount": "1.00"})

    assert (refused["state"], refused["note"]) == ("refused", "Not this one.")


# --- examples/cron_curl -------------------------------------------------------------------------


@needs_jq
async def test_the_cron_job_deletes_what_was_approved_though_it_was_killed(home: House, tmp_path: Path) -> None:
    old = [backup(tmp_path, f"{number}.tar", days=40) for number in range(2)]
    young = backup(tmp_path, "young.tar", days=1)

    killed = await cron(home, tmp_path)
    await home.card("Delete backups", "[Approve")
    killed.kill()
    await killed.wait()
    later = backup(tmp_path, "later.tar", days=40)
    second = await cron(home, tmp_path)
    await home.presses("approve", "Delete backups")
    assert await output(second) == (0, "Deleted 0.tar\nDeleted 1.tar\n")

    assert [each.exists() for each in (*old, young, later)] == [False, False, True, True]
    assert await output(await cron(home, tmp_path)) == (0, "Deleted 0.tar\nDeleted 1.tar\n")


@needs_jq
async def test_the_cron_job_deletes_nothing_after_a_no(home: House, tmp_path: Path) -> None:
    old = backup(tmp_path, "old.tar", days=40)

    job = await cron(home, tmp_path, DAY="2026-11-30")
    await home.rejects("old.tar", "The audit needs it.")

    assert await output(job) == (1, "Not deleted: decided, The audit needs it.\n")
    assert old.exists()
