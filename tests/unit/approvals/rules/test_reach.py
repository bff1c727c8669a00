"""Whether anybody who may answer has got to see a request."""

from __future__ import annotations

from dataclasses import replace

from bot.approvals.model.question import Window
from bot.approvals.model.request import Request, Then, Unreached
from bot.approvals.rules.reach import nobody_was_reached
from tests.support.builders import MINUTE, NOON, a_person, a_question, a_request

ANN, BEN = a_person("U1"), a_person("U2")
LATER = NOON + 5 * MINUTE


def asked(*people: object, **changes: object) -> Request:
    request = a_request()
    return replace(request, open=replace(request.open, opened_at=NOON, asked=people, **changes))  # type: ignore[arg-type]


def missed(request: Request, *missing: Unreached) -> Request:
    return replace(request, unreached=missing)


def test_somebody_who_was_asked_was_reached_unless_it_is_said_otherwise() -> None:
    one = Unreached(person=ANN, why="is gone", asked_at=NOON)

    assert not nobody_was_reached(asked(ANN))
    assert nobody_was_reached(missed(asked(ANN), one))
    assert not nobody_was_reached(missed(asked(ANN, BEN), one))


def test_nobody_is_reached_where_nobody_may_answer() -> None:
    assert nobody_was_reached(asked())


def test_an_escalation_that_asked_others_has_reached_them() -> None:
    """Unless it was the last one, and asked nobody."""
    escalated = asked(escalated_to=("@leads",))
    nobody = Unreached(name="@leads", why="", asked_at=LATER, then=Then.END)

    assert not nobody_was_reached(escalated)
    assert nobody_was_reached(missed(escalated, nobody))


def test_what_an_earlier_stage_missed_does_not_count() -> None:
    before = Unreached(person=ANN, why="is gone", asked_at=NOON - MINUTE)

    assert not nobody_was_reached(missed(asked(ANN), before))


def test_an_undo_window_needs_nobody() -> None:
    """If nobody answers, the result stays."""
    window = replace(asked(), question=a_question(window=Window(length=MINUTE)))

    assert not nobody_was_reached(window)
