"""What callers get, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from bot.http.bodies import examples


class Given(BaseModel):
    """A body that callers get. Later versions may add keys, so ignore those that you do not know."""

    model_config = ConfigDict(frozen=True)


Status: TypeAlias = Literal["pending", "decided", "expired", "cancelled", "superseded"]
TaskStatus: TypeAlias = Literal["running", "awaiting_human", "ended", "failed", "stopped"]
Server: TypeAlias = Annotated[
    str | None,
    Field(description="The LangGraph Server that the graph runs on, by its name in servers.yaml. Null if on none."),
]


class ShownSource(Given):
    """The program that asked."""

    name: Annotated[str, Field(examples=["billing-service"])]
    url: str | None = None
    run: str | None = None


class AskedItem(Given):
    """One action that people are asked about."""

    name: Annotated[str, Field(description="The action's name. Empty if the question names none.", examples=["refund"])]
    arguments: Annotated[dict[str, JsonValue], Field(description="Its arguments as they are now, with all edits.")]


class DecidedItem(Given):
    """What was decided about one proposed action."""

    name: Annotated[str, Field(description="The action's name.", examples=["refund"])]
    verdict: Annotated[
        Literal[
            "approve", "reject", "respond", "choose", "undo", "keep", "closed", "expired", "cancelled", "superseded"
        ],
        Field(description="Only `approve` allows the action. `undo`, `keep` and `closed` are about one that was done."),
    ]
    arguments: Annotated[
        dict[str, JsonValue],
        Field(description="The arguments as they were decided on, with all edits. Act on these, not on yours."),
    ]
    reason: str = ""
    value: Annotated[JsonValue, Field(description="The answer of `respond` or `choose`.")] = None


class Decision(Given):
    """What became of the question. Silence and cancellation are verdicts of their own, and never an approval."""

    verdict: Annotated[
        Literal[
            "approve",
            "edit",
            "reject",
            "respond",
            "choose",
            "mixed",
            "undo",
            "keep",
            "closed",
            "expired",
            "cancelled",
            "superseded",
        ],
        Field(
            description="`edit` is an approval with changes. `mixed`: the items were answered differently. Of an undo "
            "window: `undo` if people want it undone, `keep` if they want it to stay, `closed` if nobody undid it in "
            "time, so that it stays."
        ),
    ]
    approved: Annotated[
        bool, Field(description="Whether every item was approved, with or without changes. False in all other cases.")
    ]
    items: list[DecidedItem]
    answer: Annotated[
        JsonValue,
        Field(
            description="The value that would resume a graph that had asked this. After silence it is that of a "
            "rejection. Null if it was cancelled or superseded. If people want something undone: "
            '`{"type": "undo", "undo": ..., "key": ...}`, with the way back as it was sent, and a key that is the same '
            "whenever this decision is read."
        ),
    ] = None
    reason: Annotated[str, Field(description="The reasons that people gave, or why an operator cancelled it.")] = ""
    by: Annotated[list[str], Field(description="Who decided, by Slack's ids.", examples=[["U024BE7LH"]])]
    through: Annotated[
        list[str], Field(description="The tokens through which votes came that were not given in Slack.")
    ]
    at: datetime
    digest: Annotated[str | None, Field(description="SHA-256 of what was decided on.")] = None
    version: Annotated[int, Field(description="The version of the question that was decided on.")] = 1
    edited: Annotated[bool, Field(description="Whether people changed the arguments.")] = False
    ruled: Annotated[str, Field(description="Why the policy settled it without people. Empty if people did.")] = ""
    valid_until: Annotated[
        datetime | None,
        Field(description="Until when it may be consumed. Nobody may act on it after that. Null if that has no end."),
    ] = None


class Window(Given):
    """The time in which people may have undone what a program or a graph has done."""

    acted_at: Annotated[
        datetime, Field(description="When it was done: as `at` says, but never later than it was asked about.")
    ]
    closes_at: Annotated[datetime, Field(description="If nobody undoes it until then, it stays as it is.")]
    reversible: Annotated[bool, Field(description="Whether people are offered to undo it.")]


class Hold(Given):
    """People have decided, but the decision may still be called off. What it is, is not told before `until`."""

    until: datetime


class Callback(Given):
    """How the webhook fares."""

    status: Literal["pending", "delivered", "given_up"]
    attempts: int
    failure: Annotated[str, Field(description="Why the last attempt failed. Empty if it did not.")] = ""


class Failure(Given):
    """Why a graph stopped, or why people could not be asked."""

    error_id: Annotated[str, Field(description="The trace is in the bot's log under it.")]
    summary: str


class Request(Given):
    """A question to people, and what became of it."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.REQUEST]})

    id: Annotated[str, Field(examples=["req_5f0c6a1be2d94a7c8e31"])]
    status: Status
    source: ShownSource
    server: Server = None
    requester: Annotated[str | None, Field(description="Slack's id of the person who wants it.")] = None
    question: Annotated[JsonValue, Field(description="As you sent it, without the edits that people made.")]
    items: Annotated[
        list[AskedItem],
        Field(
            description="What people decide on now: what `version` and `digest` stand for, edits included. Show this "
            "to a person before you send their vote. Empty until they are asked."
        ),
    ]
    digest: Annotated[str | None, Field(description="SHA-256 of what people are shown. Null until they are asked.")] = (
        None
    )
    version: Annotated[int, Field(description="It grows with each edit. Earlier votes do not count any more then.")] = 1
    created_at: datetime
    deadline: Annotated[
        datetime | None, Field(description="When silence has its consequence. Null if it has none, or until asked.")
    ] = None
    settled_at: datetime | None = None
    consumed_at: datetime | None = None
    asked: Annotated[list[str], Field(description="Who may answer at present, by Slack's ids.")]
    votes: Annotated[int, Field(description="How many votes count so far, in the stage that is asked.")] = 0
    metadata: dict[str, JsonValue]
    permalink: Annotated[str | None, Field(description="The card in Slack. Null until it is posted.")] = None
    window: Annotated[
        Window | None,
        Field(description="Of an undo window. Null if the request asks for an approval or an answer, or until asked."),
    ] = None
    hold: Annotated[
        Hold | None,
        Field(
            description="While it is pending: people have decided, but may still call that off. Null if they have not, "
            "and once the decision is there."
        ),
    ] = None
    decision: Annotated[Decision | None, Field(description="Null while it is pending.")] = None
    callback: Annotated[Callback | None, Field(description="Null without `callback_url`, or while pending.")] = None
    failure: Annotated[
        Failure | None,
        Field(description="Why people could not be asked. Send the same `POST /v1/requests` again to try once more."),
    ] = None


class Requests(Given):
    """A page of requests, newest first."""

    data: Annotated[
        list[Request], Field(description="May be shorter than `limit`, or empty, although more pages follow.")
    ]
    next_cursor: Annotated[
        str | None, Field(description="Send it as `cursor` for the next page. Null if there is none.")
    ]


class Consumed(Given):
    """The decision, for the execution that may act on it."""

    request: Request
    decision: Decision


class AuditEvent(Given):
    """Something that happened to the request."""

    number: Annotated[int, Field(description="Its place among the events of this request, from 1.")]
    kind: Annotated[str, Field(examples=["opened", "voted"])]
    at: datetime
    person: Annotated[str | None, Field(description="Slack's id of the person who did it.")] = None
    through: Annotated[str, Field(description="The token with which it was done. Empty if none was used.")] = ""
    digest: Annotated[str, Field(description="SHA-256 of the question at that time.")] = ""
    data: dict[str, JsonValue]


class AuditEvents(Given):
    """All that happened to the request, oldest first."""

    data: list[AuditEvent]


class Task(Given):
    """A run of a graph."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.TASK]})

    id: Annotated[str, Field(examples=["5f0c6a1b"])]
    graph: str
    status: Annotated[
        TaskStatus,
        Field(
            description="`awaiting_human`: people are asked, see `requests`. `ended`: the graph reached its end. "
            "`failed`: an error stopped it. `stopped`: it was cancelled, or nobody answered and the policy says stop."
        ),
    ]
    inputs: dict[str, JsonValue]
    requester: Annotated[str | None, Field(description="Slack's id of the person who wants it.")] = None
    source: ShownSource
    server: Server = None
    created_at: datetime
    ended_at: datetime | None = None
    outcome: Annotated[str | None, Field(description="What the graph reported at its end.")] = None
    failure: Failure | None = None
    requests: Annotated[list[Request], Field(description="What it has asked people, oldest first.")]
    metadata: dict[str, JsonValue]
    permalink: Annotated[str | None, Field(description="The thread in Slack. Null until it is posted.")] = None


class Tasks(Given):
    """A page of tasks, newest first."""

    data: Annotated[list[Task], Field(description="May be shorter than `limit`, or empty, although more pages follow.")]
    next_cursor: Annotated[
        str | None, Field(description="Send it as `cursor` for the next page. Null if there is none.")
    ]


class Fault(Given):
    """One thing that is wrong."""

    path: Annotated[str, Field(description="Where it is.", examples=["body.source.name"])]
    problem: Annotated[str, Field(description="What is wrong with it.")]


class Problem(Given):
    """Why a call was refused, as RFC 9457 defines it."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROBLEM]})

    type: Annotated[
        str,
        Field(
            description="The kind of problem, as an address of this documentation.", examples=["/docs#problem-invalid"]
        ),
    ]
    title: str
    status: Annotated[int, Field(examples=[422])]
    detail: Annotated[str, Field(description="What happened, what it means, and what to do.")]
    errors: Annotated[list[Fault] | None, Field(description="What is wrong with what was sent.")] = None
    error_id: Annotated[str | None, Field(description="Finds the trace in the bot's log.")] = None
