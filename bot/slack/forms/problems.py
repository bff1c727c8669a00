"""What is wrong with a submitted modal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problems:
    """A sentence for each input that was filled in wrongly, as `ack(response_action="errors")` takes it."""

    by_block: Mapping[str, str]
    """By the input's block_id."""
