"""deploy/own-graphs: its Dockerfile's steps put packages and graphs into an environment like the image's."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from bot import policy_file

ROOT = Path(__file__).parents[3]
OWN = ROOT / "deploy" / "own-graphs"
HUMANIZE = """
def naturalsize(value):
    return f"{value / 1e9:.1f} GB"
"""
LOADS = """
import asyncio, json, sys
from pathlib import Path
from bot.engines.langgraph.loading import registry
graphs = asyncio.run(registry.listed(Path("langgraph.json"), Path.cwd()))
print(json.dumps({graph.name: graph.unavailable for graph in graphs}))
"""

pytestmark = pytest.mark.heavy


def steps() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments."""
    lines = [line for line in (OWN / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


@dataclass(frozen=True)
class Image:
    """An environment that has what this one has, and no pip, as the image's has none; and a folder as /app."""

    venv: Path
    app: Path
    wheels: Path

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """A command as a step of the Dockerfile runs it, with no registry but the folder of wheels."""
        own = line.replace("/venv/", f"{self.venv}/")
        words = [sys.executable, "-m", *shlex.split(own)] if own.startswith("pip ") else shlex.split(own)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")} | {
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        return subprocess.run(words, cwd=self.app, env=environment, capture_output=True, text=True, timeout=60)


def a_wheel(folder: Path, name: str, version: str, code: str = "") -> None:
    about = f"{name}-{version}.dist-info"
    with ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", code)
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")


def copy(sources: Sequence[str], to: Path) -> None:
    """As COPY does: files into the folder, and what is in a folder."""
    for source in map(OWN.joinpath, sources):
        if source.is_dir():
            shutil.copytree(source, to)
        else:
            shutil.copy(source, to)


@pytest.fixture
def image(tmp_path: Path) -> Image:
    made = Image(tmp_path / "venv", tmp_path / "app", tmp_path / "wheels")
    venv.create(made.venv, with_pip=False, symlinks=True)
    (packages,) = made.venv.glob("lib/python*/site-packages")
    known = [path for path in sys.path if path.endswith("packages")]
    (packages / "image.pth").write_text("\n".join([*known, str(ROOT)]))
    (made.venv / "versions.txt").write_text("langgraph==1.2.22\n")
    made.wheels.mkdir()
    a_wheel(made.wheels, "humanize", "4.12.0", HUMANIZE)
    made.app.mkdir()
    for name, rest in steps():
        if name == "COPY":
            *sources, to = rest.split()
            copy(sources, made.app / to)
    return made


def test_its_packages_are_installed_and_its_graphs_load(image: Image) -> None:
    """By a pip from outside the environment."""
    (install,) = [rest for name, rest in steps() if name == "RUN"]

    done = image.run(install)
    loaded = image.run(f"/venv/bin/python -c {shlex.quote(LOADS)}")

    assert done.returncode == 0, done.stderr
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout == '{"purge": ""}\n'


def test_packages_cannot_change_what_the_bot_runs_on(image: Image) -> None:
    """The build stops, and names the package whose version is the bot's."""
    (image.app / "requirements.txt").write_text("langgraph==0.9\n")
    (install,) = [rest for name, rest in steps() if name == "RUN"]

    done = image.run(install)

    assert done.returncode != 0
    assert "langgraph==1.2.22" in done.stdout + done.stderr


def test_it_ends_as_the_user_of_the_image_it_stands_on() -> None:
    base = re.findall(r"(?m)^USER (.*)$", (ROOT / "Dockerfile").read_text())
    own = [rest for name, rest in steps() if name == "USER"]

    assert ("FROM", "countersign") in steps()
    assert own == ["root", *base]


def test_its_policies_are_right() -> None:
    """The example needs no rule."""
    policies = policy_file.load(OWN / "policies.yaml")

    assert policies.rules == ()
