"""What is told to an operator."""

from __future__ import annotations

from bot.approvals.model.errors import Unreachable
from bot.approvals.model.facts import named


def test_an_error_is_named_by_its_class_and_that_of_its_cause() -> None:
    """Its words may be somebody's."""
    without = ValueError("what alice wrote")
    caused = Unreachable("storage: what alice wrote")
    caused.__cause__ = OSError("the same")

    assert named(without) == "ValueError"
    assert named(caused) == "Unreachable from OSError"
