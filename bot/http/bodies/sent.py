"""What callers send, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, SchemaError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from bot import schema_bounds

MAX_URL: Final = 2000
MAX_METADATA: Final = 20
_MAX_WHY: Final = 300
"""Characters of what is wrong with a schema, which may quote all of it."""


class Sent(BaseModel):
    """A body that callers send. A key that is not known is refused, because a misspelt one must not be ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


def _is_blank(value: JsonValue) -> bool:
    """Whether nobody could read anything in it."""
    match value:
        case None:
            return True
        case str():
            return not value.strip()
        case list():
            return all(map(_is_blank, value))
        case dict():
            return all(map(_is_blank, value.values()))
        case _:
            return False


def _something(value: JsonValue) -> JsonValue:
    if _is_blank(value):
        raise PydanticCustomError("question", "should say something: this asks nothing")
    return value


def _schema(schema: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
    if schema is None:
        return None
    if not schema_bounds.is_bounded(schema):
        raise PydanticCustomError(
            "schema",
            "should be smaller: {most} lists and objects at most, without anchors and unevaluatedProperties, and "
            "without references that multiply",
            {"most": schema_bounds.MAX_NODES},
        )
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = ".".join(map(str, error.absolute_path))
        said = {"at": f" at `{place}`" if place else "", "why": error.message[:_MAX_WHY]}
        raise PydanticCustomError("schema", "should be a JSON Schema, which it is not{at}: {why}", said) from None
    if (pattern := schema_bounds.pattern_that_looks_around(schema)) is not None:
        raise PydanticCustomError(
            "schema", "has the pattern {pattern}, which looks around or back: write it without", {"pattern": pattern}
        )
    return schema


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
    "What people are asked: a text; an action, `{action, arguments, description}`, whose arguments people may edit "
    "before they approve it; what you have done and how it is undone, `{type: undo_window, action, result, undo, "
    "window, at}`; or any other shape that a graph may pass to `interrupt()`."
)
_REQUESTER = (
    "The person who wants this, by Slack's id or by e-mail address. They are not among those who may approve it, "
    "unless the policy allows that, but they may have undone what was done for them."
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
                        "action": "refund",
                        "arguments": {"order": 1093, "amount": "120.00"},
                        "description": "The customer was charged twice.",
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
        AfterValidator(_schema),
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

    graph: Annotated[
        Name,
        Field(
            description="A graph of langgraph.json, or one that servers.yaml lets start on a LangGraph Server.",
            examples=["cleanup"],
        ),
    ]
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
            examples=["order-1093-refund"],
        ),
    ]


class ItemVote(Sent):
    """A person's verdict on one of several items."""

    verdict: Literal["approve", "reject", "respond", "choose", "undo", "keep"]
    reason: Annotated[str, Field(max_length=3000, description="Why. With `approve` and `reject`.")] = ""
    value: Annotated[
        Anything, Field(description="The answer of `respond`, or the label of the choice of `choose`.")
    ] = None


class OfPerson(Sent):
    """Who does it, on a page of your own."""

    person: Annotated[Line, Field(description="By Slack's id or e-mail address.", examples=["bob@example.com"])]


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
