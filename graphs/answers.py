"""What people answered, read leniently: what is not clearly a yes is a no."""

from typing import Final, NamedTuple

SILENCE: Final = "Rejected: nobody answered"
"""How the text begins that a question in words is answered with when its deadline passed."""


class Verdict(NamedTuple):
    """Yes or no, and what was said with it."""

    approved: bool
    feedback: str


def verdict(answer: object) -> Verdict:
    """Yes or no from `{"approved": bool, "feedback": str}`, a bare boolean, or a sentence, which is a no."""
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
    """The option that was chosen, and what was said with it.

    A bare yes or no stands for `yes` or `no`; any other text is returned as it is, for the graph to compare.
    """
    if isinstance(answer, str):
        return answer.strip(), ""
    given = verdict(answer)
    return (yes if given.approved else no), given.feedback


def text(answer: object) -> str:
    """What was written; '' where nobody answered, or the answer is no text."""
    written = answer.strip() if isinstance(answer, str) else ""
    return "" if written.startswith(SILENCE) else written
