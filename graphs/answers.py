"""What people answered, read leniently: what is not clearly a yes is a no."""

from typing import NamedTuple


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
