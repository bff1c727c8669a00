"""`python -m bot policy explain`: what it says of an interrupt, with Slack's names and without."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.settings import Settings
from tests.unit.slack.conftest import ready

pytestmark = pytest.mark.heavy

POLICIES = """
defaults: {approvers: ["@ops-leads"], remind_every: 1h, deadline: 2d}
rules:
  - name: broken
    match: {action: broken, when: arguments.nothing > 1}
  - name: large
    match: {graph: payment, when: arguments.amount > 1000}
    sequence:
      - {name: lead, approvers: [details.owner], deadline: 2h, on_timeout: {choose: later}}
      - name: finance
        groups: [{approvers: ["@finance"], quorum: 2}, {approvers: ["@nobody"]}]
        reject_quorum: 2
        deadline: 4h
        on_timeout: wait
        warn_before: 1h
        escalate: [{after: 2h, to: ["#ops"], as: channel}, {after: 90m, to: ["@on-call"], add_approvers: no}]
    hours: {from: 9:00, to: 17:00, zone: UTC}
    channel: "#finance"
    private: yes
    confirm: yes
    reason_required: both
    max_rounds: 3
  - {name: reads, match: {action: "read_*"}, auto: {approve: Reading changes nothing}}
  - {name: silent, match: {risk: [low]}, on_timeout: approve, i_accept_silence: yes, self_approval: yes}
  - name: interns
    match: {requester: "@finance"}
    hours: {from: 9:00, to: 17:00, zone: approvers}
    reason_required: no
cards:
  payment: {keys: [owner], labels: {owner: Asked by}}
"""
PAYMENT = {"question": "Pay?", "details": {"amount": 1500, "owner": "bob@example.com"}, "summary": ["amount"]}

__all__ = ["ready"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.lower() in Settings.model_fields]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policies.yaml").write_text(POLICIES)
    return tmp_path


def proposing(action: str) -> dict[str, Any]:
    """A tool call, as LangChain's middleware asks for it."""
    return {
        "action_requests": [{"name": action, "args": {}}],
        "review_configs": [{"action_name": action, "allowed_decisions": ["approve", "reject"]}],
    }


def explained(payload: Any, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    Path("payload.json").write_text(json.dumps(payload))
    code = main(["policy", "explain", "payload.json", *options])
    return code, capsys.readouterr().out


def test_the_rule_that_governs_is_named_with_why_the_others_do_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = explained({**PAYMENT, "risk_level": "low"}, capsys, "--graph", "cleanup")

    assert code == 0
    assert "1. broken: does not, as the action is not named, not broken" in said
    assert "2. large: does not, as the graph is cleanup, not payment" in said
    assert "4. silent: governs" in said
    assert "The requester may answer too." in said
    assert "silence approves it" in said
    assert "Names are not looked up: SLACK_BOT_TOKEN is not set." in said


def test_it_says_on_which_server_the_agent_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "policies.yaml").write_text("defaults: {approvers: [U0BOB]}\n")

    _, here = explained(PAYMENT, capsys, "--graph", "payment")
    _, there = explained(PAYMENT, capsys, "--graph", "payment", "--server", "prod")

    assert "The agent runs on the server prod." in there
    assert "server" not in here


def test_a_program_may_ask_in_place_of_a_graph(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = "rules: [{name: billing, match: {source: billing}, via: [portal, intranet]}]"
    (folder / "policies.yaml").write_text(f"defaults: {{approvers: [U0BOB]}}\n{rule}\n")

    _, slack = explained(PAYMENT, capsys, "--graph", "payment")
    _, program = explained(PAYMENT, capsys, "--source", "billing")
    _, for_somebody = explained(PAYMENT, capsys, "--source", "billing", "--requester", "U0ALICE")

    assert "1. billing: does not, as the source is Slack, not billing" in slack
    assert "1. billing: governs" in program
    assert "Answers through portal or intranet count as well as those in Slack." in program
    assert "No person asks for it, so everybody who is named may answer." in program
    assert "The requester may not approve" in for_somebody


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ("", "The requester may not approve, and may answer questions that approve nothing."),
        ("  self_answer: no\n", "The requester may not answer."),
        ("  self_approval: yes\n  self_answer: no\n", "The requester may answer too."),
    ],
)
def test_what_whoever_started_the_task_may_do_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], terms: str, sentence: str
) -> None:
    (folder / "policies.yaml").write_text(f"defaults:\n  approvers: [U0BOB]\n{terms}")

    _, said = explained(PAYMENT, capsys)

    assert sentence in said


def test_who_would_be_asked_and_when_each_step_would_come_is_said_in_words(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, said = explained(PAYMENT, capsys, "--graph", "payment")

    for words in (
        "Must say why: an approval and a rejection.",
        "Its card names the actions alone; those who may answer open the rest.",
        "Its card stands in #finance as well as in the task's thread.",
        "Slack asks once more before an approval.",
        "A place of the graph may ask 3 times.",
        "Its card shows first: owner, amount.",
        "Its card says Asked by for owner.",
        "Stage 1 of 2, lead, asks:\n  1 of bob@example.com\n  one rejection settles it",
        "Stage 2 of 2, finance, asks:\n  2 of @finance\n  1 of @nobody\n  2 rejections settle it",
        "and only 09:00 to 17:00 on Mon, Tue, Wed, Thu, Fri in UTC counts",
        "silence chooses later",
        "a reminder in the task's thread, and again every 1h",
        "the card by direct message to @on-call\n",
        "the card in #ops, who may answer from then on",
        "a warning that the deadline is near",
        "it is overdue and keeps waiting",
    ):
        assert words in said


def test_an_answer_without_people_and_no_rule_at_all_are_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, reads = explained(proposing("read_file"), capsys)
    _, rest = explained("Shall I?", capsys)

    assert "It is approved at once, without a person: Reading changes nothing" in reads
    assert "defaults: govern, as no rule does" in rest
    assert "after 2d" in rest
    assert "it expires; the graph is told that nobody answered" in rest


def test_a_question_without_a_title_is_said_to_have_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "The question: has no title" in explained({"details": {"amount": 1}}, capsys)[1]


def test_a_policy_without_a_deadline_says_that_it_waits(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "policies.yaml").write_text("defaults: {approvers: [U0BOB]}")

    assert "there is no deadline: it waits until somebody answers" in explained("Shall I?", capsys)[1]


def test_a_rule_that_cannot_be_worked_out_asks_nobody(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = explained(proposing("broken"), capsys)

    assert code == 1
    assert "1. broken: cannot be worked out. there is no key 'nothing'" in said
    assert "Nobody is asked: the task stops and says so" in said


def test_what_is_no_interrupts_value_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("payload.json").write_text("{")

    assert main(["policy", "explain", "payload.json"]) == 2
    assert "payload.json: this is not a JSON value" in capsys.readouterr().err


def test_with_a_token_names_are_people_and_what_is_nobody_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], ready: dict[str, str]
) -> None:
    settings = {
        "SLACK_BOT_TOKEN": ready["bot_token"],
        "SLACK_APP_TOKEN": ready["app_token"],
        "SLACK_API_URL": ready["api_url"],
    }
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    _, large = explained(PAYMENT, capsys, "--graph", "payment")
    _, interns = explained("Shall I?", capsys, "--requester", "U0DAVE")
    (folder / "policies.yaml").write_text(AFTERWARDS)
    _, held = explained(PAYMENT, capsys, "--graph", "payment")
    _, window = explained(offered(details={"owner": "bob@example.com"}), capsys, "--graph", "payment")

    assert "2 of @finance (bob, dave)" in large
    assert "1 of @nobody (nobody)" in large
    assert "wrong: @nobody is nobody in this workspace. Correct it in the policy file." in large
    assert "5. interns: governs" in interns
    assert "of each approver's own zone (here: UTC) counts" in interns
    assert "Nobody has to say why." in interns
    assert "undone by @finance or details.owner (bob, dave), if" in held
    assert "It can be undone by @finance or bob@example.com (bob, dave)." in window


def test_with_a_token_that_slack_refuses_the_files_names_stand_for_people_and_that_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], ready: dict[str, str]
) -> None:
    settings = {"SLACK_BOT_TOKEN": "xoxb-nobody", "SLACK_APP_TOKEN": "xapp-nobody", "SLACK_API_URL": ready["api_url"]}
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    code, said = explained(PAYMENT, capsys, "--graph", "payment")

    assert code == 0
    assert said.startswith("Names are not looked up: Slack does not answer, or does not accept SLACK_BOT_TOKEN.")
    assert "2 of @finance" in said


# --- After the decision -------------------------------------------------------------------------

AFTERWARDS = """
defaults: {approvers: [U0BOB, "@leads"]}
rules:
  - name: held
    match: {graph: payment}
    hold: 30s
    valid_for: 1h
    on_stale: stop
    undo: {approvers: ["@finance", details.owner], requester: no}
    channel: "#finance"
  - {name: asked, match: {graph: cleanup}, valid_for: 2h}
"""


def offered(**more: Any) -> dict[str, Any]:
    """What an agent says that has acted."""
    return {"type": "undo_window", "action": "Moved 3 files", "undo": {"how": "Moves them back"}, **more}


def test_how_long_a_decision_is_held_and_valid_and_who_may_undo_it_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key of the question stays a key: the offer to undo is another question."""
    (folder / "policies.yaml").write_text(AFTERWARDS)

    _, held = explained(PAYMENT, capsys, "--graph", "payment")
    _, asked = explained(PAYMENT, capsys, "--graph", "cleanup")
    _, nothing_said = explained(PAYMENT, capsys)

    assert (
        "After the decision:\n  it is kept from the agent for 30s; meanwhile, whoever gave it can take it back" in held
    )
    assert "valid for 1h after that; if it is not delivered by then, the task is stopped" in held
    assert "can be undone by @finance or details.owner, if this policy governs that as well" in held
    assert "valid for 2h; if it is not delivered by then, people are asked again" in asked
    assert "it goes to the agent at once; whoever gave it can take it back until the agent has it" in nothing_said
    assert "it stays valid until the agent has it" in nothing_said
    assert "can be undone by the requester, if" in nothing_said


def test_an_offer_to_undo_says_who_may_and_until_when(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is no approval, so nothing is said of quorums, reasons or deadlines."""
    (folder / "policies.yaml").write_text(AFTERWARDS)
    payload = offered(window="1d", at="2026-03-02T09:00:00+00:00", details={"owner": "bob@example.com"})

    _, over = explained(payload, capsys, "--graph", "payment")
    _, open_still = explained(offered(window="2h", at="9999-01-01T00:00:00+00:00"), capsys)
    _, program = explained(offered(window="soon"), capsys, "--source", "billing")

    assert "It approves nothing: the agent has acted already." in over
    assert "It can be undone by @finance or bob@example.com." in over
    assert "Its window closed at Tue 2026-03-03 09:00 UTC, 1d after the agent acted: what was done stays." in over
    assert "Its card stands in #finance as well as in the task's thread." in over
    assert not any(words in over for words in ("say why", "asks:", "After the decision", "If it were asked now"))
    assert "It can be undone by the requester." in open_still
    assert "Its window closes at " in open_still
    assert "2h after the agent acted. If nobody undoes it, it stays." in open_still
    assert "It can be undone by U0BOB or @leads." in program
    assert "The agent gave no window that can be read, so it is 10 minutes." in program
    assert "10m after it asked. If nobody undoes it, it stays." in program


def test_what_cannot_be_undone_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is named, because nobody can do anything about it."""
    _, said = explained(offered(undo=None), capsys)

    assert "It cannot be undone. Its card says so, and offers only to keep it." in said
    assert "It can be undone by" not in said


@pytest.mark.parametrize("character", ["\x1b[2J", "\n  2. forged: governs", "\r", "\u202e", "\x9b"])
def test_no_letter_of_a_payload_moves_the_cursor_or_makes_a_line(
    folder: Path, capsys: pytest.CaptureFixture[str], character: str
) -> None:
    _, said = explained({"question": f"a{character}b?"}, capsys)

    assert character not in said
    assert "  2. forged" not in said.splitlines()
