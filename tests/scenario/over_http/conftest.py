"""A local Slack that sends everything over HTTP, as an app whose manifest is changed as the guide to deploying says."""

from __future__ import annotations

import socket
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.stage import Slack
from tests.unit.docs.pages import ROOT, fenced

GUIDE = "docs/guides/deploy.md"
HOST = "https://countersign.example.com"


@pytest.fixture(scope="session")
def bind() -> str:
    """Where the bots of this test process listen, one at a time."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture(scope="session")
def slack(tmp_path_factory: pytest.TempPathFactory, bind: str) -> Iterator[Slack]:
    folder = tmp_path_factory.mktemp("slack")
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())
    (changes,) = (textwrap.dedent(each) for each in fenced(GUIDE, "yaml") if HOST in each)
    _change(manifest, yaml.safe_load(changes.replace(HOST, f"http://{bind}")))
    file = folder / "manifest.yml"
    file.write_text(yaml.safe_dump(manifest))
    running = Slack.start(folder, file, bind=bind)
    yield running
    running.stop()


def _change(whole: dict[str, Any], changes: dict[str, Any]) -> None:
    """Change these keys of the manifest. Commands are known by their name."""
    for key, value in changes.items():
        match value:
            case dict():
                _change(whole[key], value)
            case list():
                for each in value:
                    _change(next(one for one in whole[key] if one["command"] == each["command"]), each)
            case _:
                whole[key] = value
