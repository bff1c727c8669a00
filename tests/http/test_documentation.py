"""What the API says about itself: the OpenAPI document and the page that is made of it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import re
import shutil
from html import unescape
from html.parser import HTMLParser

import pytest

from bot.http import problems
from bot.http.problems import Kind
from tests.support.served import Api
from tools.openapi import FILE, document

pytestmark = pytest.mark.asyncio(loop_scope="module")
DOCUMENT = document()
LOADS = {"script", "link", "img", "iframe", "object", "embed", "source", "video", "audio", "form", "base"}


class Seen(HTMLParser):
    """The ids, the links and the tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        named = dict(attributes)
        assert not any(name.startswith("on") or name == "style" for name in named)
        if (id := named.get("id")) is not None:
            self.ids.append(id)
        if (link := named.get("href")) is not None:
            self.links.append(link)
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_the_committed_document_is_the_one_that_is_served(api: Api) -> None:
    """If it differs: `python -m tools.openapi`."""
    served = await api.get("/openapi.json", token="")

    assert served.headers["Content-Type"] == "application/json"
    assert served.text == DOCUMENT == FILE.read_text()
    assert served.json["openapi"] == "3.1.0"


async def test_every_reference_of_the_document_means_something() -> None:
    text = DOCUMENT
    found = json.loads(text)

    named = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert named <= found["components"]["schemas"].keys()


async def test_every_call_says_what_it_needs_and_what_it_may_meet() -> None:
    for path, methods in json.loads(DOCUMENT)["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            (needed,) = operation["security"]
            assert needed["token"], where
            assert {"401", "403", "422", "429", "500", "503"} <= operation["responses"].keys(), where
            assert "404" in operation["responses"] or "{id}" not in path, where
            assert {"400", "413", "415"} <= operation["responses"].keys() or "requestBody" not in operation, where
            for status, response in operation["responses"].items():
                assert list(response["content"]) == ["application/problem+json"] or status < "3", where


async def test_every_kind_of_problem_is_announced_by_some_call() -> None:
    announced = set(re.findall(r"\(`([\w-]+)`\)", DOCUMENT))

    assert {kind.slug for kind in problems.ALL} - announced == {"method-not-allowed"}
    assert len({kind.slug for kind in problems.ALL}) == len(problems.ALL)
    constants = {each for each in vars(problems).values() if isinstance(each, Kind)}
    assert constants == set(problems.ALL)


async def test_the_page_loads_nothing_and_leads_nowhere_else(api: Api) -> None:
    shown = await api.get("/docs", token="")
    page = Seen(shown.text)

    assert (shown.status, shown.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.open == []
    assert page.tags & LOADS == set()
    assert not re.search(r"url\(|@import", shown.text)
    assert {link for link in page.links if not link.startswith("#")} == {"/openapi.json"}
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


async def test_the_pages_policy_allows_its_style_and_nothing_else(api: Api) -> None:
    shown = await api.get("/docs", token="")

    (style,) = re.findall(r"<style>(.*?)</style>", shown.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert shown.headers["Content-Security-Policy"].startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


async def test_the_page_has_a_place_for_every_call_object_and_problem(api: Api) -> None:
    ids = set(Seen((await api.get("/docs", token="")).text).ids)

    found = json.loads(DOCUMENT)
    assert {operation["operationId"] for each in found["paths"].values() for operation in each.values()} <= ids
    assert {f"problem-{kind.slug}" for kind in problems.ALL} <= ids
    assert {"object-Request", "object-Decision", "object-Problem"} <= ids


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
async def test_each_line_with_curl_is_a_call_that_is_understood(api: Api) -> None:
    """What it is about need not exist."""
    text = unescape((await api.get("/docs", token="")).text)
    lines = re.findall(r"<code>(curl .*?)</code>", text, re.DOTALL)
    environment = {**os.environ, "COUNTERSIGN_URL": api.url, "COUNTERSIGN_TOKEN": await api.own(), "ID": "req_1"}

    async def status(line: str) -> int:
        line = line.replace("curl", "curl --silent --output /dev/null --write-out '%{http_code}'", 1)
        process = await asyncio.create_subprocess_shell(line, env=environment, stdout=asyncio.subprocess.PIPE)
        return int((await process.communicate())[0])

    assert len(lines) >= 15
    assert [line for line in lines if await status(line) not in (200, 201, 404, 409, 422)] == []


async def test_the_root_leads_to_the_page(api: Api) -> None:
    assert "Countersign API" in (await api.get("/", token="")).text
