"""Policy files as the tests write and read them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot import policy_file
from bot.approvals.model.errors import SettingsError
from bot.approvals.model.policy import (
    Policy,
    Stage,
)
from bot.approvals.model.question import Risk
from bot.approvals.rules.matching import Facts, Policies
from tests.support.fakes.world import CHANNEL, RITA, question

ROOT = Path(__file__).parents[3]

HOUR = timedelta(hours=1)

DEFAULTS = "defaults:\n  approvers: ['@ops']\n"

RULE = f"{DEFAULTS}rules:\n  - name: grave\n"


def loaded(file: Path, text: str) -> Policies:
    file.write_text(text)
    return policy_file.load(file)


def refusal(file: Path, text: str) -> str:
    """What is said of the file, without the folder that it lies in."""
    with pytest.raises(SettingsError) as refused:
        loaded(file, text)
    return str(refused.value).replace(str(file), "policies.yaml")


def governing(policies: Policies, graph: str = "any", risk: str | None = None) -> Policy:
    asked = question(risk=Risk(risk) if risk else None)
    return policies.select(Facts(graph=graph, channel=CHANNEL, requester=RITA, inputs={}, question=asked))


def only_stage(policy: Policy) -> Stage:
    (stage,) = policy.stages
    return stage
