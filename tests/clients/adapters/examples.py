"""The examples as modules, as a reader would run them."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import Coroutine
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from tests.clients.adapters.people import Answered
from tests.support.stub_api import TOKEN

FOLDER: Final = Path(__file__).parents[3] / "clients" / "python" / "examples"


def example(name: str, api: Answered, folder: Path, monkeypatch: pytest.MonkeyPatch, at: Path = FOLDER) -> ModuleType:
    """The example, which asks this API and keeps its files in this folder."""
    monkeypatch.setenv("COUNTERSIGN_URL", api.url)
    monkeypatch.setenv("COUNTERSIGN_TOKEN", TOKEN)
    monkeypatch.chdir(folder)
    spec = importlib.util.spec_from_file_location(f"example_{name}", at / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def killed_while_it_waits(api: Answered, running: Coroutine[Any, Any, Any]) -> None:
    """Runs until people were asked, and is gone before they answer."""

    async def run() -> None:
        task = asyncio.create_task(running)
        await asyncio.to_thread(api.until_asked)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(run())
