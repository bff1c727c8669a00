"""Shows a message or view as plain text, for tests and for a demo in a terminal."""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

_SPAN: Final = re.compile(
    r"<(?P<entity>[^<>\n]+)>"
    r"|`(?P<code>[^`\n]+)`"
    r"|(?<![\w*])\*(?!\s)(?P<bold>[^*\n]+?)(?<!\s)\*(?![\w*])"
    r"|(?<!\w)_(?!\s)(?P<italic>[^_\n]+?)(?<!\s)_(?!\w)"
    r"|(?<![\w~])~(?!\s)(?P<strike>[^~\n]+?)(?<!\s)~(?![\w~])"
)


@dataclass(frozen=True, slots=True)
class Names:
    """The names for ids."""

    people: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Names":
        """The names from an answer of /sim/state."""
        return cls(
            people={person["id"]: person["name"] for person in state["people"]},
            groups={group["id"]: group["handle"] for group in state["groups"]},
            channels={channel["id"]: channel["name"] for channel in state["channels"]},
        )


def render_text(shown: Mapping[str, Any], names: Names | None = None) -> str:
    """The text of a message or view, one line for each thing shown. Mentions, dates and escapes are resolved.

    A button is `[Approve]`, a select `[Choose a person v]`, an input `Label: value`. If there are no blocks, it is
    `text`, as in Slack.
    """
    known = names or Names()
    lines: list[str] = []
    if shown.get("type") in ("modal", "home"):
        lines += [shown["title"]["text"]] if shown["type"] == "modal" else []
        lines += _blocks(shown["blocks"], known, shown)
        lines += [" ".join(f"[{shown[name]['text']}]" for name in ("close", "submit") if shown.get(name))]
    elif shown.get("blocks"):
        lines += _blocks(shown["blocks"], known, shown)
    else:
        lines.append(mrkdwn(str(shown.get("text") or ""), known))
    return "\n".join(line for line in lines if line.strip())


def mrkdwn(text: str, names: Names) -> str:
    """mrkdwn as plain text: without marks for emphasis and code, with mentions, dates and escapes resolved."""
    parts = text.split("```")
    shown = [part if at % 2 else _spans(part, names) for at, part in enumerate(parts)]
    return html.unescape("".join(shown))


def _spans(text: str, names: Names) -> str:
    def shown(match: re.Match[str]) -> str:
        kind = match.lastgroup
        inside = match.group(str(kind))
        if kind == "entity":
            return _entity(inside, names)
        return inside if kind == "code" else _spans(inside, names)

    return _SPAN.sub(shown, text)


def date(timestamp: int, form: str) -> str:
    """A Slack date format, in UTC, spelled out (Slack: "Formatting text", dates)."""
    when = datetime.fromtimestamp(timestamp, tz=UTC)
    day = f"{when:%B} {when.day}, {when.year}"
    short = f"{when:%b} {when.day}, {when.year}"
    words = {
        "date_num": f"{when:%Y-%m-%d}",
        "date_slash": f"{when:%m/%d/%Y}",
        "date_long_pretty": f"{when:%A}, {day}",
        "date_long_full": f"{when:%A}, {day}",
        "date_long": f"{when:%A}, {day}",
        "date_short_pretty": short,
        "date_short": short,
        "date_pretty": day,
        "date": day,
        "time_secs": f"{when:%H:%M:%S}",
        "time": f"{when:%H:%M}",
        "ago": f"at {when:%Y-%m-%d %H:%M}",
        "day_divider_pretty": f"{when:%A}, {day}",
    }
    return re.sub(r"\{(\w+)\}", lambda match: words.get(match.group(1), match.group(0)), form)


def _entity(inside: str, names: Names) -> str:
    target, _, label = inside.partition("|")
    if target.startswith("@"):
        return f"@{names.people.get(target[1:], label or target[1:])}"
    if target.startswith("#"):
        return f"#{names.channels.get(target[1:], label or target[1:])}"
    if target.startswith("!subteam^"):
        return f"@{names.groups.get(target[9:], label.removeprefix('@') or target[9:])}"
    if target.startswith("!date^"):
        _, stamp, form, *_ = [*target.split("^"), ""]
        return date(int(stamp), form) if stamp.isdigit() else label
    if target.startswith("!"):
        return f"@{target[1:]}"
    typed = {target, target.removeprefix("http://"), target.removeprefix("mailto:"), html.unescape(target)}
    return f"{label} ({target})" if label and label not in typed else label or target.removeprefix("mailto:")


def _blocks(blocks: list[dict[str, Any]], names: Names, shown: Mapping[str, Any]) -> Iterator[str]:
    state = shown.get("state", {}).get("values", {})
    errors = shown.get("errors", {})
    for block in blocks:
        yield from _block(block, names, state.get(block.get("block_id"), {}))
        if block.get("block_id") in errors:
            yield f"  ! {errors[block['block_id']]}"
    if "" in errors:
        yield f"! {errors['']}"


def _block(block: Mapping[str, Any], names: Names, state: Mapping[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "section":
            if "text" in block:
                yield _text(block["text"], names)
            for item in block.get("fields", []):
                yield _text(item, names)
            if "accessory" in block:
                yield _element(block["accessory"], state)
        case "header" | "alert":
            yield _text(block["text"], names)
        case "context":
            yield " ".join(
                f"({one['alt_text']})" if one["type"] == "image" else _text(one, names) for one in block["elements"]
            )
        case "actions" | "context_actions":
            yield " ".join(_element(element, state) for element in block["elements"])
        case "divider":
            yield "---"
        case "image" | "video":
            yield f"({block['alt_text']})"
        case "markdown":
            yield str(block["text"])
        case "rich_text":
            yield from _rich_text(block, names)
        case "table":
            for row in block["rows"]:
                yield " | ".join(" ".join(_rich_text(c, names)) if "elements" in c else c["text"] for c in row)
        case "input":
            yield f"{_text(block['label'], names)}: {_element(block['element'], state)}"
            if "hint" in block:
                yield _text(block["hint"], names)
        case "card":
            yield from (_text(block[name], names) for name in ("title", "subtitle", "body") if name in block)
            yield " ".join(_element(element, state) for element in block.get("actions", []))
        case _:
            yield f"({block['type']})"


def _text(text: Mapping[str, Any], names: Names) -> str:
    content = str(text["text"])
    return mrkdwn(content, names) if text.get("type") == "mrkdwn" else content


def _element(element: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    kind = element["type"]
    if kind in ("button", "workflow_button", "icon_button"):
        return f"[{element['text']['text']}]"
    if kind == "image":
        return f"({element['alt_text']})"
    now = state.get(str(element.get("action_id")), {})
    value = next((item for name, item in now.items() if name != "type"), None)
    chosen = _labels(value)
    if kind.endswith("_input"):
        return chosen or "____"
    hint = element.get("placeholder", {}).get("text") or "..."
    return f"[{chosen or hint} v]"


def _labels(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_labels(item) for item in value)
    if isinstance(value, dict):
        return str(value.get("text", {}).get("text", ""))
    return "" if value is None else str(value)


def _rich_text(block: Mapping[str, Any], names: Names) -> Iterator[str]:
    for part in block["elements"]:
        match part["type"]:
            case "rich_text_list":
                for number, item in enumerate(part["elements"], 1 + part.get("offset", 0)):
                    mark = f"{number}." if part["style"] == "ordered" else "-"
                    yield f"{'  ' * part.get('indent', 0)}{mark} {_inline(item['elements'], names)}"
            case "rich_text_quote":
                yield f"> {_inline(part['elements'], names)}"
            case _:
                yield _inline(part["elements"], names)


def _inline(elements: list[dict[str, Any]], names: Names) -> str:
    return "".join(_inline_one(element, names) for element in elements)


def _inline_one(element: Mapping[str, Any], names: Names) -> str:
    match element["type"]:
        case "text":
            return str(element["text"])
        case "link":
            return _entity(f"{element['url']}|{element.get('text', '')}", names)
        case "user":
            return f"@{names.people.get(element['user_id'], element['user_id'])}"
        case "usergroup":
            return f"@{names.groups.get(element['usergroup_id'], element['usergroup_id'])}"
        case "channel":
            return f"#{names.channels.get(element['channel_id'], element['channel_id'])}"
        case "broadcast":
            return f"@{element['range']}"
        case "emoji":
            return f":{element['name']}:"
        case "date":
            return date(int(element["timestamp"]), str(element["format"]))
        case _:
            return ""
