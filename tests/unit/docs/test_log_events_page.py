"""docs/reference/log-events.md names the events that the bot tells, with their levels and what they say."""

from __future__ import annotations

import json
import logging
from dataclasses import fields, replace

import pytest

from bot.approvals.model.facts import Fact, JobPutOff, Recorded, StorageAnswered
from bot.runtime.entries import Entries, JsonEntries
from bot.runtime.logs import Learned
from bot.telemetry.levels import GRAVE, level_of
from bot.telemetry.lines import TOLD
from tests.unit.docs.pages import PAGES, codes, fenced, rows, section
from tests.unit.docs.test_audit_page import written
from tests.unit.telemetry.samples import EACH

PAGE = "docs/reference/log-events.md"
HEADINGS = ("## What was recorded", "## Slack", "## Processes", "## Storage, servers and programs")
TABLE = {codes(row[0])[0]: row for heading in HEADINGS for row in rows(section(PAGE, heading))}
"""Event -> its row."""
FACTS = [fact for fact in EACH if not isinstance(fact, Recorded)]
CHANGES = ("not_sent", "given_up", "done", "late", 3.0, 500, True, False, None)
"""What a fact may hold in place of what the sample holds, and which may change its level."""


def keys(fact: Fact) -> list[str]:
    """What a line of this fact says, in the order of its fields, but what it is about first."""
    about = {"task_id": ["task"], "request_id": ["request"], "thread_id": ["thread"]}
    if isinstance(fact, JobPutOff):
        about["key"] = ["task", "person"]
    names = sorted((each.name for each in fields(fact)), key=lambda name: name not in ("task_id", "request_id"))
    return [key for name in names for key in about.get(name, [name])]


def levels(fact: Fact) -> set[str]:
    """The levels that a fact of this kind may have."""
    held = [fact]
    for each in fields(fact):
        fitting = [value for value in CHANGES if type(value) in _types(fact, each.name)]
        held += [replace(fact, **{each.name: value}) for value in fitting]  # type: ignore[arg-type]
    return {logging.getLevelName(level_of(each)) for each in held}


def _types(fact: Fact, name: str) -> tuple[type, ...]:
    now = getattr(fact, name)
    return (type(now), type(None)) if name == "pause" else (type(now),)


def test_the_table_names_every_event_that_the_bot_tells() -> None:
    """If this fails because you record a new kind of audit event, give it a row there."""
    assert set(TABLE) == {f"audit.{kind}" for kind in written()} | {fact.event for fact in FACTS}


@pytest.mark.parametrize("kind", sorted(written()))
def test_an_audit_event_has_its_level_and_what_it_says(kind: str) -> None:
    """A row that says nothing else has the version and the outcome."""
    _, level, told, _ = TABLE[f"audit.{kind}"]

    assert level == logging.getLevelName(GRAVE.get(kind, logging.INFO))
    assert tuple(codes(told)) == (("rule", "version", "outcome") if kind == "opened" else TOLD.get(kind, ()))


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.event)
def test_a_fact_has_its_levels_and_what_it_says(fact: Fact) -> None:
    """Each level that it may have is in its row."""
    _, level, told, _ = TABLE[fact.event]

    assert codes(told) == keys(fact)
    if not isinstance(fact, StorageAnswered):
        assert levels(fact) <= set(level.replace(";", " ").split())


def test_the_examples_are_what_the_bot_writes() -> None:
    """The same line as text and as JSON."""
    (text,), (found,) = fenced(PAGE, "text"), fenced(PAGE, "json")
    told = json.loads(found)
    line = text.strip()
    record = logging.LogRecord("countersign", logging.INFO, "", 0, line.partition(" INFO ")[2], None, None)
    record.created, record.msecs = 1795962477.049, 49.0
    record.event, record.figures = told["event"], {key: told[key] for key in list(told)[3:]}

    assert Entries(Learned()).format(record) == line
    assert JsonEntries(Learned()).format(record) == found.strip()


def test_the_guides_lines_are_of_events_that_there_are() -> None:
    """Each of the pasted lines begins with a time, a level and an event of the table."""
    pasted = [line.split() for line in fenced("docs/guides/watch.md", "text")[0].splitlines()]

    assert {event for _, _, event, *_ in pasted} <= set(TABLE)
    assert "docs/reference/log-events.md" in PAGES
