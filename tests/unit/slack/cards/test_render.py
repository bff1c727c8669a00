"""Cards: what a person sees of each state, and that no payload breaks or forges one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from bot.approvals.model.decision import Reject, Respond
from bot.approvals.model.ids import JSON
from bot.approvals.model.message import MessageKind
from bot.approvals.model.question import Item, Risk, Verdict
from bot.approvals.model.request import Comment, Unreached
from bot.approvals.model.task import Ended
from bot.slack import actions
from bot.slack.cards import render
from bot.slack.cards.render import Card
from tests.support.examples import examples
from tests.unit.slack import limits, samples
from tests.unit.slack.cards.reading import VALUES, labels, seen
from tests.unit.slack.samples import CAROL, NOW, REFUND, answered, decided, request, view
from tests.unit.slack.test_text import HOSTILE

ITEMS = st.builds(
    Item,
    name=HOSTILE,
    arguments=st.dictionaries(HOSTILE, VALUES, max_size=20),
    verdicts=st.lists(st.sampled_from(list(Verdict)), max_size=5, unique=True).map(tuple),
)


def _card_of(*items: Item) -> Card:
    return render.draw(view(asked=request(samples.question(*items))))


@pytest.mark.parametrize("name", samples.every_view())
def test_every_state_is_drawn_within_slacks_limits(name: str) -> None:
    card = render.draw(samples.every_view()[name])

    limits.check_message(card.text, list(card.blocks))
    limits.check_message(card.text, list(card.small))


@pytest.mark.heavy
@examples(20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    kind=st.sampled_from([kind for kind in MessageKind if kind is not MessageKind.FILE]),
    items=st.lists(ITEMS, min_size=1, max_size=12),
    title=HOSTILE,
    why=HOSTILE,
    choices=st.lists(HOSTILE, max_size=12),
    risk=st.none() | st.sampled_from(list(Risk)),
    answer=VALUES,
    settled=st.booleans(),
)
def test_no_payload_breaks_a_limit_or_forges_markup(
    kind: MessageKind,
    items: list[Item],
    title: str,
    why: str,
    choices: list[str],
    risk: Risk | None,
    answer: JSON,
    settled: bool,
) -> None:
    asked = replace(
        samples.question(), items=tuple(items), title=title, text=why, choices=tuple(choices), risk=risk, payload=answer
    )
    verdicts = (Reject(reason=why), Respond(value=answer)) * 6
    said = decided(answered(*verdicts[: len(items)]))
    of = samples.task(Ended(outcome=why, at=NOW), **{title: answer})
    about = replace(
        request(asked, said if settled else None),
        comments=(Comment(by=CAROL, text=why, at=NOW),),
        unreached=(Unreached(name=title, why=why, asked_at=NOW),),
    )
    drawn = render.draw(view(kind, about, of))

    limits.check_message(drawn.text, list(drawn.blocks))
    limits.check_message(drawn.text, list(drawn.small))
    for words in (drawn.text, *limits.texts(drawn.blocks, "mrkdwn")):
        assert "<!channel" not in words
        assert "```" not in words
        for markup in words.split("<")[1:]:
            assert markup.startswith(("@U0", "#C0", "!date^"))


@pytest.mark.heavy
@pytest.mark.parametrize(
    "huge",
    [
        {"files": [f"file {number}" for number in range(50_000)]},
        {"text": "🦀" * 100_000},
        {f"argument {number} " + "x" * 500: "\u202e" * 500 for number in range(400)},
        {"deep": json.loads("[" * 400 + "]" * 400)},
        {"rows": [{"id": number, "name": "…" * 80} for number in range(3000)]},
    ],
)
def test_a_huge_payload_is_a_sample_and_is_answered_after_a_review(huge: dict[str, JSON]) -> None:
    item = Item(name="n" * 5000, arguments=huge, verdicts=samples.EVERYTHING)

    card = render.draw(view(asked=request(samples.question(*[item] * 20, title="t" * 9000, text="w" * 90_000))))

    limits.check_message(card.text, list(card.blocks))
    assert labels(card) == ["Review…"]
    assert "…" in seen(card) or "too large" in seen(card)


def test_a_long_list_is_cut_with_its_count() -> None:
    card = render.draw(view())

    assert "logs/2025/service-0000.log.gz and 213 more" in seen(card).replace("\n", "")
    assert labels(card) == ["Review…"]


def test_buttons_carry_an_id_and_the_version_and_digest_that_they_stand_below() -> None:
    asked = request(samples.question(REFUND))

    for button in limits.buttons(render.draw(view(asked=asked)).blocks):
        assert json.loads(button["value"]) == {"request": "4be1d07c", "version": 1, "digest": asked.question.digest}


def test_only_the_verdicts_that_the_items_take_are_offered() -> None:
    card = render.draw(view(asked=request(samples.question(replace(REFUND, verdicts=samples.YES_OR_NO)))))

    assert labels(card) == ["Approve", "Reject…", "Details"]


def test_one_primary_button_and_a_red_one_to_reject() -> None:
    styles = {each["text"]["text"]: each.get("style") for each in limits.buttons(_card_of(REFUND).blocks)}

    assert styles == {"Approve": "primary", "Reject…": "danger", "Details": None}


def test_an_answer_that_has_no_room_in_the_row_stands_first_in_the_menu_with_what_was_shown() -> None:
    asked = request(samples.question(REFUND))

    (menu,) = [each for each in render.draw(view(asked=asked)).blocks[-1]["elements"] if each["type"] == "overflow"]

    first, second = [actions.chosen(each["value"]) for each in menu["options"][:2]]
    assert [deed for deed, _ in (first, second)] == [actions.EDIT, actions.RESPOND]
    assert {target.digest for _, target in (first, second)} == {asked.digest}
    assert all(len(each["value"]) <= 150 for each in menu["options"])


def test_several_items_are_answered_together_or_one_by_one() -> None:
    card = _card_of(replace(REFUND, name="check_order"), REFUND)

    assert labels(card) == ["Approve all", "Reject…", "Details"]
    (menu,) = [each for each in card.blocks[-1]["elements"] if each["type"] == "overflow"]
    assert menu["options"][0]["text"]["text"] == "One by one…"


def test_actions_that_cannot_be_answered_one_by_one_can_be_edited_where_they_stand() -> None:
    only = replace(REFUND, arguments={"note": None}, verdicts=(Verdict.EDIT,))

    card = _card_of(replace(only, name="check_order"), only)

    assert [each["action_id"] for each in limits.buttons(card.blocks)][:2] == ["edit:0", "edit:1"]
    tall = _card_of(*[replace(REFUND, verdicts=(Verdict.EDIT,))] * 5)
    assert labels(tall) == ["Review…"], "whose last page has them"


def test_choices_are_buttons_with_their_number() -> None:
    card = render.draw(samples.every_view()["card, choices"])

    assert [each["action_id"] for each in limits.buttons(card.blocks)] == [
        "choose:0",
        "choose:1",
        "choose:2",
    ]
    (menu,) = [each for each in card.blocks[-1]["elements"] if each["type"] == "overflow"]
    assert [actions.chosen(each["value"])[0] for each in menu["options"][:2]] == [actions.VIEW_ALL, actions.RESPOND]


def test_many_choices_are_made_in_a_modal() -> None:
    item = Item(name="", arguments={}, verdicts=(Verdict.CHOOSE,))
    asked = samples.question(item, choices=tuple(f"choice {number}" for number in range(6)), text="")

    card = render.draw(view(asked=request(asked)))

    assert labels(card) == ["Choose…", "Details"]


def test_a_critical_approval_asks_once_more() -> None:
    card = render.draw(samples.every_view()["card, edited and critical"])

    approve = limits.buttons(card.blocks)[0]
    assert approve["confirm"]["text"]["text"] == (
        "Refund order A-10442. Its risk is critical. Yours is the only approval that is needed."
    )


def test_the_sentence_says_who_what_risk_and_by_when() -> None:
    text = render.draw(view()).text

    assert text == (
        "Delete 214 log files. High risk. "
        "Due <!date^1772631000^{date_short_pretty} {time}|2026-03-04 13:30 UTC>. "
        "<@U0ALICE> asks for cleanup in <#C0OPS>. Proposed: Delete files. Who may answer: <@U0BOB> and <@U0CAROL>."
    )
