"""Records that earlier versions wrote, turned into today's shape before they are read.

A field that was only renamed needs nothing here, but a line in `codec.STORED_AS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_OF_STAGE: Final[Mapping[str, str]] = {
    "stage_opened_at": "opened_at",
    "asked": "asked",
    "short": "short",
    "zones": "zones",
    "untold": "untold",
    "missing": "missing",
    "escalated_to": "escalated_to",
    "escalated_held": "escalated_held",
    "extension": "extension",
}
"""Fields that requests had themselves before the open stage was a record of its own, and their names there."""


def request(record: dict[str, Any]) -> dict[str, Any]:
    """A request, whose policy may be one of before stages, and its pending state one that counted steps. Its question
    may be one that was answered in words although nothing declares that it wants them, and its stage may be told by
    fields of its own. Until when its decision is held may be told by the time of its delivery."""
    record = {**record, **{key: _question(record[key]) for key in ("proposed", "question")}}
    return _with_hold(_with_open_stage(_with_stages(record)))


def _with_hold(record: dict[str, Any]) -> dict[str, Any]:
    state = record["state"]
    waits = state["type"] == "Decided" and state.get("held") is not None and not state.get("attempts")
    if not waits or "held_until" in state:
        return record
    return {**record, "state": {**state, "held_until": state["next_try"]}}


def _with_open_stage(record: dict[str, Any]) -> dict[str, Any]:
    if "open" in record:
        return record
    kept = {key: value for key, value in record.items() if key not in _OF_STAGE}
    return {**kept, "open": {name: record[key] for key, name in _OF_STAGE.items() if key in record}}


def _with_stages(record: dict[str, Any]) -> dict[str, Any]:
    policy = record["policy"]
    if "stages" in policy:
        return record
    group = {"approvers": policy["approvers"], "needed": policy.get("quorum", 1)}
    reasons = ["reject"] if policy.get("reason_required", True) else []
    upgraded = {
        key: value for key, value in policy.items() if key not in {"approvers", "quorum", "reason_required", "steps"}
    } | {"stages": [{"groups": [group], "steps": policy.get("steps", [])}], "reasons": reasons}
    state = record["state"]
    if state["type"] == "Pending":
        taken = list(range(state.get("next_step", 0)))
        state = {key: value for key, value in state.items() if key != "next_step"} | {"taken": taken}
    return {**record, "policy": upgraded, "state": state, "stage_opened_at": record["opened_at"]}


def message(record: dict[str, Any]) -> dict[str, Any]:
    """A message, in which empty text may stand for what is not there."""
    absent = {key: None for key in ("fingerprint", "digest", "refused", "abandoned") if record.get(key) == ""}
    return {**record, **absent}


def _question(record: dict[str, Any]) -> dict[str, Any]:
    """A question as it was read before choices had their values beside them (`options`): bare strings and unknown
    dictionaries were answered in the convention `text`, which only a declaration means by now."""
    payload = record.get("payload")
    declared = isinstance(payload, dict) and payload.get("answer") == "text"
    if "options" in record or record["shape"] != "text" or record.get("convention", "") not in ("", "text") or declared:
        return record
    return {**record, "convention": "unrejectable"}
