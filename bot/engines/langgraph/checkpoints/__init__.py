"""The savers that keep a graph's state, on SQLite and on Redis (`checkpoints.redis`), with the same promises.

Every value comes back as it was put, with its type, and text that a model wrote is only ever data. A run may write
only while it holds its thread's lease. Otherwise a process that was stopped for longer than its lease could wake up and
run a node that another process has already run.
"""

from __future__ import annotations

from bot.engines.langgraph.checkpoints.classes import UnknownType
from bot.engines.langgraph.checkpoints.faults import from_saver, lost
from bot.engines.langgraph.checkpoints.fence import FENCING_TOKEN, Fence, LeaseLost
from bot.engines.langgraph.checkpoints.ledger import LEDGER, Ledger
from bot.engines.langgraph.checkpoints.sqlite import sqlite_saver

__all__ = [
    "FENCING_TOKEN",
    "LEDGER",
    "Fence",
    "LeaseLost",
    "Ledger",
    "UnknownType",
    "from_saver",
    "lost",
    "sqlite_saver",
]
