"""Whatever is asked: a surface that offers to approve it shows all of it, or offers a review whose pages do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from bot.approvals.model.ids import JSON
from bot.approvals.model.message import MessageKind
from bot.approvals.model.question import Item, Option, Question, Verdict, Window
from bot.approvals.model.request import Edit, Request
from bot.approvals.ports.slack import View
from bot.approvals.rules import windows
from bot.slack import actions, text
from bot.slack.blocks import Block
from bot.slack.cards import render, vote_buttons
from bot.slack.inbox import request_row
from bot.slack.modals import answer_modal
from tests.support.examples import examples
from tests.unit.slack import limits, samples
from tests.unit.slack.samples import BOB, NOW, POLICY, question, request
from tests.unit.slack.test_text import HOSTILE

pytestmark = pytest.mark.heavy

ANSWERS = re.compile(r"^(approve|approve_why|reject|respond|choose|each|edit|undo|keep)(:\d+)?$")

APPROVING = [verdict for verdict in Verdict if verdict not in (Verdict.UNDO, Verdict.KEEP)]
"""What people can say to a question. The others are for what is done already."""
LONG = st.builds(lambda part: (part * 100)[:400], st.text("ab \n", min_size=4, max_size=12))
"""Longer than a row. Hypothesis draws texts character by character, so a short one is repeated."""
WORDS = HOSTILE | st.text(max_size=200) | LONG
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(WORDS, inner, max_size=9),
    max_leaves=12,
)
ITEMS = st.builds(
    Item,
    name=WORDS,
    arguments=st.dictionaries(WORDS, VALUES, max_size=14),
    verdicts=st.lists(st.sampled_from(APPROVING), min_size=1, max_size=5, unique=True).map(tuple),
)
OPTIONS = st.lists(
    st.builds(Option, label=WORDS, value=VALUES, description=WORDS), max_size=14, unique_by=lambda each: each.label
).map(tuple)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    options = draw(OPTIONS)
    bare = draw(st.booleans())
    return question(
        *draw(st.lists(ITEMS, min_size=1, max_size=4)),
        title=draw(WORDS),
        text=draw(WORDS),
        choices=tuple(each.label for each in options),
        options=() if bare else options,
        labels=draw(st.dictionaries(st.sampled_from(list(map(str, APPROVING))), WORDS, max_size=2)),
    )


class Name(str):
    """The name of an argument or an action, which may be shown in words."""


class Scalar(str):
    """A number, true, false or null, as JSON."""


def leaves(value: JSON) -> Iterator[str]:
    """Every key and plain value, in the words in which they may be shown."""
    match value:
        case dict():
            for key, each in value.items():
                yield Name(key)
                yield from leaves(each)
        case list():
            for each in value:
                yield from leaves(each)
        case str():
            yield value
        case _:
            yield Scalar(json.dumps(value))


def said(asked: Question) -> Iterator[str]:
    """All that has to be read before the question is answered."""
    yield from (asked.title, asked.text, *asked.choices)
    yield from [asked.window.how] if asked.window is not None else []
    yield from (word for verdict, word in asked.labels.items() if any(verdict in item.verdicts for item in asked.items))
    for option in asked.options:
        yield from (option.description, *leaves(option.value))
    for item in asked.items:
        yield from (Name(item.name), *leaves(dict(item.arguments)))


def shown(blocks: Any) -> str:
    """All words, as people read them."""
    return "\n".join(
        unescape(words) if kind == "mrkdwn" else words
        for kind in ("plain_text", "text", "mrkdwn")
        for words in limits.texts(blocks, kind)
    )


def reads(words: str, seen: str) -> bool:
    """Whether the words stand in what is seen: as they are, as JSON, or line by line where lines were isolated."""
    plain = text.visible(words.strip())
    written = {
        plain,
        text.visible(words),
        *(text.visible(json.dumps(words, ensure_ascii=a)[1:-1]) for a in (True, False)),
    }
    loose, bare = _loose(seen), _bare(seen)
    worded = isinstance(words, Name) and _bare(plain) in bare
    if isinstance(words, Scalar):
        worded = {"true": "Yes", "false": "No", "null": "-"}.get(words, words) in seen.replace(",", "")
    return worded or any(form in seen or _loose(form) in loose for form in written)


def _bare(name: str) -> str:
    """A name without what may change if it is put into words."""
    return re.sub(r"[\s_-]", "", name).casefold()


def _loose(words: str) -> str:
    return "".join(words.replace("\u2068", "").replace("\u2069", "").split())


def pressed(blocks: Any) -> set[str]:
    return {each["action_id"] for each in _elements(blocks)}


def _elements(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") in ("button", "static_select") and "action_id" in node:
            yield node
        for each in node.values():
            yield from _elements(each)
    elif isinstance(node, list | tuple):
        for each in node:
            yield from _elements(each)


def messages(asked: Request) -> Iterator[list[Block]]:
    """Every place in which a request may be answered without a modal."""
    for kind in (MessageKind.CARD, MessageKind.COPY):
        card = render.draw(View(message=samples.message(kind), task=samples.task(), request=asked))
        yield list(card.blocks)
        yield list(card.small)
    yield request_row.row(asked, "here")


RUN = Item(name="run", arguments={}, verdicts=samples.YES_OR_NO)


def check(asked: Request) -> None:
    if not vote_buttons.answers(asked):
        return  # a question that takes no answer is offered none
    whole = list(said(asked.question))
    for blocks in messages(asked):
        answers = {action for action in pressed(blocks) if ANSWERS.match(action)}
        if answers:
            assert actions.REVIEW not in pressed(blocks)
            seen = shown(blocks)
            assert [words for words in whole if not reads(words, seen)] == []
        else:
            assert actions.REVIEW in pressed(blocks)
    pages = [answer_modal.review(asked)]
    while "page:" in str(turns := pressed(pages[-1]["blocks"])) and f"page:{len(pages)}" in turns:
        assert not {action for action in turns if ANSWERS.match(action)}
        pages.append(answer_modal.review(asked, len(pages)))
    for page in pages:
        limits.check_modal(page)
    everything = "".join(shown(page["blocks"]) for page in pages)
    assert [words for words in whole if not reads(words, everything)] == []


@examples(20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(questions())
@example(question(RUN, title=" ".join(map(str, range(1000))), text=""))
@example(question(RUN, title="Go on?", text=" ".join(map(str, range(2000)))))
@example(question(title="x" * 149 + "\n2. drop table orders_2019", text=""))
@example(question(RUN, labels={"approve": "y" * 40}))
@example(question(Item(name="a\nb", arguments={"k  k": 1}, verdicts=samples.YES_OR_NO)))
@example(question(RUN, Item(name="", arguments={"": "\x08", "\u202e": "\u202e"}, verdicts=samples.YES_OR_NO)))
@example(question(Item(name="n" * 90, arguments={}, verdicts=samples.YES_OR_NO)))
def test_what_offers_an_answer_shows_all_that_is_asked(asked: Question) -> None:
    check(request(asked))


@examples(20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(ITEMS, WORDS, WORDS, st.booleans(), st.dictionaries(st.sampled_from(["undo", "keep"]), WORDS))
def test_what_offers_an_undo_shows_all_that_was_done_and_how_it_is_undone(
    item: Item, title: str, how: str, undoable: bool, labels: dict[str, str]
) -> None:
    verdicts = (Verdict.UNDO, Verdict.KEEP) if undoable else (Verdict.KEEP,)
    done = question(
        replace(item, verdicts=verdicts),
        title=title,
        text="",
        labels=labels,
        window=Window(length=timedelta(minutes=10), how=how),
    )

    check(request(done, policy=windows.under(POLICY, done, samples.ALICE)))


@examples(10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(questions(), VALUES)
def test_so_it_does_after_an_edit(asked: Question, value: JSON) -> None:
    first = asked.items[0]
    edited = replace(asked, items=(replace(first, arguments={**first.arguments, "edited": value}), *asked.items[1:]))

    check(replace(request(asked), question=edited, version=2, edits=(Edit(person=BOB, at=NOW + timedelta(minutes=1)),)))


@examples(10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(questions())
def test_what_is_private_is_answered_in_a_review_alone(asked: Question) -> None:
    about = request(asked, policy=replace(POLICY, private=True))

    for blocks in messages(about):
        assert not {action for action in pressed(blocks) if ANSWERS.match(action)}
        assert actions.REVIEW in pressed(blocks)


@pytest.mark.parametrize(
    "choices",
    [
        ("Yes", "Yes "),
        ("Delete", "delete"),
        ("ﬁx it", "fix it"),
        ("No", "\u039d\u03bf"),
        ("Il", "I1"),
        ("a" * 31, "b"),
        ("a\nb", "c"),
    ],
)
def test_choices_that_look_alike_or_do_not_fit_have_numbers(choices: tuple[str, str]) -> None:
    asked = question(Item(name="", arguments={}, verdicts=(Verdict.CHOOSE,)), choices=choices, payload=None)

    card = render.draw(samples.view(asked=request(asked)))

    names = [each["text"]["text"] for each in limits.buttons(card.blocks) if each["action_id"].startswith("choose")]
    assert [name[:2] for name in names] == ["1.", "2."]


def test_choices_of_an_earlier_version_which_kept_their_labels_alone_are_reviewed() -> None:
    options: list[JSON] = [{"label": "No, keep everything", "value": "delete_all"}]
    asked = question(
        Item(name="", arguments={}, verdicts=(Verdict.CHOOSE,)),
        choices=("No, keep everything",),
        payload={"question": "Which?", "options": options},
        types=None,
    )

    assert "Review…" in shown(render.draw(samples.view(asked=request(asked))).blocks)
    assert "delete_all" in shown(answer_modal.review(request(asked))["blocks"])
