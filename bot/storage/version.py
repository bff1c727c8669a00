"""The sentence by which both stores refuse records of a newer version of the bot.

The version of the records is the number of SQLite's migrations, and Redis keeps the same number. It goes up if records
hold something that earlier versions must not pass over, such as a new field or a new kind of decision: an earlier bot
that read half of a record would store that half. A migration that changes no table is empty.
"""

from __future__ import annotations


def refusal(what: str, found: int, known: int, instead: str) -> str:
    """What is said of records of the version `found` by a bot that knows versions up to `known`."""
    return (
        f"{what} was written by a newer Countersign (version {found} of the records; this one knows {known}): "
        f"start that one, {instead}."
    )
