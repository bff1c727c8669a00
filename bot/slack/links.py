"""Links to messages, made from what the records hold, so that they need no call to Slack."""

from __future__ import annotations

from bot.approvals.inbox.queries import Row
from bot.approvals.model.ids import MessageRef, Ts


def to(row: Row, address: str, words: str) -> str:
    """A mrkdwn link to the row's card or opening (Slack: archive link). Empty while that message is not posted."""
    return "" if row.place is None else at(row.place, row.thread_ts, address, words)


def at(ref: MessageRef, root: Ts | None, address: str, words: str) -> str:
    """A mrkdwn link to a message. `root` is the message whose thread it is in, if it is in one."""
    inside = f"?thread_ts={root}&amp;cid={ref.channel}" if root else ""
    return f"<{address}archives/{ref.channel}/p{ref.ts.replace('.', '')}{inside}|{words}>"
