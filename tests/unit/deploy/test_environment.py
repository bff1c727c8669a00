"""`tools/environment.py`: which installer is used, with which registry, and what is said meanwhile."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.markers import Marker

from tools.environment import LOCKS, ROOT, count, uv_settings

MERGED = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
UV = """#!/bin/sh
echo "$@" >> "$0.asked"
exit {code}
"""


@pytest.mark.parametrize(
    ("listed", "settings"),
    [
        ("", {}),
        ("global.index-url='https://one.example/simple'", {"UV_DEFAULT_INDEX": "https://one.example/simple"}),
        (
            "global.index-url='https://one.example/simple'\n:env:.index-url='https://two.example/simple'",
            {"UV_DEFAULT_INDEX": "https://two.example/simple"},
        ),
        (
            ":env:.index-url='https://two.example/simple'\nglobal.index-url='https://one.example/simple'",
            {"UV_DEFAULT_INDEX": "https://two.example/simple"},
        ),
        ("install.no-index='true'\nglobal.find-links='/a /b'", {"UV_NO_INDEX": "1", "UV_FIND_LINKS": "/a,/b"}),
        (":env:.no-index='0'", {}),
        (
            "global.extra-index-url='\\nhttps://a.example\\nfile:///b'",
            {"UV_INDEX": "https://a.example file:///b"},
        ),
        ("global.trusted-host='a.example'\nglobal.timeout='9'", {"UV_INSECURE_HOST": "a.example"}),
        (
            "global.cert='/certs.pem'\nglobal.proxy='http://p.example'",
            {
                "SSL_CERT_FILE": "/certs.pem",
                "ALL_PROXY": "http://p.example",
            },
        ),
        ("download.index-url='https://one.example/simple'", {}),
        ("WARNING: something else\nglobal.cert=", {}),
    ],
)
def test_uv_goes_to_the_registry_of_pip(listed: str, settings: dict[str, str]) -> None:
    assert uv_settings(listed) == {**settings, **MERGED}


@pytest.mark.parametrize("name", LOCKS)
def test_it_counts_what_is_installed_here(name: str) -> None:
    """As `packaging` understands the markers; the tool may not import it."""
    lock = LOCKS[name].read_text()
    markers = re.findall(r"(?m)^[\w.-]+(?:\[.*?\])?==[^\s;]+(?: ; ([^\\\n]*))?", lock)

    assert count(lock) == sum(not marker or Marker(marker).evaluate() for marker in markers)
    assert 0 < count(lock) < len(markers), "a marker of another platform is among them"


def run(folder: Path, code: int) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Make an environment where the uv on PATH ends with this code, and pip finds nothing; what uv was asked."""
    uv = folder / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(UV.format(code=code))
    uv.chmod(0o755)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PIP_")},
        "PATH": f"{uv.parent}:{os.environ['PATH']}",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    command = [sys.executable, "-I", str(ROOT / "tools" / "environment.py"), "demo", str(folder / "venv")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    return ran, Path(f"{uv}.asked").read_text().splitlines()


def test_the_uv_of_the_machine_installs_exactly_the_lock(tmp_path: Path) -> None:
    ran, asked = run(tmp_path, code=0)

    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "venv" / "bin" / "python").exists()
    (words,) = [line.split() for line in asked]
    assert words[:4] == ["pip", "install", "--no-deps", "--require-hashes"]
    assert {str(LOCKS["demo"]), str(tmp_path / "venv" / "bin" / "python")} <= set(words)
    assert re.fullmatch(r"(== demo: +\d+ s  .+\n)+", ran.stdout), "each line says the seconds"
    assert ran.stdout.splitlines()[-1].endswith(f"{count(LOCKS['demo'].read_text())} packages are installed")


def test_without_a_registry_it_fails_with_what_pip_says(tmp_path: Path) -> None:
    """A uv that fails is no reason to give up: pip is asked for another one, and then for the packages."""
    ran, asked = run(tmp_path, code=1)

    assert ran.returncode == 1
    assert len(asked) == 1
    assert [step for step in ("fetching uv", "with pip") if step not in ran.stdout] == []
    assert "No matching distribution found for aiohappyeyeballs" in ran.stderr
