"""The processes of a bot, as the benches see them from outside."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.processes import TICKS, Process, Tree, belonging

SPENT = 0.2
BURN = f"import time\nwhile time.process_time() < {SPENT}: pass"
"""A process that ends once it has used so much CPU time."""
TREE = f"""
import os, sys, time
child = os.fork()
if child == 0:
    exec({BURN!r})
    os._exit(0)
os.waitpid(child, 0)
if os.fork() == 0:
    if os.fork() == 0:
        print(os.getpid(), flush=True)
    time.sleep(600)
time.sleep(600)
"""
"""A child that has ended, one that lives, and a child of that."""


@pytest.fixture
def tree() -> Iterator[tuple[Tree, int]]:
    """The processes of TREE, and the id of the last of them."""
    with subprocess.Popen([sys.executable, "-c", TREE], stdout=subprocess.PIPE, start_new_session=True) as root:
        assert root.stdout is not None
        last = int(root.stdout.readline())
        found = Tree(root.pid)
        try:
            yield found, last
        finally:
            found.kill()


def test_children_of_children_belong_to_the_tree(tree: tuple[Tree, int]) -> None:
    found, last = tree
    pids = [each.pid for each in found.processes()]

    assert pids[0] == found.root
    assert last in pids
    assert len(pids) == 3
    assert os.getpid() not in pids


def test_the_cpu_time_of_a_child_that_ended_counts(tree: tuple[Tree, int]) -> None:
    """It is in its parent's sum. A tick more may be lost in rounding each of its two times."""
    found, _ = tree

    assert found.cpu_seconds - sum(each.own for each in found.processes()) >= SPENT - 2 / TICKS


def test_memory_is_the_sum_of_shares(tree: tuple[Tree, int]) -> None:
    """Pages that forked processes share are not counted once more for each."""
    found, _ = tree
    (supervisor, others) = (found.megabytes["supervisor"], found.megabytes["gateway"])
    alone = next(int(line.split()[1]) / 1024 for line in _status(found.root) if line.startswith("VmRSS"))

    assert 0 < supervisor < alone
    assert supervisor + others < 3 * alone


def test_a_kill_ends_all_of_them(tree: tuple[Tree, int]) -> None:
    found, last = tree

    found.kill()

    left = {each.pid: each.state for each in found.processes()}
    assert set(left.values()) <= {"Z"}
    assert left.get(last, "Z") == "Z"


@pytest.mark.parametrize("name", ["python", "a b", "a) S (b", ")"])
def test_a_process_is_read_whatever_its_name(name: str) -> None:
    read = Process.parse(f"9 ({name}) S 7 42 43 0 -1 4194304 5 0 0 0 150 50 20 10 20 0 4 0 1 0 0")

    assert (read.pid, read.state, read.parent, read.session) == (9, "S", 7, 43)
    assert (read.own, read.of_children) == pytest.approx((200 / TICKS, 30 / TICKS))


def test_what_lost_its_parent_is_found_by_its_session() -> None:
    """A worker whose supervisor was killed is a child of process 1."""
    root = _process(10, parent=1, session=10)
    orphan, child_of_orphan = _process(12, parent=1, session=10), _process(13, parent=12, session=13)
    moved, stranger = _process(11, parent=10, session=11), _process(99, parent=1, session=99)

    found = belonging(10, [stranger, orphan, moved, root, child_of_orphan])

    assert [each.pid for each in found] == [10, 11, 12, 13]


def _process(pid: int, *, parent: int, session: int) -> Process:
    return Process(pid=pid, state="S", parent=parent, session=session, own=0.0, of_children=0.0)


def _status(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/status").read_text().splitlines()
