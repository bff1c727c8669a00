"""Leaves in an environment what the bot runs on, because requirements.lock holds its tests and tools too.

python tools/runtime_only.py [EXTRA ...]     (the Python of an environment that is nobody's desk, such as an image's)

The environment has no pip afterwards: another Python's installs into it, with `pip --python /venv/bin/python`. What is
left is listed in `versions.txt` in the environment's folder, for `pip install --constraint`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence, Set
from importlib.metadata import distribution, distributions
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

UNUSED: Final[Mapping[str, Set[str]]] = {
    "common-expression-language": {"prompt-toolkit", "pygments", "rich", "typer"},  # for its own command line
    "redisvl": {"ml-dtypes", "numpy"},  # for vectors, which no saver keeps
}
"""Package -> what it asks for, and never imports as the bot uses it. Tests hold that."""
PROJECT: Final = "countersign-bot"


def needed(project: str, extras: Sequence[str] = (), unused: Mapping[str, Set[str]] = UNUSED) -> set[NormalizedName]:
    """The project with these extras, and all that they ask for, with the extras that those ask for. What is unused is
    left out, unless something else asks for it."""
    found: set[tuple[NormalizedName, str]] = set()
    ahead = [(canonicalize_name(project), extra) for extra in ("", *extras)]
    while ahead:
        name, extra = ahead.pop()
        if (name, extra) in found:
            continue
        found.add((name, extra))
        for line in distribution(name).requires or []:
            wanted = Requirement(line)
            if canonicalize_name(wanted.name) in unused.get(name, ()):
                continue
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                ahead += [(canonicalize_name(wanted.name), each) for each in ("", *wanted.extras)]
    return {name for name, _ in found}


def main() -> None:
    installed = {canonicalize_name(each.metadata["Name"]): each.version for each in distributions()}
    kept = needed(PROJECT, sys.argv[1:])
    rest = sorted(installed.keys() - kept)
    lines = [f"{name}=={version}\n" for name, version in sorted(installed.items()) if name in kept - {PROJECT}]
    Path(sys.prefix, "versions.txt").write_text("".join(lines))
    subprocess.run([sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", *rest], check=True)  # noqa: S603
    sys.stdout.write(f"uninstalled: {' '.join(rest)}\n")


if __name__ == "__main__":
    main()
