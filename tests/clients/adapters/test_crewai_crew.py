"""The crew in examples/crewai_crew, with a scripted model in place of a provider's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.clients.adapters.environments import ROOT
from tests.clients.adapters.examples import example
from tests.clients.adapters.people import Answered, edits, rejects
from tests.clients.adapters.test_crewai import Scripted, says_final

FOLDER = ROOT / "examples" / "crewai_crew"
REFUND = {"order": "4711", "amount": "99 EUR"}


def clerk() -> Scripted:
    use = f"Thought: use it\nAction: refund_order\nAction Input: {json.dumps(REFUND)}"
    return Scripted(model="fake", replies=[use, says_final("done"), says_final("Dear customer")])


def test_the_crew_refunds_what_people_approved(api: Answered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They made it less. A second run of the same ticket asks nobody, and refunds nothing more."""
    api.people = [edits(order="4711", amount="90 EUR")]
    module = example("crew", api, tmp_path, monkeypatch, FOLDER)

    letters = [module.run("ticket-2041", "It is broken.", clerk()) for _ in range(2)]

    assert letters == ["Dear customer"] * 2
    assert (tmp_path / "refunds.txt").read_text() == "4711 90 EUR\n"
    assert len(api.questions) == 1


def test_the_crew_refunds_nothing_after_a_no(api: Answered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api.people = [rejects("It was never ordered.")]
    module = example("crew", api, tmp_path, monkeypatch, FOLDER)
    llm = clerk()

    assert module.run("ticket-2042", "It is broken.", llm) == "Dear customer"
    assert not (tmp_path / "refunds.txt").exists()
