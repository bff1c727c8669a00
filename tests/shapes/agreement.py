"""A schema without fields."""

from __future__ import annotations

from pydantic import BaseModel


class Nothing(BaseModel):
    """To be agreed to."""
