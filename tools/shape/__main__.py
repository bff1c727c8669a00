"""`python -m tools.shape`: see the package."""

from __future__ import annotations

import argparse
import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
MAX_MODULES = 12
"""A folder with more than these is split, or its `__init__` names each of them and says what it is for."""
MAX_SECONDS = 120
PACKAGES = ("bot", "graphs", "simulator", "benchmarks")
FOLDERS = (*PACKAGES, "tools", "tests")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.shape", description="The shape of the code, in figures.")
    parser.add_argument("--root", type=Path, default=HERE, help="another checkout than this one")
    parser.add_argument("--way", action="store_true", help="list the stops of the vote")
    options = parser.parse_args()
    root: Path = options.root.resolve()
    table(("package", "modules", "below", "floors", "imports"), packages(root))
    table(("lines of Python", "files", "lines"), lines(root))
    table(("more than twelve modules", "modules", "explained"), crowded(root))
    try:
        every = answered(root, "way.py")
    except RuntimeError as error:
        sys.stdout.write(f"The way of a vote could not be followed: {error}\n")
        return 1
    once: dict[tuple[str, str, str], Mapping[str, str]] = {}
    for stop in every:
        once.setdefault((stop["by"], stop["origin"], stop["module"]), stop)
    rows = [_counted("each once", list(once.values())), _counted("repetitions too", every)]
    table(("stops of a vote", "stops", "returns", "modules"), rows)
    if options.way:
        table(("by", "to", "in"), [(stop["by"], stop["module"], stop["function"]) for stop in once.values()])
    return 0


def packages(root: Path) -> list[tuple[str, int, int, int, int]]:
    """Each package with its modules, those below it, floors, and imports among its parts."""
    imports: Mapping[str, Sequence[str]] = answered(
        root, "imports.py", *(name for name in PACKAGES if _is_here(root, name))
    )
    folders = {module.rpartition(".")[0] for module in imports} - {""}
    rows = []
    for package in sorted(folders):
        inside = [module for module in imports if module.startswith(f"{package}.") and module not in folders]
        pairs = [(_part(package, one), _part(package, other)) for one in imports for other in imports[one]]
        crossing = [(one, other) for one, other in pairs if one and other and one != other]
        own = [module for module in inside if module.rpartition(".")[0] == package]
        rows.append((package, len(own), len(inside), floors(crossing), len(crossing)))
    return rows


def floors(imports: Iterable[tuple[str, str]]) -> int:
    """How many stand on the longest chain of imports; those that reach each other count as one."""
    below: dict[str, set[str]] = {}
    for one, other in imports:
        below.setdefault(one, set()).add(other)
    reached: dict[str, set[str]] = {}
    for start in below:
        found, ahead = set[str](), [start]
        while ahead:
            new = below.get(ahead.pop(), set()) - found
            found |= new
            ahead += new
        reached[start] = found
    heights: dict[str, int] = {}

    def height(one: str) -> int:
        if one not in heights:
            down = reached.get(one, set())
            heights[one] = 1 + max((height(other) for other in down if one not in reached.get(other, ())), default=0)
        return heights[one]

    return max(map(height, below), default=1)


def lines(root: Path) -> list[tuple[str, int, int]]:
    """Each top-level folder that is there, with its files and their lines."""
    found = {folder: list((root / folder).rglob("*.py")) for folder in FOLDERS}
    rows = [
        (folder, len(files), sum(len(file.read_text().splitlines()) for file in files))
        for folder, files in found.items()
        if files
    ]
    code = [row for row in rows if row[0] != "tests"]
    return [*rows, ("all but tests", sum(row[1] for row in code), sum(row[2] for row in code))]


def crowded(root: Path) -> list[tuple[str, int, str]]:
    """The folders with more modules than one takes in at a glance, and whether their `__init__` names each."""
    rows = []
    for init in sorted(file for name in PACKAGES for file in (root / name).rglob("__init__.py")):
        modules = {file.stem for file in init.parent.glob("*.py")} - {"__init__"}
        if len(modules) > MAX_MODULES:
            named = set(re.findall(r"`(\w+)`", ast.get_docstring(ast.parse(init.read_text())) or ""))
            missing = sorted(modules - named)
            explained = f"not {', '.join(missing[:3])}" if missing else "in its __init__"
            rows.append((init.parent.relative_to(root).as_posix(), len(modules), explained))
    return rows


def answered(root: Path, program: str, *arguments: str) -> Any:
    """What one of the programs beside this one prints in that checkout. Raises RuntimeError with its last line."""
    command = [sys.executable, str(Path(__file__).with_name(program)), *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=MAX_SECONDS, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["it said nothing"])[-1])
    return json.loads(done.stdout)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    for row in cells:
        padded = (cell.rjust(n) if cell.isdigit() else cell.ljust(n) for cell, n in zip(row, widths, strict=True))
        sys.stdout.write(f"| {' | '.join(padded)} |\n")
    sys.stdout.write("\n")


def _counted(name: str, stops: Sequence[Mapping[str, str]]) -> tuple[str, int, int, int]:
    modules = {stop[end] for stop in stops for end in ("origin", "module")}
    return name, len(stops), sum(stop["by"] == "return" for stop in stops), len(modules)


def _is_here(root: Path, package: str) -> bool:
    return (root / package / "__init__.py").exists()


def _part(package: str, module: str) -> str | None:
    """The module or subpackage right below the package that this module is, or lies in; None if it lies elsewhere."""
    rest = module.removeprefix(f"{package}.")
    return rest.partition(".")[0] if rest != module else None


if __name__ == "__main__":
    sys.exit(main())
