"""What the adapters share: a call of a tool becomes a request, and its decision becomes a ruling."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from countersign import AsyncCountersign, Countersign, Decision, Source
from countersign.given import question_of

if TYPE_CHECKING:
    from typing_extensions import Unpack


class About(TypedDict, total=False):
    """What else may be said about each request, as `Countersign.request` takes it."""

    requester: str | None
    """Slack id or e-mail of the person for whom the agent works. This person may not approve."""
    channel: str | None
    source: str | Source | None
    callback_url: str | None
    metadata: Mapping[str, object] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of a tool that waits for approval."""

    key: str
    """The idempotency key of its request."""
    name: str
    arguments: Mapping[str, Any]
    description: str = ""
    """What people read below the title."""
    editable: bool = True
    """Whether people may change the arguments."""

    @property
    def question(self) -> Mapping[str, object]:
        """What is asked, as `Countersign.ask` asks it."""
        return question_of(self.name, self.arguments, description=self.description, edit=self.editable, schema=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What is to become of a call."""

    approved: bool
    arguments: dict[str, Any] = field(default_factory=dict)
    """What the tool is to be called with. Empty unless approved."""
    edited: bool = False
    """Whether these differ from what the agent proposed."""
    message: str = ""
    """What the agent is told. Empty if approved."""


async def rule(
    client: AsyncCountersign, calls: Sequence[Call], execution: str | None, **about: Unpack[About]
) -> list[Ruling]:
    """Ask about each call, wait until all are settled, and consume the approvals. Returns a ruling for each call.

    Raises AlreadyConsumed if another execution took one of the approvals.
    """
    requests = [await client.request(call.question, key=call.key, **about) for call in calls]
    decisions = [await client.wait(request.id) for request in requests]
    return [
        ruling(call, await client.consume(decision.request_id, execution=execution) if decision.approved else decision)
        for call, decision in zip(calls, decisions, strict=True)
    ]


def rule_sync(
    client: Countersign, calls: Sequence[Call], execution: str | None, **about: Unpack[About]
) -> list[Ruling]:
    """The same as `rule`, blocking."""
    requests = [client.request(call.question, key=call.key, **about) for call in calls]
    decisions = [client.wait(request.id) for request in requests]
    return [
        ruling(call, client.consume(decision.request_id, execution=execution) if decision.approved else decision)
        for call, decision in zip(calls, decisions, strict=True)
    ]


def ruling(call: Call, decision: Decision) -> Ruling:
    """What a decision means for its call. Anything but an approval of exactly this tool is a refusal."""
    items = decision.items
    if not decision.approved or len(items) != 1 or items[0].name != call.name:
        return Ruling(approved=False, message=refusal(decision))
    arguments = dict(items[0].arguments)
    edited = _canonical(arguments) != _canonical(call.arguments)
    if edited and not call.editable:
        return Ruling(
            approved=False, message=f"Rejected as proposed. Call it with these arguments: {_canonical(arguments)}"
        )
    return Ruling(approved=True, arguments=arguments, edited=edited)


def refusal(decision: Decision) -> str:
    """What an agent is told about a call that was not approved."""
    if decision.verdict == "expired":
        return "Not approved: nobody answered in time. Do not try it again."
    if decision.verdict in ("cancelled", "superseded"):
        return "Not approved: the request was withdrawn. Do not try it again."
    return f"Rejected: {decision.reason}" if decision.reason else "Rejected. Do not try it again."


def arguments_of(written: str | Mapping[str, Any] | None) -> dict[str, Any]:
    """The arguments of a call, which models write as JSON. Text that is no JSON object is shown as `input`."""
    if isinstance(written, Mapping):
        return dict(written)
    try:
        found = json.loads(written or "{}")
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"input": written}


def _canonical(arguments: Mapping[str, Any]) -> str:
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False)
