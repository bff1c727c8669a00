"""An agent of the OpenAI Agents SDK that deletes files only with approval. The run is saved while people think, so it
may be killed and started again: nothing is asked twice, and nothing runs twice.

    COUNTERSIGN_URL=https://approvals.example.com COUNTERSIGN_TOKEN=csk_... OPENAI_API_KEY=... \\
        python openai_agents_approval.py tidy-42 "Delete the log files in /tmp/logs"
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from agents import Agent, Runner, RunState, function_tool

from countersign import AsyncCountersign
from countersign.adapters.openai_agents import resolve


@function_tool
def list_files(folder: str) -> list[str]:
    """The files in a folder."""
    return [str(each) for each in Path(folder).iterdir()]


@function_tool(needs_approval=True)
def delete_file(path: str) -> str:
    """Deletes a file."""
    Path(path).unlink()
    return f"deleted {path}"


agent = Agent(name="Tidy", tools=[list_files, delete_file])


async def run(key: str, wish: str) -> str:
    """What the agent says in the end."""
    client = AsyncCountersign.from_environment()
    saved = Path(f"{key}.json")
    state = await RunState.from_json(agent, json.loads(saved.read_text())) if saved.exists() else None
    while True:
        if state is None:
            result = await Runner.run(agent, wish)
        else:
            await resolve(state, client, key=key)
            result = await Runner.run(agent, state)
        if not result.interruptions:
            saved.unlink(missing_ok=True)
            return str(result.final_output)
        state = result.to_state()
        saved.write_text(json.dumps(state.to_json()))


if __name__ == "__main__":
    print(asyncio.run(run(sys.argv[1], sys.argv[2])))
