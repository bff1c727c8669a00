"""The traffic: API calls that were received and envelopes that were sent, for tests and the page's inspector."""

from typing import Any

from simulator.feed import Feed


class Traffic:
    """Everything that the app and the simulator sent each other, without tokens."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._entries: list[dict[str, Any]] = []

    def call(self, *, method: str, arguments: dict[str, Any], at: float) -> dict[str, Any]:
        """Records a received call. `answered` completes the entry."""
        entry = {"direction": "call", "seq": len(self._entries) + 1, "at": at, "method": method, "arguments": arguments}
        self._entries.append(entry)
        return entry

    def answered(self, entry: dict[str, Any], *, status: int, body: dict[str, Any], lost: bool) -> None:
        """Records how a call was answered, and whether the answer arrived."""
        entry |= {"status": status, "ok": bool(body.get("ok")), "error": body.get("error"), "lost": lost}
        entry["answer"] = {name: body[name] for name in ("ts", "channel", "message_ts", "user_id") if name in body}
        self._feed.add("call", method=entry["method"], ok=entry["ok"])

    def envelope(self, envelope: dict[str, Any], *, connection: int, at: float) -> dict[str, Any]:
        """Records an envelope that was sent to one connection. `acknowledged` completes the entry."""
        kept = ("envelope_id", "type", "payload", "retry_attempt")
        entry: dict[str, Any] = {"direction": "envelope", "seq": len(self._entries) + 1, "at": at}
        entry |= {"connection": connection, "acknowledged_after": None, "response": None}
        entry |= {name: envelope[name] for name in kept if name in envelope}
        self._entries.append(entry)
        self._feed.add("envelope", type=envelope["type"])
        return entry

    def acknowledged(self, entry: dict[str, Any], *, after: float, response: Any) -> None:
        """Records an acknowledgement, even if it came too late."""
        entry |= {"acknowledged_after": after, "response": response}
        self._feed.add("acknowledged", type=entry["type"])

    def since(self, after: int, *, method: str | None = None, kind: str | None = None) -> list[dict[str, Any]]:
        """The entries numbered above `after`. `method` and `kind` select calls of a method or envelopes of a type."""
        return [
            entry
            for entry in self._entries[after:]
            if method in (None, entry.get("method")) and kind in (None, entry.get("type"))
        ]
