"""What graphs print is logged by the parent, line by line."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from bot.runtime.entries import Entries
from bot.runtime.logs import Learned
from bot.runtime.prints import MAX_LINE_BYTES, Prints
from tests.unit.runtime.running import printed

WORKER = "printed in worker 4711: "


class Pipe:
    """A pipe, and both of its ends."""

    def __init__(self) -> None:
        self.prints = Prints.made()
        self.end = os.dup(self.prints._write)
        self.prints.reads_from(4711)

    def prints_out(self, data: bytes) -> None:
        os.write(self.end, data)
        self.prints.log_what_came()

    def ends(self) -> None:
        os.close(self.end)
        self.end = -1


@pytest.fixture
def pipe(caplog: pytest.LogCaptureFixture) -> Iterator[Pipe]:
    caplog.set_level(logging.INFO, "graphs")
    made = Pipe()
    yield made
    made.prints.close()
    if made.end >= 0:
        made.ends()


Said: TypeAlias = Callable[[], list[str]]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    """What the log has of graphs by now."""
    return lambda: [each.getMessage().removeprefix(WORKER) for each in caplog.records if each.name == "graphs"]


def test_each_line_is_logged_once_it_is_whole(pipe: Pipe, said: Said) -> None:
    pipe.prints_out(b"one\ntwo\nthr")
    assert said() == ["one", "two"]

    pipe.prints_out(b"ee\n\n  \n")

    assert said() == ["one", "two", "three"]


def test_a_long_line_is_logged_in_parts(pipe: Pipe, said: Said) -> None:
    pipe.prints_out(b"x" * (MAX_LINE_BYTES + 1))
    assert said() == ["x" * (MAX_LINE_BYTES + 1)]

    pipe.prints_out(b"end\n")

    assert said()[1:] == ["end"]


def test_bytes_that_are_no_text_are_shown_as_what_they_are(pipe: Pipe, said: Said) -> None:
    pipe.prints_out("für ".encode() + b"\xff\n")

    assert said() == ["für \\xff"]


def test_the_last_words_of_a_worker_are_logged_though_they_end_without_a_line(pipe: Pipe, said: Said) -> None:
    """It may have died between two looks, and these words say why."""
    os.write(pipe.end, b"Traceback\nSegmen")

    pipe.prints.close()

    assert said() == ["Traceback", "Segmen"]
    assert pipe.prints.descriptor == -1
    pipe.prints.close()


def test_a_pipe_that_nobody_writes_to_any_more_is_closed(pipe: Pipe, said: Said) -> None:
    """Otherwise it could always be read, and its parent would never rest."""
    os.write(pipe.end, b"rest")
    pipe.ends()

    pipe.prints.log_what_came()

    assert said() == ["rest"]
    assert pipe.prints.descriptor == -1
    pipe.prints.log_what_came()


def test_secrets_that_were_learned_are_hidden_in_what_graphs_print(
    pipe: Pipe, caplog: pytest.LogCaptureFixture
) -> None:
    """A graph prints the password that its task was started with, or a token that looks like one."""
    learned = Learned()
    learned.learn(["correct horse"])
    token = f"ghp_{'aB3' * 12}"

    pipe.prints_out(f"logging in with correct horse and {token}\n".encode())

    (entry,) = [Entries(learned).format(each) for each in caplog.records if each.name == "graphs"]
    assert "logging in with" in entry
    assert "correct horse" not in entry
    assert token not in entry


def test_all_that_a_process_prints_arrives_and_its_own_log_stays_as_it_is() -> None:
    said = printed("prints")

    graphs = [line.partition(": ")[2] for line in said if line.startswith("graphs|")]
    assert sorted(graphs) == ["an error", "from Python", "from a program"]
    assert "bot|of our own" in said
    assert said[-1] == "closed -1"


def test_a_secret_in_a_long_line_is_not_cut(pipe: Pipe, said: Said) -> None:
    """Half of it would be masked by nobody, wherever the pipe has cut the line."""
    token = "ghp" + "_" + "Zk4" * 12

    for data in (b"x " * (MAX_LINE_BYTES // 2), token[:20].encode(), token[20:].encode() + b" end\n"):
        pipe.prints_out(data)

    assert any(token in part for part in said())
    assert not any(token[:20] in part and token not in part for part in said())
