"""What a reader needs to know before the first call, in short sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bot.approvals.model.token import Scope
from bot.http.intake import MAX_BYTES
from bot.http.reference.html import anchored, code, inline, paragraphs, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    id: str
    title: str
    text: str
    more: str = ""
    """HTML below the text."""
    codes: Sequence[tuple[str, str]] = ()
    """Captions and lines of code, which stand beside the text."""


_SCOPES: Final = {
    Scope.WRITE_REQUESTS: "ask people, withdraw requests, consume decisions",
    Scope.READ_REQUESTS: "read requests, wait for them, list them, read their history",
    Scope.WRITE_TASKS: "start graphs, follow them, stop them",
    Scope.VOTES: "hand in people's votes, where a policy lists the token under `via`",
}

SECTIONS: Final = (
    Section(
        id="start",
        title="Get started",
        text="""Three calls: ask, wait, and take the decision before you act on it.

Act only if `decision.approved` is true, and on the arguments in `decision.items`, which people may have changed. A
rejection, silence and a withdrawal are never an approval.""",
        codes=(
            (
                "1. Ask",
                """curl "$COUNTERSIGN_URL/v1/requests" \\
  -H "Authorization: Bearer $COUNTERSIGN_TOKEN" \\
  -H "Idempotency-Key: order-1093-refund" \\
  -H "Content-Type: application/json" \\
  -d '{"question": {
         "action": "refund",
         "arguments": {"order": 1093, "amount": "120.00"}}}'""",
            ),
            (
                "2. Wait for the decision",
                """curl "$COUNTERSIGN_URL/v1/requests/$ID?wait=60" \\
  -H "Authorization: Bearer $COUNTERSIGN_TOKEN\"""",
            ),
            (
                "3. Take it, once",
                """curl "$COUNTERSIGN_URL/v1/requests/$ID/consume" \\
  -H "Authorization: Bearer $COUNTERSIGN_TOKEN" \\
  -H "Content-Type: application/json" \\
  -d '{"execution": "order-1093-refund"}'""",
            ),
        ),
    ),
    Section(
        id="tokens",
        title="Tokens",
        text="""An operator makes a token with `countersign tokens add`, which prints it once. Send it in the header
`Authorization: Bearer csk_...`. It speaks for certain sources, and sees nothing of any other source: their ids are
answered like ids that do not exist. A token that is revoked opens nothing from then on.

An address that sends wrong tokens is slowed down (429). Tokens that it has used before still work.""",
        more=table(("scope", "allows"), ((f"<code>{scope}</code>", inline(told)) for scope, told in _SCOPES.items())),
        codes=(
            (
                "A new token",
                """countersign tokens add billing \\
  --source billing-service \\
  --scope requests:write,requests:read \\
  --channel "#refunds" --expires 90d""",
            ),
        ),
    ),
    Section(
        id="keys",
        title="Idempotency keys",
        text="""`Idempotency-Key` is required where something is made. The key must be the same when your program
repeats the call, also after a crash, and different for a new wish. Good keys are an order number with the action, or
the id of a flow with its step. A random key asks people twice after a crash.

The same key and body return the same request for ever, decided or not. The same key with another body is refused (422).
Keys belong to a source: two sources may use the same key.""",
    ),
    Section(
        id="waiting",
        title="Waiting",
        text="""People take minutes or days. There are three ways to wait, and each outlives restarts of the bot.

`GET /v1/requests/{id}?wait=60` returns when the request is settled, or after the time with what is known. Call it again
until `status` is not `pending`. A bot that shuts down answers at once, and a call to any replica sees the decision
within a second.

`GET /v1/requests/{id}/events` sends the same as server-sent events. If the connection breaks, connect again: the first
event says how things stand.

With `callback_url`, a webhook tells you. It is signed as Standard Webhooks specifies, comes at least once, and is tried
for three days. Read the request again before you act, because a webhook may come late.""",
        codes=(
            (
                "A webhook",
                """POST /hooks/countersign
webhook-id: msg_5f0c6a1be2d94a7c8e31
webhook-timestamp: 1803893400
webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=

{
  "type": "request.decided",
  "timestamp": "2027-03-01T09:30:00Z",
  "data": { "id": "req_5f0c6a1be2d94a7c8e31", … }
}""",
            ),
        ),
    ),
    Section(
        id="undo",
        title="Act first, and offer to undo it",
        text="""If what you do can be undone, you need not make people wait: act, and then ask with
`{"type": "undo_window", ...}`. The card says what was done, how it is undone, and until when, with *Undo* and *Keep*.
`requester` may undo it; if you name nobody, those may who approve under the policy.

`undo` is your way back, of which people read `how`; null means that it cannot be undone. `window` is a span such as
`10m`, which counts from `at`: when you acted, or the moment of the call if you leave it out. If nobody answers, what
was done stays, and the verdict is `closed`. That is no approval, and neither is `keep`: `approved` is false.

If the verdict is `undo`, take the decision with `consume`, then undo. `decision.answer` has your way back, and a `key`
that is the same whenever you read this decision, so that undoing twice can be made harmless.""",
        codes=(
            (
                "Offer it",
                """curl "$COUNTERSIGN_URL/v1/requests" \\
  -H "Authorization: Bearer $COUNTERSIGN_TOKEN" \\
  -H "Idempotency-Key: archive-logs-2027-03-01" \\
  -H "Content-Type: application/json" \\
  -d '{"question": {
         "type": "undo_window",
         "action": "Moved 3 files of logs to the trash",
         "undo": {"how": "Moves the files back", "trash": "t-1"},
         "window": "10m"}}'""",
            ),
            (
                "What you get if somebody presses Undo",
                """{
  "verdict": "undo",
  "approved": false,
  "answer": {
    "type": "undo",
    "undo": {"how": "Moves the files back", "trash": "t-1"},
    "key": "9f86d081884c7d659a2feaa0c55ad015…"
  }, …
}""",
            ),
        ),
    ),
    Section(
        id="calling-off",
        title="Decisions that are called off, or too old",
        text="""A policy may hold decisions for a moment (`hold`). Until then, whoever decided can take that back, and
others who may answer can stop it. The request is `pending` all that time, with `hold.until`, and you are told nothing
of the decision, because it may never count. Once you are told, nobody calls it off.

A policy may also say how long a decision is good for. `decision.valid_until` is the end, and after it `consume`
answers 409 (`stale-decision`): do not act, and ask again with a new key if it is still wanted.""",
    ),
    Section(
        id="errors",
        title="Errors",
        text="""Whatever is refused is answered by a problem document (RFC 9457). `type` is a place on this page that
says what it means and what to do. `detail` says what happened. `errors` names each place that is wrong.

Every call may be sent again: calls that make something have a key, and the others do the same again. After 429 and 503,
wait for `Retry-After` seconds.""",
        codes=(
            (
                "A problem",
                """{
  "type": "/docs#problem-invalid",
  "title": "What was sent does not fit",
  "status": 422,
  "detail": "Nothing was done, because what was sent does not fit: …",
  "errors": [
    {
      "path": "body.chanel",
      "problem": "is not known here. Did you mean `channel`?"
    }
  ]
}""",
            ),
        ),
    ),
    Section(
        id="limits",
        title="Limits and lists",
        text=f"""A body may have {MAX_BYTES:,} bytes and 64 levels, and is JSON without duplicate keys, NaN or Infinity.
Unknown keys and parameters are refused, so that a misspelt one is not ignored. What you get may have new keys in later
versions: ignore those that you do not know.

Lists are newest first. A page may be shorter than `limit`: go on with `next_cursor` until it is null.""",
    ),
)


def html() -> str:
    """All sections."""
    return "<h2 id='guide'>Guide</h2>" + "".join(map(_section, SECTIONS))


def _section(section: Section) -> str:
    codes = "".join(code(lines, caption) for caption, lines in section.codes)
    return (
        f'<section class="row" id="{section.id}"><div>{anchored("h3", section.id, section.title)}'
        f'{paragraphs(section.text)}{section.more}</div><div class="code">{codes}</div></section>'
    )
