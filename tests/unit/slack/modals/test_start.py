"""The modal that starts a task asks for the inputs of the chosen graph."""

from __future__ import annotations

from dataclasses import replace

from bot.slack import actions
from bot.slack.modals import start_modal
from bot.slack.modals.answer_modal import Modal
from tests.unit.slack.modals.typed import CLEANUP, LOST, option, submitted


def block_ids(modal: Modal) -> list[str]:
    return [block["block_id"] for block in modal["blocks"] if block["type"] == "input"]


def test_starting_asks_for_the_inputs_of_the_chosen_graph() -> None:
    other = replace(CLEANUP, name="other")
    modal = start_modal.start([CLEANUP, other, LOST], chosen="cleanup", metadata="C0OPS")

    assert modal["private_metadata"] == "C0OPS"
    assert len(block_ids(modal)) == 6
    assert start_modal.chosen(submitted(modal)) == "cleanup"
    assert "OPENAI_API_KEY is not set" in str(modal["blocks"])
    assert block_ids(start_modal.start([CLEANUP, other])) == [actions.GRAPH]
    assert start_modal.chosen(submitted(start_modal.start([CLEANUP, other]))) == ""


def test_what_was_typed_comes_back_as_words_by_input() -> None:
    modal = start_modal.start([CLEANUP])
    _, folder, _, _, mode, until = block_ids(modal)
    typed = {folder: {"value": "/srv"}, mode: option(modal, mode, "hard"), until: {"selected_date": "2026-05-01"}}

    words = start_modal.words(CLEANUP, submitted(modal, **typed))

    assert words == {
        "folder": "/srv",
        "older_than_days": "365",
        "dry_run": "false",
        "mode": "hard",
        "until": "2026-05-01",
    }


def test_what_is_wrong_with_an_input_stands_beside_it() -> None:
    _, folder, *_ = block_ids(start_modal.start([CLEANUP]))

    problems = start_modal.problems(CLEANUP, {"folder": "is missing", "": "does not fit", "colour": "is not known"})

    assert problems.by_block == {folder: "This is missing.", actions.GRAPH: "does not fit colour is not known"}


def test_fields_of_two_graphs_never_share_what_was_typed() -> None:
    other = replace(CLEANUP, name="other")

    assert not set(block_ids(start_modal.start([CLEANUP]))[1:]) & set(block_ids(start_modal.start([other]))[1:])


def test_the_menu_says_on_which_server_a_graph_runs() -> None:
    """Its value stays the name by which it is started."""
    ours, theirs = replace(CLEANUP, name="deploy"), replace(CLEANUP, name="prod/deploy", server="prod")

    modal = start_modal.start([ours, theirs], chosen="prod/deploy")

    (menu,) = [block["element"] for block in modal["blocks"] if block.get("block_id") == actions.GRAPH]
    assert [(each["text"]["text"], each["value"]) for each in menu["options"]] == [
        ("deploy", "deploy"),
        ("deploy on prod", "prod/deploy"),
    ]
    assert menu["initial_option"] == menu["options"][1]
