"""What a card says of what it hides, the modal that shows it, and forms that hold it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.approvals.model.decision import Respond
from bot.approvals.model.ids import JSON
from bot.approvals.model.request import Request
from bot.approvals.rules.masking import MASK
from bot.slack import actions
from bot.slack.blocks import PIECE
from bot.slack.cards import render
from bot.slack.cards.vote_buttons import hidden_of
from bot.slack.forms import fields
from bot.slack.listeners import reveal
from bot.slack.modals import answer_modal, edit_modal
from bot.slack.modals.question_pages import PIECES
from tests.support.builders import an_item
from tests.support.fakes.secrets import masking
from tests.unit.slack import samples

SECRET = "sec-abcdefghijkl"


def shown(request: Request) -> Request:
    return masking("iban").request(samples.task(), request)


def asked(arguments: dict[str, JSON], **changes: Any) -> Request:
    return samples.request(replace(samples.question(an_item(arguments=arguments)), payload=None, **changes))


def state_of(view: answer_modal.Modal, **typed: str) -> dict[str, Any]:
    """What the form would send: each field as it was drawn, or as it was typed."""
    values = {}
    names = {name.lower(): words for name, words in typed.items()}
    for block in view["blocks"]:
        if block["type"] != "input":
            continue
        label, element = block["label"]["text"].lower(), block["element"]
        values[block["block_id"]] = {fields.VALUE: {"value": names.get(label, element.get("initial_value"))}}
    return {"values": values}


def saved(request: Request, **typed: str) -> Any:
    """What an edit comes to that types this and leaves the rest."""
    drawn = shown(request)
    return edit_modal.edited(drawn, state_of(edit_modal.edit(drawn), **typed))


def test_a_card_says_how_much_is_hidden_and_has_the_button() -> None:
    request = shown(asked({"password": "swordfish", "note": SECRET}))

    drawn = json.dumps(render.draw(samples.view(asked=request)).blocks, ensure_ascii=False)

    assert "2 values are hidden. Only people who may answer can reveal them" in drawn
    assert f'"action_id": "{actions.REVEAL}"' in drawn
    assert "swordfish" not in drawn


def test_a_card_that_hides_nothing_does_not_speak_of_it() -> None:
    drawn = json.dumps(render.draw(samples.view(asked=shown(asked({"note": "plain"})))).blocks)

    assert "hidden" not in drawn
    assert actions.REVEAL not in drawn


def test_the_modal_shows_where_each_stands_how_it_is_shown_and_what_it_is() -> None:
    request = shown(asked({"db": {"password": "swordfish"}, "iban": 4711}, title=f"Use {SECRET}?"))

    drawn = json.dumps(reveal.draw(request, hidden_of(request)), ensure_ascii=False)

    for words in ("arguments.db.password", "swordfish", "arguments.iban", "4711", "title", SECRET, f"sec-{MASK}ijkl"):
        assert words in drawn
    assert "3 hidden values" in drawn


def test_a_long_secret_is_shown_page_by_page_and_whole() -> None:
    secret = "x1y2" * 9000
    request = shown(asked({"password": secret}))
    first = reveal.draw(request, hidden_of(request))
    count = -(-len(secret) // (PIECES * PIECE))
    pages = [first, *(reveal.draw(request, hidden_of(request), page) for page in range(1, count))]

    pieces = [
        part["elements"][0]["text"]
        for page in pages
        for block in page["blocks"]
        if block["type"] == "rich_text"
        for part in block["elements"]
        if part["type"] == "rich_text_preformatted"
    ]

    assert "".join(pieces) == secret
    assert f"Page 1 of {count}" in json.dumps(first)


@pytest.mark.parametrize(
    "arguments",
    [
        {"password": "swordfish"},
        {"note": f"use {SECRET} now"},
        {"long": f"one\n{SECRET}\nthree"},
        {"list": [SECRET, "plain"]},
        {"deep": {"password": 4711, "a": [SECRET, None, True]}},
        {"iban": 4711},
        {"iban": True},
        {"iban": None},
        {SECRET: "named by a secret"},
    ],
)
def test_a_form_that_is_left_as_it_was_gives_back_the_true_values(arguments: dict[str, JSON]) -> None:
    request = asked({**arguments, "other": "x"})

    result = saved(request, other="y")

    assert result.arguments == {**arguments, "other": "y"}
    assert SECRET not in json.dumps(edit_modal.edit(shown(request)))


def test_what_is_typed_anew_replaces_a_hidden_value() -> None:
    assert saved(asked({"password": "swordfish"}), password="opensesame").arguments == {"password": "opensesame"}
    assert saved(asked({"iban": 4711}), iban="4712").arguments == {"iban": 4712}


@pytest.mark.parametrize("typed", [f"{MASK}x", f"x {MASK}", f"{MASK}#7"])
def test_a_mask_that_was_written_into_is_refused_at_its_field(typed: str) -> None:
    problems = saved(asked({"password": "swordfish"}), password=typed)

    assert "hidden part" in next(iter(problems.by_block.values()))


def test_a_mask_in_a_field_that_hides_nothing_is_refused() -> None:
    """Somebody copies it there: the agent would get bullets."""
    problems = saved(asked({"password": "swordfish", "other": "x"}), other=MASK)

    assert "hidden part" in next(iter(problems.by_block.values()))


def test_bullets_that_an_agent_wrote_itself_can_be_kept_and_changed() -> None:
    assert saved(asked({"card": f"{MASK} 4242"}), card=f"{MASK} 4243").arguments == {"card": f"{MASK} 4243"}


def test_in_an_object_the_rest_may_change_around_a_mask() -> None:
    request = asked({"db": {"password": "swordfish", "host": "a"}})

    changed = saved(request, db=json.dumps({"host": "b", "password": MASK, "port": 1}))
    broken = saved(request, db=json.dumps({"host": "b", "password": f"{MASK}1"}))

    assert changed.arguments == {"db": {"host": "b", "password": "swordfish", "port": 1}}
    assert "hidden part" in next(iter(broken.by_block.values()))


def test_a_form_that_an_agent_asks_for_hides_its_defaults_and_keeps_them() -> None:
    form: JSON = {
        "type": "object",
        "properties": {"password": {"type": "string", "default": "swordfish"}, "name": {"type": "string"}},
    }
    request = shown(asked({}, form=form))
    view = answer_modal.respond(request)

    answer = answer_modal.response(request, state_of(view, Name="bob"))

    assert "swordfish" not in json.dumps(view)
    assert answer == Respond(value={"password": "swordfish", "name": "bob"})
