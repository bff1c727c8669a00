"""What a person reads of a message or view."""

from simulator.client import Names, render_text
from tests.support.desk import actions, button, modal, plain, question, section

NAMES = Names(people={"U0BOB": "bob"}, groups={"S0OPS": "ops-leads"}, channels={"C0OPS": "ops"})


def _read(text: str) -> str:
    return render_text({"text": text}, NAMES)


def test_mentions_are_names() -> None:
    assert _read("<@U0BOB> <!subteam^S0OPS> <#C0OPS> <!here> <@U0X>") == "@bob @ops-leads #ops @here @U0X"


def test_escapes_are_undone_once() -> None:
    assert _read("a &lt;b&gt; &amp;amp; c") == "a <b> &amp; c"


def test_an_escaped_mention_mentions_nobody() -> None:
    assert _read("&lt;!channel&gt;") == "<!channel>"


def test_dates_are_spelled_out() -> None:
    assert _read("by <!date^1800000000^{date_short_pretty} {time}|soon>") == "by Jan 15, 2027 08:00"


def test_a_link_shows_where_it_leads() -> None:
    assert _read("<https://a.example|here>") == "here (https://a.example)"


def test_emphasis_and_code_lose_their_marks_and_words_keep_theirs() -> None:
    assert _read("*Approved* by *<@U0BOB>*, _not ~yet~ here_: `a*b*` in 3*4*5 snake_case_name") == (
        "Approved by @bob, not yet here: a*b* in 3*4*5 snake_case_name"
    )
    assert _read("```*raw* &amp; kept```") == "*raw* & kept"


def test_a_card_is_its_lines_and_its_buttons() -> None:
    card = {
        "text": "unused",
        "blocks": [section("*Hi*"), {"type": "divider"}, actions(button("approve"), button("no"))],
    }

    assert render_text(card, NAMES) == "Hi\n---\n[Approve] [No]"


def test_rich_text_is_read_with_its_lists_and_code() -> None:
    text = {"type": "text", "text": "one"}
    item = {"type": "rich_text_section", "elements": [text]}
    block = {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_section", "elements": [{"type": "user", "user_id": "U0BOB"}, text]},
            {"type": "rich_text_list", "style": "ordered", "elements": [item, item]},
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x < y"}]},
        ],
    }

    assert render_text({"blocks": [block]}, NAMES) == "@bobone\n1. one\n2. one\nx < y"


def test_a_modal_is_read_with_what_was_typed_and_what_is_wrong() -> None:
    state = {"values": {"why": {"typed": {"type": "plain_text_input", "value": "No"}}}}
    view = {**modal(question(), close=plain("Cancel")), "state": state, "errors": {"why": "Say more"}}

    assert render_text(view, NAMES) == "A modal\nWhy: No\n  ! Say more\n[Cancel] [Send]"
