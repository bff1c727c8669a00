"""The modals, and what people wrote in them. Pure: a record in, a view out; a view's state in, words out.

Signatures first; being filled in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.approvals.model import JSON, Choose, ItemVerdict, Request, Respond
from bot.approvals.ports import Graph

Modal: TypeAlias = dict[str, Any]
State: TypeAlias = Mapping[str, Any]
"""A submission's `view["state"]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problems:
    """What is wrong with a submission, by block_id: the `errors` of `ack(response_action="errors")`."""

    by_block: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """One item's arguments as somebody changed them."""

    item: int
    arguments: Mapping[str, JSON]


def loading(title: str) -> Modal:
    """What is opened at once, so that the trigger is used in time; replaced by `views.update`."""
    raise NotImplementedError


def notice(title: str, sentence: str) -> Modal:
    """One sentence (mrkdwn, as refusals have it)."""
    raise NotImplementedError


def reject(request: Request) -> Modal: raise NotImplementedError
def reason(state: State) -> str: raise NotImplementedError
def reason_problem(sentence: str) -> Problems: raise NotImplementedError
def respond(request: Request) -> Modal: raise NotImplementedError
def response(request: Request, state: State) -> Respond | Problems: raise NotImplementedError
def response_problem(request: Request, field: str, sentence: str) -> Problems: raise NotImplementedError
def choose(request: Request) -> Modal: raise NotImplementedError
def choice(request: Request, state: State) -> Choose | Problems: raise NotImplementedError
def edit(request: Request, item: int = 0) -> Modal: raise NotImplementedError
def edited(request: Request, state: State) -> Edited | Problems: raise NotImplementedError
def edit_problem(request: Request, item: int, field: str, sentence: str) -> Problems: raise NotImplementedError
def each(request: Request) -> Modal: raise NotImplementedError
def verdicts(request: Request, state: State) -> tuple[ItemVerdict, ...] | Problems: raise NotImplementedError
def view_all(request: Request, page: int = 0) -> Modal: raise NotImplementedError
def start(graphs: Sequence[Graph], *, chosen: str = "", typed: Mapping[str, str] | None = None, metadata: str = "") -> Modal: raise NotImplementedError
def chosen(state: State) -> str: raise NotImplementedError
def words(graph: Graph, state: State) -> Mapping[str, str]: raise NotImplementedError
def start_problems(graph: Graph, problems: Mapping[str, str]) -> Problems: raise NotImplementedError
