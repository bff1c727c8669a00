"""The virtual environments of the frameworks that do not fit the project's lock, and their tests: `make adapters`.

    python -m tests.clients.adapters.environments [--only NAME]...

Makes what is missing in `.venv-adapters/`, one at a time, checks types against the framework's own, and runs its
tests in its environment.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
_HERE: Final = Path(__file__).parent
_FOLDER: Final = ROOT / ".venv-adapters"
_IMPORTED: Final = (ROOT, ROOT / "clients" / "python" / "src")
_QUIET: Final = {"CREWAI_DISABLE_TELEMETRY": "true", "CREWAI_TRACING_ENABLED": "false", "OTEL_SDK_DISABLED": "true"}
"""The frameworks report to nobody while they are tested."""
_TEST_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework with an adapter, or with a program in examples/."""

    name: str
    """Of the adapter, its tests and its requirements, and the beginning of its examples' names."""
    module: str

    @property
    def folder(self) -> Path:
        return _FOLDER / self.name

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def is_here(self) -> bool:
        """Whether this interpreter can import it."""
        try:
            return importlib.util.find_spec(self.module) is not None
        except ModuleNotFoundError:
            return False

    def is_ready(self) -> bool:
        """Whether its environment is complete and holds the versions that are pinned now."""
        stamp = self.folder / "stamp"
        return stamp.is_file() and stamp.read_text() == self._stamp()

    def make(self) -> None:
        """Make its environment anew."""
        venv.create(self.folder, clear=True, with_pip=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]
        subprocess.run([self.python, *install, self._requirements], check=True)
        (self.folder / "stamp").write_text(self._stamp())

    def test(self, *, captured: bool = False) -> subprocess.CompletedProcess[str]:
        """Run its tests there. The project's own fixtures and configuration stay outside, as their packages do."""
        options = [
            "--import-mode=importlib",
            "--quiet",
            "--disable-warnings",
            "-p",
            "no:cacheprovider",
            "-c",
            os.devnull,
        ]
        options += ["-o", f"faulthandler_timeout={_TEST_SECONDS}", "-o", "faulthandler_exit_on_timeout=true"]
        places = [f"--rootdir={ROOT}", f"--confcutdir={_HERE}", *map(str, self._tests)]
        with tempfile.TemporaryDirectory() as home:
            return subprocess.run(
                [self.python, "-m", "pytest", *options, *places],
                cwd=ROOT,
                env={**os.environ, **_QUIET, "HOME": home, "PYTHONPATH": os.pathsep.join(map(str, _IMPORTED))},
                capture_output=captured,
                text=True,
                check=False,
            )

    def check(self) -> subprocess.CompletedProcess[str]:
        """Check the types of the adapter, its tests and its examples against the framework's own."""
        adapter = ROOT / "clients" / "python" / "src" / "countersign" / "adapters" / f"{self.name}.py"
        examples = sorted((ROOT / "clients" / "python" / "examples").glob(f"{self.name}*.py"))
        programs = sorted((ROOT / "examples").glob(f"{self.name}_*/*.py"))
        places = [f"--config-file={_HERE / 'mypy.ini'}", f"--cache-dir={self.folder / 'mypy'}"]
        return subprocess.run(
            [sys.executable, "-m", "mypy", *places, f"--python-executable={self.python}"]
            + [str(each) for each in (adapter, *self._tests, *examples, *programs) if each.exists()],
            cwd=ROOT,
            text=True,
            check=False,
        )

    @property
    def _tests(self) -> list[Path]:
        return sorted(_HERE.glob(f"test_{self.name}*.py"))

    @property
    def _requirements(self) -> Path:
        return _HERE / "requirements" / f"{self.name}.txt"

    def _stamp(self) -> str:
        digest = hashlib.sha256(self._requirements.read_bytes()).hexdigest()
        return f"{sys.version_info.major}.{sys.version_info.minor} {digest}\n"


FRAMEWORKS: Final = (
    Framework("pydantic_ai", "pydantic_ai"),
    Framework("streamlit", "streamlit"),
    Framework("openai_agents", "agents"),
    Framework("google_adk", "google.adk"),
    Framework("crewai", "crewai"),
)
"""The smallest first."""


def main() -> int:
    reading = argparse.ArgumentParser(description="Test the adapters beside the frameworks' own packages.")
    reading.add_argument("--only", action="append", choices=[each.name for each in FRAMEWORKS], help="this framework")
    only = reading.parse_args().only
    failed = []
    for framework in [each for each in FRAMEWORKS if not only or each.name in only]:
        if not framework.is_ready():
            began = time.monotonic()
            framework.make()
            _say(f"{framework.name}: installed in {time.monotonic() - began:.0f} s, {_megabytes(framework.folder)} MB")
        _say(f"{framework.name}:")
        if framework.check().returncode or framework.test().returncode:
            failed.append(framework.name)
    _say(f"FAILED: {', '.join(failed)}" if failed else "all passed")
    return len(failed)


def _megabytes(folder: Path) -> int:
    return sum(each.lstat().st_size for each in folder.rglob("*")) // 1_000_000


def _say(words: str) -> None:
    sys.stdout.write(f"== adapters: {words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
