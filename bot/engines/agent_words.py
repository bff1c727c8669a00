"""Why an agent wants to call its tools: what its model said in the very message that calls them.

LangChain's `HumanInTheLoopMiddleware` asks about tool calls, but its interrupt holds only what the tools' author wrote.
The model's own words are in the state's `messages`. They are the last message of the model, and they count only if that
message makes the calls that people are asked about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bot.approvals.model.question import Question
from bot.engines.payload import to_json
from bot.engines.questions import tool_approval, tool_calls

MESSAGES: Final = "messages"
"""The key of the state that the middleware reads and writes."""
MAX_REASON_CHARACTERS: Final = 1_000
"""A model may say pages before it calls a tool. The rest is cut off, and an ellipsis says so."""

_SHAPES: Final = (tool_calls.NAME, tool_approval.NAME)
_THOUGHT: Final = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
"""What some models think before they speak, if their server leaves it in the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message of the model: what it said, and the tools that it calls."""

    content: object
    calls: Sequence[Mapping[str, Any]]


def with_reason(question: Question, last: Sequence[Said]) -> Question:
    """The question with the agent's own reason before the words of the tools' author. Unchanged if it is not about tool
    calls, or if nothing shows why the agent makes them.

    `last` are the last messages of the models of the graph and of the graphs within it. If several of them make these
    calls with different words, nobody can tell whose they are, so none of them is taken.
    """
    if question.shape not in _SHAPES:
        return question
    said = {_said(message) for message in last if _makes(message, question)}
    reason = said.pop() if len(said) == 1 else ""
    if not reason:
        return question
    described = question.text if question.text not in reason else ""
    return replace(question, text="\n\n".join(filter(None, (reason, described))))


def _makes(message: Said, question: Question) -> bool:
    """Whether the message makes every call that is asked about, compared by name and arguments."""
    id = question.payload.get("tool_call_id") if isinstance(question.payload, dict) else None
    made = [_call(each["name"], each["args"]) for each in message.calls if id is None or each.get("id") == id]
    for item in question.items:
        asked = _call(item.name, dict(item.arguments))
        if asked not in made:
            return False
        made.remove(asked)
    return True


def _call(name: str, arguments: Any) -> str:
    return json.dumps([name, to_json(arguments)], sort_keys=True)


def _said(message: Said) -> str:
    """The text of the message, without what the model only thought."""
    words = _THOUGHT.sub("", "\n\n".join(_texts(message.content))).strip()
    if len(words) <= MAX_REASON_CHARACTERS:
        return words
    return f"{words[: MAX_REASON_CHARACTERS - 1].rstrip()}…"


def _texts(content: object) -> Iterator[str]:
    for block in content if isinstance(content, list) else [content]:
        text = block.get("text") if isinstance(block, dict) and block.get("type") == "text" else block
        if isinstance(text, str) and text.strip():
            yield text.strip()
