"""What can go wrong, as one tree: every error of this package is a `CountersignError`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from countersign.records import Decision, Failure


class CountersignError(Exception):
    """The base of all errors of this package. `str()` says what happened and what to do."""


# --- Decisions ----------------------------------------------------------------------------------


class NotApproved(CountersignError):
    """The action was not approved, so it must not be done."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision)
        self.decision = decision

    def __str__(self) -> str:
        reason = f": {self.decision.reason}" if self.decision.reason else ""
        return f"{self.decision.request_id} was not approved ({self.decision.verdict}){reason}"


class Rejected(NotApproved):
    """A person rejected it, or a part of it."""

    def __str__(self) -> str:
        people = f" by {', '.join(self.decision.by)}" if self.decision.by else ""
        reason = f": {self.decision.reason}" if self.decision.reason else "."
        return f"{self.decision.request_id} was rejected{people}{reason}"


class Expired(NotApproved):
    """Nobody answered before the deadline."""

    def __str__(self) -> str:
        return f"{self.decision.request_id} expired: nobody answered in time. To ask again, use a new key."


class Cancelled(NotApproved):
    """The request was withdrawn."""

    def __str__(self) -> str:
        reason = f": {self.decision.reason}" if self.decision.reason else "."
        return f"{self.decision.request_id} was cancelled{reason}"


class Superseded(NotApproved):
    """Another question took the place of this one."""

    def __str__(self) -> str:
        return f"{self.decision.request_id} was replaced by another question."


class EditRefused(CountersignError):
    """People edited the arguments into some that the function does not take. The function did not run."""


class StillPending(CountersignError):
    """Your timeout is over. The request, or the task, goes on: wait again with the same id or the same key."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id

    def __str__(self) -> str:
        return f"{self.id} is still pending. It goes on: wait again with this id, or ask again with the same key."


class NotAsked(CountersignError):
    """People could not be asked, because of an error in the bot. Asking again with the same key and the same question
    tries once more."""

    def __init__(self, id: str, failure: Failure) -> None:
        super().__init__(id, failure)
        self.id = id
        self.failure = failure

    def __str__(self) -> str:
        where = f" (error {self.failure.error_id} in the bot's log)" if self.failure.error_id else ""
        return (
            f"People could not be asked about {self.id}: {self.failure.summary}{where}. Once that is mended, ask again "
            "with the same key."
        )


# --- Answers of the server ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """What is wrong with one field of what was sent."""

    path: str
    problem: str


class Problem(CountersignError):
    """The server refused, and says why in a problem document (RFC 9457)."""

    def __init__(
        self, *, status: int, title: str, detail: str = "", slug: str = "", errors: Sequence[FieldError] = ()
    ) -> None:
        super().__init__(status, title, detail)
        self.status = status
        """The HTTP status."""
        self.title = title
        self.detail = detail
        """What happened, what it means and what to do."""
        self.slug = slug
        """The name of the problem in the server's documentation, such as `already-consumed`. Empty if it has none."""
        self.errors = tuple(errors)
        """The fields that are wrong. Empty if it is not about fields."""

    def __str__(self) -> str:
        said = f"{self.title} ({self.status})"
        lines = [f"{said}: {self.detail}" if self.detail else said]
        unsaid = [each for each in self.errors if each.problem not in self.detail]
        return "\n".join([*lines, *(f"  {each.path}: {each.problem}" for each in unsaid)])


class InvalidRequest(Problem):
    """The server cannot use what was sent: 400, 413 or 422."""


class KeyAlreadyUsed(InvalidRequest):
    """This key was used with another body. A key stands for one request: another request needs another key."""


class Unauthorized(Problem):
    """The token is unknown, expired or revoked: 401."""


class Forbidden(Problem):
    """The token may not do this: 403."""


class NotFound(Problem):
    """There is no such request or task, or this token may not see it: 404."""


class Refused(Problem):
    """The state of the request or task does not allow this: 409."""


class AlreadyConsumed(Refused):
    """Another execution took this decision. Do not run the action: it was run, or is being run, elsewhere."""


class DecisionStale(Refused):
    """The decision is too old: the policy says how long one may be used. Do not act on it; ask again with a new key."""


class NotSettled(Refused):
    """There is no decision yet."""


class Unavailable(Problem):
    """The server had a failure, or asked to be called later, for as long as the client tried: 429 or 5xx."""


class Unreachable(CountersignError):
    """There was no answer for as long as the client tried. Ask again with the same key: nothing is asked twice."""


class UnexpectedAnswer(CountersignError):
    """The answer is not from this API. Check the address."""


# --- Webhooks -----------------------------------------------------------------------------------


class InvalidWebhook(CountersignError):
    """The message is not signed with the secret, or is too old. Answer 400, and do nothing that it says."""
