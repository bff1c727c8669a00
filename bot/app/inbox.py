"""What a gateway shows each person of what waits for them: lists, the Home and the daily summary."""

from __future__ import annotations

from bot.approvals.inbox.home import Homes
from bot.approvals.inbox.queries import Errands, Inboxes, channels_asked, groups_asked
from bot.approvals.inbox.summaries import Summaries
from bot.approvals.ports.slack import Directory
from bot.approvals.ports.storage import Storage
from bot.approvals.ports.work import Clock
from bot.approvals.services.messages.posting import Posting
from bot.approvals.services.policies.current import CurrentPolicies
from bot.slack.api.messenger import SlackMessenger


def inbox(
    *,
    storage: Storage,
    policies: CurrentPolicies,
    directory: Directory,
    messenger: SlackMessenger,
    posting: Posting,
    work: Errands,
    clock: Clock,
) -> tuple[Inboxes, Homes, Summaries]:
    """The parts. All of them go by the policies that are in use at the time."""
    inboxes = Inboxes(
        storage=storage,
        directory=directory,
        groups=lambda: groups_asked(policies.now),
        channels=lambda: channels_asked(policies.now),
    )
    homes = Homes(storage=storage, inboxes=inboxes, front=messenger, work=work, clock=clock)
    summaries = Summaries(
        storage=storage,
        inboxes=inboxes,
        directory=directory,
        messenger=messenger,
        posting=posting,
        front=messenger,
        work=work,
        clock=clock,
    )
    return inboxes, homes, summaries
