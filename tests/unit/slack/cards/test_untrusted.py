"""Nothing that an agent or a person wrote can pretend to be a mention, a link or a part of Slack, on any surface."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from bot.approvals.inbox.queries import Contents, Page, Row
from bot.approvals.model import errors
from bot.approvals.model.agent import Graph, Input
from bot.approvals.model.decision import Choose, Reject
from bot.approvals.model.ids import JSON
from bot.approvals.model.inbox import Look
from bot.approvals.model.question import Item, Question, Verdict, with_arguments
from bot.approvals.model.request import Edit, Pending, Request, RequestState
from bot.approvals.model.task import Ended
from bot.approvals.ports.storage import Records
from bot.slack import text
from bot.slack.api import files
from bot.slack.api.files import Whole
from bot.slack.inbox import approvals_list, home_tab, summary_message, task_list
from bot.slack.modals import answer_modal, start_modal
from bot.slack.refusals import worded
from tests.support.examples import examples
from tests.unit.slack import limits, samples
from tests.unit.slack.cards.reading import VALUES
from tests.unit.slack.samples import BOB, CAROL, NOW, request
from tests.unit.slack.test_text import HOSTILE

EVIL = st.one_of(
    HOSTILE,
    st.sampled_from(["<!channel>", "<@U0EVIL>", "<https://evil.example|here>", "<!date^1^{date}^https://evil|now>"]),
)
OURS = ("@U0ALICE", "@U0BOB", "@U0CAROL", "#C0OPS", "!date^17")
"""What a sentence of ours may hold in angle brackets in these tests."""


class Settled(Enum):
    """How a request may have been settled by somebody's own words."""

    NOT = "not"
    ANSWERED = "answered"
    CHOSEN = "chosen"
    HELD = "held"

    def state(self, asked: Request) -> RequestState:
        match self:
            case Settled.NOT:
                return asked.state
            case Settled.ANSWERED:
                return samples.decided(samples.answered(Reject(reason="<!here>")))
            case Settled.CHOSEN:
                return samples.decided(samples.answered(Choose(choice="<!here>")))
            case Settled.HELD:
                assert isinstance(asked.state, Pending)
                return replace(samples.decided(samples.answered()), next_try=NOW, held=asked.state)


@st.composite
def asked(draw: st.DrawFn) -> Request:
    """A request of which every word is an agent's, and that somebody has edited."""
    verdicts = tuple(verdict for verdict in Verdict if verdict is not Verdict.CHOOSE)
    items = tuple(
        Item(name=draw(EVIL), arguments=draw(st.dictionaries(EVIL, EVIL | VALUES, max_size=5)), verdicts=verdicts)
        for _ in range(draw(st.integers(1, 3)))
    )
    form: JSON = {"type": "object", "title": draw(EVIL), "properties": {draw(EVIL): {"description": draw(EVIL)}}}
    question = Question(
        shape="x",
        title=draw(EVIL),
        text=draw(EVIL),
        items=items,
        choices=tuple(draw(st.lists(EVIL, max_size=8))),
        form=draw(st.sampled_from([None, form])),
        labels={verdict.value: draw(EVIL) for verdict in verdicts},
        payload=draw(VALUES),
    )
    edited = with_arguments(question, 0, draw(st.dictionaries(EVIL, EVIL, max_size=5)))
    return request(question, question=edited, edits=(Edit(person=CAROL, at=NOW),), version=2)


def assert_nothing_is_forged(view: Any) -> None:
    for words in limits.texts(view, "mrkdwn"):
        assert_literal(words)


def assert_literal(words: str) -> None:
    assert "```" not in words
    for markup in words.split("<")[1:]:
        assert markup.startswith(OURS), words


@examples(20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(asked())
def test_in_no_modal(asked: Request) -> None:
    views = [
        answer_modal.reject(asked),
        answer_modal.respond(asked),
        answer_modal.each(asked),
        answer_modal.edit(asked),
        answer_modal.view_all(asked),
        answer_modal.review(asked),
        answer_modal.review(asked, 99),
    ]
    views += [answer_modal.choose(asked)] if asked.question.choices else []

    for view in views:
        limits.check_modal(view)
        assert_nothing_is_forged(view)
        assert set(json.loads(view["private_metadata"])) == {"request", "version", "digest"}


@examples(15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(asked(), EVIL)
def test_not_beside_a_file_nor_in_what_the_command_answers(asked: Request, words: str) -> None:
    task = replace(samples.task(Ended(outcome=words, at=NOW)), graph=words or "-")
    graph = Graph(name=words, description=words, inputs=(), unavailable=words, example=words)

    assert_nothing_is_forged(files.beside(Whole(request=asked, version=2), 7, samples.message().id))
    assert_literal(task_list.task_status(task, [asked]).replace("```", ""))
    assert_literal(task_list.task_list([(task, [asked])]))
    for markup in task_list.help_text([graph], [words]).split("<")[1:]:
        assert markup.startswith(OURS)


@examples(15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(asked(), EVIL, st.sampled_from(list(Settled)))
def test_not_on_a_home_in_a_digest_or_in_a_list(asked: Request, words: str, settled: Settled) -> None:
    told = replace(asked, state=settled.state(asked))
    of = replace(samples.task(Ended(outcome=words, at=NOW)), graph=words or "-")
    rows = [Row(records=Records(task=of, requests=(asked, told), messages=()), request=each) for each in (asked, told)]
    page = Page(rows=tuple(rows), total=2)
    contents = Contents(
        person=BOB,
        look=Look(graph=words),
        waiting=page,
        asked=Page(rows=(replace(rows[0], request=None),), total=1),
        decided=page,
        all_waiting=2,
        overdue=0,
        graphs=(words, "other"),
    )

    assert_nothing_is_forged(home_tab.draw(contents, "https://acme.slack.com/").view)
    assert_nothing_is_forged(list(summary_message.draw(contents, "https://acme.slack.com/").blocks))
    for said in (
        approvals_list.waiting(contents, ""),
        approvals_list.asked(contents, ""),
        summary_message.draw(contents, "").text,
    ):
        assert_literal(said)


@examples(15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(EVIL)
def test_not_where_a_message_is_quoted(words: str) -> None:
    graph = Graph(name="one", description="", inputs=(Input(name="x", schema={"type": "string"}, required=True),))
    view = start_modal.start([graph], chosen="one", quoted=words)

    limits.check_modal(view)
    assert_nothing_is_forged(view)


@examples(15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(EVIL, EVIL, VALUES)
def test_not_in_the_form_that_starts_a_task(name: str, words: str, default: JSON) -> None:
    schema: dict[str, JSON] = {"type": "string", "title": words, "default": default}
    graph = Graph(name="one", description=words, inputs=(Input(name=name, schema=schema, required=False),))
    view = start_modal.start([graph, replace(graph, name="two", unavailable=words or "no")], chosen="one")

    limits.check_modal(view)
    assert_nothing_is_forged(view)


@pytest.mark.parametrize(
    "refusal",
    [
        lambda words: errors.NotFound("task", words),
        lambda words: errors.UnknownGraph(words, [words]),
        lambda words: errors.GraphUnavailable(words, words),
        lambda words: errors.InvalidInputs(words, {words: words, "": words}, words),
        lambda words: errors.InvalidAnswer(words, words),
        lambda words: errors.VerdictNotOffered(words),
    ],
)
@examples(15)
@given(EVIL)
def test_not_in_a_refusal(refusal: Callable[[str], errors.CountersignError], words: str) -> None:
    said = text.visible(worded(refusal(words)))

    assert "<" not in said
    assert ">" not in said
    assert "\n" not in said


def test_a_refusal_still_names_who_was_first() -> None:
    said = text.visible(worded(errors.AlreadySettled(request().id, samples.answered())))

    assert said.startswith(f"<@{BOB.user_id}> approved this at <!date^")
