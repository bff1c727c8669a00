"""Blocks as lines of text: honest about what takes room."""

from __future__ import annotations

from bot.slack import blocks, lines
from bot.slack.text import moment
from tests.unit.slack.samples import NOW


def test_a_button_at_the_side_takes_its_room_from_every_line() -> None:
    words = "word " * 11

    assert lines.height([blocks.section(words)], 60) == 1
    assert lines.height([blocks.section(words, blocks.button("Withdraw", "x", "y"))], 60) == 2


def test_a_header_and_code_are_set_in_larger_letters() -> None:
    words = "word " * 11

    assert lines.height([blocks.rich(blocks.line(blocks.run(words)))], 60) == 1
    assert lines.height([blocks.header(words)], 60) == 2
    assert lines.height([blocks.rich(blocks.code(words))], 60) == 2


def test_a_date_takes_the_room_of_what_slack_writes() -> None:
    dated = [blocks.section(moment(NOW)), blocks.rich(blocks.line(blocks.date(NOW, "{time}", "x")))]

    assert lines.lines(dated) == ["tomorrow at 12:21 PM"] * 2


def test_fields_stand_two_in_a_line() -> None:
    fields = {"type": "section", "fields": [blocks.mrkdwn(f"*A{number}*  {number}") for number in range(3)]}

    assert lines.lines([fields]) == [f"{'A0  0':<31}A1  1", "A2  2"]
