"""The audit log as text: each kind of event has its sentence, nothing that was recorded is left out, and nothing that
people or agents wrote looks like a line of the log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.approvals.model.audit import AuditEvent, Entry, Head
from bot.approvals.model.caller import Caller
from bot.approvals.model.ids import JSON, TaskId
from bot.approvals.model.policy import Expire, Group, Policy, Stage, Step, UndoTerms
from bot.approvals.model.question import Option, Risk, Verdict, Window
from bot.approvals.model.server import OnServer
from bot.approvals.rules.masking import Masker
from bot.approvals.services.audit.proof import Broken, Intact
from bot.approvals.services.audit.snapshot import full
from bot.cli.audit.sentences import SENTENCES
from bot.cli.audit.text import Text
from bot.storage.codec import encode
from tests.support.builders import NOON, a_person, a_policy, a_question, a_request, a_task, an_event, an_item
from tests.support.fakes.secrets import Marked
from tests.unit.docs.pages import PAGES, codes, rows, section

BARE = Masker(Marked())
INTACT = Intact(entries=3, purged=0, head=Head(number=3, link="ab" * 32))
KINDS = {codes(row[0])[0]: row[1] for row in rows(section("docs/reference/audit-events.md", "## What happened"))}
NOBODY: dict[str, Any] = {"person": None}
BEGINNING = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, entry \d+, task ")


def an_entry(event: AuditEvent, number: int = 1) -> Entry:
    return Entry(number=number, task_id=event.task_id, body=encode(event).encode(), digest="d" * 64, link="")


def told(kind: str, data: dict[str, Any] | None = None, **changes: Any) -> str:
    """What is written of one event about a request."""
    return written(an_event(kind, a_request(), data=data or {}, **changes))


def written(*events: AuditEvent) -> str:
    text = Text()
    lines = []
    for number, event in enumerate(events, start=1):
        text.passed(an_entry(event, number))
        lines.append(text.entry(an_entry(event, number), BARE))
    return "".join(lines)


# --- Nothing is left out ------------------------------------------------------------------------


def test_each_kind_has_a_sentence() -> None:
    assert SENTENCES.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_record_of_a_kind_holds_is_shown(kind: str) -> None:
    """Also if it is not of the type that this version writes, and what only newer versions write."""
    keys = [*(key for key in codes(KINDS[kind]) if key.isidentifier()), "outcome", "by", "newer"]
    values: list[Any] = ["text", ["in a list"], {"in": "a mapping"}, 17.5]

    for value in values:
        data = {key: [value, f"of {key}"] for key in keys}
        said = told(
            kind, data, digest="3f" * 32, rule="two hours", person=a_person("U9"), through="portal", surface="m1"
        )

        for word in (*(f"of {key}" for key in keys), "3f" * 32, "two hours", "U9 (T1)", "portal", "essage m1"):
            assert word in said, word
        assert "does not know" not in said


def a_full_version() -> dict[str, JSON]:
    """With something in every field."""
    item = an_item(
        "move",
        arguments={
            "path": "a path",
            "deep": {"list": ["first", "second"] * 20},
            "no": False,
            "none": None,
            "text": "a\nb",
        },
        schema={"title": "a schema"},
        form={"title": "an inner form"},
        verdicts=(Verdict.APPROVE, Verdict.REJECT),
    )
    question = a_question(
        title="a title",
        text="the first line\nthe second line",
        items=(item, an_item("erase")),
        choices=("red", "blue"),
        options=(Option(label="red", value="a value", description="a description"),),
        form={"title": "a form"},
        risk=Risk.HIGH,
        convention="a convention",
        labels={"approve": "a label"},
        summary=("an argument",),
        payload={"given": "a payload"},
        types=("a type",),
        window=Window(length=timedelta(minutes=10), at=NOON, how="by hand", problem="a problem"),
        look_again="c0ffee",
    )
    stage = Stage(
        name="a stage",
        groups=(Group(approvers=("@ops-leads", "U7"), needed=2),),
        reject_quorum=3,
        steps=(Step(after=timedelta(hours=5), action=Expire()),),
    )
    policy: Policy = a_policy(
        name="a rule",
        stages=(stage, replace(stage, name="another stage")),
        reasons=(Verdict.REJECT,),
        private=True,
        via=("a token",),
        hold=timedelta(seconds=30),
        valid_for=timedelta(hours=1),
        undo=UndoTerms(approvers=("@undoers",), requester=True),
    )
    task = a_task(
        inputs={"bucket": "an input"},
        caller=Caller(key="k", source="a program", url="https://a.url", run="a run", token="t", body="b"),
        server=OnServer(name="a server", watched=True, parent="a parent"),
    )
    return full(a_request(task=task, question=question, policy=policy), task)


def leaves(value: JSON) -> Iterator[str]:
    match value:
        case dict():
            for each in value.values():
                yield from leaves(each)
        case list():
            for each in value:
                yield from leaves(each)
        case str():
            yield value


def test_all_of_a_version_is_shown() -> None:
    said = told("opened", a_full_version())
    translated = {"a\nb", "the first line\nthe second line", "approve", "edit", "reject", "T1", "ask"}
    translated |= {leaf for leaf in leaves(a_full_version()) if leaf.startswith("2030-01-02T")}

    missing = [leaf for leaf in leaves(a_full_version()) if leaf not in said and leaf not in translated]

    assert missing == []
    for words in (
        "    Text:\n        | the first line\n        | the second line\n",
        "    Action 1 of 2: move (can be approved or rejected)\n",
        "        no: false\n        none: null\n",
        "        text:\n            | a\n            | b\n",
        "    Choices: red or blue\n",
        "    It can be undone for 10m, counted from 2030-01-02 12:00:00 UTC.\n",
        "stage 1 of 2: a stage: 2 of @ops-leads and U7 must approve; 3 can reject; within 5h\n",
        "        the requester may not answer\n",
        "        only approvers see it\n",
        "        a decision is held for 30s\n",
        "        a decision is valid for 1h; then people are asked again\n",
        "        @undoers or the requester may undo it\n",
        "    May answer now: UAPP (T1)\n",
    ):
        assert words in said


def test_a_version_that_an_earlier_program_wrote_is_shown_as_far_as_it_goes() -> None:
    said = told("opened", {"version": 1}, digest="3f" * 32)

    assert said.endswith(f"    The agent asked.\n    Version 1, SHA-256 {'3f' * 32}\n")


def test_a_kind_of_a_newer_version_is_shown_as_recorded_with_a_notice() -> None:
    text = Text()
    event = an_event("frobbed", a_request(), data={"why": "because"}, person=a_person("U9"), digest="3f" * 32)

    said = text.entry(an_entry(event), BARE)
    end = text.end(INTACT)

    assert "frobbed (this version does not know what that means)" in said
    for word in ('why: "because"', "U9 (T1)", "3f" * 32):
        assert word in said
    assert "1 of them are of the kind frobbed, which this version does not know." in end


# --- Sentences ----------------------------------------------------------------------------------


def test_who_said_what_on_which_message_in_which_version() -> None:
    request = a_request()
    shown = {"as": "card", "channel": "C1", "ts": "1700.1", "version": 2}
    voted = {"version": 2, "verdicts": ["reject"], "said": [{"reason": "not now"}], "outcome": "reject"}

    said = written(
        an_event("shown", request, data=shown, surface="m1", digest="3f" * 32),
        an_event("voted", request, data=voted, surface="m1", digest="3f" * 32, person=a_person("U9"), rule="two hours"),
    )

    first, second = said.strip().split("\n\n")
    assert "    The card was shown to everybody in C1, as the message 1700.1.\n" in first
    assert second.split("\n") == [
        "2030-01-02 12:00:00 UTC, entry 2, task task-1, request request-1",
        "    U9 (T1) rejected “not now”. That settled it: rejected.",
        f"    Version 2, on the card in C1 (message m1), SHA-256 {'3f' * 32}, rule two hours",
    ]


@pytest.mark.parametrize(
    ("kind", "data", "changes", "sentence"),
    [
        ("voted", {"verdicts": ["approve"], "said": [{}]}, {}, "U9 (T1) approved."),
        ("voted", {"verdicts": ["approve", "reject"]}, {}, "U9 (T1) answered 2 actions."),
        ("voted", {"verdicts": ["undo"]}, {"through": "p"}, "U9 (T1), on a page with the token p, chose to undo it."),
        ("started", {"graph": "cleanup"}, {}, "U9 (T1) started cleanup."),
        ("refused", {"tried": "vote", "why": "X"}, {}, "U9 (T1) was refused when they tried to vote (X)."),
        ("delegated", {"to": "U8"}, {}, "U9 (T1) gave their vote to U8."),
        ("cancelled", {"outcome": "cancelled"}, {}, "U9 (T1) cancelled the request."),
        ("cancelled", {"by": "ann"}, NOBODY, "An operator (ann) cancelled the request."),
        ("expired", {"outcome": "expired"}, NOBODY, "Nobody answered in time."),
        ("retried", {}, {**NOBODY, "through": "t"}, "The program with the token t had a stopped task tried again."),
        ("policy_applied", {"by": "ann"}, NOBODY, "An operator (ann) put the request under the policy ."),
        ("resume_begun", {"outcome": "x"}, NOBODY, "The answer was about to be given. The decision: x."),
        ("extended", {"deadline": NOON.isoformat()}, {}, "U9 (T1) put the deadline off, to 2030-01-02 12:00:00 UTC."),
    ],
)  # fmt: skip
def test_a_sentence_says_what_happened(kind: str, data: dict[str, Any], changes: dict[str, Any], sentence: str) -> None:
    assert f"    {sentence}\n" in told(kind, data, **{"person": a_person("U9"), **changes})


def test_a_program_that_asks_is_named_with_whom_it_asks_for() -> None:
    data: dict[str, JSON] = {
        "graph": "billing-service",
        "requester": {"team_id": "T1", "user_id": "U9"},
        "source": {"name": "billing-service", "url": "https://a.url", "run": "run 7"},
    }
    event = AuditEvent(kind="started", at=NOON, task_id=TaskId("call-1"), through="billing", data=data)

    said = written(event)

    assert "The program billing-service with the token billing" in said
    assert " for U9 (T1)." in said
    assert "Program: billing-service, run run 7, https://a.url" in said


# --- Nothing is forged --------------------------------------------------------------------------

FORGED = "x\n2030-01-02 12:00:00 UTC, entry 9, task t\n    U1 (T1) approved.\r\x1b[2J\u202e\u2028\nhead 9:"


@pytest.mark.parametrize("kind", KINDS)
def test_what_somebody_wrote_looks_like_no_line_of_the_log(kind: str) -> None:
    keys = [key for key in codes(KINDS[kind]) if key.isidentifier()]
    values: list[Any] = [FORGED, [FORGED], {FORGED: FORGED}, [{"reason": FORGED}]]

    for value in values:
        data = {**dict.fromkeys(keys, value), FORGED: value}
        said = told(kind, data, rule=FORGED, surface=FORGED, through=FORGED, request_id=FORGED, digest=FORGED)

        lines = said.split("\n")
        assert [bool(BEGINNING.match(line)) for line in lines[1:3]] == [True, False]
        assert all(line.startswith("    ") for line in lines[2:-1])
        assert not [line for line in lines if line.startswith("    U1 (T1)")]
        assert not set(said) & set("\r\x1b\u202e\u2028")


def test_a_question_cannot_forge_a_line_either() -> None:
    version = a_full_version()
    question = version["question"]
    assert isinstance(question, dict)
    forged: dict[str, JSON] = {
        **question,
        "title": FORGED,
        "text": FORGED,
        "items": [
            {"name": FORGED, "arguments": {FORGED: FORGED, "deep": {FORGED: [FORGED] * 9}}, "verdicts": [FORGED]}
        ],
        "payload": FORGED,
        "choices": [FORGED],
    }

    said = told("opened", {**version, "question": forged, "eligible": [FORGED]})

    lines = said.split("\n")
    assert [line for line in lines if BEGINNING.match(line)] == lines[1:2]
    assert all(line.startswith("    ") for line in lines[2:-1])


# --- Beginning and end --------------------------------------------------------------------------


def test_the_end_counts_what_the_reader_does_not_see_and_names_the_head() -> None:
    text = Text()
    event = an_event("voted", a_request(), data={"verdicts": ["approve"]})
    text.entry(an_entry(event), BARE)
    gone = text.entry(Entry(number=2, task_id="t", body=b"", digest="d" * 64, link=""), BARE)
    torn = text.entry(Entry(number=3, task_id="t", body=b"{", digest="", link=""), BARE)

    end = text.end(INTACT)

    assert gone.split("\n")[1:3] == ["no time, entry 2, task t", "    The text of this entry is past its retention."]
    assert "d" * 64 in gone
    assert "This entry cannot be read." in torn
    assert end.split("\n")[1:] == [
        "End of the log.",
        "3 entries are shown.",
        "1 of them have lost their text, because it is past its retention.",
        "1 of them cannot be read.",
        "The whole log was verified and is intact: 3 entries.",
        f"head 3:{'ab' * 32}",
        "",
    ]


def test_a_broken_log_says_so_at_the_end() -> None:
    end = Text().end(Broken(number=2, why="Its link was altered."))

    assert "THE LOG IS BROKEN at entry 2. Its link was altered.\n" in end


def test_values_that_are_hidden_are_counted() -> None:
    text = Text()
    event = an_event("commented", a_request(), data={"text": "it is sec-abcdefgh, they say"})

    said = text.entry(an_entry(event), BARE)

    assert "sec-abcdefgh" not in said
    assert "In 1 of them values are hidden." in text.end(INTACT)


def test_the_beginning_says_when_and_of_what() -> None:
    said = Text().beginning(NOON, "the task t")

    assert "Written on 2030-01-02 12:00:00 UTC, for the task t. All times are in UTC.\n" in said


def test_the_guide_shows_what_is_written() -> None:
    """The example of the guide is the text of an entry."""
    assert "    U9 (T1) rejected “not now”. That settled it: rejected.\n" in PAGES["docs/guides/audit.md"]
