"""`/v1/servers/{name}/changed`: a LangGraph Server says that something has changed. That is only a hint to look at it.
Nothing that it sends is read, so it needs no token, and whoever has the key can do nothing else."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.http import problems
from bot.http.parts import Parts
from bot.http.problems import Refused
from bot.http.routes import fields

PATH: Final = f"{fields.PREFIX}/servers/{{name}}/changed"


async def _changed(request: Request) -> Response:
    parts: Parts = request.app.state.parts
    keys = request.query_params.getlist("key")
    if len(keys) != 1 or not parts.server_changed(request.path_params["name"], keys[0]):
        raise Refused(
            problems.NOT_FOUND,
            "No server of this name has this key, so nothing was looked at. servers.yaml names the servers, and the "
            "variable of the key under `webhook_key`; send it as `?key=...`.",
        )
    return Response(status_code=204)


routes: Final = (Route(PATH, _changed, methods=["POST"]),)
