"""`python -m tools.shape`: floors, what is explained, and the stops of a vote."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.shape.__main__ import crowded, floors, packages

ROOT = Path(__file__).parents[3]
MAX_STOPS_OF_A_VOTE = 20


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        ([], 1),
        ([("b", "a")], 2),
        ([("c", "b"), ("b", "a"), ("c", "a")], 3),
        ([("d", "c"), ("c", "d"), ("d", "a")], 2),
        ([("a", "b"), ("b", "c"), ("c", "a")], 1),
    ],
    ids=["nothing", "one import", "the longest of two ways", "two that import each other", "a ring"],
)
def test_floors_are_the_longest_chain(imports: list[tuple[str, str]], expected: int) -> None:
    """Modules that reach each other stand on one floor."""
    assert floors(imports) == expected


def test_another_checkout_is_measured_by_itself(tmp_path: Path) -> None:
    """Its own packages are read, though this checkout's are installed."""
    (tmp_path / "bot").mkdir()
    for name, text in {"__init__": '"""Two modules."""', "low": "", "high": "from bot import low"}.items():
        (tmp_path / "bot" / f"{name}.py").write_text(text)

    assert packages(tmp_path) == [("bot", 2, 2, 2, 1)]


def test_a_crowded_folder_is_explained_if_its_init_names_each_module(tmp_path: Path) -> None:
    names = [f"module_{number}" for number in range(13)]
    for name in names:
        (tmp_path / "graphs").mkdir(exist_ok=True)
        (tmp_path / "graphs" / f"{name}.py").write_text("")
    init = tmp_path / "graphs" / "__init__.py"

    init.write_text(f'"""Rooms: `{"`, `".join(names[1:])}`."""')
    assert crowded(tmp_path) == [("graphs", 13, "not module_0")]
    init.write_text(f'"""Rooms: `{"`, `".join(names)}`."""')
    assert crowded(tmp_path) == [("graphs", 13, "in its __init__")]


def test_every_crowded_folder_of_this_checkout_is_explained() -> None:
    """A folder with more than twelve modules is split, or its `__init__` names each of them."""
    assert [row for row in crowded(ROOT) if row[2].startswith("not ")] == []


@pytest.mark.heavy
def test_the_way_of_a_vote_to_the_storage_is_short() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.shape", "--way"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    table = done.stdout.partition("| stops of a vote")[2].splitlines()
    way = [line.split("|")[1:4] for line in table if line.startswith(("| call ", "| return "))]

    assert 1 < int(table[2].split("|")[2]) < MAX_STOPS_OF_A_VOTE
    assert ["call", "bot.storage"] in [[by.strip(), to.strip()] for by, to, _ in way]
