"""Requests as Slack signs them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from slack_sdk.signature import SignatureVerifier

SECRET: Final = "0123456789abcdef0123456789abcdef"
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


def signed(body: str, content_type: str = JSON, *, secret: str = SECRET, age: float = 0.0) -> Mapping[str, str]:
    """The headers of a request with this body that Slack sent so many seconds ago."""
    stamp = str(int(time.time() - age))
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
    assert signature is not None
    return {"content-type": content_type, "x-slack-request-timestamp": stamp, "x-slack-signature": signature}
