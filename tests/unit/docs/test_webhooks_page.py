"""The page of webhooks: its lines of Python verify what the bot sends, and its tables say what the code does."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from standardwebhooks import Webhook as Signature

from bot.approvals.model.webhook import WebhookKind
from bot.approvals.services.webhooks import PAUSES
from bot.webhooks.allow_list import AllowList
from tests.unit.docs.pages import PAGES, codes, fenced, rows, section

PAGE = "docs/reference/webhooks.md"
NEW, OLD = (f"whsec_{base64.b64encode(each * 32).decode()}" for each in (b"n", b"o"))
BODY = '{"reason": "schön"}'


@pytest.fixture
def verified() -> Callable[[str, dict[str, str], bytes], bool]:
    """The function of the page."""
    (text,) = fenced(PAGE, "python")
    names: dict[str, object] = {}
    exec(text, names)  # noqa: S102 - the page's own lines
    return cast(Callable[[str, dict[str, str], bytes], bool], names["verified"])


def headers(now: datetime, *secrets: str) -> dict[str, str]:
    signed = [Signature(secret).sign(msg_id="msg_1", timestamp=now, data=BODY) for secret in secrets]
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signed),
    }


def test_its_lines_verify_what_is_signed(verified: Callable[[str, dict[str, str], bytes], bool]) -> None:
    now = datetime.now(UTC)

    assert verified(NEW, headers(now, NEW), BODY.encode())
    assert verified(OLD, headers(now, NEW, OLD), BODY.encode())
    assert not verified(OLD, headers(now, NEW), BODY.encode())
    assert not verified(NEW, headers(now, NEW) | {"webhook-id": "msg_2"}, BODY.encode())
    assert not verified(NEW, headers(now, NEW), BODY.encode() + b" ")
    assert not verified(NEW, headers(now - timedelta(minutes=6), NEW), BODY.encode())


def test_each_kind_is_named() -> None:
    assert {code for row in rows(section(PAGE, "## What comes")) for code in codes(row[0])} == set(WebhookKind)


def test_each_pause_is_named() -> None:
    units = {"s": "seconds", "min": "minutes", "h": "hours"}
    sentence = (
        section(PAGE, "## When it is sent, and how often").partition("again after ")[2].partition(", or later")[0]
    )
    words = sentence.replace(", and then every", ",").split(", ")

    assert tuple(timedelta(**{units[unit]: int(count)}) for count, unit in map(str.split, words)) == PAUSES


def test_what_the_list_may_hold_is_understood() -> None:
    examples = [code for row in rows(section(PAGE, "## Let the bot send them")) for code in codes(row[0])]

    assert AllowList.read(",".join(code for code in examples if not code.isupper() and "_" not in code))
    assert "tokens.md" in PAGES["docs/reference/settings.md"]
