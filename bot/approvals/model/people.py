"""An account of Slack's directory, as far as approvals need it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.approvals.model.ids import (
    Person,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An account as Slack's directory has it. `ineligible` says why it may answer nothing; empty where it may."""

    person: Person
    name: str
    ineligible: str = ""
    nameable: bool = False
    """Whether it may answer all the same where a policy names it: a guest, or somebody of another company."""
    zone: str = ""
    """Its time zone, such as Europe/Berlin; empty where Slack does not say."""
