"""A program that asks people, or starts a task, through the HTTP API: what it said about itself and was told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.approvals.model.ids import JSON, InterruptId, RequestId, TaskId

CALLER: Final = "caller"
"""The engine of a task that is a caller's request. No agent of it runs here."""
_PREFIX: Final = f"{CALLER}-"
_OF_REQUEST: Final = "req_"
QUESTION: Final = InterruptId("question")
"""The one interrupt of such a task."""


def is_of_caller(task_id: TaskId) -> bool:
    """Whether this task is a caller's request. Its id says so, because whoever is woken for a task must know who drives
    it before it reads anything."""
    return task_id.startswith(_PREFIX)


def digits_of(kind: str, source: str, key: str) -> str:
    """64 hex digits, the same whenever this source uses this key for this kind of thing."""
    return hashlib.sha256(json.dumps([kind, source, key]).encode()).hexdigest()


def task_id_of(digits: str) -> TaskId:
    """The id of the task of a caller's request, from digits that no other request has."""
    return TaskId(f"{_PREFIX}{digits}")


def request_id_of(task_id: TaskId) -> RequestId:
    """The id of a caller's request, which is known before the request is opened."""
    return RequestId(f"{_OF_REQUEST}{task_id.removeprefix(_PREFIX)}")


def task_of_request(request_id: RequestId) -> TaskId | None:
    """The id of the task of a caller's request. None if the id is that of an agent's request."""
    return task_id_of(request_id.removeprefix(_OF_REQUEST)) if request_id.startswith(_OF_REQUEST) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """The decision was handed to the one execution that may act on it."""

    at: datetime
    execution: str
    """What that execution called itself. It may ask again, if it did not get the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The program that made a task through the API."""

    source: str
    """The name that people know it by, such as `billing-service`. A token may speak for certain sources only."""
    token: str
    """The name of the token that it came with."""
    key: str
    """Its idempotency key. One source uses a key for one request."""
    body: str
    """SHA-256, in hex, of what it sent, so that a key is not used for something else."""
    url: str = ""
    """Where people find what it is about. Empty if it did not say."""
    run: str = ""
    """Its own name for the run that asks. Empty if it did not say."""
    callback_url: str = ""
    """Where it wants to be told once its request is settled. Empty: nowhere."""
    metadata: Mapping[str, JSON] = field(default_factory=dict)
    """What it gets back with its request, unread."""
    consumed: Consumed | None = None
    """None if the decision was not taken yet."""
