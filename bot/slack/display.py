"""Names and values as people read them: `older_than` is "Older than", `30d` is "30 days", true is "Yes". Pure.

This is for reading alone. What is approved is the true value, which *Details* shows as raw JSON, and to which the
digest binds. Everything returned here is untrusted text as long as its source is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.approvals.model.ids import JSON

_ABBREVIATIONS: Final = frozenset({"api", "cpu", "csv", "dns", "html", "http", "iban", "id", "ip", "json", "pdf", "pr"})


def label(name: str, own: Mapping[str, str] | None = None) -> str:
    """An argument's name in words. `own` holds the labels that the graph's owner chose."""
    if own and name in own:
        return own[name]
    words = name.replace("_", " ").replace("-", " ").split()
    spelled = [word.upper() if word.lower() in _ABBREVIATIONS else word for word in words]
    joined = " ".join(spelled) or name
    return joined[:1].upper() + joined[1:]


def words(value: JSON) -> str:
    """A plain value in words. Lists and objects are not for this function: their renderers show what they hold."""
    match value:
        case bool():
            return "Yes" if value else "No"
        case None:
            return "-"
        case int():
            return f"{value:,}"
        case _:
            return str(value)
