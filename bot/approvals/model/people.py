"""An account in Slack's directory, as far as approvals need it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.approvals.model.ids import (
    Person,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An account in Slack's directory. `ineligible` says why it may not answer requests, and is empty if it may."""

    person: Person
    name: str
    ineligible: str = ""
    nameable: bool = False
    """Whether an ineligible account may answer if a policy names it: a guest, or somebody of another company."""
    zone: str = ""
    """Its time zone, such as Europe/Berlin. Empty if Slack does not say."""
