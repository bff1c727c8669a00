"""Modals: what they ask, and that what comes back is what was meant."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.model.decision import Approve, Choose, Reject, Respond
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Verdict
from bot.approvals.model.request import Request
from bot.slack import blocks
from bot.slack.cards.question_blocks import MAX_ITEMS_ONE_BY_ONE
from bot.slack.modals import answer_modal, one_by_one_modal, start_modal
from bot.slack.modals.answer_modal import Modal, Problems
from tests.support.examples import examples
from tests.unit.slack import limits
from tests.unit.slack.modals.typed import CLEANUP, LOST, option, submitted
from tests.unit.slack.samples import DELETE, POLICY, REFUND, question, request

FORM: JSON = {
    "type": "object",
    "required": ["name", "count"],
    "properties": {
        "name": {"type": "string", "description": "Full name"},
        "count": {"type": "integer", "minimum": 1},
        "share": {"type": "number"},
        "remote": {"type": "boolean", "default": True},
        "model": {"enum": ["Air", "Pro", 3]},
        "from": {"type": "string", "format": "date"},
        "tags": {"type": "array"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
}


def answering(form: JSON = None) -> Request:
    item = Item(name="ask", arguments={}, verdicts=(Verdict.RESPOND,))
    return request(question(item, title="Who?", form=form))


def every_modal() -> dict[str, Modal]:
    many = question(choices=tuple(f"choice {number}" for number in range(250)))
    return {
        "reject": answer_modal.reject(request()),
        "respond": answer_modal.respond(answering()),
        "respond, form": answer_modal.respond(answering(FORM)),
        "choose": answer_modal.choose(request(many)),
        "edit": answer_modal.edit(request()),
        "each": answer_modal.each(request(question(DELETE, REFUND))),
        "details": answer_modal.view_all(request()),
        "review": answer_modal.review(request()),
        "review, the end": answer_modal.review(request(question(*[DELETE] * 9)), 99),
        "start": start_modal.start([CLEANUP, LOST]),
        "start, none": start_modal.start([LOST]),
        "notice": answer_modal.notice("Not counted", "You may not answer this request. Who may: <@U0BOB>."),
        "loading": answer_modal.loading("A title that is far longer than Slack takes"),
    }


@pytest.mark.parametrize("name", every_modal())
def test_every_modal_is_within_slacks_limits(name: str) -> None:
    limits.check_modal(every_modal()[name])


@pytest.mark.parametrize("name", ["reject", "respond", "choose", "edit", "each", "details"])
def test_a_modal_carries_an_id_and_the_version_and_digest_that_it_shows(name: str) -> None:
    metadata = json.loads(every_modal()[name]["private_metadata"])

    assert set(metadata) == {"request", "version", "digest"}
    assert (metadata["request"], metadata["version"], len(metadata["digest"])) == ("4be1d07c", 1, 64)


def test_a_reason_is_required_where_the_policy_says_so() -> None:
    optional = replace(POLICY, reasons=())

    assert answer_modal.reject(request())["blocks"][-1]["optional"] is False
    assert answer_modal.reject(request(policy=optional))["blocks"][-1]["optional"] is True


def test_a_reason_comes_back_without_its_edges() -> None:
    state = submitted(answer_modal.reject(request()), reason={"value": "  Not now.\n"})

    assert answer_modal.reason(state) == "Not now."
    assert answer_modal.reason(submitted(answer_modal.reject(request()))) == ""


def test_plain_words_are_an_answer() -> None:
    asked = answering()

    answer = answer_modal.response(asked, submitted(answer_modal.respond(asked), answer={"value": "CC-4711"}))

    assert answer == Respond(value="CC-4711")


@pytest.mark.parametrize("words", [" ", "\n \t"])
def test_an_answer_of_blanks_is_a_problem_at_its_field(words: str) -> None:
    asked = answering()

    answer = answer_modal.response(asked, submitted(answer_modal.respond(asked), answer={"value": words}))

    assert isinstance(answer, Problems)
    assert list(answer.by_block) == ["answer"]


def test_whoever_answers_what_may_be_a_yes_or_no_question_reads_how_to_say_no() -> None:
    plain = replace(DELETE, verdicts=(Verdict.APPROVE, Verdict.REJECT, Verdict.RESPOND))
    told = json.dumps(answer_modal.respond(request(question(plain))))
    not_told = json.dumps(answer_modal.respond(answering()))

    assert "The agent receives these words as you write them" in told
    assert "press *Reject*" in told
    assert "receives these words" not in not_told


def test_no_answer_is_a_problem_at_its_field() -> None:
    asked = answering()

    assert answer_modal.response(asked, submitted(answer_modal.respond(asked))) == Problems(
        by_block={"answer": "Please fill this in."}
    )


def test_a_form_comes_back_as_values_of_its_types() -> None:
    asked = answering(FORM)
    modal = answer_modal.respond(asked)
    filled = {
        "answer:0": {"value": "Ann"},
        "answer:1": {"value": "3"},
        "answer:2": {"value": "0.5"},
        "answer:3": option(modal, "answer:3", "No"),
        "answer:4": option(modal, "answer:4", "3"),
        "answer:5": {"selected_date": "2026-05-01"},
        "answer:6": {"value": '["a", 1]'},
    }

    answer = answer_modal.response(asked, submitted(modal, **filled))

    assert answer == Respond(
        value={
            "name": "Ann",
            "count": 3,
            "share": 0.5,
            "remote": False,
            "model": 3,
            "from": "2026-05-01",
            "tags": ["a", 1],
        }
    )


def test_each_problem_of_a_form_stands_at_its_field() -> None:
    asked = answering(FORM)
    wrong = {"answer:1": {"value": "three"}, "answer:6": {"value": "[1,"}}

    problems = answer_modal.response(asked, submitted(answer_modal.respond(asked), **wrong))

    assert isinstance(problems, Problems)
    assert problems.by_block["answer:0"] == "Please fill this in."
    assert problems.by_block["answer:1"] == "This has to be a whole number, for example 12."
    assert problems.by_block["answer:6"].startswith("This is not JSON: line 1")


def test_what_the_graph_refuses_stands_beside_the_field_that_it_names() -> None:
    asked = answering(FORM)

    assert answer_modal.response_problem(asked, "count", "too many").by_block == {"answer:1": "too many"}
    assert answer_modal.response_problem(asked, "", "no").by_block == {"answer:0": "no"}


def test_one_of_very_many_choices_can_be_chosen() -> None:
    asked = request(question(choices=tuple(f"choice {number}" for number in range(250))))
    groups = answer_modal.choose(asked)["blocks"][-1]["element"]["option_groups"]

    chosen = answer_modal.choice(
        asked, {"values": {"answer": {"value": {"selected_option": groups[2]["options"][-1]}}}}
    )

    assert chosen == Choose(choice="choice 249")


def test_choices_that_no_menu_holds_are_counted() -> None:
    asked = request(question(choices=tuple(f"choice {number}" for number in range(1500))))

    drawn = answer_modal.choose(asked)

    limits.check_modal(drawn)
    assert "1,000 of the 1,500 choices" in json.dumps(drawn)


def test_a_choice_that_does_not_exist_is_a_problem() -> None:
    state = {"values": {"answer": {"value": {"selected_option": {"value": "7"}}}}}

    assert isinstance(answer_modal.choice(request(), state), Problems)


def test_items_are_answered_one_by_one() -> None:
    asked = request(question(DELETE, REFUND))
    modal = answer_modal.each(asked)
    state = submitted(
        modal,
        **{
            "verdict:0": option(modal, "verdict:0", "Approve"),
            "verdict:1": option(modal, "verdict:1", "Reject"),
            "words:1": {"value": "Paid already"},
        },
    )

    assert answer_modal.verdicts(asked, state) == (Approve(), Reject(reason="Paid already"))


def test_as_many_items_as_a_modal_holds_are_answered_one_by_one() -> None:
    asked = request(question(*[replace(DELETE, name="n" * 200)] * MAX_ITEMS_ONE_BY_ONE))
    modal = answer_modal.each(asked)
    chosen = {
        f"verdict:{number}": option(modal, f"verdict:{number}", "Approve") for number in range(MAX_ITEMS_ONE_BY_ONE)
    }

    limits.check_modal(modal)
    assert answer_modal.verdicts(asked, submitted(modal, **chosen)) == (Approve(),) * MAX_ITEMS_ONE_BY_ONE


WANTS = Item(name="crm", arguments={"asks": "Who?"}, verdicts=(Verdict.RESPOND, Verdict.REJECT), form=FORM)


PAGE = Item(name="crm", arguments={"url": "https://crm.example"}, verdicts=(Verdict.APPROVE, Verdict.REJECT))


def test_each_item_is_answered_with_a_form_of_its_own() -> None:
    asked = request(question(WANTS, PAGE, WANTS))
    modal = answer_modal.each(asked)
    chosen = {
        "verdict:0": option(modal, "verdict:0", "Answer"),
        "verdict:1": option(modal, "verdict:1", "Reject"),
        "words:1": {"value": "Not from here"},
        "verdict:2": option(modal, "verdict:2", "Reject"),
        "words:2": {"value": "Ask her"},
    }
    missing = answer_modal.verdicts(asked, submitted(modal, **chosen))
    filled = answer_modal.verdicts(
        asked, submitted(modal, **chosen, **{"form:0:0": {"value": "Ann"}, "form:0:1": {"value": "2"}})
    )

    limits.check_modal(modal)
    assert isinstance(missing, Problems)
    assert list(missing.by_block) == ["form:0:0", "form:0:1"]
    answer, *rest = filled if isinstance(filled, tuple) else ()
    assert isinstance(answer, Respond)
    assert isinstance(answer.value, dict)
    assert (answer.value["name"], answer.value["count"]) == ("Ann", 2)
    assert rest == [Reject(reason="Not from here"), Reject(reason="Ask her")]


def test_forms_that_do_not_all_fit_into_one_modal_are_asked_for_as_json() -> None:
    asked = request(question(*[WANTS] * 20))
    modal = answer_modal.each(asked)
    chosen = {f"verdict:{n}": option(modal, f"verdict:{n}", "Answer") for n in range(20)}
    written = {f"form:{n}": {"value": '{"name": "Ann", "count": 2}'} for n in range(20)}

    limits.check_modal(modal)
    assert answer_modal.verdicts(asked, submitted(modal, **chosen, **written)) == (
        (Respond(value={"name": "Ann", "count": 2}),) * 20
    )


@pytest.mark.parametrize(
    ("item", "field", "block"), [(0, "count", "form:0:1"), (0, "", "form:0:0"), (1, "", "verdict:1")]
)
def test_what_the_graph_would_refuse_is_said_at_the_field_of_its_item(item: int, field: str, block: str) -> None:
    asked = request(question(WANTS, PAGE))

    assert one_by_one_modal.beside(asked, item, field, "No.") == Problems(by_block={block: "No."})


def test_an_item_without_a_verdict_or_a_reason_is_a_problem() -> None:
    asked = request(question(DELETE, REFUND))
    modal = answer_modal.each(asked)
    state = submitted(modal, **{"verdict:1": option(modal, "verdict:1", "Reject")})

    problems = answer_modal.verdicts(asked, state)

    assert isinstance(problems, Problems)
    assert set(problems.by_block) == {"verdict:0", "words:1"}


@examples(25)
@given(st.text(alphabet="ab\n", max_size=30_000))
def test_the_pieces_of_the_whole_are_the_whole(words: str) -> None:
    pieces = blocks.split(words)

    assert "".join(pieces) == words
    assert all(len(piece) <= blocks.PIECE for piece in pieces)


def test_a_page_that_does_not_exist_is_the_last() -> None:
    assert answer_modal.view_all(request(), 99)["blocks"] == answer_modal.view_all(request(), 1)["blocks"]
