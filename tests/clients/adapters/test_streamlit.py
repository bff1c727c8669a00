"""The approval page in examples/streamlit_portal, run as it stands by Streamlit's own test runner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from countersign import Countersign
from tests.clients.adapters.environments import ROOT
from tests.clients.adapters.people import Answered
from tests.support.stub_api import TOKEN

PAGE = ROOT / "examples" / "streamlit_portal" / "portal.py"
QUESTION = {"action": "refund_order", "arguments": {"order": "4711"}}


@pytest.fixture
def page(api: Answered, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Opens the page."""

    def opened(person: str | None = "bob@acme.example") -> Any:
        monkeypatch.setenv("COUNTERSIGN_URL", api.url)
        monkeypatch.setenv("COUNTERSIGN_TOKEN", TOKEN)
        if person:
            monkeypatch.setenv("PORTAL_PERSON", person)
        run = AppTest.from_file(str(PAGE), default_timeout=30).run()
        assert not run.exception
        return run

    return opened


def test_nobody_answers_who_is_not_signed_in(client: Countersign, page: Callable[..., Any]) -> None:
    client.request(QUESTION, key="refund-4711")

    shown = page(person=None)

    assert [each.value for each in shown.warning] == ["Sign in to answer."]
    assert not shown.button


def test_a_vote_is_of_the_person_and_of_what_was_shown(
    api: Answered, client: Countersign, page: Callable[..., Any]
) -> None:
    """The question changes between the look and the click. The vote carries the version and digest of the look."""
    id = client.request(QUESTION, key="refund-4711").id
    shown = page()
    seen = {"version": api.requests[id]["version"], "digest": api.requests[id]["digest"]}
    assert [each.value for each in shown.subheader] == ["refund_order"]
    api.requests[id] |= {"version": 2, "digest": "2" * 64}

    shown.text_input[0].set_value("It is broken.")
    shown.button(f"reject {id}").click().run()

    votes = [body for _, target, body in api.calls if target.endswith("/votes")]
    assert votes == [{"person": "bob@acme.example", "verdict": "reject", "reason": "It is broken.", **seen}]


def test_the_page_shows_what_people_have_edited(api: Answered, client: Countersign, page: Callable[..., Any]) -> None:
    id = client.request(QUESTION, key="refund-4711").id
    api.requests[id] |= {"items": [{"name": "refund_order", "arguments": {"order": "4712"}}], "version": 2}

    shown = page()

    assert "4712" in shown.json[0].value
    assert "4711" not in shown.json[0].value


def test_the_page_says_what_came_of_it(client: Countersign, page: Callable[..., Any]) -> None:
    id = client.request(QUESTION, key="refund-4711").id
    shown = page()

    shown.button(f"approve {id}").click().run()

    assert [each.value for each in shown.info] == ["You said approve."]
