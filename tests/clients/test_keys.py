"""What is refused before it is sent, and how it is said."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from countersign import AsyncCountersign, Countersign, requires_approval
from countersign.given import HOW
from tests.support.stub_api import TOKEN, StubApi

DEEP: list[Any] = []
DEEP.append(DEEP)
KEYED: Any = [("request", ("Go on?",)), ("ask", ("pay", {})), ("approve_or_raise", ("pay", {})), ("start", ("pay", {}))]


@pytest.mark.parametrize(("method", "given"), KEYED, ids=[method for method, _ in KEYED])
def test_a_missing_key_says_how_to_choose_one(method: str, given: tuple[Any, ...], blocking: Countersign) -> None:
    for client in (blocking, blocking.asynchronous()):
        with pytest.raises(TypeError) as raised:
            getattr(client, method)(*given)

        assert str(raised.value) == f"{method}() needs a key. {HOW}"


@pytest.mark.parametrize(
    ("key", "error", "said"),
    [
        ("", ValueError, "The key is empty."),
        ("  ", ValueError, "The key is empty."),
        (None, TypeError, "The key is a text, not NoneType."),
        (4711, TypeError, "The key is a text, not int."),
        ("order 4711", ValueError, "The key 'order 4711' has spaces"),
        ("größe", ValueError, "letters outside ASCII"),
        ("a\r\nX: y", ValueError, "has spaces"),
        ("k" * 201, ValueError, "more than 200 characters"),
    ],
)
def test_a_bad_key_says_how_to_choose_one(
    key: Any, error: type[Exception], said: str, blocking: Countersign, api: StubApi
) -> None:
    with pytest.raises(error) as raised:
        blocking.request("Go on?", key=key)

    assert said in str(raised.value)
    assert str(raised.value).endswith(HOW)
    assert api.calls == []


def test_the_decorator_needs_a_function_for_its_key(blocking: Countersign) -> None:
    with pytest.raises(TypeError, match="`key` is a function of the arguments"):
        requires_approval(blocking, key="refund")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"amount": Decimal("1")}, TypeError, "arguments.amount is Decimal, which JSON cannot hold"),
        ({"at": [datetime.now().astimezone()]}, TypeError, r"arguments.at\[0\] is datetime"),
        ({"amount": float("nan")}, ValueError, "arguments.amount is nan"),
        ({"by": {1: "a"}}, TypeError, "arguments.by has the key 1"),
        ({"name": "\ud800"}, ValueError, "arguments.name has half a character"),
        ({"deep": DEEP}, ValueError, "is nested too deep"),
        ([1], TypeError, "The arguments are a dictionary, not list"),
    ],
)
def test_what_json_cannot_hold_is_not_sent(
    arguments: Any, error: type[Exception], said: str, blocking: Countersign, api: StubApi
) -> None:
    """Nothing is turned into a text in passing: people would approve something else."""
    with pytest.raises(error, match=said):
        blocking.ask("pay", arguments, key="a")

    assert api.calls == []


def test_an_action_has_a_name(blocking: Countersign) -> None:
    with pytest.raises(ValueError, match="The action is a name"):
        blocking.ask(" ", {}, key="a")


@pytest.mark.parametrize("execution", ["", "x" * 201, " a", "a\nb"])
def test_an_execution_has_a_name(execution: str, blocking: Countersign) -> None:
    with pytest.raises(ValueError, match="1 to 200"):
        blocking.consume("req_1", execution=execution)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("approvals.example.org", "begins with http"),
        ("file:///etc/passwd", "begins with http"),
        ("ftp://approvals.example.org", "begins with http"),
        ("https://", "names a host"),
        ("https://me:secret@approvals.example.org", "name or password"),
        ("https://approvals.example.org/?a=1", "the server alone"),
        ("https://approvals.example.org/a b", "the server alone"),
        ("https://approvals.example.org:99999", "no address"),
    ],
)
def test_addresses(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        Countersign(url, TOKEN)

    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("token", ["", " ", "csk_a\r\nX-Other: b", "csk_ä"])
def test_tokens(token: str) -> None:
    with pytest.raises(ValueError, match="countersign tokens add") as raised:
        AsyncCountersign("https://approvals.example.org", token)

    assert "X-Other" not in str(raised.value)


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COUNTERSIGN_TOKEN", raising=False)
    monkeypatch.setenv("COUNTERSIGN_URL", "https://approvals.example.org/")
    with pytest.raises(ValueError, match="COUNTERSIGN_TOKEN"):
        Countersign.from_environment()

    monkeypatch.setenv("COUNTERSIGN_TOKEN", TOKEN)

    assert repr(Countersign.from_environment()) == "Countersign('https://approvals.example.org', source=None)"
    assert repr(AsyncCountersign.from_environment(source="a")).startswith("AsyncCountersign('https://approvals")


@pytest.mark.parametrize(("timeout", "retry_for"), [(0, 1), (-1, 1), (1, -1), (float("nan"), 1)])
def test_seconds_are_positive(timeout: float, retry_for: float) -> None:
    with pytest.raises(ValueError, match="`timeout`"):
        Countersign("https://approvals.example.org", TOKEN, timeout=timeout, retry_for=retry_for)
