"""Uninstalls what the project does not need to run, because requirements.lock holds its tests and tools too.

python tools/runtime_only.py [EXTRA ...]     (the Python of an environment that is nobody's desk, such as an image's)
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import distribution, distributions

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

KEPT = {"pip"}


def needed(project: str, extras: Sequence[str] = ()) -> set[NormalizedName]:
    """The project with these extras, and all that they ask for, with the extras that those ask for."""
    found: set[tuple[NormalizedName, str]] = set()
    ahead = [(canonicalize_name(project), extra) for extra in ("", *extras)]
    while ahead:
        name, extra = ahead.pop()
        if (name, extra) in found:
            continue
        found.add((name, extra))
        for line in distribution(name).requires or []:
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                ahead += [(canonicalize_name(wanted.name), each) for each in ("", *wanted.extras)]
    return {name for name, _ in found}


def main() -> None:
    installed = {canonicalize_name(each.metadata["Name"]) for each in distributions()}
    rest = sorted(installed - needed("countersign-bot", sys.argv[1:]) - KEPT)
    subprocess.run([sys.executable, "-m", "pip", "uninstall", "--quiet", "--yes", *rest], check=True)  # noqa: S603
    sys.stdout.write(f"uninstalled: {' '.join(rest)}\n")


if __name__ == "__main__":
    main()
