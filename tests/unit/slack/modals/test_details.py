"""*Details*: everything that is asked in words, who decides under which rule, and the JSON behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from bot.approvals.model.decision import Approve, Reject
from bot.approvals.model.ids import JSON
from bot.approvals.model.policy import Action, CardTerms, Escalate, OnStale, Step, UndoTerms, Via, Warn, one_stage
from bot.approvals.model.question import Item, Option, Verdict
from bot.approvals.model.request import Edit, Reopened, ReopenedBy, Request
from bot.slack import actions, blocks, display, text
from bot.slack.lines import lines
from bot.slack.modals import answer_modal, question_pages, value_rows
from bot.slack.modals.answer_modal import Modal
from bot.slack.modals.question_pages import File
from tests.support.examples import examples
from tests.unit.slack import limits, samples
from tests.unit.slack.cards.test_undo import asks, window
from tests.unit.slack.samples import BOB, CAROL, DELETE, NOW, POLICY, REFUND, YES_OR_NO, question, request, vote

FILE = File(name="request-4be1d07c-version-1.txt", digest="f" * 64)


def about(*, schema: JSON = None, **arguments: JSON) -> Request:
    return about_all(arguments, schema)


def about_all(arguments: Mapping[str, JSON], schema: JSON = None) -> Request:
    item = Item(name="pay", arguments=arguments, verdicts=YES_OR_NO, schema=schema)
    return request(question(item, title="Go on?", text="", risk=None))


def seen(modal: Modal) -> list[str]:
    """What is read in a modal, line by line."""
    return lines(modal["blocks"], 200)


def pages(asked: Request, *, review: bool = False, file: File | None = None) -> list[Modal]:
    made = answer_modal.review if review else answer_modal.view_all
    return [made(asked, number, file=file) for number in range(question_pages.count(asked, file, review=review))]


def pressed(modal: Modal) -> dict[str, str]:
    return {each["text"]["text"]: each["action_id"] for each in limits.buttons(modal["blocks"])}


# --- What is asked ------------------------------------------------------------------------------


def test_the_fields_come_first_with_their_labels_and_whole_values() -> None:
    asked = about(
        payee="Foss & Co",
        older_than="x" * 200,
        dry_run=False,
        note="one\ntwo",
        tags=["a", "b"],
        to={"street": "High St", "geo": {"lat": 1.5}},
        people=[{"name": "Ann", "age": 3}],
        nothing=None,
        empty="",
        spaced=" x",
    )

    assert seen(answer_modal.view_all(asked))[:21] == [
        "Go on?",
        "pay",
        "Payee  Foss & Co",
        "Older than",
        f"│ {'x' * 198}",
        "│ xx",
        "Dry run  No",
        "Note",
        "│ one",
        "│ two",
        "Tags  2 entries",
        "• a",
        "• b",
        "To",
        "• Street  High St",
        "• Geo",
        "• Lat  1.5",
        "People  1 entry",
        "• Name  Ann · Age  3",
        "Nothing  -",
        'Empty  ""',
    ]


def test_labels_are_the_owners_or_the_schemas_and_options_have_their_names() -> None:
    schema: JSON = {
        "properties": {
            "iban_to": {"title": "Account of the payee"},
            "older_than": {"title": "Older Than"},
            "mode": {"enum": ["soft", "hard"], "enumNames": ["Keep a copy", "Delete for ever"]},
        }
    }
    asked = about(schema=schema, iban_to="DE12", older_than="30d", mode="hard", sum=3)
    asked = replace(asked, policy=replace(POLICY, card=CardTerms(labels={"sum": "To be paid"})))

    shown = seen(answer_modal.view_all(asked))

    assert "Account of the payee  DE12" in shown
    assert any(line.startswith("Older than  ") for line in shown)
    assert "Mode  Delete for ever  hard" in shown
    assert "To be paid  3" in shown


def test_an_amount_stands_with_its_currency_and_a_number_with_its_unit() -> None:
    shown = seen(answer_modal.view_all(about(amount="9000.00", currency="EUR", timeout_seconds=30)))

    assert "Amount  9,000.00 EUR" in shown
    assert "Timeout  30 seconds" in shown
    assert not any(line.startswith("Currency") for line in shown)


def test_a_title_of_the_schema_keeps_its_value_to_itself() -> None:
    schema: JSON = {"properties": {"currency": {"title": "Paid in"}, "timeout_seconds": {"title": "Patience"}}}

    shown = seen(answer_modal.view_all(about(schema=schema, amount="9000.00", currency="EUR", timeout_seconds=30)))

    assert {"Amount  9,000.00", "Paid in  EUR", "Patience  30"} <= set(shown)


def test_objects_of_a_list_are_laid_out_alike() -> None:
    """If one of them is too long for a line, none is in a line."""
    short: JSON = {"row": 1, "text": "a"}
    shown = "\n".join(seen(answer_modal.view_all(about(samples=[short, {"row": 2, "text": "b" * 145}]))))
    alike = "\n".join(seen(answer_modal.view_all(about(samples=[short, {"row": 2, "text": "b" * 60}]))))

    assert "1." in shown
    assert "2." in shown
    assert "Row  1 · " not in shown
    assert "Row  1 · Text  a" in alike
    assert "Row  2 · Text  bbb" in alike


def test_an_action_is_named_in_words_and_as_it_is() -> None:
    items = (
        replace(DELETE, arguments={}),
        replace(REFUND, arguments={}),
        Item(name="publish", arguments={}, verdicts=YES_OR_NO),
    )
    shown = seen(answer_modal.view_all(request(question(*items, title="Go on?"))))

    assert {"1.  Delete files  delete_files", "2.  Issue refund  issue_refund", "3.  publish"} <= set(shown)


def test_names_that_read_alike_are_told_apart() -> None:
    shown = "\n".join(seen(answer_modal.view_all(about_all({"a_b": 1, "a-b": 2, "": 3}))))

    assert "a_b  1" in shown
    assert "a-b  2" in shown
    assert '""  3' in shown


def test_a_value_cannot_pass_for_a_name() -> None:
    """Only names are bold, and what has several lines is a quote."""
    shown = value_rows.of({"note": "Fine.\nAmount  1", "amount": 9})
    bold = [run["text"] for part in shown for run in part["elements"] if run.get("style", {}).get("bold")]

    assert bold == ["Note", "Amount"]
    assert [part["type"] for part in shown] == ["rich_text_section", "rich_text_quote", "rich_text_section"]


def test_choices_say_what_the_agent_gets() -> None:
    item = Item(name="", arguments={}, verdicts=(Verdict.CHOOSE,))
    options = (Option(label="Keep", value="delete_all", description="Really?"), Option(label="b", value="b"))
    asked = request(question(item, choices=("Keep", "b"), options=options))

    shown = seen(answer_modal.view_all(asked))

    assert shown[4:8] == ["1.  Keep", "• The agent gets  delete_all", "• Description  Really?", "2.  b"]


def test_a_form_is_told_field_by_field() -> None:
    form: JSON = {
        "type": "object",
        "required": ["who"],
        "properties": {"who": {"type": "string", "description": "Full name"}, "size": {"enum": ["S", "L"]}},
    }
    asked = request(question(replace(DELETE, verdicts=(Verdict.RESPOND,)), form=form))

    shown = "\n".join(seen(answer_modal.view_all(asked)))

    assert "Who  required · Full name" in shown
    assert "Size  optional · one of S, L" in shown


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abé <&>*_\n\u202e", max_size=400),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text("kK_- ", max_size=9), inner, max_size=6),
    max_leaves=12,
)


def words_of(value: JSON) -> Iterator[str]:
    match value:
        case dict():
            for key, each in value.items():
                yield (
                    display.label(key).strip()
                    if list(map(display.label, value)).count(display.label(key)) == 1
                    else key.strip()
                )
                yield from words_of(each)
        case list():
            for each in value:
                yield from words_of(each)
        case str():
            yield text.visible(value.strip())
        case None:
            yield "-"
        case _:
            yield display.words(value)


@examples(40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.dictionaries(st.text("kK_- é", max_size=9), VALUES, max_size=8))
def test_every_name_and_value_is_shown_to_whoever_reviews_it(arguments: dict[str, Any]) -> None:
    asked = about_all(arguments)
    shown = ""
    for review in (True, False):
        made = pages(asked, review=review)
        for modal in made:
            limits.check_modal(modal)
        shown = "".join(words for modal in made for words in limits.texts(modal["blocks"], "text"))
        plain = "".join(shown.replace("\u2068", "").replace("\u2069", "").split())
        loose = ["".join(words.replace("\u2068", "").replace("\u2069", "").split()) for words in words_of(arguments)]
        assert [words for words in loose if words not in plain] == []


# --- Who decides --------------------------------------------------------------------------------


def test_then_comes_who_decides_under_which_rule_and_what_is_next() -> None:
    shown = seen(answer_modal.view_all(about(sum=1)))

    at = shown.index("Who decides")
    assert shown[at:] == [
        "Who decides",
        "May answer: @U0BOB and @U0CAROL",
        "Answer by: tomorrow at 12:21 PM. After that, it expires",
        "Next: a reminder · tomorrow at 12:21 PM",
        "Policy rule ops",
        "Needs 1 of @U0BOB and @U0CAROL",
        "Request 4be1d07c · Task 9f2c41aa · Version 1",
        "[Raw JSON] [History] [⋯]",
    ]


def test_it_leads_to_every_side_action_because_a_cards_menu_may_have_no_room() -> None:
    blocks = answer_modal.view_all(about(sum=1))["blocks"]

    (menu,) = [part for block in blocks for part in block.get("elements", []) if part.get("type") == "overflow"]
    assert [actions.chosen(each["value"])[0] for each in menu["options"]] == [
        actions.COMMENT,
        actions.DELEGATE,
        actions.NUDGE,
        actions.CANCEL,
    ]


def test_votes_are_told_in_the_questions_own_words_with_their_reasons() -> None:
    asked = about(sum=1)
    asked = replace(asked, question=replace(asked.question, labels={"reject": "Ignore"}))
    voted = (vote(BOB, asked, Reject(reason="Not <now>.")), vote(CAROL, asked, Approve()))
    asked = replace(asked, votes=voted, state=samples.decided(samples.answered(Reject(reason="Not <now>."))))

    shown = seen(answer_modal.view_all(asked))

    assert "The decision" in shown
    assert "@U0BOB: Ignore · tomorrow at 12:21 PM" in shown
    assert shown[shown.index("@U0BOB: Ignore · tomorrow at 12:21 PM") + 1] == "│ Not <now>."
    assert "@U0CAROL: Approve · tomorrow at 12:21 PM" in shown


def test_how_many_are_needed_is_said_once() -> None:
    asked = about(sum=1)
    two = replace(
        asked, policy=replace(POLICY, stages=one_stage(("U0BOB", "U0CAROL"), 2, steps=POLICY.stages[0].steps))
    )

    shown = "\n".join(seen(answer_modal.view_all(two)))
    voted = "\n".join(seen(answer_modal.view_all(replace(two, votes=(vote(BOB, two, Approve()),)))))

    assert shown.count("2 of @U0BOB and @U0CAROL") == 1
    assert "Still needed:" not in shown
    assert "Still needed: 1 more of @U0CAROL" in voted


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (Warn(), "Next: a warning that the deadline is near"),
        (Escalate(to=("#incidents",), via=Via.CHANNEL), "Next: this goes to #incidents"),
    ],
)
def test_each_step_to_come_is_told(action: Action, said: str) -> None:
    steps = (Step(after=timedelta(hours=1), action=action), *POLICY.stages[0].steps[1:])
    asked = replace(about(sum=1), policy=replace(POLICY, stages=one_stage(("U0BOB",), steps=steps)))

    assert any(line.startswith(said) for line in seen(answer_modal.view_all(asked)))


def test_who_gets_it_next_is_one_or_several() -> None:
    asked = about(sum=1)
    steps = (Step(after=timedelta(minutes=5), action=Escalate(to=("@on-call",), via=Via.DM)), *POLICY.stages[0].steps)
    later = replace(asked, policy=replace(POLICY, stages=one_stage(("U0BOB", "U0CAROL"), steps=steps)))

    shown = "\n".join(seen(answer_modal.view_all(later)))

    assert "this goes to @on-call by direct message" in shown


def test_of_a_private_request_no_vote_is_told() -> None:
    asked = about(sum=1)
    private = replace(asked, votes=(vote(BOB, asked, Reject(reason="Secret.")),), policy=replace(POLICY, private=True))

    shown = "\n".join(seen(answer_modal.view_all(private)))

    assert "Secret." not in shown
    assert "Ignore" not in shown
    assert "@U0BOB: answered" in shown


def test_an_edit_is_told_with_what_it_changed() -> None:
    before = about(sum=1)
    after = about(sum=2)
    edited = replace(before, question=after.question, edits=(Edit(person=BOB, at=NOW),), version=2)

    shown = "\n".join(seen(answer_modal.view_all(edited)))

    assert "Changed by @U0BOB" in shown
    assert "  - 1\n  + 2" in shown
    assert "Version 2" in shown


# --- Pages --------------------------------------------------------------------------------------


def test_the_json_comes_once_and_last_with_the_whole_digest() -> None:
    asked = request(question(DELETE, REFUND))
    first, *raw = pages(asked)

    assert asked.digest not in "".join(limits.texts(first["blocks"], "mrkdwn"))
    assert asked.digest in "".join(limits.texts(raw[0]["blocks"], "mrkdwn"))
    assert pressed(first) == {"Raw JSON": "page:1", "History": actions.HISTORY}
    whole = "".join(words for modal in raw for words in limits.texts(modal["blocks"], "text"))
    assert all(whole.count(json.dumps(name)) == 1 for name in samples.FILES)
    assert not any("{" in words for words in limits.texts(first["blocks"], "text"))


def test_a_long_request_is_read_page_by_page_and_its_answers_come_last() -> None:
    asked = about(note="\n".join(f"line {number}" for number in range(9000)))
    made = pages(asked, review=True)

    assert len(made) > 1
    assert all("approve" not in pressed(modal).values() for modal in made[:-1])
    assert "approve" in pressed(made[-1]).values()
    assert asked.digest in str(made[-1]["blocks"])
    whole = "\n".join(line for modal in made for line in seen(modal))
    assert all(f"line {number}" in whole for number in range(9000))
    assert not question_pages.shows_all(asked, 0, review=True)
    assert question_pages.shows_all(asked, len(made) - 1, review=True)


def test_details_is_read_once_all_but_the_json_is_shown() -> None:
    assert question_pages.shows_all(about(sum=1), 0)
    assert question_pages.count(about(sum=1)) == 2


@pytest.mark.parametrize("review", [True, False])
def test_what_stands_in_a_file_is_only_begun(review: bool) -> None:
    asked = about(note="x" * 300_000)
    (only,) = pages(asked, review=review, file=FILE)

    limits.check_modal(only)
    shown = "\n".join(seen(only))
    assert f"The whole is in the file {FILE.name} of this thread." in shown
    assert ("Please read it before you answer." in shown) is review
    assert FILE.digest in shown
    assert blocks.size(only["blocks"]) < 50_000


def test_the_file_holds_all_of_it_in_words_and_as_json() -> None:
    asked = about(note="ab " * 3000, sum=12000)
    written = "\n".join(whole for _, whole in question_pages.parts(asked))

    assert written.count("ab " * 2999) == 2
    assert "Sum  12,000" in written
    assert '"sum": 12000' in written


# --- After the decision -------------------------------------------------------------------------


def test_the_rule_says_what_holds_after_the_decision() -> None:
    terms = replace(
        POLICY,
        hold=timedelta(seconds=30),
        valid_for=timedelta(hours=1),
        undo=UndoTerms(approvers=("@ops-leads",), requester=True),
    )
    stops = replace(terms, on_stale=OnStale.STOP, undo=UndoTerms(requester=False))

    said = seen(answer_modal.view_all(request(policy=terms)))
    others = seen(answer_modal.view_all(request(policy=stops)))

    assert "A decision is held for 30 seconds before the agent gets it" in said
    assert "An approval is valid for 1 hour; after that, people are asked again" in said
    assert "What the agent does can be undone by @U0ALICE or @ops-leads, if it offers that" in said
    assert "An approval is valid for 1 hour; after that, the task is stopped" in others
    assert "What the agent does can be undone by those who approve, if it offers that" in others
    assert not any("held for" in line or "undone" in line for line in seen(answer_modal.view_all(request())))


def test_details_of_what_can_be_undone_say_how_by_whom_and_until_when() -> None:
    said = seen(answer_modal.view_all(window()))

    assert "To undo  Moves the files back" in said
    assert "Who can undo it" in said
    assert "May undo it: @U0ALICE" in said
    assert any(
        line.startswith("Until: ") and line.endswith("After that, it can no longer be undone, and stays as it is")
        for line in said
    )
    assert not any(line.startswith(("Needs", "May answer", "Answer by")) for line in said)


def test_details_of_what_cannot_be_undone_say_so() -> None:
    said = seen(answer_modal.view_all(window(about=asks(Verdict.KEEP))))

    assert "It cannot be undone" in said
    assert not any(line.startswith(("May undo it", "Until")) for line in said)


def test_a_review_of_what_can_be_undone_ends_with_its_answers() -> None:
    assert pressed(answer_modal.review(window())) == {
        "Undo": actions.UNDO,
        "Keep": actions.KEEP,
        "Details": actions.VIEW_ALL,
    }


def test_a_review_of_what_can_be_undone_says_by_whom_and_until_when() -> None:
    said = seen(answer_modal.review(window()))

    assert any(line.startswith("@U0ALICE can undo it until ") for line in said)


def test_details_say_who_called_the_last_answer_off() -> None:
    reopened = Reopened(by=BOB, at=NOW, why=ReopenedBy.STOPPED)

    said = seen(answer_modal.view_all(request(reopened=reopened)))

    assert any(line.startswith("@U0BOB stopped it before the agent got it") for line in said)
