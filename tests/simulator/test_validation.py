"""blocks.validate: Slack says whether a drawing is right, and shows it to nobody."""

import json
from typing import Any

import pytest

from tests.support.desk import Desk, modal, plain, refusal, section

WRONG: dict[str, Any] = {"type": "section", "text": {"type": "invalid", "text": "x"}}


@pytest.mark.parametrize(
    "given",
    [
        {"blocks": [section("Right")]},
        {"message": {"text": "Right", "blocks": [section("Right")]}},
        {"view": modal()},
        {"view": {"type": "home", "blocks": [section("Right")]}},
    ],
)
async def test_what_is_right_is_ok_and_nobody_sees_it(desk: Desk, given: dict[str, Any]) -> None:
    answer = await desk.bot.blocks_validate(**given)

    assert answer["ok"]
    assert await desk.seat("bob").modal() is None


@pytest.mark.parametrize(
    ("given", "error", "pointer"),
    [
        ({"blocks": [section("Right"), WRONG]}, "invalid_blocks", "/1/text/type"),
        ({"message": {"blocks": [WRONG]}}, "invalid_message", "/blocks/0/text/type"),
        ({"message": {"text": "no blocks"}}, "invalid_message", "/blocks"),
        ({"view": modal(title=plain("x" * 25))}, "invalid_view", "/title/text"),
        (
            {"view": {"type": "home", "blocks": [{"type": "alert", "text": plain("x")}]}},
            "invalid_view",
            "/blocks/0/type",
        ),
    ],
)
async def test_what_is_wrong_is_told_with_its_place(
    desk: Desk, given: dict[str, Any], error: str, pointer: str
) -> None:
    """The error is named after what was given, and a pointer begins there."""
    answer = await refusal(desk.bot.blocks_validate(**given))

    assert answer["error"] == error
    (only,) = answer["errors"]
    assert (only["code"], only["pointer"]) == ("failed_constraint", pointer)
    assert only["message"]


@pytest.mark.parametrize("given", [{}, {"blocks": [section("x")], "view": modal()}])
async def test_exactly_one_thing_is_validated_at_a_time(desk: Desk, given: dict[str, Any]) -> None:
    answer = await refusal(desk.bot.blocks_validate(**given))

    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must provide exactly one of `blocks`, `view`, or `message`"
    ]


async def test_a_payload_that_is_no_json_is_refused(desk: Desk) -> None:
    assert (await refusal(desk.bot.blocks_validate(blocks="[")))["error"] == "invalid_blocks"


async def test_it_takes_no_scope_and_a_form(desk: Desk) -> None:
    desk.world.manifest.scopes  # noqa: B018 - none of them is asked for
    answer = await desk.bot.api_call("blocks.validate", data={"blocks": json.dumps([section("Right")])})

    assert answer["ok"]
