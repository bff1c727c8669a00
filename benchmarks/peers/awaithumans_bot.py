"""awaithumans' server, and a client in the same process that awaits a human for each command.

Its message asks for a claim, which opens a form; the form's submission decides.
"""

from __future__ import annotations

import asyncio
import base64
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

ADDRESS = f"http://127.0.0.1:{os.environ['BENCH_PORT']}"
TOKEN = "bench-" + "0" * 32
os.environ |= {
    "AWAITHUMANS_ADMIN_API_TOKEN": TOKEN,
    "AWAITHUMANS_DB_PATH": str(Path("awaithumans.db").absolute()),
    "AWAITHUMANS_PAYLOAD_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
    "AWAITHUMANS_PUBLIC_URL": ADDRESS,
    "AWAITHUMANS_SLACK_BOT_TOKEN": os.environ["SLACK_BOT_TOKEN"],
    "AWAITHUMANS_SLACK_SIGNING_SECRET": os.environ["SLACK_SIGNING_SECRET"],
}  # read when it is imported

import front  # type: ignore[import-not-found] # noqa: E402 - beside this file
import httpx  # noqa: E402 # type: ignore[import-not-found,unused-ignore]
from awaithumans import await_human  # type: ignore[import-not-found] # noqa: E402
from awaithumans.server.app import create_app  # type: ignore[import-not-found] # noqa: E402
from fastapi import Request, Response  # noqa: E402
from pydantic import BaseModel  # noqa: E402
from slack_sdk.web.async_client import AsyncWebClient  # noqa: E402


class Asked(BaseModel):
    name: str


class Answer(BaseModel):
    approve: bool


async def act(name: str, channel: str, channel_id: str) -> None:
    answer = await await_human(
        task=f"Go on with {name}?",
        payload_schema=Asked,
        payload=Asked(name=name),
        response_schema=Answer,
        timeout_seconds=3600,
        notify=[f"slack:#{channel}"],
        server_url=ADDRESS,
        api_key=TOKEN,
    )
    if answer.approve:
        client = AsyncWebClient(os.environ["SLACK_BOT_TOKEN"])
        await client.chat_postMessage(channel=channel_id, text=front.act(name))


async def let_them_approve() -> None:
    """Its directory has to know who clicks."""
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        for user in os.environ["BENCH_APPROVERS"].split(","):
            person = {"display_name": user, "slack_team_id": "T0ACME", "slack_user_id": user, "is_operator": True}
            (await client.post(f"{ADDRESS}/api/admin/users", json=person)).raise_for_status()


def main() -> None:
    front.call_the_local_slack()
    app = create_app(serve_dashboard=False)
    interactions, commands = "/api/channels/slack/interactions", "/bench/command"
    under_way: set[asyncio.Task[None]] = set()

    async def command(request: Request) -> Any:
        body = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        name = body["text"].rpartition("=")[2]
        task = asyncio.create_task(act(name, body["channel_name"], body["channel_id"]))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        return Response()

    app.add_api_route(commands, command, methods=["POST"])
    front.serve(front.at_one_address(app, interactions=interactions, commands=commands), first=let_them_approve)


if __name__ == "__main__":
    main()
