"""What a graph's model said last, in the state that a checkpoint holds (`bot.engines.agent_words`)."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.messages import AIMessage

from bot.approvals.model.question import Question
from bot.engines import agent_words
from bot.engines.agent_words import MESSAGES, Said

__all__ = ["MESSAGES", "with_reason"]


def with_reason(question: Question, conversations: Sequence[object]) -> Question:
    """The question with the agent's own reason. `conversations` are the messages of the graph and of those within."""
    return agent_words.with_reason(question, [said for said in map(_last, conversations) if said is not None])


def _last(messages: object) -> Said | None:
    """The last message of the model. None if there is none."""
    listed = messages if isinstance(messages, list) else []
    last = next((each for each in reversed(listed) if isinstance(each, AIMessage)), None)
    return Said(content=last.content, calls=[dict(call) for call in last.tool_calls]) if last is not None else None
