"""What a model may ask: the tools, their arguments, the questions that people get, and the keys of these."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias, get_args

from mcp_types import Tool, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.mcp.api import Json

ToolName: TypeAlias = Literal["request_approval", "ask_human", "permission_prompt"]
NAMES: Final[tuple[ToolName, ...]] = get_args(ToolName)
MAX_FAULTS: Final = 20
"""How many faults of one call's arguments a model reads."""

Key = Annotated[
    str | None,
    Field(
        default=None,
        min_length=1,
        max_length=500,
        description="Names what you want, such as 'delete-bucket-logs-2026-11-29'. A call with the same key and the "
        "same other arguments goes on with the same question instead of asking people again. Use a new key for "
        "everything new. Without a key, every call is a new question, which is withdrawn if the call is cancelled.",
    ),
]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    description: ClassVar[str]
    title: ClassVar[str]

    def question(self) -> Json:
        """What people are asked, in a shape that `interrupt()` may carry."""
        raise NotImplementedError

    def own_key(self) -> str | None:
        """The key that came with the call. None if none did."""
        raise NotImplementedError


class RequestApproval(_Arguments):
    title = "Ask people for approval"
    description = (
        "Ask people in Slack whether you may do something, before you do it. The call returns when they have decided, "
        "which can take hours. Do the action only if `approved` is true, once, and exactly with the `arguments` of the "
        "answer: people may have changed them. One approval is handed out once; if it was handed out before, the "
        "verdict is `already_used` and the action must not be done. If the verdict is `pending`, nobody has decided "
        "yet: do nothing, and call again with the same arguments and the key that the answer names."
    )

    action: Annotated[str, Field(min_length=1, max_length=200, description="What you want to do: 'delete_bucket'.")]
    arguments: Annotated[
        dict[str, Any],
        Field(description="What exactly, as an object. People see all of it, approve it, and may edit it."),
    ]
    reason: Annotated[str | None, Field(default=None, description="Why, in a sentence for the people who decide.")]
    key: Key

    def question(self) -> Json:
        return _action(self.action, self.arguments, self.reason)

    def own_key(self) -> str | None:
        return self.key


class AskHuman(_Arguments):
    title = "Ask people a question"
    description = (
        "Ask people in Slack a question, and get their answer: one of `choices` if you name any, otherwise what they "
        "write. The call returns when somebody has answered, which can take hours. `answered` is false if nobody did; "
        "then do not guess an answer. An answer is advice and no approval: use request_approval before you do "
        "something that needs one. If the verdict is `pending`, call again with the same arguments and the key that "
        "the answer names."
    )

    question_: Annotated[
        str, Field(alias="question", min_length=1, description="The question, with all that people need to answer it.")
    ]
    choices: Annotated[
        list[Annotated[str, Field(min_length=1)]] | None,
        Field(default=None, min_length=1, max_length=100, description="The possible answers."),
    ]
    key: Key

    def question(self) -> Json:
        if self.choices:
            return {"question": self.question_, "choices": self.choices}
        return {"question": self.question_, "answer": "text"}

    def own_key(self) -> str | None:
        return self.key


class PermissionPrompt(_Arguments):
    model_config = ConfigDict(extra="ignore", frozen=True)
    title = "Decide about a tool call"
    description = (
        "For clients that ask a tool for permission before they run another one, such as Claude Code with "
        "--permission-prompt-tool. People in Slack decide. It is not for models to call."
    )

    tool_name: Annotated[str, Field(min_length=1, max_length=200)]
    input: dict[str, Any]
    tool_use_id: str | None = None

    def question(self) -> Json:
        return _action(self.tool_name, self.input, None)

    def own_key(self) -> str | None:
        return self.tool_use_id or None


_ARGUMENTS: Final[Mapping[ToolName, type[_Arguments]]] = {
    "request_approval": RequestApproval,
    "ask_human": AskHuman,
    "permission_prompt": PermissionPrompt,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a tool, as it is sent to the API."""

    tool: ToolName
    question: Json
    key: str
    """As the model knows it, or made for this call."""
    keeps: bool
    """Whether the request outlives a cancelled call, because another call with the same key may go on with it."""
    execution: str
    """What this call calls itself when it takes the decision. No other call has the same."""

    def idempotency_key(self, caller: str) -> str:
        """The request's key. It begins with the caller's name and is a digest otherwise, as a model may write
        anything: it can find only what the same caller asked with the same tool."""
        digest = hashlib.sha256(json.dumps([self.tool, self.key]).encode()).hexdigest()
        return f"mcp:{caller}:{digest[:40]}"


def call_of(tool: ToolName, arguments: Mapping[str, Any]) -> Call:
    """The call. Raises ValueError, which says what is wrong with its arguments."""
    try:
        read = _ARGUMENTS[tool].model_validate(arguments)
    except ValidationError as error:
        found = error.errors(include_url=False)
        faults = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in found[:MAX_FAULTS]]
        more = [f"and {len(found) - MAX_FAULTS:,} more"] if len(found) > MAX_FAULTS else []
        raise ValueError("; ".join([*faults, *more])) from None
    own = read.own_key()
    return Call(
        tool=tool,
        question=read.question(),
        key=own or f"call-{secrets.token_hex(8)}",
        keeps=own is not None and tool != "permission_prompt",
        execution=secrets.token_hex(8),
    )


def listed() -> list[Tool]:
    """The tools, as clients see them."""
    return [
        Tool(
            name=name,
            title=arguments.title,
            description=arguments.description,
            input_schema=arguments.model_json_schema(),
            annotations=ToolAnnotations(
                read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
            ),
        )
        for name, arguments in _ARGUMENTS.items()
    ]


def _action(name: str, arguments: Mapping[str, Any], description: str | None) -> Json:
    """A question about one action, which people may also edit."""
    action: Json = {"name": name, "args": dict(arguments)}
    if description:
        action["description"] = description
    return {
        "action_requests": [action],
        "review_configs": [{"action_name": name, "allowed_decisions": ["approve", "edit", "reject"]}],
    }
