"""What several commands take as an argument, as argparse reads it."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from bot.durations import duration


def moment(text: str) -> datetime:
    """The date or time that was typed, in UTC if it names no zone, or the time so long ago for a duration."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    try:
        return datetime.now(UTC) - duration(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time: write 2030-01-31, 2030-01-31T12:00+02:00, or a duration such as 30d"
        ) from None


def text(typed: str) -> str:
    """What was typed, if it is text in the terminal's encoding. No record holds anything else."""
    if any("\ud800" <= sign <= "\udfff" for sign in typed):
        raise argparse.ArgumentTypeError("is no text in the encoding of this terminal")
    return typed


def number(text: str, *, most: int) -> int:
    """The whole number that was typed, from 1 to `most`."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {most}")
    return int(text)
