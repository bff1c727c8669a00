"""Texts that were read lately are not decoded again."""

from __future__ import annotations

from dataclasses import replace

from bot.approvals.model.message import Message
from bot.approvals.model.task import Task
from bot.storage.codec import encode
from bot.storage.reader import MAX_CHARACTERS, MAX_KEPT, Reader
from tests.support.builders import a_message, a_task


def test_the_same_text_is_the_same_record() -> None:
    reader, text = Reader(), encode(a_task())

    first = reader.read(Task, text)

    assert first == a_task()
    assert reader.read(Task, text) is first


def test_another_text_is_another_record() -> None:
    reader = Reader()
    before = reader.read(Task, encode(a_task()))

    after = reader.read(Task, encode(replace(a_task(), revision=1)))

    assert (before.revision, after.revision) == (0, 1)


def test_a_record_that_was_just_written_is_known() -> None:
    reader, message = Reader(), a_message("card", a_task())
    reader.keep(message, encode(message))

    assert reader.read(Message, encode(message)) is message


def test_what_was_read_longest_ago_is_forgotten_first() -> None:
    reader = Reader()
    texts = [encode(a_task(f"task-{number}")) for number in range(MAX_KEPT)]
    records = [reader.read(Task, text) for text in texts]
    assert reader.read(Task, texts[0]) is records[0]

    reader.read(Task, encode(a_task("one more")))

    assert reader.read(Task, texts[0]) is records[0]
    again = reader.read(Task, texts[1])
    assert again == records[1]
    assert again is not records[1]


def test_a_long_text_is_not_kept() -> None:
    reader, text = Reader(), encode(a_task(inputs={"long": "x" * MAX_CHARACTERS}))

    assert reader.read(Task, text) is not reader.read(Task, text)
