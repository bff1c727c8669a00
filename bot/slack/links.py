"""Where a message is to be found, as an address that Slack opens: made of what is known, so that it costs no call."""

from __future__ import annotations

from bot.approvals.inbox.queries import Row


def to(row: Row, address: str, words: str) -> str:
    """A link in mrkdwn to the row's card or opening (Slack: a message's archive link); empty while it is not posted."""
    ref, root = row.place, row.thread_ts
    if ref is None:
        return ""
    inside = f"?thread_ts={root}&amp;cid={ref.channel}" if root else ""
    return f"<{address}archives/{ref.channel}/p{ref.ts.replace('.', '')}{inside}|{words}>"
