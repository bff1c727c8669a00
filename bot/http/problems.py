"""What callers read when a call is refused: a problem document of RFC 9457 (`application/problem+json`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.responses import JSONResponse

MEDIA_TYPE: Final = "application/problem+json"
MAX_FAULTS: Final = 20
"""How many faults of one body are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of problem. Its type is the address of its paragraph on the documentation page."""

    slug: str
    status: HTTPStatus
    title: str
    advice: str
    """What it means and what to do, for the documentation."""

    @property
    def type(self) -> str:
        return f"/docs#problem-{self.slug}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with what was sent, and where it is: `body.question`, `query.wait`."""

    path: str
    problem: str


class Refused(Exception):
    """A call is refused. `detail` says what happened, what it means and what to do."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        self.more = dict(more or {})
        """Further members of the document."""

    def response(self) -> JSONResponse:
        listed = [{"path": fault.path, "problem": fault.problem} for fault in self.faults[:MAX_FAULTS]]
        content = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": int(self.kind.status),
            "detail": self.detail,
            **self.more,
            **({"errors": listed} if listed else {}),
        }
        return JSONResponse(content, self.kind.status, self.headers, MEDIA_TYPE)


def later(kind: Kind, detail: str, seconds: int) -> Refused:
    """A refusal that says in how many seconds to try again."""
    return Refused(kind, detail, headers={"Retry-After": str(seconds)})


# --- Who calls ----------------------------------------------------------------------------------

UNAUTHORIZED: Final = Kind(
    slug="unauthorized",
    status=HTTPStatus.UNAUTHORIZED,
    title="The token is missing or not valid",
    advice="No token was sent, or it is unknown, expired or revoked; the answer is the same for all of these. Send "
    "`Authorization: Bearer csk_...` with a token that `countersign tokens add` has printed. `countersign tokens list` "
    "says which tokens are valid.",
)
SCOPE_MISSING: Final = Kind(
    slug="scope-missing",
    status=HTTPStatus.FORBIDDEN,
    title="The token does not allow this",
    advice="The token is valid, but has not the scope that this call needs; `detail` names it. Use another token, or "
    "have one made that has it: `countersign tokens add` gives it with `--scope`.",
)
NOT_ALLOWED_HERE: Final = Kind(
    slug="not-allowed-here",
    status=HTTPStatus.FORBIDDEN,
    title="The token does not speak for this source or channel",
    advice="A token is bound to the sources that it speaks for, and may be bound to channels. Name one of them in "
    "`source.name` and `channel`, leave them out, or use another token.",
)
MAY_NOT_VOTE: Final = Kind(
    slug="may-not-vote",
    status=HTTPStatus.FORBIDDEN,
    title="This person may not answer, or not through this token",
    advice="The person must be eligible exactly as in Slack, and the policy that governs the request must list the "
    "token's name under `via`. Nothing was counted. The refusal is in the audit log.",
)
NOT_YOUR_ANSWER: Final = Kind(
    slug="not-your-answer",
    status=HTTPStatus.FORBIDDEN,
    title="Others gave this answer",
    advice="Only those who gave an answer can take it back. While a decision is held (`hold`), everybody who may "
    "answer the request can stop it with `POST /v1/requests/{id}/stop`. Nothing was changed.",
)
TOO_MANY_FAILURES: Final = Kind(
    slug="too-many-failures",
    status=HTTPStatus.TOO_MANY_REQUESTS,
    title="Too many calls with a wrong token",
    advice="This address has sent wrong tokens, so tokens that were never used have to wait. "
    "Correct the token, and try again after `Retry-After` seconds.",
)

# --- What was sent ------------------------------------------------------------------------------

BAD_JSON: Final = Kind(
    slug="bad-json",
    status=HTTPStatus.BAD_REQUEST,
    title="The body is not JSON that can be read safely",
    advice="The body must be JSON in UTF-8, without duplicate keys, without NaN or Infinity, and nested at most 64 "
    "levels deep. `detail` says what is wrong with it.",
)
KEY_MISSING: Final = Kind(
    slug="idempotency-key",
    status=HTTPStatus.BAD_REQUEST,
    title="The header Idempotency-Key is missing or not valid",
    advice="Send a key of 1 to 200 visible ASCII characters. It must be the same when your program repeats the call "
    "after a crash, and different for a new wish: an order number, or the id of a flow and its step.",
)
NOT_FOUND: Final = Kind(
    slug="not-found",
    status=HTTPStatus.NOT_FOUND,
    title="There is nothing here for this token",
    advice="The address is wrong, or the id is unknown, or it belongs to a source that the token does not speak for. "
    "The answer is the same for all of these.",
)
METHOD: Final = Kind(
    slug="method-not-allowed",
    status=HTTPStatus.METHOD_NOT_ALLOWED,
    title="This address does not take this method",
    advice="The header `Allow` lists the methods that it takes.",
)
TOO_SLOW: Final = Kind(
    slug="body-too-slow",
    status=HTTPStatus.REQUEST_TIMEOUT,
    title="The body did not arrive in time",
    advice="Nothing was done. Send the call again, with its whole body at once.",
)
TOO_LARGE: Final = Kind(
    slug="body-too-large",
    status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    title="The body is too large",
    advice="A body may have 200,000 bytes. People must be able to read what they decide: send a summary and a link.",
)
MEDIA: Final = Kind(
    slug="content-type",
    status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    title="The body is not declared as JSON",
    advice="Send the header `Content-Type: application/json`.",
)
INVALID: Final = Kind(
    slug="invalid",
    status=HTTPStatus.UNPROCESSABLE_ENTITY,
    title="What was sent does not fit",
    advice="`errors` lists each place (`path`) and what is wrong with it (`problem`). Nothing was done.",
)
KEY_REUSED: Final = Kind(
    slug="key-reused",
    status=HTTPStatus.UNPROCESSABLE_ENTITY,
    title="The key was used with another body",
    advice="A key stands for one wish for ever. If this is a new wish, use a new key. If it is the same wish, send the "
    "same body again.",
)
UNKNOWN_NAME: Final = Kind(
    slug="unknown-name",
    status=HTTPStatus.UNPROCESSABLE_ENTITY,
    title="A person, channel or graph of that name is not known",
    advice="People are named by Slack's id (`U...`) or e-mail address, channels by `#name` or id (`C...`), and the bot "
    "must be a member of the channel. Graphs are those of langgraph.json, and those that servers.yaml lets start.",
)
NOT_TAKEN: Final = Kind(
    slug="answer-not-taken",
    status=HTTPStatus.UNPROCESSABLE_ENTITY,
    title="The request does not take this answer",
    advice="The question offers other verdicts, the policy wants a reason, or the value does not fit the schema. "
    "Nothing was counted.",
)

# --- The state of things ------------------------------------------------------------------------

NOT_SETTLED: Final = Kind(
    slug="not-settled",
    status=HTTPStatus.CONFLICT,
    title="Nobody has decided yet",
    advice="There is no decision to consume. Wait for it with `GET /v1/requests/{id}?wait=60`.",
)
ALREADY_SETTLED: Final = Kind(
    slug="already-settled",
    status=HTTPStatus.CONFLICT,
    title="This is settled already",
    advice="Somebody decided, time ran out, or it was cancelled. Nothing was changed. Read the request again.",
)
ALREADY_CONSUMED: Final = Kind(
    slug="already-consumed",
    status=HTTPStatus.CONFLICT,
    title="Another execution has consumed the decision",
    advice="A decision is handed to one execution. This one must not act on it. If it is the same execution after a "
    "restart, send the same name in `execution`.",
)
OF_GRAPH: Final = Kind(
    slug="of-a-graph",
    status=HTTPStatus.CONFLICT,
    title="The request belongs to a graph",
    advice="The graph takes the decision itself, so it cannot be consumed, and it ends with its task. Cancel the task.",
)
STALE_DECISION: Final = Kind(
    slug="stale-decision",
    status=HTTPStatus.CONFLICT,
    title="The decision is no longer valid",
    advice="The policy says how long a decision may be used (`decision.valid_until`), and that time is over. Do not "
    "act on it. If it is still wanted, ask again with a new key.",
)
TOO_LATE: Final = Kind(
    slug="too-late",
    status=HTTPStatus.CONFLICT,
    title="The decision cannot be called off any more",
    advice="Whoever asked has the decision, or is about to get it. Nothing was changed. `detail` says whether what "
    "follows from it can be undone.",
)
NOTHING_TO_CALL_OFF: Final = Kind(
    slug="nothing-to-call-off",
    status=HTTPStatus.CONFLICT,
    title="There is no decision to call off",
    advice="The request is open, or no answer of people settled it, or its decision is not held. Nothing was changed. "
    "Read the request again.",
)
STALE: Final = Kind(
    slug="stale-version",
    status=HTTPStatus.CONFLICT,
    title="The question has changed since the person saw it",
    advice="The vote names a version and digest that are not the current ones, so it was not counted. Read the request "
    "again, show it to the person, and let them answer again.",
)
CONFLICT: Final = Kind(
    slug="conflict",
    status=HTTPStatus.CONFLICT,
    title="Others changed the same record at the same moment",
    advice="Nothing was done. Send the same call again.",
)

# --- On our side --------------------------------------------------------------------------------

INTERNAL: Final = Kind(
    slug="internal",
    status=HTTPStatus.INTERNAL_SERVER_ERROR,
    title="Something is wrong with the bot",
    advice="This is a fault of the program. `error_id` finds it in the bot's log. It is safe to send the same call "
    "again.",
)
UNAVAILABLE: Final = Kind(
    slug="unavailable",
    status=HTTPStatus.SERVICE_UNAVAILABLE,
    title="The bot cannot do this at the moment",
    advice="It is shutting down, or its storage, Slack's directory or the agents cannot be reached. Send the same call "
    "again after `Retry-After` seconds.",
)

ALL: Final = (
    UNAUTHORIZED,
    SCOPE_MISSING,
    NOT_ALLOWED_HERE,
    MAY_NOT_VOTE,
    NOT_YOUR_ANSWER,
    TOO_MANY_FAILURES,
    BAD_JSON,
    KEY_MISSING,
    NOT_FOUND,
    METHOD,
    TOO_SLOW,
    TOO_LARGE,
    MEDIA,
    INVALID,
    KEY_REUSED,
    UNKNOWN_NAME,
    NOT_TAKEN,
    NOT_SETTLED,
    ALREADY_SETTLED,
    ALREADY_CONSUMED,
    STALE_DECISION,
    OF_GRAPH,
    STALE,
    TOO_LATE,
    NOTHING_TO_CALL_OFF,
    CONFLICT,
    INTERNAL,
    UNAVAILABLE,
)
"""Every kind, in the order of the documentation."""
