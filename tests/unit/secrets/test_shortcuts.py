"""What lets most texts by unread: no text with a secret may be among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.secrets import Detector, detector, formats
from tests.support.examples import examples

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize(
    "shortest",
    [prefix + "x" * least for prefixes, _, least in formats._PREFIXED for prefix in prefixes.split("|")],
)
def test_the_shortest_token_behind_each_prefix_has_room(shortest: str) -> None:
    assert formats.may_stand_in(shortest)


def test_the_shortest_of_slacks_tokens_has_room() -> None:
    """No other form of detect-secrets, or of our own, is as short."""
    assert formats.may_stand_in("xoxb-1-a")
    assert Detector().found("xoxb-1-a")


@examples(50)
@given(st.from_regex(detector._SAID), st.from_regex(detector._SCHEME), st.from_regex(detector._ASSIGNED))
def test_what_is_said_named_or_assigned_passes_the_shortcuts(said: str, scheme: str, assigned: str) -> None:
    assert detector._may_say(said, detector._SECRETS)
    assert detector._may_say(said, detector._VERBS)
    assert detector._may_say(scheme, detector._SCHEMES)
    assert detector._SIGN.search(assigned)
