"""A Google ADK agent that deletes files only with approval. The session is kept in SQLite while people think, so the
run may be killed and started again: nothing is asked twice, and nothing runs twice.

    COUNTERSIGN_URL=https://approvals.example.com COUNTERSIGN_TOKEN=csk_... GOOGLE_API_KEY=... \\
        python google_adk_confirmation.py tidy-42 "Delete the log files in /tmp/logs"
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm
from google.adk.runners import Runner
from google.adk.sessions.sqlite_session_service import SqliteSessionService
from google.adk.tools.function_tool import FunctionTool
from google.genai import types

from countersign import AsyncCountersign
from countersign.adapters.google_adk import before_tool, resolve

APP, USER = "tidy", "nightly"


def list_files(folder: str) -> list[str]:
    """The files in a folder."""
    return [str(each) for each in Path(folder).iterdir()]


def delete_file(path: str) -> dict[str, str]:
    """Deletes a file."""
    Path(path).unlink()
    return {"deleted": path}


async def run(key: str, wish: str, model: BaseLlm | str) -> str:
    """What the agent says in the end."""
    client = AsyncCountersign.from_environment()
    agent = LlmAgent(
        name="tidy",
        model=model,
        tools=[list_files, FunctionTool(delete_file, require_confirmation=True)],
        before_tool_callback=before_tool,
    )
    sessions = SqliteSessionService("sessions.db")
    runner = Runner(app_name=APP, agent=agent, session_service=sessions)
    session = await sessions.get_session(app_name=APP, user_id=USER, session_id=key)
    if session is None:
        session = await sessions.create_session(app_name=APP, user_id=USER, session_id=key)
    message = await resolve(session.events, client, key=key)
    message = message or types.Content(role="user", parts=[types.Part(text=wish)])
    while message is not None:
        events = [each async for each in runner.run_async(user_id=USER, session_id=key, new_message=message)]
        message = await resolve(events, client, key=key)
    last = events[-1].content
    return "".join(part.text or "" for part in last.parts or []) if last else ""


if __name__ == "__main__":
    print(asyncio.run(run(sys.argv[1], sys.argv[2], "gemini-2.5-flash")))
