"""The words that stand over a question about actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bot.approvals.model import action_title
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Verdict, retitled, title_of, titled, with_arguments
from bot.approvals.rules.masking import Found, masked
from tests.support.builders import a_question, an_item

LONG = "x" * 61


class _Nothing:
    """Takes nothing for a secret."""

    def found(self, text: str) -> Sequence[Found]:
        return ()

    def is_telling(self, name: str, value: JSON) -> bool:
        return False


@pytest.mark.parametrize(
    ("name", "arguments", "title"),
    [
        ("send_email", {"subject": "Hi", "to": "ada@example.org"}, "Send email to ada@example.org?"),
        ("sendEmail", {"to": ["ann@x.org", "bo@x.org"]}, "Send email to ann@x.org and bo@x.org?"),
        ("send_email_to", {"to": "ada@example.org"}, "Send email to ada@example.org?"),
        ("send", {"to": ["a", "b", "c", "d", "e"]}, "Send to a, b, c and 2 more?"),
        ("delete_file", {"path": "/var/log/a b.log"}, "Delete file /var/log/a b.log?"),
        ("pay", {"amount": "9000.00", "payee": "Foss & Co"}, "Pay Foss & Co?"),
        ("mcp__github__create_issue", {"repo": "a/b", "title": "Bug"}, "Mcp github create issue Bug?"),
        ("post-message", {"text": "Hi", "channel": "#ops"}, "Post message in #ops?"),
        ("reset.password", {"user": "ann"}, "Reset password for ann?"),
        ("createPR", {"head": "x", "base": "y"}, "Create PR?"),
        ("HTTPGet", {"url": "https://example.org"}, "HTTP get https://example.org?"),
        ("deploy", {"version": 4, "environment": "production"}, "Deploy to production?"),
        ("close_issue", {"id": 7}, "Close issue 7?"),
        ("wait", {"seconds": 30}, "Wait 30?"),
        ("wait", {"forever": True}, "Wait?"),
        ("wait", {}, "Wait?"),
        ("send_email", {"to": LONG, "title": "Hi"}, "Send email?"),
        ("send_email", {"to": "a\nb"}, "Send email?"),
        ("send_email", {"to": "a\u202eb"}, "Send email?"),
        ("send_email", {"to": "", "title": "Hi"}, "Send email Hi?"),
        ("send_email", {"to": []}, "Send email?"),
        ("send_email", {"to": ["a", 1]}, "Send email?"),
        ("send_email", {"to": {"name": "ann"}}, "Send email?"),
        ("send_em\u0430il", {"to": "ann"}, "Run send_em\u0430il?"),
        ("löschen", {"path": "x"}, "Run löschen?"),
        ("7", {}, "Run 7?"),
        ("", {}, ""),
    ],
)
def test_one_action_is_named_in_words_with_its_most_telling_argument(
    name: str, arguments: dict[str, Any], title: str
) -> None:
    assert action_title.of_one(name, arguments, approvable=True) == title


@pytest.mark.parametrize(
    ("arguments", "title"),
    [({"question": "Which host?"}, "Which host?"), ({"question": " ", "text": 7}, "Ask people"), ({}, "Ask people")],
)
def test_an_action_that_nobody_can_approve_is_titled_by_what_it_asks(arguments: dict[str, Any], title: str) -> None:
    assert action_title.of_one("ask_people", arguments, approvable=False) == title


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (["delete_files", "send_email", "pay"], "Run 3 tools: delete files, send email and pay?"),
        (["send_email", "send_email"], "Run 2 tools: send email (2 times)?"),
        (["a", "b", "c", "d", "e"], "Run 5 tools: a, b, c and 2 more?"),
    ],
)
def test_several_actions_are_counted_and_named(names: list[str], title: str) -> None:
    assert action_title.of_several(names, "tools") == title


def test_a_question_is_titled_by_its_only_action_or_by_all() -> None:
    item = an_item(name="burn", arguments={"path": "/x"})

    assert title_of((item,), "tools") == "Burn /x?"
    assert title_of((item, item), "actions") == "Run 2 actions: burn (2 times)?"


def test_a_title_follows_an_edit_of_what_it_names() -> None:
    item = an_item(name="send_email", arguments={"to": "ada@example.org"})
    question = a_question(items=(item,), title=titled(item))

    edited = with_arguments(question, 0, {"to": "bob@example.org"})

    assert question.title == "Send email to ada@example.org?"
    assert edited.title == "Send email to bob@example.org?"


def test_a_title_of_the_graphs_own_stays() -> None:
    question = a_question(title="Mail Ada?", items=(an_item(name="send_email", arguments={"to": "ada@example.org"}),))

    assert with_arguments(question, 0, {"to": "bob@example.org"}).title == "Mail Ada?"


def test_a_title_of_several_actions_stays() -> None:
    item = an_item(name="send_email", arguments={"to": "ada@example.org"})
    question = a_question(items=(item, item), title=titled(item))

    assert retitled(question, (item,)) == question.title
    assert with_arguments(question, 0, {"to": "bob@example.org"}).title == question.title


def test_a_title_does_not_tell_what_is_hidden() -> None:
    item = an_item(name="send", arguments={"to": "Bob"}, verdicts=(Verdict.EDIT,))
    question = a_question(items=(item,), title=titled(item))

    shown = masked(question, _Nothing(), ("arguments.to",))

    assert question.title == "Send to Bob?"
    assert "Bob" not in shown.title
    assert shown.title.startswith("Send to ")


def test_what_an_action_is_named_after_tells_most_unless_somebody_receives_it() -> None:
    refund = an_item(name="refund_order", arguments={"amount": 129.5, "order_id": "A-10442", "env": "live"})
    mail = an_item(name="send_email", arguments={"email": "ada@example.org"})

    assert titled(refund).startswith("Refund order A-10442")
    assert titled(mail).startswith("Send email to ada@example.org")
