"""The one row of buttons on a card: the answers, *Details*, and a menu. Pure.

What a telephone has no room for is in the menu.
"""

from __future__ import annotations

from typing import Final

from bot.approvals.model.request import Pending, Request
from bot.slack import actions, blocks, button_width
from bot.slack.blocks import Element
from bot.slack.cards import side_action_menu, vote_buttons

_MOVABLE: Final = (actions.RESPOND, actions.EDIT, actions.EACH)
"""The answers that open a modal and may stand in the menu, in the order in which they give way. If even the choices
have no room, *Details* follows them."""
_SHORTER: Final = {actions.APPROVE: "{} all", actions.APPROVE_WHY: "{} all…", actions.REJECT: "{}…"}
"""The words of an answer to several actions, if there is no room for how many they are. The card numbers them."""


def of(request: Request, *, whole: bool) -> list[Element]:
    """The buttons for a request on its card. `whole`: the card shows all of it."""
    made = vote_buttons.buttons(request, whole=whole)
    if not isinstance(request.state, Pending):
        return made
    moved: list[Element] = []
    chosen = any(actions.CHOICES.match(each["action_id"]) for each in made)
    for deed in (*_MOVABLE, *([actions.VIEW_ALL] if chosen else [])):
        if _fits(made):
            break
        found = [each for each in made[1:] if each["action_id"] == deed]
        made, moved = [each for each in made if each not in found], [*found, *moved]
    if not _fits(made):
        made = [_shortened(each, len(request.question.items)) for each in made]
    return [*made, *side_action_menu.menu(request, moved)]


def _fits(row: list[Element]) -> bool:
    words = [str(each["text"]["text"]) for each in row]
    return button_width.of_row(words, menu=True) <= button_width.ROOM


def _shortened(button: Element, number: int) -> Element:
    every = f" all {number}"
    form, words = _SHORTER.get(button["action_id"]), str(button["text"]["text"])
    if number < 2 or form is None or every not in words:
        return button
    return {**button, "text": blocks.plain(form.format(words[: words.rindex(every)]), blocks.BUTTON_TEXT)}
