"""What of a question everybody may see; what a vote is bound to stays the true one."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest

from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Question, Verdict
from bot.approvals.rules.masking import DEEPEST, MASK, Masked, Masker, hidden_in, masked, true_of
from tests.support.builders import a_question, a_task, an_item
from tests.support.fakes.secrets import Marked

SECRET = "sec-abcdefghijkl"
SHOWN = f"sec-{MASK}ijkl"


def asked(arguments: dict[str, JSON], **changes: object) -> Question:
    return a_question(items=(an_item(arguments=arguments),), **changes)


def shown(arguments: dict[str, JSON], *marks: str) -> dict[str, JSON]:
    """These arguments as everybody may see them."""
    return dict(masked(asked(arguments), Marked(), marks).items[0].arguments)


def test_the_digest_is_that_of_the_true_question() -> None:
    """A vote on a masked card is a vote on what the agent asked."""
    question = asked({"password": "swordfish"}, payload={"password": "swordfish"})

    drawn = masked(question, Marked())

    assert (drawn.digest, drawn.canonical) == (question.digest, question.canonical)
    assert true_of(drawn) is question
    assert true_of(question) is question
    assert hidden_in(question) == ()


def test_everything_that_a_question_says_is_masked_in_place() -> None:
    question = asked(
        {"run": f"use {SECRET} now", SECRET: 1},
        title=f"Use {SECRET}?",
        text=f"Because of {SECRET}",
        choices=(SECRET, "no"),
        labels={"approve": f"Use {SECRET}"},
        form={"properties": {"x": {"description": SECRET, "default": SECRET, "enum": [SECRET, 3]}}, "required": ["x"]},
        payload=[{"deep": [SECRET, None, True, 1.5]}],
    )

    drawn = masked(question, Marked())

    assert drawn.title == f"Use {SHOWN}?"
    assert drawn.text == f"Because of {SHOWN}"
    assert drawn.choices == (SHOWN, "no")
    assert drawn.labels == {"approve": f"Use {SHOWN}"}
    assert drawn.form == {
        "properties": {"x": {"description": SHOWN, "default": SHOWN, "enum": [SHOWN, 3]}},
        "required": ["x"],
    }
    assert drawn.payload == [{"deep": [SHOWN, None, True, 1.5]}]
    assert drawn.items[0].arguments == {"run": f"use {SHOWN} now", SHOWN: 1}
    assert (drawn.shape, drawn.convention, drawn.risk) == (question.shape, question.convention, question.risk)
    assert [each.value for each in drawn.hidden] == [SECRET]


def test_a_value_is_hidden_for_its_name_at_any_depth() -> None:
    assert shown({"password": "swordfish", "user": "bob"}) == {"password": MASK, "user": "bob"}
    assert shown({"a": [{"password": ["swordfish", 12345, None, True]}]}) == {
        "a": [{"password": [MASK, f"{MASK}#2", None, True]}]
    }
    assert shown({"password": ""}) == {"password": ""}


def test_a_known_form_keeps_what_may_be_shown_of_it() -> None:
    assert shown({"password": SECRET}) == {"password": SHOWN}
    assert shown({"password": f"{SECRET} and more"}) == {"password": MASK}


@pytest.mark.parametrize(
    ("mark", "arguments", "hidden"),
    [
        ("iban", {"iban": "DE89", "to": "bob"}, {"iban": MASK, "to": "bob"}),
        ("IBAN", {"Iban": "DE89"}, {"Iban": MASK}),
        ("iban", {"to": {"iban": "DE89"}}, {"to": {"iban": MASK}}),
        ("to.iban", {"to": {"iban": "DE89"}, "iban": "GB29"}, {"to": {"iban": MASK}, "iban": "GB29"}),
        ("arguments.to.iban", {"to": [{"iban": "DE89"}]}, {"to": [{"iban": MASK}]}),
        ("to.*", {"to": {"iban": "DE89", "bic": 1234}}, {"to": {"iban": MASK, "bic": f"{MASK}#2"}}),
        ("*_no", {"card_no": 41, "ok": 1}, {"card_no": MASK, "ok": 1}),
        ("flag", {"flag": True, "on": True}, {"flag": MASK, "on": True}),
        ("flag", {"flag": None}, {"flag": MASK}),
        ("to", {"to": {"a": 1, "b": ["x"]}}, {"to": {"a": MASK, "b": [f"{MASK}#2"]}}),
        ("pay", {"x": [{"name": "pay", "value": 7}]}, {"x": [{"name": "pay", "value": MASK}]}),
    ],
)
def test_a_policys_marks_hide_values(mark: str, arguments: dict[str, JSON], hidden: dict[str, JSON]) -> None:
    assert shown(arguments, mark) == hidden


def test_what_is_hidden_for_its_name_is_hidden_in_texts_too() -> None:
    """The agent repeats a password in its title: it is no more to be read there."""
    question = asked({"password": "swordfish"}, title="Set swordfish, not swordfishes?", payload=["swordfish"])

    drawn = masked(question, Marked())

    assert drawn.title == f"Set {MASK}, not swordfishes?"
    assert drawn.payload == [MASK]
    assert len(drawn.hidden) == 1


def test_a_value_that_is_too_short_to_be_recognized_is_hidden_where_it_stands_alone() -> None:
    drawn = masked(asked({"password": "on"}, title="Switch it on?"), Marked())

    assert drawn.title == "Switch it on?"
    assert drawn.items[0].arguments == {"password": MASK}


def test_a_secret_that_is_found_in_one_that_is_known_is_masked_once() -> None:
    drawn = masked(asked({"password": f"x {SECRET}"}, title=f"Use x {SECRET}"), Marked())

    assert SECRET not in drawn.title


def test_the_same_secret_has_the_same_mask_and_another_one_another() -> None:
    """An edit from one password to another is to be seen as one."""
    drawn = shown({"a": {"password": "swordfish"}, "b": {"password": "opensesame"}, "c": {"password": "swordfish"}})

    assert drawn == {"a": {"password": MASK}, "b": {"password": f"{MASK}#2"}, "c": {"password": MASK}}
    assert shown({"a": {"password": 1234}, "b": {"password": "1234"}}) == {
        "a": {"password": MASK},
        "b": {"password": f"{MASK}#2"},
    }


def test_names_that_read_alike_under_masks_are_kept_apart() -> None:
    assert list(shown({SHOWN: 1, SECRET: 2}).values()) == [1, 2]
    assert list(shown({SECRET: 1, SHOWN: 2})) == [SHOWN, f"{SHOWN}'"]


def test_what_follows_a_name_in_a_list_is_hidden() -> None:
    assert shown({"argv": ["x", "--password", "swordfish", "-v"]}) == {"argv": ["x", "--password", MASK, "-v"]}
    assert shown({"pair": ["password", "swordfish"]}) == {"pair": ["password", MASK]}
    assert shown({"words": ["a", "password", "swordfish"]}) == {"words": ["a", "password", "swordfish"]}
    assert shown({"argv": ["--password=1", "swordfish", 3]}) == {"argv": ["--password=1", "swordfish", 3]}


def test_what_lies_too_deep_to_be_looked_through_is_hidden_as_a_whole() -> None:
    deep: JSON = SECRET
    for _ in range(DEEPEST + 50):
        deep = {"a": deep}
    schema: JSON = {"default": SECRET}
    for _ in range(DEEPEST + 50):
        schema = {"not": schema}

    drawn = masked(asked({"deep": deep}, form=schema), Marked())

    assert SECRET not in json.dumps([drawn.items[0].arguments, drawn.form])
    assert len(drawn.hidden) == 1


def test_a_schema_hides_what_it_says_of_a_telling_value_and_keeps_its_form() -> None:
    schema: JSON = {
        "type": "object",
        "properties": {
            "password": {"type": "string", "default": "swordfish", "examples": ["opensesame"], "minLength": 8},
            "plain": {"type": "string", "default": "swordfishes"},
        },
        "allOf": [{"properties": []}, True],
    }

    drawn = masked(a_question(form=schema), Marked()).form

    assert drawn == {
        "type": "object",
        "properties": {
            "password": {"type": "string", "default": MASK, "examples": [f"{MASK}#2"], "minLength": 8},
            "plain": {"type": "string", "default": "swordfishes"},
        },
        "allOf": [{"properties": []}, True],
    }


def test_a_mark_hides_in_schemas_too() -> None:
    schema: JSON = {"properties": {"iban": {"default": "DE89"}}}

    assert masked(a_question(form=schema), Marked(), ("iban",)).form == {"properties": {"iban": {"default": MASK}}}


def test_a_hidden_value_says_where_it_was_met() -> None:
    question = asked({"db": {"password": "swordfish"}}, title=f"Use {SECRET}?")

    places = {each.value: each.place for each in masked(question, Marked()).hidden}

    assert places == {SECRET: "title", "swordfish": "arguments.db.password"}


def test_only_so_much_is_kept_in_mind() -> None:
    """A payload of a hundred thousand passwords costs no more than one of a few hundred."""
    masker = Masker(Marked())
    masker.learn([{"password": f"password-{number}"} for number in range(1000)], "payload")
    masker.learn({"password": "x" * 5000}, "payload")

    assert len(masker.known) == 200
    assert masker.text("password-0") == MASK


def test_a_plain_question_is_shown_as_it_is() -> None:
    question = a_question(payload={"a": [1, "x"]})

    drawn = masked(question, Marked())

    assert isinstance(drawn, Masked)
    assert (drawn.title, drawn.items, drawn.payload) == (question.title, question.items, question.payload)
    assert drawn.items[0].verdicts == (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT)
    assert not drawn.hidden


def test_what_is_known_is_hidden_behind_a_line_end_that_is_written_out() -> None:
    drawn = masked(asked({"password": "swordfish", "body": '{"a": "one\\nswordfish"}'}), Marked())

    assert drawn.items[0].arguments["body"] == f'{{"a": "one\\n{MASK}"}}'


def test_a_record_without_secrets_is_not_copied() -> None:
    """Most records have none, and each is masked before every drawing."""
    task = a_task(inputs={"folder": "/srv", "deep": [{"n": 1}, "x"]})

    assert Masker(Marked()).record(task, but=("thread_id",)) is task


def test_a_record_that_was_masked_before_hides_what_was_learned_since() -> None:
    """A record is masked once for each state of what is known, not once for all."""
    task = a_task(inputs={"note": "swordfish", SECRET: 1})
    masker = Masker(Marked())

    before = masker.record(task, but=("thread_id",))
    again = masker.record(task, but=("thread_id",))
    masker.learn({"password": "swordfish"}, "inputs")
    after = masker.record(task, but=("thread_id",))

    assert again is before
    assert before.inputs == {"note": "swordfish", SHOWN: 1}
    assert after.inputs == {"note": MASK, SHOWN: 1}


def test_a_read_only_mapping_is_masked_like_any_other() -> None:
    """A record's field promises a mapping, which need not be a `dict`."""
    task = a_task(inputs=MappingProxyType({"password": "swordfish", "user": "bob"}))

    assert Masker(Marked()).record(task).inputs == {"password": MASK, "user": "bob"}
