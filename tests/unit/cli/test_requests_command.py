"""`countersign requests`: what an operator sees of what people are asked, and how its policy is corrected."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.approvals.model.decision import Approve, Cancelled, Expired, Keep, Reject, Respond, Vote, WindowClosed
from bot.approvals.model.ids import Operator, Program
from bot.approvals.model.policy import Escalate, Expire, Group, Policy, Stage, Step
from bot.approvals.model.question import Window
from bot.approvals.model.request import (
    Delegation,
    Delivered,
    Pending,
    RequestState,
    Superseded,
    Unreached,
)
from bot.approvals.model.task import Waiting
from bot.approvals.ports.storage import Storage
from bot.cli.operator import record_words, tables
from tests.support.builders import a_person, a_policy, a_question, an_answer, an_item, decided
from tests.support.fakes.directory import FakeDirectory
from tests.unit.cli.operator_store import CALLED, ERROR, HOUR, NOW, Terminal, asking, keep

OPENED = asking("r").opened_at
CALLED_REQUEST = f"req_{CALLED.removeprefix('caller-')}"


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [each["id"] for each in found]


def vote(user: str, *verdicts: Any) -> Vote:
    return Vote(person=a_person(user), verdicts=verdicts, version=1, digest="0" * 64, at=NOW - HOUR / 2)


# --- Lists --------------------------------------------------------------------------------------


def test_lists_have_what_was_asked_for(desk: Terminal) -> None:
    late = Policy(name="late", stages=(Stage(groups=(Group(approvers=("@finance", "#ops")),), steps=_LATE),))

    async def more(storage: Storage) -> None:
        done = Delivered(decision=an_answer(), at=NOW)
        overdue = replace(asking("r-late"), policy=late, opened_at=NOW - 3 * HOUR)
        await keep(storage, "ff01", Waiting(), 6 * HOUR, overdue, asking("r-done", done))

    desk.stored(more)
    open_ones = [CALLED_REQUEST, "r-aa03", "r-aa02", "r-aa01", "r-late"]
    wanted = {
        "": open_ones,
        "--state pending": [CALLED_REQUEST, "r-aa01", "r-late"],
        "--state overdue": ["r-late"],
        "--state undelivered": ["r-aa03", "r-aa02"],
        "--state stuck": [CALLED_REQUEST, "r-aa02"],
        "--state decided": ["r-aa02", "r-aa03", "r-done"],
        "--state all": [CALLED_REQUEST, "r-aa01", "r-aa02", "r-aa03", "r-done", "r-late"],
        "--graph billing": [CALLED_REQUEST],
        "--approver @FINANCE": ["r-late"],
        "--approver uapp": open_ones,
        "--approver @nobody": [],
        "--limit 1": [CALLED_REQUEST],
    }

    found = {words: ids(desk.json("requests", "list", *words.split())) for words in wanted}

    assert {words: sorted(each) for words, each in found.items()} == {
        words: sorted(each) for words, each in wanted.items() if words != "--limit 1"
    } | {"--limit 1": found["--limit 1"]}
    assert len(found["--limit 1"]) == 1


def test_a_list_that_looks_through_some_tasks_says_so(desk: Terminal) -> None:
    code, out, err = desk.run("requests", "list", "--state", "all", "--approver", "@nobody", "--tasks", "1")

    assert (code, out) == (0, "There is no such request.\n")
    assert err == "Only the newest 1 tasks were looked at: --tasks looks at more.\n"


_LATE = (Step(after=timedelta(minutes=1), action=Expire()),)


@pytest.mark.parametrize("columns", [80, 120])
def test_a_table_fits_the_terminal(desk: Terminal, columns: int) -> None:
    desk.width(columns)

    lines = desk.run("requests", "list")[1].splitlines()

    assert all(tables.shown(line) <= columns for line in lines)
    assert lines[0].split()[:4] == ["REQUEST", "STATE", "GRAPH", "AGE"]
    assert len(lines) == 5
    assert "more than these 2" in desk.run("requests", "list", "--limit", "2")[1]
    assert desk.run("requests", "list", "--graph", "none")[1] == "There is no such request.\n"


# --- One request --------------------------------------------------------------------------------


def test_it_is_said_what_is_asked_who_may_answer_who_did_and_what_comes_next(desk: Terminal) -> None:
    stages = (
        Stage(
            groups=(Group(approvers=("@finance",), needed=2), Group(approvers=("U0BOSS",))),
            steps=(
                Step(after=timedelta(hours=2), action=Escalate(to=("U0BOSS",))),
                Step(after=timedelta(hours=4), action=Expire()),
            ),
            name="money",
            remind_every=timedelta(minutes=90),
        ),
        Stage(groups=(Group(approvers=("@legal",)),)),
    )
    policy = Policy(name="payments", stages=stages, via=("portal",), hold=timedelta(seconds=30), self_approval=True)
    request = replace(
        asking("r-ff01"),
        policy=policy,
        votes=(vote("U0FAY", Approve(reason="fine")), vote("U0FIN", Reject(reason="too much"))),
        delegations=(Delegation(by=a_person("U0A"), to=a_person("U0B"), at=NOW),),
        unknown={"@gone": "means nobody and no channel that the bot can see"},
        unreached=(Unreached(person=a_person("U0DM"), why="their account is deactivated", asked_at=NOW),),
    )
    desk.stored(lambda storage: keep(storage, "ff01", Waiting(), HOUR, request))

    out = " ".join(desk.run("requests", "show", "r-ff01")[1].split())

    assert "asks Delete old files?" in out
    assert 'to be done delete_files(paths=["/logs/a", "/logs/ü"], limit=310.1)' in out
    assert "may answer stage 1 of 2 (money): 2 of @finance and 1 of U0BOSS; asked: UAPP" in out
    assert "answered U0FAY approved: fine," in out
    assert "answered U0FIN rejected: too much," in out
    assert "passed on U0A gave their vote to U0B" in out
    assert f"deadline {OPENED + 4 * HOUR:%Y-%m-%d %H:%M} UTC" in out
    assert f"next step remind those who are asked, {OPENED + 1.5 * HOUR:%Y-%m-%d %H:%M} UTC" in out
    assert "rule payments: the first of the policy file that matched when it was asked" in out
    assert "the requester may approve, held for 30s, answers through portal count as well" in out
    assert "nobody @gone means nobody" in out
    assert "not reached U0DM: their account is deactivated" in out
    assert "countersign requests repolicy r-ff01 puts it under the policy of the file" in out
    found = desk.json("requests", "show", "r-ff01")
    assert found["stage"] == {"number": 1, "of": 2, "name": "money"}
    assert found["next_step"]["does"] == "remind those who are asked"
    assert [each["verdicts"] for each in found["votes"]] == [["approve"], ["reject"]]


def test_what_is_private_stays_private(desk: Terminal) -> None:
    """The page may be copied anywhere. Who answered is told, and not why."""
    request = replace(
        asking("r-ff01"), policy=a_policy(private=True), votes=(vote("U0FAY", Reject(reason="her salary")),)
    )
    desk.stored(lambda storage: keep(storage, "ff01", Waiting(), HOUR, request))

    for words in (["show", "r-ff01"], ["show", "r-ff01", "--json"], ["list"], ["list", "--json"]):
        out = desk.run("requests", *words)[1]
        for secret in ("/logs/a", "Delete old", "her salary", "delete_files"):
            assert secret not in out
    assert "as the policy is private" in desk.run("requests", "show", "r-ff01")[1]
    assert "U0FAY answered," in desk.run("requests", "show", "r-ff01")[1]


def test_secrets_are_masked_and_long_texts_are_cut(desk: Terminal) -> None:
    token = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
    item = an_item(arguments={"token": token, "iban": "DE02", "body": "x" * 5000})
    asks = a_question(items=(item,), title="Send\x1b[2J?", choices=("now", "later"))
    request = replace(asking("r-ff01"), question=asks, proposed=asks)
    desk.stored(lambda storage: keep(storage, "ff01", Waiting(), HOUR, request))

    page, as_json = desk.run("requests", "show", "r-ff01")[1], desk.run("requests", "show", "r-ff01", "--json")[1]

    assert token not in page + as_json
    assert "DE02" not in page + as_json
    assert "\x1b" not in page + as_json
    assert "characters more, which the audit log has" in " ".join(page.split())
    assert "now and later" in page


def test_a_delivery_that_was_given_up_says_why(desk: Terminal) -> None:
    out = desk.run("requests", "show", "r-aa02")[1]

    assert "KeyError (error id e1e2e3e4)" in out
    assert "countersign tasks retry aa02" in out
    assert "repolicy" not in out
    assert desk.json("requests", "show", "r-aa02")["given_up"] is True


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("zz", "There is no request zz. `countersign requests list` shows which are open."),
        ("aa01", "There is no request aa01, but a task begins with that: `countersign tasks show aa01`."),
        ("aa", "There is no request aa, but tasks begin with that: `countersign tasks show aa`."),
        ("r-", "Several requests begin with r-: r-aa01, r-aa02, r-aa03. Type more of the id."),
    ],
)
def test_an_id_that_means_no_request_is_refused_in_a_sentence(desk: Terminal, typed: str, said: str) -> None:
    assert desk.refusal("requests", "show", typed).startswith(said)


APPROVED = an_answer()


@pytest.mark.parametrize(
    ("state", "word", "said"),
    [
        (Pending(due_at=None), "pending", "asks UAPP and @operators, by 2"),
        (decided(NOW), "undelivered", "approved by UAPP; not delivered yet"),
        (decided(NOW - HOUR), "undelivered", "approved by UAPP; due since 2"),
        (decided(None), "undelivered", "approved by UAPP; not delivered"),
        (decided(None, attempts=1, failure=ERROR), "undelivered", "after 1 try, and not tried again by itself"),
        (decided(NOW + HOUR, attempts=2, failure=ERROR), "undelivered", "after 2 tries; tried again in 1h"),
        (
            decided(NOW + HOUR, held=Pending(due_at=None), held_until=NOW + HOUR),
            "undelivered",
            "so that it can be taken back",
        ),
        (decided(NOW, decision=Cancelled(by=Program(name="ci"), at=NOW)), "undelivered", "withdrawn by the program ci"),
        (Delivered(decision=APPROVED, at=NOW), "delivered", "approved by UAPP; the agent took it 2"),
        (Delivered(decision=Expired(at=NOW), at=NOW), "delivered", "expired: nobody answered in time; the agent took"),
        (Delivered(decision=WindowClosed(at=NOW), at=NOW), "delivered", "left as it is: nobody undid it in time"),
        (Delivered(decision=APPROVED, at=NOW, stopped=True), "stopped", "the task was stopped there"),
        (
            Delivered(decision=Cancelled(by=Operator(login="olga"), at=NOW, reason="stuck"), at=NOW),
            "delivered",
            "cancelled by an operator (olga): stuck",
        ),
        (Superseded(at=NOW), "superseded", "no longer needed: the agent moved on"),
        (Superseded(at=NOW, stopped=True), "stopped", "no longer needed: the task was stopped"),
        (Superseded(at=NOW, decision=APPROVED, changed=True), "superseded", "the agent asks something else now"),
        (Superseded(at=NOW, decision=APPROVED, stale=True), "superseded", "it could not be delivered in time"),
        (Superseded(at=NOW, decision=APPROVED), "superseded", "the agent may not have been told"),
    ],
)
def test_each_state_has_its_word_and_its_sentence(state: RequestState, word: str, said: str) -> None:
    request = asking("r", state)

    assert record_words.state(request) == word
    assert said in record_words.stands(request, NOW)


def test_an_undo_window_says_until_when_it_can_be_undone() -> None:
    question = a_question(window=Window(length=HOUR))
    request = replace(
        asking("r"), question=question, policy=Policy(name="p", stages=(Stage(groups=(Group(approvers=("U0",)),)),))
    )

    assert record_words.stands(request, NOW) == "can be undone by U0"


def test_what_people_decided_is_said_in_words() -> None:
    by_rule = an_answer(voters=(), ruled="it is small")

    assert record_words.decided(by_rule) == "approved by its policy: it is small"
    assert record_words.decided(an_answer(verdicts=(Reject(),))) == "rejected by UAPP"
    assert record_words.verdict(Respond(value={"a": "ü"})) == 'answered: {"a": "ü"}'
    assert record_words.verdict(Keep()) == "chose Keep"
    assert record_words.who(Program(name="a thread on prod")) == "a thread on prod"


# --- A policy that is corrected -------------------------------------------------------------------


@pytest.fixture
def slack(desk: Terminal, folder: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDirectory:
    """Slack, as far as names go, and a policy file that asks somebody else by now."""
    (folder / ".env").write_text(
        f"STATE_DIR={folder}\nPOLICY_FILE={folder}/policies.yaml\nSLACK_BOT_TOKEN=xoxb-1\nSLACK_APP_TOKEN=xapp-1\n"
    )
    (folder / "policies.yaml").write_text("defaults: {approvers: [U0BOB]}\n")
    directory = FakeDirectory()
    directory.add(a_person("U0BOB"))
    monkeypatch.setattr("bot.cli.operator.requests.SlackDirectory", lambda _: directory)
    return directory


@pytest.mark.usefixtures("slack")
def test_a_request_is_put_under_the_policy_of_now_once_that_is_meant(desk: Terminal) -> None:
    """What would change is said first."""
    desk.types("n\n")
    before = desk.refusal("requests", "repolicy", "r-aa01")
    assert before.startswith("r-aa01: would have the policy `defaults` instead of `two hours`. It would ask U0BOB.\n")
    assert before.endswith("Is that meant? [y/N] Nothing was changed.\n")
    assert [event.kind for event in desk.history("aa01")] == ["started", "touched", "opened"]

    code, out, _ = desk.run("requests", "repolicy", "r-aa01", "--yes")

    assert (code, out) == (0, "r-aa01: now has the policy `defaults` instead of `two hours`. It asks U0BOB.\n")
    (event,) = [event for event in desk.history("aa01") if event.kind == "policy_applied"]
    assert event.data["by"] == "ölga, by command"
    assert "applied by ölga, by command, " in " ".join(desk.run("requests", "show", "r-aa01")[1].split())
    again = desk.run("requests", "repolicy", "r-aa01")
    assert again == (0, "r-aa01: already has the policy `defaults`. Nothing was changed.\n", "")


@pytest.mark.usefixtures("slack")
def test_a_settled_request_keeps_its_policy(desk: Terminal) -> None:
    said = desk.refusal("requests", "repolicy", "r-aa02", "--yes")

    assert said.startswith("Request r-aa02 is no longer open: approved by UAPP; not delivered after 8 tries")
    assert said.endswith("Nothing was changed.\n")


def test_a_name_that_slack_does_not_answer_for_changes_nothing(
    desk: Terminal, slack: FakeDirectory, folder: Path
) -> None:
    (folder / "policies.yaml").write_text('defaults: {approvers: ["@finance"]}\n')
    slack.down = True

    assert "Slack did not say whom the policy means" in desk.refusal("requests", "repolicy", "r-aa01", "--yes")


def test_wrong_settings_end_it_with_2(desk: Terminal) -> None:
    """Slack's tokens are missing, which only this command needs."""
    code, out, err = desk.run("requests", "repolicy", "r-aa01", "--yes")

    assert (code, out) == (2, "")
    assert "SLACK_BOT_TOKEN is not set" in err
