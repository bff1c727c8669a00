"""What callers send and get, as JSON. The OpenAPI document is made of these models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

MAX_URL: Final = 2000
MAX_METADATA: Final = 20


class Sent(BaseModel):
    """A body that callers send. A key that is not known is refused, because a misspelt one must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Given(BaseModel):
    """A body that callers get. Later versions may add keys, so ignore those that you do not know."""

    model_config = ConfigDict(frozen=True)


def _http(url: str) -> str:
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        right = False
    if not right or not url.isprintable() or " " in url:
        raise PydanticCustomError("url", "should be an address that starts with https:// or http:// and names a host")
    if parts.username is not None or parts.password is not None:
        raise PydanticCustomError("url", "should hold no user name and no password, because people are shown it")
    return url


def _something(value: JsonValue) -> JsonValue:
    if value is None:
        raise PydanticCustomError("question", "should say something: null asks nothing")
    return value


def _line(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise PydanticCustomError("line", "should be one line, without spaces around it")
    return text


Url: TypeAlias = Annotated[str, Field(max_length=MAX_URL, json_schema_extra={"format": "uri"}), AfterValidator(_http)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_line)]
Line: TypeAlias = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_line)]
Anything: TypeAlias = JsonValue
Metadata: TypeAlias = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=40)], JsonValue],
    Field(
        max_length=MAX_METADATA,
        description=f"Up to {MAX_METADATA} keys of your own. You get them back with the request; nobody else reads "
        "them.",
        examples=[{"order": 1093}],
    ),
]

# --- Sent ---------------------------------------------------------------------------------------


class Source(Sent):
    """The program that asks, as people are told."""

    name: Annotated[
        Name,
        Field(
            description="The name that people know it by. The token must speak for it.", examples=["billing-service"]
        ),
    ]
    url: Annotated[
        Url | None,
        Field(
            description="Where people find what this is about.", examples=["https://billing.example.com/orders/1093"]
        ),
    ] = None
    run: Annotated[
        Line | None,
        Field(description="Your own name for the run that asks, such as a flow's id.", examples=["nightly-2027-03-01"]),
    ] = None


_QUESTION = (
    "What people are asked, in any shape that a graph may pass to `interrupt()`: a text; `{question, details}`, which "
    "people approve or reject; or `{action_requests: [{name, args, description}], review_configs: [{action_name, "
    "allowed_decisions}]}`, whose arguments people may also edit."
)
_REQUESTER = (
    "The person who wants this, by Slack's id or by e-mail address. They are not among those who may approve it, "
    "unless the policy allows that."
)
_CHANNEL = (
    "Where people are asked, by name or id. If it is left out, the token's first channel. The bot must be a member."
)


class NewRequest(Sent):
    """A question to people."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "question": {
                        "question": "Refund 120.00 EUR for order 1093?",
                        "details": {"order": 1093, "amount": "120.00 EUR", "why": "The customer was charged twice."},
                    },
                    "requester": "rita@example.com",
                    "channel": "#refunds",
                    "source": {"name": "billing-service", "url": "https://billing.example.com/orders/1093"},
                }
            ]
        }
    )

    question: Annotated[Anything, AfterValidator(_something), Field(description=_QUESTION)]
    response_schema: Annotated[
        dict[str, JsonValue] | None,
        Field(description="The JSON Schema of the value that you want. People get a form for it."),
    ] = None
    requester: Annotated[Line | None, Field(description=_REQUESTER, examples=["U024BE7LH", "rita@example.com"])] = None
    channel: Annotated[Line | None, Field(description=_CHANNEL, examples=["#refunds", "C0123456789"])] = None
    source: Annotated[
        Source | None,
        Field(description="May be left out. Then it is the first source that the token speaks for."),
    ] = None
    callback_url: Annotated[
        Url | None,
        Field(
            description="Where you are told once it is settled, by a signed webhook. The operator lists the hosts "
            "that may be called.",
            examples=["https://billing.example.com/hooks/countersign"],
        ),
    ] = None
    metadata: Metadata = Field(default_factory=dict)


class NewTask(Sent):
    """A run of a graph."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"graph": "cleanup", "inputs": {"bucket": "logs", "days": 30}}]}
    )

    graph: Annotated[Name, Field(description="A graph of langgraph.json.", examples=["cleanup"])]
    inputs: Annotated[
        dict[str, JsonValue], Field(description="The graph's inputs, by name.", examples=[{"bucket": "logs"}])
    ] = Field(default_factory=dict)
    requester: Annotated[Line | None, Field(description=_REQUESTER, examples=["U024BE7LH", "rita@example.com"])] = None
    channel: Annotated[Line | None, Field(description=_CHANNEL, examples=["#refunds", "C0123456789"])] = None
    source: Annotated[
        Source | None,
        Field(description="May be left out. Then it is the first source that the token speaks for."),
    ] = None
    metadata: Metadata = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _no_callback(cls, body: Any) -> Any:
        if isinstance(body, Mapping) and "callback_url" in body:
            raise PydanticCustomError(
                "callback", "has a callback_url, which tasks do not have: wait with GET /v1/tasks/{{id}}?wait=60"
            )
        return body


class Cancel(Sent):
    """Why something is not wanted any more."""

    reason: Annotated[
        str, Field(max_length=2000, description="Shown to the people who were asked.", examples=["The order is gone."])
    ] = ""


class Consume(Sent):
    """The execution that is about to act on the decision."""

    execution: Annotated[
        Line,
        Field(
            description="What this execution is called. The same name gets the same answer again, so a lost response "
            "is no loss; any other name is refused.",
            examples=["worker-7/attempt-1"],
        ),
    ]


class ItemVote(Sent):
    """A person's verdict on one of several items."""

    verdict: Literal["approve", "reject", "respond", "choose"]
    reason: Annotated[str, Field(max_length=3000, description="Why. With `approve` and `reject`.")] = ""
    value: Annotated[
        Anything, Field(description="The answer of `respond`, or the label of the choice of `choose`.")
    ] = None


class NewVote(ItemVote):
    """A vote of a named person, given on a page of your own."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"person": "bob@example.com", "version": 1, "digest": "9f86d0...", "verdict": "approve"}]
        }
    )

    person: Annotated[
        Line, Field(description="Who votes, by Slack's id or e-mail address.", examples=["bob@example.com"])
    ]
    version: Annotated[int, Field(ge=1, description="The version that the person was shown: `version` of the request.")]
    digest: Annotated[
        str,
        Field(
            pattern="^[0-9a-f]{64}$",
            description="What the person was shown: `digest` of the request. A vote on anything else does not count.",
        ),
    ]
    items: Annotated[
        list[ItemVote] | None,
        Field(
            min_length=1,
            max_length=100,
            description="One verdict for each item of the question, in order, if they differ. Then `verdict` must be "
            "that of the first one.",
        ),
    ] = None


# --- Given --------------------------------------------------------------------------------------

Status: TypeAlias = Literal["pending", "decided", "expired", "cancelled", "superseded"]
TaskStatus: TypeAlias = Literal["running", "awaiting_human", "ended", "failed", "stopped"]


class ShownSource(Given):
    """The program that asked."""

    name: Annotated[str, Field(examples=["billing-service"])]
    url: str | None = None
    run: str | None = None


class DecidedItem(Given):
    """What was decided about one proposed action."""

    name: Annotated[str, Field(description="The action's name.", examples=["refund"])]
    verdict: Annotated[
        Literal["approve", "reject", "respond", "choose", "expired", "cancelled", "superseded"],
        Field(description="Only `approve` allows the action."),
    ]
    arguments: Annotated[
        dict[str, JsonValue],
        Field(description="The arguments as they were decided on, with all edits. Act on these, not on yours."),
    ]
    reason: str = ""
    value: Annotated[Anything, Field(description="The answer of `respond` or `choose`.")] = None


class Decision(Given):
    """What became of the question. Silence and cancellation are verdicts of their own, and never an approval."""

    verdict: Annotated[
        Literal["approve", "edit", "reject", "respond", "choose", "mixed", "expired", "cancelled", "superseded"],
        Field(description="`edit` is an approval with changes. `mixed`: the items were answered differently."),
    ]
    approved: Annotated[
        bool, Field(description="Whether every item was approved, with or without changes. False in all other cases.")
    ]
    items: list[DecidedItem]
    answer: Annotated[
        Anything,
        Field(
            description="The value that would resume a graph that had asked this. After silence it is that of a "
            "rejection. Null if it was cancelled or superseded."
        ),
    ] = None
    reason: Annotated[str, Field(description="The reasons that people gave.")] = ""
    by: Annotated[list[str], Field(description="Who decided, by Slack's ids.", examples=[["U024BE7LH"]])]
    through: Annotated[
        list[str], Field(description="The tokens through which votes came that were not given in Slack.")
    ]
    at: datetime
    digest: Annotated[str | None, Field(description="SHA-256 of what was decided on.")] = None
    version: Annotated[int, Field(description="The version of the question that was decided on.")] = 1
    edited: Annotated[bool, Field(description="Whether people changed the arguments.")] = False
    ruled: Annotated[str, Field(description="Why the policy settled it without people. Empty if people did.")] = ""


class Callback(Given):
    """How the webhook fares."""

    status: Literal["pending", "delivered", "given_up"]
    attempts: int
    failure: Annotated[str, Field(description="Why the last attempt failed. Empty if it did not.")] = ""


class Request(Given):
    """A question to people, and what became of it."""

    id: Annotated[str, Field(examples=["req_5f0c6a1be2d94a7c8e31"])]
    status: Status
    source: ShownSource
    requester: Annotated[str | None, Field(description="Slack's id of the person who wants it.")] = None
    question: Annotated[Anything, Field(description="As you sent it.")]
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
    decision: Annotated[Decision | None, Field(description="Null while it is pending.")] = None
    callback: Annotated[Callback | None, Field(description="Null without `callback_url`, or while pending.")] = None


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


class Failure(Given):
    """Why a graph stopped."""

    error_id: Annotated[str, Field(description="The trace is in the bot's log under it.")]
    summary: str


class Task(Given):
    """A run of a graph."""

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
