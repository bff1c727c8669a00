"""`python -m tools.openapi` writes docs/reference/openapi.json anew, from the routes and models of `bot.http`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bot.http.app import app_of
from bot.http.reference.openapi import written

FILE: Final = Path(__file__).parents[1] / "docs" / "reference" / "openapi.json"


def document() -> str:
    """The document as it is served."""
    return written(app_of(None).openapi())


if __name__ == "__main__":
    FILE.write_text(document())
