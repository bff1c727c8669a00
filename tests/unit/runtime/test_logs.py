"""An entry of the log is one of ours, and holds no secret, as text and as JSON."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from bot.runtime import logs
from bot.runtime.entries import CONTINUATION, MAX_ENTRY_CHARACTERS, Entries, JsonEntries
from bot.runtime.logs import Learned

ROOT = Path(__file__).parents[3]
TOKEN = "ghp" + "_" + "Zk4" * 12
FORGED = "2026-11-28T10:00:00.000Z INFO audit.voted person=T1/U0BOB said='bob approved it'"


class Broken(Exception):
    """What a graph raises."""


def written(message: str, *args: object, error: BaseException | None = None, **extra: object) -> str:
    """The entry of a record."""
    return written_by(Entries(Learned()), message, *args, error=error, **extra)


def written_by(
    entries: Entries, message: str, *args: object, error: BaseException | None = None, **extra: object
) -> str:
    exc_info = (type(error), error, error.__traceback__) if error is not None else None
    record = logging.LogRecord("graph", logging.ERROR, __file__, 1, message, args, exc_info)
    for name, value in extra.items():
        setattr(record, name, value)
    return entries.format(record)


def raised(words: str, note: str = "", cause: str = "") -> Exception:
    """An error as it is caught."""
    try:
        try:
            if cause:
                raise Broken(cause)
        except Broken as earlier:
            raise Broken(words) from earlier
        error = Broken(words)
        if note:
            error.add_note(note)
        raise error
    except Broken as caught:
        return caught


@pytest.mark.parametrize(
    "words", [f"x\n{FORGED}", f"x\r\n{FORGED}", f"x\r{FORGED}", f"x\u2028{FORGED}", f"x\x85{FORGED}", f"x\x0b{FORGED}"]
)
def test_no_line_can_be_forged(words: str) -> None:
    """Neither by a message, nor by an error's text, its notes or its cause, whatever ends a line there."""
    entries = [
        written("it failed: %s", words),
        written(words),
        written("failed", error=raised(words)),
        written("failed", error=raised("x", note=words)),
        written("failed", error=raised("x", cause=words)),
    ]

    for entry in entries:
        first, *others = entry.splitlines()
        assert not any(line.startswith("2026-11-28T10") for line in [first, *others])
        assert all(line.startswith(CONTINUATION) for line in others)
        assert "bob approved it" in entry


def test_a_message_is_one_line() -> None:
    assert len(written("a\nb %s", "c\nd").splitlines()) == 1


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\x00", "\u202e", "\u200b", "\u2066", "\x9b", "\x08"])
def test_what_moves_the_cursor_or_hides_letters_is_written_out(character: str) -> None:
    entry = written("failed: %s", f"a{character}[2Jb", error=raised(f"c{character}d"))

    assert character not in entry
    assert f"{ord(character):02x}" in entry


def test_letters_of_any_script_are_left() -> None:
    assert "größer als 東京 και שלום" in written("größer als 東京 και שלום")


def test_a_secret_is_masked_in_messages_and_traces() -> None:
    entry = written("failed with %s", TOKEN, error=raised(f"401 for {TOKEN}", note=TOKEN, cause=TOKEN))

    assert TOKEN not in entry
    assert "ghp_••••" in entry


def test_a_secret_that_only_its_name_tells_is_masked_where_it_was_learned() -> None:
    learned = Learned()
    entries = Entries(learned)
    learned.learn(["opensesame7"])

    assert "opensesame7" not in written_by(entries, "failed", error=raised("bad login opensesame7"))


def test_what_a_task_was_started_with_is_masked_in_its_trace() -> None:
    entry = written("failed", error=raised("bad login opensesame7"), inputs={"password": "opensesame7", "path": "logs"})

    assert "opensesame7" not in entry
    assert "bad login" in entry


def test_the_oldest_of_very_many_is_forgotten_and_the_newest_is_not() -> None:
    learned = Learned()

    learned.learn([f"value-{number}" for number in range(logs.MAX_LEARNED + 1)])

    assert learned.hide("value-0 and value-7") == "value-0 and ••••"


def test_a_huge_trace_is_cut() -> None:
    entry = written("failed", error=raised("x" * 10 * MAX_ENTRY_CHARACTERS))

    assert len(entry) < 2 * MAX_ENTRY_CHARACTERS
    assert "characters in all" in entry


def test_an_entry_that_cannot_be_formed_prints_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    """logging itself would print the message and its values."""
    handler = logs._Handler(Entries(Learned()))

    handler.handle(logging.LogRecord("graph", logging.INFO, __file__, 1, "%d", (TOKEN,), None))

    said = capsys.readouterr().err
    assert TOKEN not in said
    assert "could not be written" in said


def test_an_error_that_nothing_catches_is_an_entry_too(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = raised("x")

    logs._uncaught(type(error), error, error.__traceback__)

    assert "nothing caught" in caplog.text


def test_no_secret_is_cut() -> None:
    """Half of it would be masked by nobody."""
    entry = written("x" * (MAX_ENTRY_CHARACTERS - 20) + f" {TOKEN} and more")

    assert "Zk4" not in entry
    assert "cut" in entry


# --- JSON ---------------------------------------------------------------------------------------


def object_of(message: str, *args: object, error: BaseException | None = None) -> dict[str, str]:
    """The entry of a record as JSON."""
    entry = written_by(JsonEntries(Learned()), message, *args, error=error)
    assert len(entry.splitlines()) == 1
    found: dict[str, str] = json.loads(entry)
    return found


def test_an_entry_says_when_by_whom_and_what() -> None:
    """The time is in UTC, as RFC 3339 writes it."""
    told = object_of("failed with %s", "größer")

    assert list(told) == ["time", "level", "logger", "message"]
    assert told["time"].endswith("Z")
    assert (told["level"], told["logger"], told["message"]) == ("ERROR", "graph", "failed with größer")


def test_a_trace_is_one_string_without_secrets() -> None:
    """With its line ends, and with nothing else that moves the cursor."""
    told = object_of("failed", error=raised(f"401 for {TOKEN}\x1b[2J", cause=TOKEN))

    assert told["exception"].startswith("Traceback (most recent call last):\n")
    assert TOKEN not in json.dumps(told)
    assert "\x1b" not in told["exception"]
    assert "ghp_••••" in told["exception"]


@pytest.mark.parametrize("form", [Entries, JsonEntries])
def test_a_fact_is_written_as_it_is(form: type[Entries]) -> None:
    """Its ids may look like secrets, and are none."""
    record = logging.LogRecord("countersign", logging.INFO, "", 0, f"audit.voted task={TOKEN}", None, None)
    record.event, record.figures = "audit.voted", {"task": TOKEN}

    entry = form(Learned()).format(record)

    if form is JsonEntries:
        told = json.loads(entry)
        assert told == {"time": told["time"], "level": "INFO", "event": "audit.voted", "task": TOKEN}
    else:
        assert entry.endswith(f"Z INFO audit.voted task={TOKEN}")


def test_an_entry_that_cannot_be_formed_is_an_object_too() -> None:
    record = logging.LogRecord("graph", logging.INFO, __file__, 1, "%d", (TOKEN,), None)

    told = json.loads(JsonEntries(Learned()).unwritable(record))

    assert "could not be written" in told["message"]
    assert TOKEN not in json.dumps(told)


# --- The process --------------------------------------------------------------------------------

PROGRAM = """
import logging, sys
from bot.runtime import logs
logs.to_stderr(sys.argv[1])
logs.set_level("DEBUG")
logging.getLogger("bot.app").debug("ours")
logging.getLogger("slack_sdk").debug("theirs, with xoxb-1")
logging.getLogger("httpx").info("each call")
logging.getLogger("redis").info("theirs")
logs.say("LOG_LEVEL: it is wrong.\\nSO is this.")
raise ValueError("the end")
"""


def said_by_a_process(form: str) -> list[str]:
    ran = subprocess.run([sys.executable, "-c", PROGRAM, form], capture_output=True, text=True, check=False, cwd=ROOT)
    return ran.stderr.splitlines()


def test_debug_is_for_the_bots_own_entries() -> None:
    """Libraries log tokens and payloads there. Whoever cannot start says so in words."""
    ours, theirs, refusal, another, end, *trace = said_by_a_process("text")

    assert ours.endswith(" DEBUG bot.app: ours")
    assert theirs.endswith(" INFO redis: theirs")
    assert (refusal, another) == ("LOG_LEVEL: it is wrong.", "SO is this.")
    assert "nothing caught" in end
    assert trace[-1] == f"{CONTINUATION}ValueError: the end"


def test_as_json_all_that_a_process_writes_is_an_object() -> None:
    """Also why it cannot start, and how it dies."""
    said = [json.loads(line) for line in said_by_a_process("json")]

    assert [each["message"] for each in said[:4]] == ["ours", "theirs", "LOG_LEVEL: it is wrong.", "SO is this."]
    assert said[4]["exception"].endswith("ValueError: the end")
    assert len(said) == 5


CONFIGURED = """
import logging, logging.config, sys
from bot.approvals.model.facts import LeaseLost
from bot.runtime import logs
from bot.telemetry.lines import Lines
logs.to_stderr("json")
logs.set_level("INFO")
log, lines = logging.getLogger("bot.app"), Lines()
{does}
lines.take(LeaseLost(task_id="task-1", thread_id="task-1"))
logs.keep()
log.error("ours")
logging.getLogger("graphs").info("printed")
"""


@pytest.mark.parametrize(
    "does",
    [
        "logging.config.dictConfig({'version': 1, 'root': {'handlers': []}})",
        "logging.basicConfig(level='DEBUG', force=True, stream=sys.stdout)",
        "logging.disable(logging.CRITICAL)",
    ],
)
def test_a_graph_that_sets_up_logging_silences_nothing_of_ours(does: str) -> None:
    """Facts are written in any case, and so is all the rest once its module is loaded."""
    program = CONFIGURED.format(does=does)
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    told = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [each.get("event") or each["message"] for each in told] == ["lease.lost", "ours", "printed"]


def test_calls_that_are_none_are_no_news() -> None:
    """Anybody may make them, as often as they like."""
    before = {name: logging.getLogger(name).level for name in ("", *logs.OWN, *logs.QUIET)}
    logs.set_level("DEBUG")

    assert not logging.getLogger("uvicorn.error").isEnabledFor(logging.WARNING)

    for name, level in before.items():
        logging.getLogger(name).setLevel(level)
