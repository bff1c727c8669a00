"""Troubles of the policy file: names that mean nobody, and quorums that cannot be met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from bot.approvals.model.trouble import About, Key, Trouble, TroubleKind
from bot.approvals.ports.slack import Directory, LookupFailed
from bot.approvals.rules.matching import Policies
from bot.approvals.services.people.staffing import unmatched, unmet
from bot.approvals.services.troubles.source import Sight

LOOK_AGAIN: Final = timedelta(minutes=10)
"""How often the names are looked up again while the file stays the same."""
MATCHES: Final = "the rules' match"
"""The subject for names that rules match requesters and channels by. No policy is called that."""


@dataclass(slots=True, kw_only=True)
class OfPolicies:
    """Sees the policies that cannot be met as they are written."""

    policies: Callable[[], Policies]
    """The policies that count now."""
    directory: Directory
    _looked: tuple[Policies, datetime] | None = field(default=None, init=False)

    async def look(self, known: Sequence[Trouble], now: datetime) -> Sight:
        """Looks at every policy if that is due. What Slack does not say is neither begun nor over."""
        policies = self.policies()
        if self._looked is not None and self._looked[0] is policies and now < self._looked[1] + LOOK_AGAIN:
            return Sight()
        try:
            found = {MATCHES: await unmatched(policies, self.directory)}
            for policy in policies.policies:
                found.setdefault(policy.name, []).extend(await unmet(policy, self.directory))
        except LookupFailed:
            return Sight()
        self._looked = policies, now
        lasting: dict[Key, About] = {
            (TroubleKind.POLICY, name): About(name=None if name == MATCHES else name, why=" ".join(sentences))
            for name, sentences in found.items()
            if sentences
        }
        over = [each.key for each in known if each.kind is TroubleKind.POLICY and each.key not in lasting]
        return Sight(lasting=lasting, over=over)
