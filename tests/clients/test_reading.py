"""What the server answers, read by a client that is older or newer."""

import string
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign import AskedItem, Request, UnexpectedAnswer, reading

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=3,
)
NAMES = [*Request.__dataclass_fields__, "verdict", "approved", "items", "tomorrow"]
ANY = st.dictionaries(st.sampled_from(NAMES), JSON)


@given(ANY)
def test_any_object_is_read_or_refused(data: dict[str, Any]) -> None:
    """Nothing else is ever raised, and nothing is an approval that does not say so."""
    for read in (reading.request, reading.task):
        try:
            read(data)
        except UnexpectedAnswer:
            needed = (data.get("id"), data.get("status"))
            assert not all(isinstance(each, str) and each for each in needed)
    decision = reading.decision("req_1", data)
    assert not decision or (data["approved"] is True and data["verdict"] in ("approve", "edit"))


@given(st.text(alphabet=string.printable) | st.from_regex(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d.*", fullmatch=True))
def test_any_text_is_a_time_or_none(written: str) -> None:
    found = reading.moment(written)

    assert found is None or found.utcoffset() is not None


@pytest.mark.parametrize(
    ("written", "seconds", "hours"),
    [
        ("2026-11-29T12:00:05Z", 5.0, 0),
        ("2026-11-29t12:00:05.25z", 5.25, 0),
        ("2026-11-29T12:00:05.123456789+00:00", 5.123456, 0),
        ("2026-11-29 13:00:05.5+01:00", 5.5, 1),
        ("2026-11-29T06:30:05-05:30", 5.0, -5.5),
    ],
)
def test_times(written: str, seconds: float, hours: float) -> None:
    base = datetime(2026, 11, 29, 12, tzinfo=UTC)

    found = reading.moment(written)

    assert found is not None
    assert (found - base, found.utcoffset()) == (timedelta(seconds=seconds), timedelta(hours=hours))


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_object(body: bytes) -> None:
    with pytest.raises(UnexpectedAnswer):
        reading.json_object(body)


@pytest.mark.parametrize("written", ["", "2026-11-29", "2026-13-29T12:00:05Z", "2026-11-29T12:00:05", "x"])
def test_what_is_no_time(written: str) -> None:
    assert reading.moment(written) is None


def test_a_whole_request() -> None:
    request = reading.request(
        {
            "id": "req_1",
            "status": "decided",
            "source": {"name": "billing", "url": None, "run": "7", "new": 1},
            "question": {"a": 1},
            "items": [{"name": "pay", "arguments": {"amount": 1}, "new": 1}, None],
            "requester": "U0ANN",
            "version": 2,
            "created_at": "2026-11-29T12:00:05Z",
            "asked": ["U0BOB", "U0CAROL"],
            "votes": 1,
            "metadata": {"job": 7},
            "permalink": "https://acme.slack.com/archives/C1/p1",
            "callback": {"status": "given_up", "attempts": 9, "failure": "it answered 500", "new": []},
            "decision": {
                "verdict": "edit",
                "approved": True,
                "items": [{"name": "pay", "verdict": "approve", "arguments": {"amount": 1}, "new": 1}],
                "by": ["U0BOB"],
                "through": ["portal"],
                "at": "2026-11-29T12:01:05Z",
                "edited": True,
                "ruled": "",
                "new": {},
            },
            "new": True,
        }
    )

    assert request.settled
    assert request.items == (AskedItem(name="pay", arguments={"amount": 1}),)
    assert request.decision is not None
    assert request.decision.arguments == {"amount": 1}
    assert (request.decision.ruled, request.decision.through, request.asked) == (
        None,
        ("portal",),
        ("U0BOB", "U0CAROL"),
    )
    assert request.callback is not None
    assert (request.callback.attempts, request.source.run, request.metadata) == (9, "7", {"job": 7})
    with pytest.raises(AttributeError):
        request.status = "pending"  # type: ignore[misc]
