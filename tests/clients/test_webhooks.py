"""`verify`: what the sender's library signs is taken, and nothing else."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from countersign import InvalidWebhook, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
AT = datetime(2026, 11, 29, 12, 0, 5, tzinfo=UTC)
NOW = AT.timestamp()
REQUEST = {
    "id": "req_5f0c6a1be2d94a7c8e31",
    "status": "decided",
    "question": "Grüße?",
    "decision": {"verdict": "approve", "approved": True, "items": [{"name": "", "verdict": "approve"}]},
}
BODY = json.dumps(
    {"type": "request.decided", "timestamp": "2026-11-29T12:00:05Z", "data": REQUEST}, ensure_ascii=False
).encode()


def signed(body: bytes = BODY, secret: str = SECRET, id: str = "msg_1", at: datetime = AT) -> dict[str, str]:
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, at, body.decode()),
    }


@pytest.mark.parametrize("body", [BODY, BODY.decode(), bytearray(BODY)], ids=["bytes", "text", "bytearray"])
def test_what_was_signed_is_read(body: Any) -> None:
    event = verify(body, signed(), SECRET, now=NOW)

    assert (event.id, event.type, event.timestamp) == ("msg_1", "request.decided", AT)
    assert event.request.id == REQUEST["id"]
    assert event.request.decision


def test_an_undo_that_people_want_is_read() -> None:
    answer = {"type": "undo", "undo": {"trash": "t-1"}, "key": "f" * 64}
    decision = {"verdict": "undo", "approved": False, "items": [{"name": "", "verdict": "undo"}], "answer": answer}
    sent = {"type": "request.undo_requested", "data": {**REQUEST, "decision": decision}}
    body = json.dumps(sent).encode()

    event = verify(body, signed(body), SECRET, now=NOW)

    assert event.type == "request.undo_requested"
    assert event.request.decision is not None
    assert (event.request.decision.undone, event.request.decision.way_back) == (True, {"trash": "t-1"})


def test_headers_as_frameworks_give_them() -> None:
    upper = {name.title(): value for name, value in signed().items()}

    assert verify(BODY, upper, SECRET, now=NOW).id == "msg_1"
    assert verify(BODY, list(upper.items()), SECRET, now=NOW).id == "msg_1"


@pytest.mark.parametrize("secret", [f"{OTHER} {SECRET}", [OTHER, SECRET], SECRET.removeprefix("whsec_")])
def test_any_of_several_secrets(secret: Any) -> None:
    assert verify(BODY, signed(), secret, now=NOW).id == "msg_1"


def test_any_of_several_signatures() -> None:
    """As the bot sends them while the secret is rotated; those of another version are passed over."""
    headers = signed()
    mine, other = headers["webhook-signature"], signed(secret=OTHER)["webhook-signature"]
    headers["webhook-signature"] = f"v1a,abc {other} v1,??? {mine}"

    assert verify(BODY, headers, SECRET, now=NOW).id == "msg_1"


REFUSED: Mapping[str, tuple[bytes, dict[str, str]]] = {
    "another body": (BODY.replace(b"approve", b"approvE"), {}),
    "another id": (BODY, {"webhook-id": "msg_2"}),
    "another moment": (BODY, {"webhook-timestamp": str(int(NOW) + 1)}),
    "another secret": (BODY, signed(secret=OTHER)),
    "another version": (BODY, {"webhook-signature": signed()["webhook-signature"].replace("v1,", "v2,")}),
    "no version": (BODY, {"webhook-signature": signed()["webhook-signature"].replace("v1,", "")}),
    "no signature": (BODY, {"webhook-signature": " "}),
    "an empty signature": (BODY, {"webhook-signature": "v1,"}),
    "no id": (BODY, {"webhook-id": ""}),
    "no number": (BODY, {"webhook-timestamp": "nan"}),
}


@pytest.mark.parametrize(("body", "changed"), REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused(body: bytes, changed: dict[str, str]) -> None:
    with pytest.raises(InvalidWebhook):
        verify(body, {**signed(), **changed}, SECRET, now=NOW)


@pytest.mark.parametrize("missing", signed())
def test_each_header_is_needed(missing: str) -> None:
    headers = signed()
    del headers[missing]

    with pytest.raises(InvalidWebhook, match=f"no header {missing}"):
        verify(BODY, headers, SECRET, now=NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_what_is_old_or_from_the_future_is_refused(seconds: int) -> None:
    with pytest.raises(InvalidWebhook, match="300 seconds"):
        verify(BODY, signed(), SECRET, now=NOW + seconds)
    assert verify(BODY, signed(), SECRET, now=NOW + seconds, tolerance=400).id == "msg_1"


@pytest.mark.parametrize("secret", ["", " ", [], [""], "whsec_", "whsec_!!!", [SECRET, "?"]])
def test_without_a_secret_nothing_is_taken(secret: Any) -> None:
    with pytest.raises(ValueError, match="The secret is"):
        verify(BODY, signed(), secret, now=NOW)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"data": {"id": "req_1"}}', b"no"])
def test_a_signed_message_of_something_else(body: bytes) -> None:
    with pytest.raises(InvalidWebhook, match="tells of no request"):
        verify(body, signed(body), SECRET, now=NOW)
