"""The standard output of commands, wherever it goes."""

from __future__ import annotations

import io
import sys

import pytest

from bot.__main__ import main
from bot.cli import output
from tests.unit.cli.operator_store import Terminal


class Full(io.StringIO):
    """What is redirected to a full disk."""

    def write(self, _: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        self.write("")


def test_signs_that_a_terminal_does_not_have_are_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))

    output.take_everything()
    sys.stdout.write("a name that was cut…\n")
    sys.stdout.flush()

    assert written.getvalue() == b"a name that was cut\\u2026\n"


def test_what_is_written_to_an_output_that_was_closed_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as closed:
        closed.setattr("sys.stdout", None)
        output.take_everything()
        written = sys.stdout.write("nobody reads it")
        sys.stdout.close()

    assert written


@pytest.mark.parametrize("words", ["tasks list", "audit verify", "audit export", "audit export --format text"])
def test_a_full_disk_is_said_in_words(desk: Terminal, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    with monkeypatch.context() as full:
        full.setattr("sys.stdout", Full())
        full.setattr(output, "drop_the_rest", lambda: None)
        code = main([*words.split(), "--env-file", str(desk.env_file)])

    assert code != 0
    assert desk.capsys.readouterr().err == "The output: cannot be written (No space left on device).\n"


def test_a_file_on_a_full_disk_is_named(desk: Terminal) -> None:
    code, out, err = desk.run("audit", "export", "--output", "/dev/full")

    assert (code, out) == (2, "")
    assert err == "--output /dev/full: cannot be written (No space left on device).\n"


def test_what_cannot_be_written_is_dropped_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or Python would complain of it when it exits."""
    times: list[str] = []
    with monkeypatch.context() as full:
        full.setattr("sys.stdout", Full())
        full.setattr(output, "drop_the_rest", lambda: times.append("dropped"))
        output.finish()

    assert times == ["dropped"]


def test_nothing_depends_on_what_is_said_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr("sys.stderr", Full())
        output.to_stderr("an outage")


CANCEL = ("tasks", "cancel", "aa01", "--yes", "--reason")


@pytest.mark.parametrize(
    "words",
    [
        ("tasks", "list", "--graph"),
        ("requests", "list", "--approver"),
        CANCEL,
    ],
)
def test_what_is_no_text_is_refused(desk: Terminal, words: tuple[str, ...]) -> None:
    """Bytes that the terminal's encoding does not know arrive as halves of characters, which no record can hold."""
    with pytest.raises(SystemExit):
        desk.run(*words, "caf\udce9")

    assert "is no text in the encoding of this terminal" in desk.capsys.readouterr().err
