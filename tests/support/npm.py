"""Packages from npm, for tests that ask Slack's own code for Node. They come once, into folders that git ignores."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_INSTALL: Final = ("install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--fetch-retries=0")
_SECONDS: Final = 90.0


class NoPackages(Exception):
    """There is no Node on this machine, or npm could not fetch a package."""


def installed(packages: Sequence[str], prefix: Path) -> str:
    """The path of Node, once these packages, such as `typescript@5`, are in `prefix`/node_modules.

    Raises `NoPackages` if they cannot be had. npm removes all others from that folder: who wants others takes another
    folder.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NoPackages("there is no node or no npm here")
    if not all((prefix / "node_modules" / package.rpartition("@")[0]).is_dir() for package in packages):
        prefix.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(
                [npm, *_INSTALL, "--prefix", str(prefix), *packages],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=True,
            )
        except subprocess.SubprocessError as error:
            raise NoPackages(f"npm could not fetch {' and '.join(packages)}") from error
    return node
