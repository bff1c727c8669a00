"""Each fact is one line of ids and figures."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any, get_args

import pytest

from bot.approvals.model.facts import (
    Fact,
    JobPutOff,
    Recorded,
    SlackCalled,
    SlackDisconnected,
    StorageAnswered,
    StorageUnreachable,
)
from bot.approvals.model.ids import JSON
from bot.approvals.model.trace import Trace
from bot.runtime.entries import CONTINUATION, Entries, JsonEntries
from bot.runtime.logs import Learned
from bot.telemetry.levels import GRAVE, level_of
from bot.telemetry.lines import NAME, TOLD, Lines
from tests.support.builders import a_person, a_request, a_task, an_event
from tests.unit.docs.test_audit_page import written
from tests.unit.telemetry.samples import EACH

HOSTILE = (
    "ghp" + "_" + "Zk4" * 12,
    "Delete the old logs, please",
    "x\n2026-11-28T10:00:00.000Z INFO audit.voted person=T1/U0BOB",
    'x" outcome="approve',
    "\x1b[2J\u202e",
)
"""What people, agents and programs may write anywhere."""
TRACE = Trace("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")


class Log(logging.Handler):
    """Keeps each entry as text, and as the object that stands in the JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.objects: list[dict[str, Any]] = []
        self.levels: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = Entries(Learned()).format(record)
        self.text.append(text.partition(f"Z {record.levelname} ")[2])
        self.objects.append(json.loads(JsonEntries(Learned()).format(record)))
        self.levels.append(record.levelname)


@pytest.fixture
def log() -> Iterator[Log]:
    logger, log = logging.getLogger(NAME), Log()
    logger.addHandler(log)
    logger.setLevel(logging.DEBUG)
    yield log
    logger.removeHandler(log)
    logger.setLevel(logging.NOTSET)


def recorded(kind: str, **data: JSON) -> Recorded:
    request = a_request()
    return Recorded(entry=an_event(kind, request, person=a_person("UBOB"), rule="payments", data=data), about=request)


def test_an_audit_event_is_a_line_that_says_who_and_what_came_of_it(log: Log) -> None:
    """And nothing of what they wrote."""
    Lines().take(recorded("voted", version=2, outcome="approve", said=["Approve: fine by me"]))

    assert log.text == ["audit.voted task=task-1 request=request-1 person=T1/UBOB version=2 outcome=approve"]
    (told,) = log.objects
    assert list(told) == ["time", "level", "event", "task", "request", "person", "version", "outcome"]
    assert told["version"] == 2


def test_a_line_says_where_it_is_traced(log: Log) -> None:
    """Where it happens; or where its record is found, if it is told where no trace is open, such as in a thread."""
    Lines().take(EACH[1], trace=TRACE)
    Lines().take(replace(recorded("voted"), about=a_request(trace=TRACE)))
    Lines().take(replace(recorded("started"), about=a_task(trace=TRACE)))
    Lines().take(recorded("voted"))

    assert [told.get("trace") for told in log.objects] == ["4bf92f3577b34da6a3ce929d0e0e4736"] * 3 + [None]


@pytest.mark.parametrize("kind", sorted(written()))
def test_nothing_that_somebody_wrote_leaves_an_audit_event(log: Log, kind: str) -> None:
    """Whatever stands in the event, under whatever key."""
    keys = {"said", "text", "inputs", "question", "graph", "name", "host", "failure", "result", "error", "by", "to"}
    keys |= {key for told in TOLD.values() for key in told} | {"version", "outcome"}
    for words in HOSTILE:
        values: tuple[JSON, ...] = (words, [words], {"a": [words], words: words})
        for value in values:
            data: dict[str, JSON] = {words: value}
            data.update((key, value) for key in keys)
            Lines().take(recorded(kind, **data))

    assert len(log.text) == 3 * len(HOSTILE)
    rule = " rule=payments" if kind == "opened" else ""
    assert set(log.text) == {f"audit.{kind} task=task-1 request=request-1 person=T1/UBOB{rule}"}


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        ("refused", {"tried": "take back", "why": "AlreadySettled"}, 'tried="take back" why=AlreadySettled'),
        ("shown", {"as": "card", "version": 1, "channel": "C0OPS", "ts": "1.2"}, "as=card version=1 channel=C0OPS"),
        ("failed", {"error_id": "1f2e3d4c", "error": "KeyError"}, "error_id=1f2e3d4c"),
        ("webhook_given_up", {"attempts": 9, "failure": "it answered 500"}, "attempts=9"),
        ("unattached", {"why": "files.completeUploadExternal: file_too_large"}, 'why="files.completeUploadExternal'),
    ],
)
def test_figures_and_words_of_the_code_are_told(log: Log, kind: str, data: dict[str, JSON], told: str) -> None:
    Lines().take(recorded(kind, **data))

    assert told in log.text[0]


def test_each_kind_of_fact_is_a_line_with_all_that_it_holds(log: Log) -> None:
    """There is a sample of each; but answers of storage have no line."""
    for fact in EACH:
        Lines().take(fact)

    assert {type(fact) for fact in EACH} == set(get_args(Fact))
    assert len(log.text) == len(EACH) - 1
    for fact, told in zip([each for each in EACH if not isinstance(each, StorageAnswered)], log.objects, strict=True):
        if not isinstance(fact, Recorded):
            assert told["event"] == fact.event
            assert len(told) == 3 + len(fields(fact))


def test_a_line_of_each_shape(log: Log) -> None:
    """Flags, lists, and what it is about first."""
    by_event = {fact.event: fact for fact in EACH}
    for event in ("slack.disconnected", "rule.chosen", "worker.ended", "job.put_off", "sweep.ended"):
        Lines().take(by_event[event])

    assert log.text == [
        "slack.disconnected announced=true",
        "rule.chosen task=task-1 rule=payments passed_over=interns,nights",
        "worker.ended task=task-1 owner=worker-1f2e3d4c why=over_memory code=-9 memory=1000000000 pause=0.2",
        'job.put_off queue=delivery task=task-1 error="Unreachable from ConnectionError"',
        "sweep.ended role=gateway seconds=0.125 cut_short=true error=Unreachable",
    ]


def test_a_person_in_place_of_a_task(log: Log) -> None:
    """Some work is for people."""
    Lines().take(JobPutOff(queue="the Home", key=a_person("UBOB"), error="NotNow"))

    assert log.text == ['job.put_off queue="the Home" person=T1/UBOB error=NotNow']


@pytest.mark.parametrize("words", HOSTILE)
def test_no_line_can_be_forged_by_a_word_of_slacks(log: Log, words: str) -> None:
    """What is no plain word is quoted, and what moves the cursor is written out."""
    Lines().take(SlackCalled(method="chat.update", outcome="refused", seconds=0.1, error=words))

    (line,) = log.text
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert not line.startswith(CONTINUATION)
    assert log.objects[0]["error"] == words
    assert log.objects[0]["outcome"] == "refused"


def test_an_outage_of_storage_is_one_warning(log: Log) -> None:
    """However many calls it takes; and the next outage is another one."""
    lines = Lines()
    away = StorageUnreachable(verb="read", error="SQLITE_BUSY")
    for fact in (away, away, StorageAnswered(verb="read", seconds=0.1), away):
        lines.take(fact)

    assert log.levels == ["WARNING", "DEBUG", "WARNING"]


def test_what_is_below_the_level_is_not_written(log: Log) -> None:
    """Calls of Slack are for DEBUG."""
    logging.getLogger(NAME).setLevel(logging.INFO)

    Lines().take(SlackCalled(method="chat.update", outcome="done", seconds=0.1))
    Lines().take(SlackDisconnected())

    assert log.text == ["slack.disconnected"]


def test_each_grave_event_is_one_that_the_audit_log_knows() -> None:
    """The table of levels has no kind that nobody writes, and neither has that of what is told."""
    assert GRAVE.keys() <= written()
    assert TOLD.keys() <= written()
    assert level_of(recorded("failed")) == logging.ERROR
    assert level_of(recorded("voted")) == logging.INFO
