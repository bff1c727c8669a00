"""A Pydantic AI agent that deletes files only with approval. The run is saved while people think, so it may be killed
and started again: nothing is asked twice, and nothing runs twice.

    COUNTERSIGN_URL=https://approvals.example.com COUNTERSIGN_TOKEN=csk_... MODEL=openai:gpt-5 \\
        python pydantic_ai_approval.py tidy-42 "Delete the log files in /tmp/logs"
"""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter
from pydantic_ai import Agent, DeferredToolRequests, ModelMessage
from pydantic_ai.models import Model

from countersign import AsyncCountersign
from countersign.adapters.pydantic_ai import resolve

agent = Agent(output_type=[str, DeferredToolRequests])


@agent.tool_plain
def list_files(folder: str) -> list[str]:
    """The files in a folder."""
    return [str(each) for each in Path(folder).iterdir()]


@agent.tool_plain(requires_approval=True)
def delete_file(path: str) -> str:
    """Deletes a file."""
    Path(path).unlink()
    return f"deleted {path}"


@dataclass
class Pause:
    """A run that waits for people."""

    messages: list[ModelMessage]
    requests: DeferredToolRequests


PAUSES = TypeAdapter(Pause)


async def run(key: str, wish: str, model: Model | str) -> str:
    """What the agent says in the end."""
    client = AsyncCountersign.from_environment()
    saved = Path(f"{key}.json")
    pause = PAUSES.validate_json(saved.read_bytes()) if saved.exists() else None
    while True:
        if pause is None:
            result = await agent.run(wish, model=model)
        else:
            decided = await resolve(pause.requests, client, key=key)
            result = await agent.run(message_history=pause.messages, deferred_tool_results=decided, model=model)
        if isinstance(result.output, str):
            saved.unlink(missing_ok=True)
            return result.output
        pause = Pause(messages=result.all_messages(), requests=result.output)
        saved.write_bytes(PAUSES.dump_json(pause))


if __name__ == "__main__":
    print(asyncio.run(run(sys.argv[1], sys.argv[2], os.environ["MODEL"])))
