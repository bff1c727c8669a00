"""How wide a row of buttons is."""

from __future__ import annotations

from bot.slack import blocks, button_width


def test_a_row_is_as_wide_as_its_buttons_its_menu_and_the_gaps() -> None:
    row = [blocks.button("Details", "view_all", "-"), *blocks.menu("more", [blocks.option("History", "-")])]

    assert button_width.width(row) == button_width.of_row(["Details"], menu=True) == 110
    assert button_width.widest(blocks.actions(row)) == 110
    assert button_width.widest([blocks.divider()]) == 0


def test_a_letter_that_is_not_known_is_as_wide_as_it_is_high() -> None:
    assert button_width.of_row(["承" * 9]) > button_width.of_row(["M" * 9])
