"""What the tests of this folder share."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.engines.langgraph.loading.configured import SOURCE


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A folder of graphs; what is imported out of it is forgotten afterwards."""
    path, modules, environment = list(sys.path), set(sys.modules), dict(os.environ)
    for file in ("loose.py", "package/inside.py", "package/deeper/below.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(SOURCE)
    (tmp_path / "package" / "__init__.py").touch()
    (tmp_path / "package" / "deeper" / "__init__.py").touch()
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    os.environ.clear()
    os.environ.update(environment)
