"""What the model is told. Only a decision that says so in every respect becomes a yes."""

from __future__ import annotations

import json
from typing import Any, assert_never

from mcp_types import CallToolResult, TextContent

from bot.mcp.api import Json
from bot.mcp.asking import AlreadyUsed, Failed, Outcome, Settled, StillPending
from bot.mcp.tools import ToolName


def told(tool: ToolName, outcome: Outcome) -> CallToolResult:
    """The result of a call of this tool."""
    match tool:
        case "permission_prompt":
            return _result(_permission(outcome), structured=False)
        case "request_approval":
            return _failed(outcome) if isinstance(outcome, Failed) else _result(_approval(outcome))
        case "ask_human":
            return _failed(outcome) if isinstance(outcome, Failed) else _result(_answer(outcome))
        case _:
            assert_never(tool)


def unfit(tool: ToolName, why: str) -> CallToolResult:
    """The result of a call whose arguments are wrong."""
    return told(tool, Failed(why=f"People were not asked, because the arguments do not fit: {why}."))


def approved_arguments(decision: Json) -> Json | None:
    """The arguments that people approved, with their edits. None if they did not approve the one action."""
    items = decision.get("items")
    if decision.get("approved") is not True or decision.get("verdict") not in ("approve", "edit"):
        return None
    if not isinstance(items, list) or len(items) != 1 or items[0].get("verdict") != "approve":
        return None
    arguments = items[0].get("arguments")
    return arguments if isinstance(arguments, dict) else None


# --- The tools ----------------------------------------------------------------------------------


def _permission(outcome: Outcome) -> Json:
    """In the shape of Claude Code's --permission-prompt-tool."""
    arguments = approved_arguments(outcome.decision) if isinstance(outcome, Settled) else None
    if arguments is not None:
        return {"behavior": "allow", "updatedInput": arguments}
    match outcome:
        case Settled():
            return {"behavior": "deny", "message": _no(outcome.decision)}
        case AlreadyUsed():
            return {"behavior": "deny", "message": "This approval was used by an earlier call. Try again to ask anew."}
        case StillPending():
            message = "Nobody has decided in Slack yet, and the bot is being restarted. Try again later."
            return {"behavior": "deny", "message": message}
        case Failed():
            return {"behavior": "deny", "message": f"People could not be asked for permission. {outcome.why}"}
        case _:
            assert_never(outcome)


def _approval(outcome: Settled | StillPending | AlreadyUsed) -> Json:
    match outcome:
        case StillPending():
            return {"approved": False, **_pending(outcome)}
        case AlreadyUsed():
            return {
                "approved": False,
                "verdict": "already_used",
                "request": outcome.request["id"],
                "next": "Do not do the action: its approval was handed to an earlier call with this key, which may "
                "have done it. If you know that it was not done, ask again with a new key.",
            }
        case Settled():
            arguments = approved_arguments(outcome.decision)
            about = _about(outcome)
            if arguments is None:
                return {"approved": False, **about, "next": f"Do not do the action. {_no(outcome.decision)}"}
            changed = " People changed them." if outcome.decision.get("edited") else ""
            next_step = f"Do the action once, now, with exactly these arguments.{changed}"
            return {"approved": True, **about, "arguments": arguments, "next": next_step}
        case _:
            assert_never(outcome)


def _answer(outcome: Settled | StillPending | AlreadyUsed) -> Json:
    match outcome:
        case StillPending():
            return {"answered": False, **_pending(outcome)}
        case Settled() if outcome.decision.get("verdict") in ("respond", "choose"):
            return {"answered": True, "answer": outcome.decision.get("answer"), **_about(outcome)}
        case Settled():
            return {"answered": False, **_about(outcome), "next": f"Do not guess an answer. {_no(outcome.decision)}"}
        case AlreadyUsed():
            raise AssertionError("an answer is never consumed")
        case _:
            assert_never(outcome)


# --- Their parts --------------------------------------------------------------------------------


def _about(outcome: Settled) -> Json:
    decision = outcome.decision
    about = {
        "verdict": decision["verdict"],
        "reason": decision.get("reason"),
        "by": decision.get("by"),
        "decided_at": decision.get("at"),
        "ruled": decision.get("ruled"),
    }
    return {**{name: value for name, value in about.items() if value}, "request": outcome.request["id"]}


def _pending(outcome: StillPending) -> Json:
    return {
        "verdict": "pending",
        "key": outcome.key,
        "request": outcome.request["id"],
        "next": f"Nobody has decided yet, so do nothing. To go on waiting, call again with the same arguments and with "
        f"the key {json.dumps(outcome.key)}.",
    }


def _no(decision: Json) -> str:
    """Why there is no yes, in a sentence."""
    reason = str(decision.get("reason") or decision.get("ruled") or "").strip()
    match decision.get("verdict"):
        case "reject" | "mixed":
            people = ", ".join(decision.get("by") or [])
            said = "It was rejected in Slack" + (f" by {people}" if people else "")
        case "expired":
            said = "Nobody answered in Slack in time"
        case "cancelled":
            said = "The question was withdrawn"
        case "superseded":
            said = "Another question took the place of this one"
        case _:
            said = "It was not approved in Slack"
    return f"{said}: {reason}" if reason else f"{said}."


def _failed(failed: Failed) -> CallToolResult:
    words = [f"There is no answer, so do not act as if there were one. {failed.why}"]
    if failed.key is not None:
        words.append(
            f"Call again later with the same arguments and with the key {json.dumps(failed.key)}: people are not asked "
            "twice."
        )
    return CallToolResult(content=[TextContent(type="text", text="\n".join(words))], is_error=True)


def _result(said: dict[str, Any], *, structured: bool = True) -> CallToolResult:
    text = TextContent(type="text", text=json.dumps(said, ensure_ascii=False))
    return CallToolResult(content=[text], structured_content=said if structured else None)
