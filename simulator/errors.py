"""What Slack answers if it refuses a call: an error name, sometimes with more fields."""

from typing import Any


class SlackError(Exception):
    """A refusal with Slack's name for it. It is sent as `{"ok": false, "error": ...}`."""

    def __init__(self, error: str, **fields: Any) -> None:
        super().__init__(error)
        self.error = error
        self.fields = fields

    def body(self) -> dict[str, Any]:
        """The JSON answer."""
        return {"ok": False, "error": self.error, **self.fields}


class RateLimited(SlackError):
    """There were too many calls. The answer is HTTP 429 with `Retry-After` (Slack: "Rate limits")."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after


def invalid(error: str, messages: list[str]) -> SlackError:
    """A refusal that names the broken limits in `response_metadata.messages`, as Slack does."""
    return SlackError(error, errors=messages, response_metadata={"messages": [f"[ERROR] {m}" for m in messages]})


class UnknownPlace(Exception):
    """The control API was asked for a person, channel, message or element that does not exist."""
