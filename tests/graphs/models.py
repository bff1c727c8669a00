"""A chat model that says what it was told to, and keeps what it was asked."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import langchain.chat_models
import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from pydantic import Field


class Scripted(BaseChatModel):
    """One line of the script for each call; the last one again and again."""

    script: list[AIMessage]
    asked: list[list[BaseMessage]] = Field(default_factory=list)
    tools: list[str] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **options: Any,
    ) -> ChatResult:
        self.asked.append(list(messages))
        line = self.script[min(len(self.asked), len(self.script)) - 1]
        return ChatResult(generations=[ChatGeneration(message=line.model_copy(update={"id": None}))])

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **options: Any,
    ) -> Runnable[Any, AIMessage]:
        self.tools.extend(tool.name for tool in tools if isinstance(tool, BaseTool))
        return self

    def texts(self) -> Iterator[str]:
        """What the model was asked, a text for each call."""
        for messages in self.asked:
            yield "\n".join(str(message.content) for message in messages)


def installed(monkeypatch: pytest.MonkeyPatch, *script: str | AIMessage) -> Scripted:
    """The model that MODEL names from now on."""
    model = Scripted(script=[AIMessage(content=line) if isinstance(line, str) else line for line in script])
    monkeypatch.setenv("MODEL", "scripted:one")
    monkeypatch.setattr(langchain.chat_models, "init_chat_model", lambda name, **options: model)
    return model
