"""Pieces of the documentation page. Whatever stands in a description is text; only backticks mean something."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from bot.http.reference.samples import Schema, type_of


def link(to: str, words: str) -> str:
    return f'<a href="{escape(to)}">{escape(words)}</a>'


def anchored(tag: str, id: str, words: str) -> str:
    """A heading with a link to its own place."""
    return f'<{tag}>{escape(words)}<a class="anchor" href="#{escape(id)}" aria-label="Link to this place">#</a></{tag}>'


def inline(words: str) -> str:
    """One line of text, in which backticks enclose code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words, quote=False))


def paragraphs(words: str) -> str:
    """Text whose paragraphs are separated by empty lines."""
    return "".join(f"<p>{inline(' '.join(each.split()))}</p>" for each in words.split("\n\n") if each.strip())


def code(text: str, caption: str = "") -> str:
    """Lines that stand as they are."""
    above = f'<p class="caption">{escape(caption)}</p>' if caption else ""
    return f'{above}<pre tabindex="0"><code>{escape(text, quote=False)}</code></pre>'


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table. Its cells are HTML."""
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def fields_of(schema: Schema, schemas: Mapping[str, Any], places: Mapping[str, str] | None = None) -> str:
    """What an object holds, key by key. `places` says of parameters where they are sent."""
    needed = schema.get("required", ())
    return "".join(
        _field(name, each, schemas, needed=name in needed, place=(places or {}).get(name, ""))
        for name, each in schema.get("properties", {}).items()
    )


def _field(name: str, schema: Schema, schemas: Mapping[str, Any], *, needed: bool, place: str) -> str:
    kind = escape(type_of(schema, schemas))
    for named in schemas:
        kind = re.sub(rf"\b{named}\b", f'<a href="#object-{named}">{named}</a>', kind) if schemas[named] else kind
    told = [kind, *([f"in {place}"] if place else [])]
    default = schema.get("default")
    if default not in (None, "", [], {}) and not needed:
        told.append(f"default {escape(str(default))}")
    limits = [words.format(schema[key]) for key, words in _LIMITS if key in schema]
    values = schema.get("enum") or next((each["enum"] for each in schema.get("anyOf", ()) if "enum" in each), ())
    one_of = f"<p>One of {', '.join(f'<code>{escape(str(each))}</code>' for each in values)}.</p>" if values else ""
    return (
        f'<div class="field"><code>{escape(name)}</code> <span class="kind">{", ".join([*told, *limits])}</span>'
        f"{' <span class=needed>required</span>' if needed else ''}"
        f"{paragraphs(schema.get('description', ''))}{one_of}</div>"
    )


_LIMITS = (
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("maxLength", "up to {} characters"),
    ("maxProperties", "up to {} keys"),
    ("maxItems", "up to {}"),
)
