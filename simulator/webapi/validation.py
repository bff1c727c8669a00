"""blocks.validate: whether blocks, a message or a view are right. Nobody sees them, and nothing changes."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from simulator import blocks as block_kit
from simulator import views
from simulator.blocks import Place
from simulator.errors import SlackError, invalid
from simulator.pace import Tier
from simulator.schema import at
from simulator.webapi.call import Call, Method

_ONE: Final = "must provide exactly one of `blocks`, `view`, or `message`"


async def validate(call: Call) -> dict[str, Any]:
    """Answers ok, or every mistake with its JSON pointer (Slack: blocks.validate)."""
    given = [name for name in ("blocks", "message", "view") if call.text(name) is not None]
    if len(given) != 1:
        raise invalid("invalid_arguments", [_ONE])
    (name,) = given
    if complaints := list(_complaints(name, call.nested(name, f"invalid_{name}"))):
        raise SlackError(f"invalid_{name}", errors=[_error(each) for each in complaints])
    return {}


METHODS: Final[Mapping[str, Method]] = {
    # "special rate limits apply", without a figure
    "blocks.validate": Method(validate, Tier.FOUR),
}


def _complaints(name: str, content: Any) -> Iterator[str]:
    """Every mistake. Pointers begin at what was given: `/0/type` in blocks, `/blocks/0/type` in a message or view."""
    if name == "blocks":
        yield from _of_blocks(content, "")
    elif not isinstance(content, dict):
        yield at("", "must be an object")
    elif name == "message":
        yield from _of_blocks(content.get("blocks"), "/blocks")
    else:
        place = Place.HOME if content.get("type") == "home" else Place.MODAL
        yield from (each.replace("[json-pointer:/view", "[json-pointer:") for each in views.complaints(content, place))


def _of_blocks(blocks: Any, pointer: str) -> Iterator[str]:
    if not isinstance(blocks, list):
        yield at(pointer, "must be an array")
        return
    yield from block_kit.complaints_about(blocks, Place.MESSAGE, pointer)


def _error(complaint: str) -> dict[str, str]:
    message, _, pointer = complaint.partition(" [json-pointer:")
    return {"code": "failed_constraint", "message": message, "pointer": pointer.removesuffix("]")}
