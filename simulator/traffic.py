"""What went over the wire: API calls received and envelopes sent, for tests that count."""

from typing import Any

from simulator.feed import Feed


class Traffic:
    """Everything the app and this Slack said to each other, without tokens."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._entries: list[dict[str, Any]] = []

    def call(self, *, method: str, arguments: dict[str, Any], at: float) -> dict[str, Any]:
        """Notes a call as received; `answered` completes it."""
        entry = {"direction": "call", "seq": len(self._entries) + 1, "at": at, "method": method, "arguments": arguments}
        self._entries.append(entry)
        return entry

    def answered(self, entry: dict[str, Any], *, status: int, body: dict[str, Any], lost: bool) -> None:
        """Notes the answer to a call, and whether it arrived."""
        entry |= {"status": status, "ok": bool(body.get("ok")), "error": body.get("error"), "lost": lost}
        entry["answer"] = {name: body[name] for name in ("ts", "channel", "message_ts", "user_id") if name in body}
        self._feed.add("call", method=entry["method"], ok=entry["ok"])

    def envelope(self, envelope: dict[str, Any], *, connection: int, at: float) -> dict[str, Any]:
        """Notes an envelope as sent to one connection; `acknowledged` completes it."""
        kept = ("envelope_id", "type", "payload", "retry_attempt")
        entry: dict[str, Any] = {"direction": "envelope", "seq": len(self._entries) + 1, "at": at}
        entry |= {"connection": connection, "acknowledged_after": None, "response": None}
        entry |= {name: envelope[name] for name in kept if name in envelope}
        self._entries.append(entry)
        self._feed.add("envelope", type=envelope["type"])
        return entry

    def acknowledged(self, entry: dict[str, Any], *, after: float, response: Any) -> None:
        """Notes an acknowledgement, even if it came too late."""
        entry |= {"acknowledged_after": after, "response": response}
        self._feed.add("acknowledged", type=entry["type"])

    def since(self, after: int, *, method: str | None = None, kind: str | None = None) -> list[dict[str, Any]]:
        """The entries numbered above `after`; only calls of this method or envelopes of this type, if one is named."""
        return [
            entry
            for entry in self._entries[after:]
            if method in (None, entry.get("method")) and kind in (None, entry.get("type"))
        ]
