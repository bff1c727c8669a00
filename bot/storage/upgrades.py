"""Records as earlier versions wrote them, brought to the shape of today before they are read."""

from __future__ import annotations

from typing import Any


def request(record: dict[str, Any]) -> dict[str, Any]:
    """A request, whose policy may be one of before stages, and its pending state one that counted steps. Its question
    may be one that was answered in words although nothing declares that it wants them."""
    record = {**record, **{key: _question(record[key]) for key in ("proposed", "question")}}
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
        state = {**state, "taken": list(range(state.get("next_step", 0)))}
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
