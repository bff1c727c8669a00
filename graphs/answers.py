"""Reads what people answered. Any answer that is not clearly a yes counts as a no."""

from typing import Final, NamedTuple

SILENCE: Final = "Rejected: nobody answered"
"""If nobody answers a question in words before its deadline, the answer is a text that begins with this."""


class Verdict(NamedTuple):
    """Yes or no, and the comment."""

    approved: bool
    feedback: str


def verdict(answer: object) -> Verdict:
    """Reads `{"approved": bool, "feedback": str}`, a boolean, or a sentence. A sentence is a no, with a comment."""
    match answer:
        case {"approved": bool(approved), **rest}:
            return Verdict(approved, str(rest.get("feedback") or ""))
        case bool(approved):
            return Verdict(approved, "")
        case str(text) if text.strip():
            return Verdict(False, text.strip())
        case _:
            return Verdict(False, "The answer was neither yes nor no.")


def chosen(answer: object, yes: str, no: str) -> tuple[str, str]:
    """The option that was chosen, and the comment.

    True and false become the options `yes` and `no`. Any other text is returned unchanged; the graph checks it.
    """
    if isinstance(answer, str):
        return answer.strip(), ""
    given = verdict(answer)
    return (yes if given.approved else no), given.feedback


def text(answer: object) -> str:
    """The text that was written. '' if nobody answered, or if the answer is not text."""
    written = answer.strip() if isinstance(answer, str) else ""
    return "" if written.startswith(SILENCE) else written
