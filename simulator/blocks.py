"""What Slack accepts as blocks: a table of block types, and the rules for a whole payload.

Source: Slack, Block Kit reference, "Blocks".
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from simulator import elements, limits, richtext
from simulator.errors import SlackError, invalid
from simulator.schema import Anything, Choice, Fields, Flag, Items, Kinds, Number, Str, Text, at, fields, violations


class Place(Enum):
    """Where blocks are shown."""

    MESSAGE = "message"
    MODAL = "modal"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class BlockType:
    """The fields of a block, and the places where Slack shows it."""

    shape: Fields
    places: frozenset[Place]


_ANYWHERE: Final = frozenset(Place)
_MESSAGES: Final = frozenset({Place.MESSAGE})
_MODALS: Final = frozenset({Place.MODAL})

_RICH_TEXT: Final = fields({"elements": Items(Kinds(richtext.PARTS), least=0)})
_RAW_TEXT: Final = fields({"text": Str(None, 0)})
_CELL: Final = Kinds(
    {"raw_text": _RAW_TEXT, "raw_number": fields(value=Anything(), text=Str()), "rich_text": _RICH_TEXT}
)

_SECTION: Final = Fields(
    {
        "text": Text(limits.SECTION_TEXT, mrkdwn=True),
        "fields": Items(Text(limits.SECTION_FIELD_TEXT, mrkdwn=True), limits.SECTION_FIELDS),
        "accessory": elements.IN_SECTION,
        "expand": Flag(),
    },
    one_of=frozenset({"text", "fields"}),
)
_IMAGE: Final = Fields(
    {**elements.IMAGE.fields, "title": Text(limits.IMAGE_TITLE)}, elements.IMAGE.required, elements.IMAGE.one_of
)
_CONTEXT_TEXT: Final = fields({"text": Str(limits.SECTION_TEXT)}, emoji=Flag(), verbatim=Flag())

BLOCKS: Final[Mapping[str, BlockType]] = {
    "section": BlockType(_SECTION, _ANYWHERE),
    "header": BlockType(fields({"text": Text(limits.HEADER_TEXT)}, level=Number(1, 4)), _ANYWHERE),
    "divider": BlockType(fields(), _ANYWHERE),
    "context": BlockType(
        fields(
            {
                "elements": Items(
                    Kinds({"mrkdwn": _CONTEXT_TEXT, "plain_text": _CONTEXT_TEXT, "image": elements.IMAGE}),
                    limits.CONTEXT_ELEMENTS,
                )
            }
        ),
        _ANYWHERE,
    ),
    "actions": BlockType(fields({"elements": Items(elements.IN_ACTIONS, limits.ACTIONS_ELEMENTS)}), _ANYWHERE),
    "input": BlockType(
        fields(
            {"label": Text(limits.INPUT_LABEL), "element": elements.IN_INPUT},
            hint=Text(limits.INPUT_HINT),
            optional=Flag(),
            dispatch_action=Flag(),
        ),
        _ANYWHERE,
    ),
    "image": BlockType(_IMAGE, _ANYWHERE),
    "rich_text": BlockType(_RICH_TEXT, _ANYWHERE),
    "video": BlockType(
        fields(
            {"alt_text": Str(), "video_url": Str(), "thumbnail_url": Str(), "title": Text(limits.VIDEO_TITLE)},
            title_url=Str(),
            description=Text(limits.VIDEO_TITLE),
            provider_icon_url=Str(),
            provider_name=Str(),
            author_name=Str(),
        ),
        _ANYWHERE,
    ),
    "card": BlockType(
        fields(
            hero_image=elements.IMAGE,
            icon=elements.IMAGE,
            title=Text(limits.HEADER_TEXT, mrkdwn=True),
            subtitle=Text(limits.HEADER_TEXT, mrkdwn=True),
            body=Text(limits.SECTION_TEXT, mrkdwn=True),
            actions=Items(elements.kinds("button"), limits.CONTEXT_ACTIONS_ELEMENTS),
        ),
        _ANYWHERE,
    ),
    "markdown": BlockType(fields({"text": Str(limits.MARKDOWN_TEXT_PER_PAYLOAD)}), _MESSAGES),
    "table": BlockType(
        fields(
            {"rows": Items(Items(_CELL, limits.TABLE_COLUMNS), limits.TABLE_ROWS)},
            column_settings=Items(
                fields(align=Choice(("left", "center", "right")), is_wrapped=Flag()), limits.TABLE_COLUMNS, 0
            ),
        ),
        _MESSAGES,
    ),
    "plan": BlockType(fields({"title": Anything()}, tasks=Anything()), _MESSAGES),
    "task_card": BlockType(
        fields(
            {"task_id": Str(), "title": Anything()},
            details=Anything(),
            output=Anything(),
            sources=Anything(),
            status=Choice(("pending", "in_progress", "complete", "error")),
        ),
        _MESSAGES,
    ),
    "context_actions": BlockType(
        fields({"elements": Items(elements.IN_CONTEXT_ACTIONS, limits.CONTEXT_ACTIONS_ELEMENTS)}), _MESSAGES
    ),
    "alert": BlockType(
        fields(
            {"text": Text(limits.ALERT_TEXT, mrkdwn=True)},
            level=Choice(("default", "info", "warning", "error", "success")),
        ),
        _MODALS,
    ),
}


def check_message_blocks(blocks: Any) -> list[dict[str, Any]]:
    """Checks blocks and adds each `block_id`, as chat.postMessage does. Raises Slack's refusal if they are wrong."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if complaints := list(complaints_about(blocks, Place.MESSAGE)):
        raise invalid("invalid_blocks", complaints)
    if characters(blocks) > limits.MESSAGE_BLOCKS_CHARACTERS:
        raise SlackError("msg_blocks_too_long")
    return with_ids(blocks)


def complaints_about(blocks: list[Any], place: Place, pointer: str = "/blocks") -> Iterator[str]:
    """Every Block Kit limit and rule that these blocks break."""
    most = limits.BLOCKS_PER_MESSAGE if place is Place.MESSAGE else limits.BLOCKS_PER_VIEW
    if len(blocks) > most:
        yield at(pointer, f"no more than {most} items allowed")
    for index, block in enumerate(blocks):
        yield from _block(block, place, f"{pointer}/{index}")
    whole = [block for block in blocks if isinstance(block, dict)]
    yield from _duplicates(whole, pointer)
    if sum(1 for block in whole for element in interactive(block) if element.get("focus_on_load")) > 1:
        yield at(pointer, "`focus_on_load` may be true for one element alone")
    yield from _totals(whole, pointer)


def _block(block: Any, place: Place, pointer: str) -> Iterator[str]:
    if not isinstance(block, dict):
        yield at(pointer, "must be an object")
        return
    kind = block.get("type")
    known = BLOCKS.get(kind) if isinstance(kind, str) else None
    if known is None:
        yield at(f"{pointer}/type", f"unsupported type: {kind}")
        return
    if place not in known.places:
        yield at(f"{pointer}/type", f"unsupported type: {kind}")
        return
    if "block_id" in block:
        yield from violations(block["block_id"], Str(limits.BLOCK_ID), f"{pointer}/block_id")
    bare = {name: item for name, item in block.items() if name != "block_id"}
    broken = list(violations(bare, Kinds({kind: known.shape} if isinstance(kind, str) else {}), pointer))
    yield from broken
    if not broken:
        for element in interactive(block):
            yield from elements.contradictions(element, pointer)
    yield from _repeated_actions(block, pointer)


def _repeated_actions(block: dict[str, Any], pointer: str) -> Iterator[str]:
    named = Counter(element["action_id"] for element in interactive(block) if "action_id" in element)
    for action_id, times in named.items():
        if times > 1:
            yield at(pointer, f"`action_id` `{action_id}` already exists")


def _duplicates(blocks: list[dict[str, Any]], pointer: str) -> Iterator[str]:
    named = Counter(str(block["block_id"]) for block in blocks if "block_id" in block)
    for block_id, times in named.items():
        if times > 1:
            yield at(pointer, f"`block_id` `{block_id}` already exists")


def _totals(blocks: list[dict[str, Any]], pointer: str) -> Iterator[str]:
    tables = [block for block in blocks if block.get("type") == "table"]
    if len(tables) > limits.TABLES_PER_MESSAGE:
        yield at(pointer, "only_one_table_allowed")
    if characters(tables) > limits.TABLE_CHARACTERS_PER_MESSAGE:
        yield at(pointer, f"tables must be less than {limits.TABLE_CHARACTERS_PER_MESSAGE + 1} characters in all")
    markdown = characters([block for block in blocks if block.get("type") == "markdown"])
    if markdown > limits.MARKDOWN_TEXT_PER_PAYLOAD:
        yield at(pointer, f"markdown must be less than {limits.MARKDOWN_TEXT_PER_PAYLOAD + 1} characters in all")


def interactive(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The interactive elements of a block, in the order shown."""
    named: list[Any] = [block.get("accessory"), block.get("element")]
    listed = block.get("elements") if block.get("type") in ("actions", "context_actions") else None
    listed = block.get("actions") if block.get("type") == "card" else listed
    for element in [*named, *(listed if isinstance(listed, list) else [])]:
        if isinstance(element, dict) and element.get("type") != "image":
            yield element


def characters(value: Any) -> int:
    """The number of characters of text in a payload."""
    if isinstance(value, list):
        return sum(characters(item) for item in value)
    if isinstance(value, dict):
        own = value.get("text")
        here = len(own) if isinstance(own, str) else 0
        return here + sum(characters(item) for item in value.values() if isinstance(item, list | dict))
    return 0


def with_ids(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The blocks with every block_id and action_id, added as Slack adds them if they are missing."""
    taken = {block["block_id"] for block in blocks if "block_id" in block}
    made = (f"b{number}" for number in range(len(blocks) * 2 + 1))
    free = (name for name in made if name not in taken)
    return [_with_action_ids({**block, "block_id": block.get("block_id") or next(free)}) for block in blocks]


def _with_action_ids(block: dict[str, Any]) -> dict[str, Any]:
    def named(element: Any, number: int) -> Any:
        if not isinstance(element, dict) or element.get("type") in (None, "image"):
            return element
        return {"action_id": f"a{number}", **element}

    for name in ("accessory", "element"):
        if name in block:
            block[name] = named(block[name], 0)
    if block["type"] in ("actions", "context_actions"):
        block["elements"] = [named(element, number) for number, element in enumerate(block["elements"])]
    if block["type"] == "card" and "actions" in block:
        block["actions"] = [named(element, number) for number, element in enumerate(block["actions"])]
    return block
