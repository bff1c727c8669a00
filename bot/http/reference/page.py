"""The documentation page at /docs, made of the OpenAPI document. It loads nothing and runs nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bot.http import problems
from bot.http.bodies import examples
from bot.http.reference import guide, openapi
from bot.http.reference.html import anchored, code, fields_of, link, paragraphs, table
from bot.http.reference.samples import resolved, sample

PATH: Final = "/docs"


def add(app: FastAPI) -> None:
    """Serves the page."""
    made: list[Response] = []

    async def docs(_: Request) -> Response:
        if not made:
            style = files(__package__).joinpath("style.css").read_text()
            made.append(HTMLResponse(page(app.openapi(), style), headers=_headers(style)))
        return made[0]

    async def home(_: Request) -> Response:
        return RedirectResponse(PATH)

    app.add_route(PATH, docs)
    app.add_route("/", home)


def _headers(style: str) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
    }


def page(document: Mapping[str, Any], style: str) -> str:
    """The whole page as HTML."""
    operations = list(_operations(document))
    schemas = document["components"]["schemas"]
    tags = document["tags"]
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(document['info']['title'])} API</title><style>{style}</style></head><body>",
            _navigation(tags, operations, schemas),
            "<main>",
            f"<h1>{escape(document['info']['title'])} API</h1>",
            f'<p class="lead">{escape(document["info"]["summary"])} Version {escape(document["info"]["version"])}. ',
            f"The same as {link(openapi.PATH, 'OpenAPI 3.1')}.</p>",
            guide.html(),
            *(_tag(tag, operations, schemas) for tag in tags),
            "<h2 id='objects'>Objects</h2>",
            *(_object(name, schemas) for name in _shown(schemas)),
            "<h2 id='problems'>Problems</h2>",
            paragraphs("The `type` of a problem document is one of these places."),
            *(_problem(kind) for kind in problems.ALL),
            "</main></body></html>",
        ]
    )


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def _navigation(tags: Iterable[Any], operations: list[tuple[str, str, Any]], schemas: Mapping[str, Any]) -> str:
    def listed(title: str, links: Iterable[str]) -> str:
        return f"<h2>{escape(title)}</h2><ul>{''.join(f'<li>{each}</li>' for each in links)}</ul>"

    routes = [
        listed(
            tag["name"],
            (
                f'<a href="#{operation["operationId"]}">{_method(method)}{escape(operation["summary"])}</a>'
                for method, _, operation in operations
                if tag["name"] in operation["tags"]
            ),
        )
        for tag in tags
    ]
    return "".join(
        [
            '<nav><input type="checkbox" id="menu"><label for="menu">Countersign API</label><div>',
            listed("Guide", (link(f"#{each.id}", each.title) for each in guide.SECTIONS)),
            *routes,
            listed("Objects", (link(f"#object-{name}", name) for name in _shown(schemas))),
            listed("Problems", (link("#problems", "All kinds"),)),
            "</div></nav>",
        ]
    )


def _method(method: str) -> str:
    return f'<span class="method {method}">{method.upper()}</span>'


def _tag(tag: Mapping[str, Any], operations: list[tuple[str, str, Any]], schemas: Mapping[str, Any]) -> str:
    mine = [each for each in operations if tag["name"] in each[2]["tags"]]
    return "".join(
        [
            f'<h2 id="tag-{escape(tag["name"])}">{escape(tag["name"])}</h2>',
            paragraphs(tag["description"]),
            *(_operation(method, path, operation, schemas) for method, path, operation in mine),
        ]
    )


def _operation(method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    id = operation["operationId"]
    parameters = operation.get("parameters", [])
    body = _schema_of(operation.get("requestBody"))
    status = "201" if "201" in operation["responses"] else "200"
    return "".join(
        [
            f'<section class="row" id="{id}"><div>',
            anchored("h3", id, operation["summary"]),
            f'<p class="route">{_method(method)}<code>{escape(path)}</code></p>',
            paragraphs(operation["description"]),
            f"<h4>Parameters</h4>{_parameters(parameters, schemas)}" if parameters else "",
            f"<h4>Body</h4>{fields_of(resolved(body, schemas), schemas)}" if body is not None else "",
            f"<h4>Answers</h4>{_answers(operation['responses'])}",
            '</div><div class="code">',
            code(_curl(method, path, operation, body, schemas), "curl"),
            _example(operation["responses"][status], schemas, new=status == "201"),
            "</div></section>",
        ]
    )


def _schema_of(holder: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    schema: Mapping[str, Any] | None = (holder or {}).get("content", {}).get("application/json", {}).get("schema")
    return schema


def _parameters(parameters: list[Mapping[str, Any]], schemas: Mapping[str, Any]) -> str:
    described = {
        "properties": {
            each["name"]: {**each["schema"], "description": each.get("description", "")} for each in parameters
        },
        "required": [each["name"] for each in parameters if each.get("required")],
    }
    places = {each["name"]: each["in"] for each in parameters}
    return fields_of(described, schemas, places)


def _answers(responses: Mapping[str, Any]) -> str:
    return table(
        ("status", "meaning"), ((f"<code>{status}</code>", _meaning(each)) for status, each in responses.items())
    )


def _meaning(response: Mapping[str, Any]) -> str:
    words = paragraphs(response["description"]).removeprefix("<p>").removesuffix("</p>")
    for kind in problems.ALL:
        words = words.replace(f"<code>{kind.slug}</code>", link(f"#problem-{kind.slug}", kind.slug))
    return words


def _curl(
    method: str, path: str, operation: Mapping[str, Any], body: Mapping[str, Any] | None, schemas: Mapping[str, Any]
) -> str:
    parameters = operation.get("parameters", [])
    path = path.replace("{id}", "req_5f0c6a1be2d94a7c8e31" if "/requests" in path else "5f0c6a1b9d3e")
    query = "?wait=30" if any(each["name"] == "wait" for each in parameters) else ""
    lines = [f'curl "$COUNTERSIGN_URL{path}{query}"', '  -H "Authorization: Bearer $COUNTERSIGN_TOKEN"']
    if operation["operationId"].startswith("stream"):
        lines[0] = lines[0].replace("curl", "curl --no-buffer", 1)
    if any(each["name"] == "Idempotency-Key" for each in parameters):
        lines.append('  -H "Idempotency-Key: order-1093-refund"')
    if body is not None:
        text = json.dumps(sample(body, schemas), indent=2, ensure_ascii=False)
        lines += ['  -H "Content-Type: application/json"', f"  -d '{text}'"]
    elif method == "post":
        lines.append("  -X POST")
    return " \\\n".join(lines)


def _example(answer: Mapping[str, Any], schemas: Mapping[str, Any], *, new: bool) -> str:
    schema = _schema_of(answer)
    if schema is None:
        request = json.dumps(sample({"$ref": "#/components/schemas/Request"}, schemas), ensure_ascii=False)
        return code(f"retry: 2000\n\nevent: decided\ndata: {request[:150]}…\n", "text/event-stream")
    shown = sample(schema, schemas)
    if new:
        shown |= examples.NEW_TASK if "graph" in shown else examples.UNSETTLED
    return code(json.dumps(shown, indent=2, ensure_ascii=False), "The answer")


def _shown(schemas: Mapping[str, Any]) -> list[str]:
    return [name for name, schema in schemas.items() if schema.get("properties")]


def _object(name: str, schemas: Mapping[str, Any]) -> str:
    schema = schemas[name]
    return "".join(
        [
            f'<section class="row" id="object-{name}"><div>',
            anchored("h3", f"object-{name}", name),
            paragraphs(schema.get("description", "")),
            fields_of(schema, schemas),
            '</div><div class="code">',
            code(json.dumps(sample(schema, schemas), indent=2, ensure_ascii=False), name),
            "</div></section>",
        ]
    )


def _problem(kind: problems.Kind) -> str:
    id = f"problem-{kind.slug}"
    return (
        f'<section class="field" id="{id}">{anchored("h3", id, kind.title)}'
        f'<p class="kind"><code>{int(kind.status)}</code> <code>{escape(kind.type)}</code></p>'
        f"{paragraphs(kind.advice)}</section>"
    )
