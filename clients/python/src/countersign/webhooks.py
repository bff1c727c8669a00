"""Webhooks: who sent it and when, as Standard Webhooks specifies."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Iterable, Mapping, Sequence

from countersign import reading
from countersign.errors import InvalidWebhook, UnexpectedAnswer
from countersign.records import WebhookEvent

_TOLERANCE_SECONDS = 300.0
_PREFIX = "whsec_"


def verify(
    body: bytes | str,
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    secret: str | Sequence[str],
    *,
    tolerance: float = _TOLERANCE_SECONDS,
    now: float | None = None,
) -> WebhookEvent:
    """What a webhook tells, if it was signed with the secret. Raises InvalidWebhook if it was not.

    `body` is the body as it arrived: parsing and writing it again changes it. `secret` is `whsec_...`, as the bot's
    WEBHOOK_SECRET; while you rotate, several, in a list or separated by spaces. A message whose timestamp is more than
    `tolerance` seconds from `now` (seconds since 1970; by default this moment) is refused. Messages arrive at least
    once: drop those whose `id` you have seen.
    """
    keys = _keys(secret)
    raw = body.encode() if isinstance(body, str) else bytes(body)
    listed = headers.items() if isinstance(headers, Mapping) else headers
    found = {name.lower(): value for name, value in listed}
    id, stamp, signatures = (_header(found, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature"))
    _check_time(stamp, tolerance, time.time() if now is None else now)
    signed = b".".join((id.encode(), stamp.encode(), raw))
    expected = [hmac.new(key, signed, hashlib.sha256).digest() for key in keys]
    given = _signatures(signatures)
    matches = [hmac.compare_digest(one, other) for one in expected for other in given]
    if not any(matches):
        raise InvalidWebhook(
            "No signature fits. Check that the secret is the bot's WEBHOOK_SECRET, and that the body is passed as it "
            "arrived, not parsed and written again."
        )
    return _event(id, raw)


def _event(id: str, raw: bytes) -> WebhookEvent:
    try:
        data = reading.json_object(raw)
        request = data.get("data")
        return WebhookEvent(
            id=id,
            type=str(data.get("type") or ""),
            timestamp=reading.moment(str(data.get("timestamp") or "")),
            request=reading.request(request if isinstance(request, dict) else {}),
        )
    except UnexpectedAnswer as error:
        raise InvalidWebhook("The message is signed, but tells of no request.") from error


def _keys(secret: str | Sequence[str]) -> list[bytes]:
    """The keys. Raises ValueError if there is none: a message would be taken from anybody."""
    texts = secret.split() if isinstance(secret, str) else [each.strip() for each in secret]
    if not texts or not all(texts):
        raise ValueError("The secret is empty. It is the bot's WEBHOOK_SECRET, which begins with whsec_.")
    keys = []
    for text in texts:
        bare = text.removeprefix(_PREFIX)
        try:
            key = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not key:
            raise ValueError("The secret is not whsec_ and base64, as the bot's WEBHOOK_SECRET is.")
        keys.append(key)
    return keys


def _header(headers: Mapping[str, str], name: str) -> str:
    found = headers.get(name)
    if not found:
        raise InvalidWebhook(f"The message has no header {name}.")
    return found


def _check_time(stamp: str, tolerance: float, now: float) -> None:
    if not re.fullmatch(r"[0-9]{1,15}", stamp):
        raise InvalidWebhook("The header webhook-timestamp is no number of seconds.")
    if abs(now - int(stamp)) > tolerance:
        raise InvalidWebhook(
            f"The message was sent more than {tolerance:g} seconds from now. It may be a repetition of an old one, or "
            "a clock is wrong."
        )


def _signatures(header: str) -> list[bytes]:
    """The signatures of the version v1. Others are passed over."""
    found = []
    for each in header.split():
        version, _, text = each.partition(",")
        if version == "v1":
            try:
                found.append(base64.b64decode(text, validate=True))
            except (binascii.Error, ValueError):
                continue
    return found
