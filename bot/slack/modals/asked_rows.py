"""What is asked, in full and in words for people, as parts of rich text. Nothing is left out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question
from bot.approvals.model.request import Request
from bot.slack import blocks, text
from bot.slack.blocks import Element
from bot.slack.cards import question_blocks, status_lines, vote_buttons
from bot.slack.forms import argument_labels, option_lists, schema_form
from bot.slack.modals import value_rows

MAX_OPTIONS_NAMED: Final = 30
"""Of a form's field. The form shows all of them."""
_FORM: Final = "form"


def of(request: Request) -> list[Element]:
    """The title unless it fits a header, the text, each action with its arguments, the choices, the form."""
    question = request.question
    made: list[Element] = []
    if question.title.strip() and not question_blocks.headed(question):
        made += value_rows.quoted(question.title.strip("\n"))
    if risk := status_lines.risk(request):
        made.append(blocks.line(blocks.run(risk.replace("*", ""), "italic")))
    if question.text.strip():
        made += value_rows.prose(question.text)
    for number, item in enumerate(question.items):
        made += _item(request, number, item)
    if question.window is not None and question.window.how:
        made += value_rows.rows([("To undo", question.window.how)])
    made += _choices(question)
    made += _fields("The answer", question.form)
    return [*made, *_unsaid(request)]


def say_all(question: Question) -> bool:
    """Whether these rows say everything that a person has to read before they answer. The JSON of a question that an
    earlier version stored may say more about its choices."""
    return not (question.choices and not question.options and question.types is None and _may_say_more(question))


def _may_say_more(question: Question) -> bool:
    lists = question.payload.values() if isinstance(question.payload, dict) else []
    return any(isinstance(each, dict) for listed in lists if isinstance(listed, list) for each in listed)


def _item(request: Request, number: int, item: Item) -> list[Element]:
    own, several = request.policy.card.labels, len(request.question.items) > 1
    made: list[Element] = []
    if several:
        made += value_rows.named(f"{number + 1}.", item.name or "an action")
    elif item.name and item.name not in request.question.title:
        made += value_rows.named("", item.name)
    made += value_rows.of(item.arguments, argument_labels.schemas(item.schema), own)
    return [*made, *_fields("Its answer", item.form)]


def _choices(question: Question) -> list[Element]:
    """Each choice under its number; if the agent gets something else for it, that too."""
    if not question.choices:
        return []
    made = [blocks.line(blocks.run("Choices", "bold"))]
    if not question.options:
        return [*made, *value_rows.rows([(f"{n}.", choice) for n, choice in enumerate(question.choices, start=1)])]
    for number, option in enumerate(question.options, start=1):
        told: dict[str, JSON] = {"The agent gets": option.value} if option.value != option.label else {}
        told |= {"Description": option.description} if option.description else {}
        made += value_rows.rows([(f"{number}.", option.label)])
        made += value_rows.rows([*told.items()], 1) if told else []
    return made


def _fields(whose: str, form: JSON) -> list[Element]:
    """What the form of an answer asks for: each field, whether it is required, and its options."""
    if not isinstance(form, dict):
        return []
    asked = schema_form.of(_FORM, form).fields
    if not asked or asked[0].path == ():
        return []
    told: list[tuple[str, JSON]] = []
    for each in asked:
        names = _options(each.listing) if each.choices else []
        words = [
            "required" if each.required else "optional",
            each.hint,
            f"one of {', '.join(names)}" if names else "",
        ]
        told.append((each.label, " · ".join(" ".join(word.split()) for word in words if word)))
    return [blocks.line(blocks.run(f"{whose} asks for", "bold")), *value_rows.rows(told, 1)]


def _options(listing: Mapping[str, JSON]) -> list[str]:
    """The names of a field's options, and how many more there are."""
    names = option_lists.labels(listing)
    rest = len(names) - MAX_OPTIONS_NAMED
    return [*names[:MAX_OPTIONS_NAMED], *([f"{rest:,} more"] if rest > 0 else [])]


def _unsaid(request: Request) -> list[Element]:
    """The graph's own words for its answers that no button shows in full."""
    offered = {verdict for item in request.question.items for verdict in item.verdicts}
    shown = "\n".join(str(each["text"]["text"]) for each in vote_buttons.answers(request) if "text" in each)
    words = [
        word
        for verdict, word in request.question.labels.items()
        if verdict in offered and word.strip() and text.visible(word) not in shown
    ]
    return value_rows.rows([("Its answers are called", list(words))]) if words else []
