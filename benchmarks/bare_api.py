"""A FastAPI app that takes and holds the same calls as the bot's API, and does nothing: no token, no record, no Slack.

python -m benchmarks.bare_api PORT
"""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Header, Query
from pydantic import BaseModel

from bot.http.server import config


class Asked(BaseModel):
    question: Any
    channel: str | None = None


def bare() -> FastAPI:
    """Its calls wait for an event that never comes."""
    app = FastAPI(openapi_url=None)
    never = asyncio.Event()

    @app.post("/v1/requests", status_code=201)
    async def ask(asked: Asked, idempotency_key: Annotated[str, Header()]) -> dict[str, Any]:
        return {"id": idempotency_key, "status": "pending", "question": asked.question}

    @app.get("/v1/requests/{id}")
    async def read(id: str, wait: Annotated[int, Query(ge=0, le=60)] = 0) -> dict[str, Any]:
        try:
            async with asyncio.timeout(wait):
                await never.wait()
        except TimeoutError:
            return {"id": id, "status": "pending"}
        raise AssertionError("nothing sets the event")

    return app


async def main(port: int) -> None:
    """Serves it until the process is killed, as the bot serves its own, and says when it does."""
    settings = config(bare())
    settings.host, settings.port = "127.0.0.1", port
    server = uvicorn.Server(settings)
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn offers no event for it
        await asyncio.sleep(0.01)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await serving


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1])))
