"""Links to messages, made from what the records hold, so that they need no call to Slack."""

from __future__ import annotations

from bot.approvals.inbox.queries import Row


def to(row: Row, address: str, words: str) -> str:
    """A mrkdwn link to the row's card or opening (Slack: archive link). Empty while that message is not posted."""
    ref, root = row.place, row.thread_ts
    if ref is None:
        return ""
    inside = f"?thread_ts={root}&amp;cid={ref.channel}" if root else ""
    return f"<{address}archives/{ref.channel}/p{ref.ts.replace('.', '')}{inside}|{words}>"
