"""Secrets as a test marks them: what begins with `sec-`, and what is called `password`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.approvals.model.ids import JSON
from bot.approvals.rules.masking import Found
from bot.approvals.services.messages.masked import Masking


class Marked:
    """`sec-` and letters behind it, of which the last four may be shown if there are eight at least."""

    def found(self, text: str) -> Sequence[Found]:
        matches = re.finditer(r"sec-(\w+)", text)
        return [Found(start=m.start(), end=m.end(), head=4, tail=4 if len(m[1]) >= 8 else 0) for m in matches]

    def is_telling(self, name: str, value: JSON) -> bool:
        return name == "password" and value is not None and not isinstance(value, bool)


def masking(*marks: str) -> Masking:
    """Masks what `Marked` finds, and these keys of every graph."""
    return Masking(secrets=Marked(), marks=lambda _: marks, learned=len)
