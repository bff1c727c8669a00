"""The OpenAPI document: what FastAPI finds in the routes, with tokens and every problem that a call may meet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, get_args

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from bot.http import events, problems
from bot.http.auth import needed_by
from bot.http.bodies import given
from bot.http.problems import Kind

PATH: Final = "/openapi.json"
VERSION: Final = "1.0"
DESCRIPTION: Final = """\
Any program asks people in Slack, and gets one decision.

Send a question with `POST /v1/requests`. The policies say who may answer, how many must agree, and by when. Wait for
the decision with `GET /v1/requests/{id}?wait=60`, with server-sent events, or with a signed webhook. Before you act,
take the decision with `POST /v1/requests/{id}/consume`, so that one approval never runs twice.

Neither silence nor a no is ever an approval: act only if `decision.approved` is true, and on the arguments in
`decision.items`, which people may have changed."""
_TAGS: Final = [
    {"name": "Requests", "description": "Ask people, and get their decision."},
    {"name": "Tasks", "description": "Start graphs of the bot, and follow them."},
]
_SCHEME: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "csk_...",
    "description": "A token that `countersign tokens add` prints once. It has scopes, speaks for certain sources, may "
    "be bound to channels, and may expire. A token that is revoked opens nothing from then on.",
}
_OF_OPERATION: Final = {
    "createRequest": (problems.KEY_MISSING, problems.NOT_ALLOWED_HERE, problems.KEY_REUSED, problems.UNKNOWN_NAME),
    "createTask": (problems.KEY_MISSING, problems.NOT_ALLOWED_HERE, problems.KEY_REUSED, problems.UNKNOWN_NAME),
    "cancelRequest": (problems.ALREADY_SETTLED, problems.OF_GRAPH),
    "cancelTask": (problems.ALREADY_SETTLED,),
    "consumeRequest": (
        problems.NOT_SETTLED,
        problems.ALREADY_CONSUMED,
        problems.STALE_DECISION,
        problems.OF_GRAPH,
    ),
    "voteOnRequest": (
        problems.MAY_NOT_VOTE,
        problems.UNKNOWN_NAME,
        problems.NOT_TAKEN,
        problems.ALREADY_SETTLED,
        problems.STALE,
    ),
    "takeBackAnswer": (
        problems.MAY_NOT_VOTE,
        problems.NOT_YOUR_ANSWER,
        problems.UNKNOWN_NAME,
        problems.TOO_LATE,
        problems.NOTHING_TO_CALL_OFF,
    ),
    "stopDecision": (
        problems.MAY_NOT_VOTE,
        problems.UNKNOWN_NAME,
        problems.TOO_LATE,
        problems.NOTHING_TO_CALL_OFF,
    ),
    "listRequests": (problems.UNKNOWN_NAME,),
}
"""The problems of single operations, by operation id."""


def describe(app: FastAPI) -> None:
    """Makes the app describe itself, and serve the description."""
    described: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not described:
            described.update(_document(app))
        return described

    app.openapi = openapi  # type: ignore[method-assign]

    async def serve(_: Request) -> Response:
        return Response(written(app.openapi()), media_type="application/json")

    app.add_route(PATH, serve)


def written(document: dict[str, Any]) -> str:
    """The document as it is served and committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=VERSION,
        openapi_version="3.1.0",
        summary="Any program asks people in Slack, and gets one decision.",
        description=DESCRIPTION,
        routes=app.routes,
        tags=_TAGS,
        license_info={"name": "MIT", "identifier": "MIT"},
    )
    components = document["components"]
    schemas = components["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas.update(_models(given.Problem))
    components["schemas"] = dict(sorted(schemas.items()))
    components["securitySchemes"] = {"token": _SCHEME}
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema:
            for method in route.methods or ():
                _complete(document["paths"][route.path_format][method.lower()], route)
    return document


def _models(*models: type[given.Given]) -> Iterator[tuple[str, Any]]:
    for model in models:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        yield from schema.pop("$defs", {}).items()
        yield model.__name__, schema


def _complete(operation: dict[str, Any], route: APIRoute) -> None:
    """Adds to an operation what FastAPI does not know of it."""
    scopes = [str(scope) for scope in needed_by(route.endpoint)]
    operation["security"] = [{"token": scopes}]
    operation["description"] += f"\n\nScope: {' or '.join(f'`{scope}`' for scope in scopes)}."
    responses = operation["responses"]
    responses.pop("422", None)
    if (made := responses.get("201")) is not None:
        responses["200"] = {**made, "description": "It was made by an earlier call with the same key and body."}
        responses["201"] = {**made, "description": "It was made by this call."}
        for each in (responses["200"], responses["201"]):
            each["headers"] = {
                "Location": {"description": "Where it can be read.", "required": True, "schema": {"type": "string"}}
            }
    elif route.response_class is events.EventStream:
        responses["200"] = {
            "description": "Events, until it is settled.",
            "content": {events.EventStream.media_type: {"schema": _EVENT}},
        }
    else:
        responses["200"]["description"] = "Done."
    responses.update(_problems(_kinds_of(route)))
    operation["responses"] = dict(sorted(responses.items()))


def _kinds_of(route: APIRoute) -> Iterator[Kind]:
    yield from (problems.UNAUTHORIZED, problems.SCOPE_MISSING, problems.TOO_MANY_FAILURES)
    yield from (problems.INVALID, problems.INTERNAL, problems.UNAVAILABLE)
    if "{id}" in route.path:
        yield problems.NOT_FOUND
    if route.body_field is not None:
        yield from (problems.BAD_JSON, problems.TOO_SLOW, problems.TOO_LARGE, problems.MEDIA)
    if "POST" in (route.methods or ()):
        yield problems.CONFLICT
    yield from _OF_OPERATION.get(str(route.operation_id), ())


def _problems(kinds: Iterable[Kind]) -> dict[str, Any]:
    wanted = set(kinds)
    by_status: dict[str, list[Kind]] = {}
    for kind in problems.ALL:
        if kind in wanted:
            by_status.setdefault(str(int(kind.status)), []).append(kind)
    return {
        status: {
            "description": " ".join(f"{kind.title} (`{kind.slug}`)." for kind in listed),
            "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            **({"headers": _RETRY} if status in ("429", "503") else {}),
        }
        for status, listed in by_status.items()
    }


_EVENT: Final = {
    "type": "object",
    "description": "One event of the stream.",
    "required": ["event", "data"],
    "properties": {
        "event": {"enum": list(get_args(given.Status)), "description": "The request's status."},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/Request"},
        },
    },
}
_RETRY: Final = {
    "Retry-After": {
        "description": "The seconds after which to try again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    }
}
