"""Slack's limits: what is just allowed passes, one more is refused, and the refusal says where."""

from typing import Any

import pytest

from simulator.blocks import Place, complaints_about
from simulator.errors import SlackError
from simulator.views import check
from tests.support.desk import Desk, actions, button, modal, plain, question, refusal, section


def _select(options: int) -> dict[str, Any]:
    return {
        "type": "static_select",
        "action_id": "s",
        "options": [{"text": plain(str(n)), "value": str(n)} for n in range(options)],
    }


def _choice(kind: str, options: int) -> dict[str, Any]:
    return {**_select(options), "type": kind}


def _confirm(**texts: int) -> dict[str, Any]:
    lengths = {"title": 1, "text": 1, "confirm": 1, "deny": 1, **texts}
    return {name: plain("x" * length) for name, length in lengths.items()}


def _context(elements: int) -> dict[str, Any]:
    return {"type": "context", "elements": [plain("x")] * elements}


def _image(**fields: Any) -> dict[str, Any]:
    return {"type": "image", "alt_text": "x", "image_url": "https://a.example/x.png", **fields}


def _table(rows: int, columns: int) -> dict[str, Any]:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * columns] * rows}


MESSAGE_LIMITS = {
    "blocks": lambda n: [{"type": "divider"}] * (50 + n),
    "section text": lambda n: [section("x" * (3000 + n))],
    "section fields": lambda n: [{"type": "section", "fields": [plain("x")] * (10 + n)}],
    "section field text": lambda n: [{"type": "section", "fields": [plain("x" * (2000 + n))]}],
    "header text": lambda n: [{"type": "header", "text": plain("x" * (150 + n))}],
    "context elements": lambda n: [_context(10 + n)],
    "actions elements": lambda n: [actions(*[button(f"b{i}") for i in range(25 + n)])],
    "button text": lambda n: [actions(button(text=plain("x" * (75 + n))))],
    "button value": lambda n: [actions(button(value="x" * (2000 + n)))],
    "button url": lambda n: [actions(button(url="x" * (3000 + n)))],
    "accessibility label": lambda n: [actions(button(accessibility_label="x" * (75 + n)))],
    "action_id": lambda n: [actions(button(text=plain("Go"), action_id="x" * (255 + n)))],
    "block_id": lambda n: [section(block_id="x" * (255 + n))],
    "confirm title": lambda n: [actions(button(confirm=_confirm(title=100 + n)))],
    "confirm text": lambda n: [actions(button(confirm=_confirm(text=300 + n)))],
    "confirm button": lambda n: [actions(button(confirm=_confirm(deny=30 + n)))],
    "select options": lambda n: [actions(_select(100 + n))],
    "overflow options": lambda n: [actions(_choice("overflow", 5 + n))],
    "radio options": lambda n: [actions(_choice("radio_buttons", 10 + n))],
    "checkbox options": lambda n: [actions(_choice("checkboxes", 10 + n))],
    "option text": lambda n: [actions({**_select(0), "options": [{"text": plain("x" * (75 + n)), "value": "v"}]})],
    "option value": lambda n: [actions({**_select(0), "options": [{"text": plain("x"), "value": "v" * (150 + n)}]})],
    "placeholder": lambda n: [actions({**_select(1), "placeholder": plain("x" * (150 + n))})],
    "option description": lambda n: [
        actions({**_select(0), "options": [{"text": plain("x"), "value": "v", "description": plain("x" * (75 + n))}]})
    ],
    "option groups": lambda n: [
        actions(
            {
                "type": "static_select",
                "action_id": "s",
                "option_groups": [{"label": plain("x"), "options": _select(1)["options"]}] * (100 + n),
            }
        )
    ],
    "image alt text": lambda n: [_image(alt_text="x" * (2000 + n))],
    "image url": lambda n: [_image(image_url="x" * (3000 + n))],
    "image title": lambda n: [_image(title=plain("x" * (2000 + n)))],
    "table rows": lambda n: [_table(100 + n, 1)],
    "table columns": lambda n: [_table(1, 20 + n)],
    "tables": lambda n: [_table(1, 1)] * (1 + n),
    "markdown text": lambda n: [{"type": "markdown", "text": "x" * (12_000 + n)}],
    "markdown in all": lambda n: [
        {"type": "markdown", "text": "x" * 6000},
        {"type": "markdown", "text": "x" * (6000 + n)},
    ],
}


@pytest.mark.parametrize("blocks", MESSAGE_LIMITS.values(), ids=MESSAGE_LIMITS.keys())
def test_a_message_may_go_to_the_limit_and_not_beyond(blocks: Any) -> None:
    assert list(complaints_about(blocks(0), Place.MESSAGE)) == []
    assert list(complaints_about(blocks(1), Place.MESSAGE)) != []


MODAL_LIMITS = {
    "blocks": lambda n: modal(*[{"type": "divider"}] * (100 + n)),
    "title": lambda n: modal(title=plain("x" * (24 + n))),
    "submit": lambda n: modal(submit=plain("x" * (24 + n))),
    "close": lambda n: modal(close=plain("x" * (24 + n))),
    "private_metadata": lambda n: modal(private_metadata="x" * (3000 + n)),
    "callback_id": lambda n: modal(callback_id="x" * (255 + n)),
    "external_id": lambda n: modal(external_id="x" * (255 + n)),
    "label": lambda n: modal(question(label="x" * (2000 + n))),
    "hint": lambda n: modal({**question(), "hint": plain("x" * (2000 + n))}),
    "initial text": lambda n: modal(question(initial_value="x" * (3000 + n))),
    "alert": lambda n: modal({"type": "alert", "text": plain("x" * (200 + n))}),
}


@pytest.mark.parametrize("view", MODAL_LIMITS.values(), ids=MODAL_LIMITS.keys())
def test_a_modal_may_go_to_the_limit_and_not_beyond(view: Any) -> None:
    check(view(0), Place.MODAL)
    with pytest.raises(SlackError, match="invalid_arguments"):
        check(view(1), Place.MODAL)


WRONG = {
    "unknown type": [{"type": "marquee"}],
    "unknown field": [section(colour="red")],
    "empty text": [section("")],
    "section of nothing": [{"type": "section"}],
    "mrkdwn in a header": [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
    "text input in actions": [actions({"type": "plain_text_input", "action_id": "a"})],
    "one action_id twice in a block": [actions(button("a"), button("a"))],
    "one block_id twice": [section(block_id="a"), section(block_id="a")],
    "unknown button style": [actions(button(style="warning"))],
    "alert in a message": [{"type": "alert", "text": plain("x")}],
    "rich text in a section": [{"type": "section", "text": {"type": "rich_text", "elements": []}}],
    "not an object": ["Hello"],
}


@pytest.mark.parametrize("blocks", WRONG.values(), ids=WRONG.keys())
def test_a_message_of_wrong_shape_is_refused(blocks: list[Any]) -> None:
    assert list(complaints_about(blocks, Place.MESSAGE)) != []


@pytest.mark.parametrize("kind", ["markdown", "table"])
def test_a_block_for_messages_alone_is_refused_in_a_modal(kind: str) -> None:
    block = {"markdown": {"type": "markdown", "text": "x"}, "table": _table(1, 1)}[kind]

    assert list(complaints_about([block], Place.MESSAGE)) == []
    assert list(complaints_about([block], Place.MODAL)) != []


def test_the_same_action_id_in_two_blocks_is_allowed() -> None:
    assert list(complaints_about([actions(button("a")), actions(button("a"))], Place.MESSAGE)) == []


def test_a_modal_with_inputs_needs_a_submit_button() -> None:
    view = modal()
    del view["submit"]

    with pytest.raises(SlackError, match="invalid_arguments"):
        check(view, Place.MODAL)


def test_a_modal_of_more_than_250_kilobytes_is_too_large() -> None:
    blocks = [section("x" * 3000) for _ in range(90)]

    with pytest.raises(SlackError, match="view_too_large"):
        check(modal(*blocks), Place.MODAL)


async def test_the_refusal_says_which_limit_and_where(desk: Desk) -> None:
    answer = await refusal(desk.bot.chat_postMessage(channel="C0OPS", text="x", blocks=[section("x" * 3001)]))

    assert answer["error"] == "invalid_blocks"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    ]


async def test_blocks_that_are_too_long_together_are_refused(desk: Desk) -> None:
    enough = [section("x" * 2600) for _ in range(5)]

    await desk.bot.chat_postMessage(channel="C0OPS", text="x", blocks=enough)

    too_long = await refusal(desk.bot.chat_postMessage(channel="C0OPS", text="x", blocks=[*enough, section("x")]))
    assert too_long["error"] == "msg_blocks_too_long"


async def test_blocks_that_are_no_json_are_refused(desk: Desk) -> None:
    answer = await refusal(desk.bot.chat_postMessage(channel="C0OPS", text="x", blocks="[{"))

    assert answer["error"] == "invalid_blocks_format"
