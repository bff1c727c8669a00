"""agno's Slack interface: an agent with one tool that asks for confirmation, and a model that always calls it.

The local Slack has no streams, so what agno streams is posted once at its end, with fewer calls than agno would make.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import front  # type: ignore[import-not-found] # beside this file
from agno.agent import Agent  # type: ignore[import-not-found]
from agno.db.sqlite import SqliteDb  # type: ignore[import-not-found]
from agno.models.base import Model  # type: ignore[import-not-found]
from agno.models.response import ModelResponse  # type: ignore[import-not-found]
from agno.os import AgentOS  # type: ignore[import-not-found]
from agno.os.interfaces.slack import Slack  # type: ignore[import-not-found]
from agno.tools import tool  # type: ignore[import-not-found]
from slack_sdk.web.async_client import AsyncWebClient

NAME = re.compile(r"n\d{6}")


@tool(requires_confirmation=True)  # type: ignore[untyped-decorator]
def act(name: str) -> str:
    """Acts on this name."""
    return str(front.act(name))


class Scripted(Model):  # type: ignore[misc]
    """Calls the tool with the name that it was told, then repeats what the tool returned."""

    def _next(self, messages: list[Any]) -> Any:
        last = messages[-1]
        if last.role == "tool":
            return ModelResponse(role="assistant", content=str(last.content))
        name = NAME.findall(str(last.content))[-1]
        function = {"name": "act", "arguments": json.dumps({"name": name})}
        call = {"id": str(uuid.uuid4()), "type": "function", "function": function}
        return ModelResponse(role="assistant", tool_calls=[call])

    def invoke(self, messages: list[Any], **_: Any) -> Any:
        return self._next(messages)

    async def ainvoke(self, messages: list[Any], **_: Any) -> Any:
        return self._next(messages)

    def invoke_stream(self, messages: list[Any], **_: Any) -> Iterator[Any]:
        yield self._next(messages)

    async def ainvoke_stream(self, messages: list[Any], **_: Any) -> AsyncIterator[Any]:
        yield self._next(messages)

    def _parse_provider_response(self, response: Any, **_: Any) -> Any:
        return response

    def _parse_provider_response_delta(self, response: Any) -> Any:
        return response


@dataclass
class Stream:
    """Instead of slack_sdk's."""

    client: AsyncWebClient
    channel: str
    thread_ts: str
    text: str = ""

    async def append(self, *, markdown_text: str = "", **_: Any) -> None:
        self.text += markdown_text

    async def stop(self, *, markdown_text: str = "", **_: Any) -> None:
        if text := self.text + markdown_text:
            await self.client.chat_postMessage(channel=self.channel, thread_ts=self.thread_ts, text=text)


async def chat_stream(client: AsyncWebClient, *, channel: str, thread_ts: str, **_: Any) -> Stream:
    return Stream(client, channel, thread_ts)


async def no_status(*_: Any, **__: Any) -> None:
    """The local Slack has no status of assistants."""


def main() -> None:
    front.call_the_local_slack()
    AsyncWebClient.chat_stream = chat_stream  # type: ignore[method-assign,assignment]
    AsyncWebClient.assistant_threads_setStatus = no_status  # type: ignore[method-assign,assignment]
    AsyncWebClient.assistant_threads_setTitle = no_status  # type: ignore[method-assign,assignment]
    agent = Agent(
        name="bench", model=Scripted(id="scripted"), tools=[act], db=SqliteDb(db_file="agno.db"), telemetry=False
    )
    slack = Slack(agent=agent, token=os.environ["SLACK_BOT_TOKEN"], signing_secret=os.environ["SLACK_SIGNING_SECRET"])
    app = AgentOS(agents=[agent], interfaces=[slack], telemetry=False).get_app()
    front.serve(front.at_one_address(app, events="/slack/events", interactions="/slack/interactions"))


if __name__ == "__main__":
    main()
