"""Policies of a test's own stages, and what is said where Slack lacks a scope."""

from __future__ import annotations

from dataclasses import replace

from bot.approvals.model.policy import Policy, Stage, one_stage
from bot.approvals.model.question import Question


def under(*stages: Stage, asks: Question | None = None, **terms: object) -> Policy:
    return replace(Policy(name="p", stages=stages), **terms)  # type: ignore[arg-type]


NO_SCOPE = "cannot be looked up: the bot's app lacks a scope (usergroups:read)"

TWO_STAGES = (*one_stage(("U-ALICE",)), *one_stage(("U-ALICE", "U-CAROL")))
