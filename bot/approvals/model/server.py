"""An agent that runs on a LangGraph Server: which server it is, and what is known of its thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.ids import Person, Program, TaskId, ThreadId

_PREFIX: Final = "server-"
_WITHIN: Final = "/"
_UUID: Final = 36
"""Characters of a thread's id. A LangGraph Server takes no other ids than UUIDs."""
_THREAD_ON: Final = "a thread on "


@dataclass(frozen=True, slots=True, kw_only=True)
class OnServer:
    """Where a task's agent runs, if that is a LangGraph Server."""

    name: str
    """The server's name in servers.yaml."""
    watched: bool = False
    """Whether somebody else started the thread, and the bot only watches it."""
    parent: str = ""
    """What is known of the run that started this one, such as its thread's id. Empty if nothing is."""


def task_of_thread(server: str, thread_id: ThreadId) -> TaskId:
    """The id of the task for this thread. Whoever finds the thread makes the same task of it."""
    return TaskId(f"{_PREFIX}{server}-{thread_id}")


def server_of(task_id: TaskId) -> str | None:
    """The name of the server on which the task's agent runs. None if it runs on none. The id says so, because whoever
    is woken for a task must know who drives it before it reads anything."""
    rest = task_id.removeprefix(_PREFIX)
    return rest[: -_UUID - 1] if rest != task_id and len(rest) > _UUID + 1 else None


def thread_on(server: str) -> Program:
    """The requester of a thread that names no person."""
    return Program(name=f"{_THREAD_ON}{server}")


def server_of_thread(requester: Person | Program) -> str | None:
    """The name of the server whose thread this requester is. None if it is a person, or a program that calls the
    API."""
    name = requester.name if isinstance(requester, Program) else ""
    return name.removeprefix(_THREAD_ON) if name.startswith(_THREAD_ON) else None


def full_name(server: str, graph: str) -> str:
    """What people call this agent of a server if another agent has the same name."""
    return f"{server}{_WITHIN}{graph}"


def own_name(server: OnServer | None, graph: str) -> str:
    """What the server itself calls the agent that people call `graph`."""
    return graph if server is None else graph.removeprefix(f"{server.name}{_WITHIN}")


def runs_elsewhere(task_id: TaskId) -> bool:
    """Whether no worker runs the task's agent: it is a program that asked through the HTTP API, or it runs on a
    LangGraph Server. Gateways drive such tasks."""
    return is_of_caller(task_id) or server_of(task_id) is not None
