"""Programs that ask through the API: who asks, for whom, what it is about, and who has the decision."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.approvals.model.caller import Caller, Consumed, task_id_of
from bot.approvals.model.decision import Answered, Approve, Cancelled, Choose, Expired, Reject, Undo
from bot.approvals.model.ids import Person, Program
from bot.approvals.model.message import MessageKind
from bot.approvals.model.question import Verdict, Window
from bot.approvals.model.request import Decided, Delivered, Pending, Request, RequestState, Superseded
from bot.approvals.model.task import Ended, Running, Starting, Task, TaskCancelled, TaskState, Waiting
from bot.approvals.ports.slack import View
from bot.approvals.rules import windows
from bot.slack import actions, lines
from bot.slack.cards import decision_words, programs, render, side_action_menu
from bot.slack.cards.render import Card
from bot.slack.inbox import request_row, task_list
from bot.slack.modals import answer_modal
from bot.slack.text import moment
from tests.unit.slack import limits, samples
from tests.unit.slack.cards.reading import seen
from tests.unit.slack.samples import ALICE, BOB, CAROL, NOW, answered, vote

BILLING = Program(name="billing-service")
ID = task_id_of("9f2c41aa5d0000000001")
LATER = NOW + timedelta(hours=1)
CALLER = Caller(
    source="billing-service",
    token="billing",
    key="refund-7",
    body="",
    url="https://billing.example.com/orders/7?a=1&b=2",
    run="nightly 4711",
)
LINK = "<https://billing.example.com/orders/7?a=1&amp;b=2|nightly 4711>"


def called(requester: Person | Program = BILLING, state: TaskState | None = None, **caller: Any) -> Task:
    return replace(
        samples.task(state or Waiting(), question={"question": "Refund?"}),
        id=ID,
        graph="billing-service",
        requester=requester,
        caller=replace(CALLER, **caller),
    )


def asked(requester: Person | Program = BILLING, state: RequestState | None = None, **changes: object) -> Request:
    about = samples.question(samples.REFUND, title="Refund order A-10442?", text="")
    return samples.request(about, state, task_id=ID, graph="billing-service", requester=requester, **changes)


def undoable(requester: Person | Program, *verdicts: Verdict) -> Request:
    """What the program has done and offers to undo."""
    about = replace(
        samples.question(replace(samples.REFUND, verdicts=verdicts or (Verdict.UNDO, Verdict.KEEP)), title="", text=""),
        window=Window(length=timedelta(minutes=10)),
    )
    policy = windows.under(samples.POLICY, about, requester)
    return samples.request(about, task_id=ID, graph="billing-service", requester=requester, policy=policy)


def drawn(task: Task, *requests: Request, kind: MessageKind = MessageKind.CARD) -> Card:
    message = replace(samples.message(kind), task_id=ID)
    only = requests[0] if requests else None
    card = render.draw(View(message=message, task=task, request=only, requests=requests))
    limits.check_message(card.text, list(card.blocks))
    return card


# --- Who asks, and what about -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requester", "card", "copy", "row"),
    [
        (BILLING, "Asked by *billing-service*", "Asked by *billing-service* in <#C0OPS>", "*billing-service*"),
        (
            ALICE,
            "<@U0ALICE> through *billing-service*",
            "<@U0ALICE> in <#C0OPS> through *billing-service*",
            "<@U0ALICE> through *billing-service*",
        ),
    ],
)
def test_a_card_and_a_row_say_who_asks(requester: Person | Program, card: str, copy: str, row: str) -> None:
    task, request = called(requester), asked(requester)

    assert f"{card} · {LINK} · " in seen(drawn(task, request))
    assert f"{copy} · {LINK} · " in seen(drawn(task, request, kind=MessageKind.COPY))
    assert f" · {row} · by " in request_row.line(request, "place")


def test_a_task_that_a_program_started_says_so() -> None:
    """Its agent asks, not the program."""
    task = replace(samples.task(), caller=replace(CALLER, url=""))
    nobodys = replace(task, requester=BILLING)
    request = samples.request()

    assert "<@U0ALICE> through *billing-service* · nightly 4711" in seen(drawn(task, request))
    assert "Started by *billing-service* · nightly 4711" in seen(drawn(nobodys, replace(request, requester=BILLING)))
    assert opening(task).startswith("@U0ALICE started cleanup through billing-service · nightly 4711 · Folder ")
    assert opening(nobodys).startswith("billing-service started cleanup · nightly 4711 · Folder ")
    assert (
        drawn(nobodys, request, kind=MessageKind.COPY).text.count("billing-service asks for cleanup in <#C0OPS>.") == 1
    )


@pytest.mark.parametrize(
    ("requester", "finished", "said"),
    [
        (BILLING, False, "billing-service asks · nightly 4711"),
        (BILLING, True, "billing-service asked · nightly 4711"),
        (ALICE, False, "@U0ALICE asks through billing-service · nightly 4711"),
    ],
)
def test_the_opening_says_who_asks_and_not_the_raw_question(
    requester: Person | Program, finished: bool, said: str
) -> None:
    task = called(requester, Ended(outcome="finished", at=LATER) if finished else None)

    assert opening(task, asked(requester)).split("\n")[0] == said


@pytest.mark.parametrize(
    ("requester", "said", "done"),
    [
        (BILLING, "billing-service acted", "Done by billing-service in <#C0OPS>."),
        (ALICE, "billing-service acted for @U0ALICE", "Done for <@U0ALICE> through billing-service in <#C0OPS>."),
    ],
)
def test_a_program_that_offers_to_undo_has_acted_and_does_not_ask(
    requester: Person | Program, said: str, done: str
) -> None:
    offered = undoable(requester)

    assert opening(called(requester), offered).split("\n")[0] == f"{said} · nightly 4711"
    text = drawn(called(requester), offered, kind=MessageKind.OPENING).text
    assert text.startswith(f"{said.replace('@U0ALICE', '<@U0ALICE>')}. ")
    assert done in drawn(called(requester), offered).text


def test_what_a_program_did_stays_until_that_program_goes_on() -> None:
    assert "so it stays; *billing-service* goes on" in seen(drawn(called(), undoable(BILLING, Verdict.KEEP)))


def test_who_chose_undo_on_another_page_stands_between_commas() -> None:
    chosen = Answered(verdicts=(Undo(),), voters=(BOB,), edited=False, at=LATER)
    request = through(undoable(BILLING, Verdict.UNDO, Verdict.KEEP), (BOB, "portal"))

    assert decision_words.said(request, chosen) == "<@U0BOB>, through *portal*, chose *Undo*"


def test_a_notification_says_who_asks() -> None:
    assert " billing-service asks in <#C0OPS>. " in drawn(called(), asked()).text
    assert " <@U0ALICE> asks through billing-service in <#C0OPS>. " in drawn(called(ALICE), asked(ALICE)).text
    assert drawn(called(), asked(), kind=MessageKind.OPENING).text.startswith("billing-service asks. ⏳ Refund")


def opening(task: Task, *requests: Request) -> str:
    return "\n".join(lines.lines(drawn(task, *requests, kind=MessageKind.OPENING).blocks, 200))


@pytest.mark.parametrize(
    ("run", "url", "shown"),
    [
        ("", "", []),
        ("", "https://Ci.Example.com:8443/7", ["<https://Ci.Example.com:8443/7|ci.example.com>"]),
        ("run 7", "", ["run 7"]),
        ("run 7", "http://ci/7", ["<http://ci/7|run 7>"]),
        ("https://bank.example", "https://ci/7", ["https://bank.example", "<https://ci/7|ci>"]),
        ("bank\u3002example", "https://ci/7", ["bank\u3002example", "<https://ci/7|ci>"]),
        ("bank\uff0eexample", "https://ci/7", ["bank\uff0eexample", "<https://ci/7|ci>"]),
        ("www bank", "https://ci/7", ["www bank", "<https://ci/7|ci>"]),
        ("a|b>\n<!channel> *c*", "https://ci/7", ["<https://ci/7|a|b&gt; &lt;!channel&gt; c>"]),
        ("x" * 100, "https://ci/7", [f"<https://ci/7|{'x' * 59}…>"]),
        ("", f"https://{'x' * 70}.example/", [f"<https://{'x' * 70}.example/|…{'x' * 51}.example>"]),
        *(
            ("run 7", url, ["run 7"])
            for url in (
                "javascript:alert(1)",
                "file:///etc/passwd",
                "//ci/7",
                "https://",
                "https://ci/7|bank>",
                "https://ci/7 8",
                "https://ci/7\nx",
                "https://bank.example\\@ci/7",
                "https://bank.example@ci/7",
                "https://\u0441i.example/7",
                "https://ci/\u202e7",
                f"https://ci/{'x' * 1000}",
                f"https://ci/?{'&' * 250}",
            )
        ),
    ],
)
def test_only_a_safe_link_is_one_and_it_never_looks_like_another(run: str, url: str, shown: list[str]) -> None:
    about = replace(CALLER, run=run, url=url)

    assert programs.about(about) == shown
    assert [each["url"] for each in programs.about_runs(about) if each["type"] == "link"] == [
        url for each in shown if each.startswith("<")
    ]


def test_the_name_of_a_program_mentions_nobody_and_is_cut() -> None:
    evil = Program(name="<!channel> *b*_c_ " + "x" * 100)
    task, request = called(evil, source=evil.name), asked(evil)

    for kind in (MessageKind.CARD, MessageKind.COPY, MessageKind.OPENING):
        card = drawn(task, request, kind=kind)
        assert "<!channel>" not in card.text
        assert "<!channel>" not in str([block for block in card.blocks if block["type"] != "rich_text"])
        assert "x" * 63 not in str(card.blocks)


# --- Whether the program has the decision -------------------------------------------------------

TITLE = "Refund order A-10442?"
TAKEN = {"consumed": Consumed(at=LATER, execution="7")}
YES, NO = answered(), answered(Reject(reason="no"))
MINE = f"Approved by <@U0BOB>, {moment(YES.at)}"


@pytest.mark.parametrize(
    ("state", "caller", "said"),
    [
        (Decided(decision=YES), {}, f"{MINE} · *billing-service* gets it in a moment"),
        (
            Decided(decision=YES, next_try=LATER, held=Pending(due_at=None), held_until=LATER),
            {},
            f"{MINE} · *billing-service* gets it {moment(LATER, seconds=True)} · until then *Undo* or *Stop*",
        ),
        (
            Decided(decision=YES, next_try=LATER, held=Pending(due_at=None)),
            {},
            f"{MINE} · *billing-service* gets it in a moment; until then <@U0BOB> can take it back",
        ),
        (Decided(decision=YES, attempts=1), {}, f"{MINE} · *billing-service* can fetch the decision"),
        (
            Delivered(decision=YES, at=LATER, outcome="finished"),
            {},
            f"{MINE} · *billing-service* can fetch the decision",
        ),
        (Delivered(decision=YES, at=LATER), TAKEN, f"{MINE} · *billing-service* took it {moment(LATER)}"),
        (Delivered(decision=NO, at=LATER), {}, ': "no" · *billing-service* can fetch the decision'),
        (Delivered(decision=answered(Choose(choice="b")), at=LATER), {}, " · *billing-service* can fetch the answer"),
        (Delivered(decision=Expired(at=LATER), at=LATER), {}, f"by {moment(LATER)} · *billing-service* can fetch that"),
        (
            Delivered(decision=Cancelled(by=BILLING, at=LATER), at=LATER),
            {},
            f"Withdrawn by *billing-service*, {moment(LATER)}",
        ),
        (Decided(decision=Cancelled(by=ALICE, at=LATER)), {}, f"Cancelled by <@U0ALICE>, {moment(LATER)}"),
        (Superseded(at=LATER), {}, f"No longer needed: *billing-service* moved on without an answer, {moment(LATER)}"),
        (
            Superseded(at=LATER, decision=YES, stopped=True),
            {},
            f"{MINE} · *billing-service* does not get it, because the request was withdrawn",
        ),
        (samples.decided(YES, samples.FAILURE), {}, "*Stopped by an error* (KeyError)"),
    ],
)
def test_a_settled_card_says_whether_the_program_has_the_decision(
    state: RequestState, caller: dict[str, Any], said: str
) -> None:
    card = seen(drawn(called(**caller), asked(state=state)))

    assert said in card
    assert "agent" not in card


def test_details_say_whether_the_program_took_the_decision() -> None:
    request = asked(state=Delivered(decision=YES, at=LATER))

    assert "can fetch the decision" in str(answer_modal.view_all(request, caller=CALLER))
    assert "took it" in str(answer_modal.view_all(request, caller=replace(CALLER, **TAKEN)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "request_state", "said"),
    [
        (Starting(), None, "⏳ About to be asked"),
        (TaskCancelled(by=BILLING, at=LATER), None, "🚫 Withdrawn by *billing-service*"),
        (Running(), Pending(due_at=None), "⏳ Refund order A-10442? · <@U0BOB> and <@U0CAROL>, by "),
        (Waiting(), Decided(decision=YES), f"✅ Refund order A-10442? · Approved by <@U0BOB> · {moment(YES.at)}"),
        (Ended(outcome="finished", at=LATER), Delivered(decision=YES, at=LATER), f"✅ {TITLE} · Approved by <@U0BOB>"),
        (Ended(outcome="finished", at=LATER), Delivered(decision=NO, at=LATER), f"⛔ {TITLE} · Rejected by <@U0BOB>"),
        (
            TaskCancelled(by=BILLING, at=LATER),
            Delivered(decision=Cancelled(by=BILLING, at=LATER), at=LATER),
            f"🚫 {TITLE} · Withdrawn by *billing-service*",
        ),
        (
            Ended(outcome="finished", at=LATER),
            Superseded(at=LATER, decision=YES),
            f"⚠️ {TITLE} · Approved by <@U0BOB>, but *billing-service* may not have been told",
        ),
    ],
)
def test_the_opening_says_how_the_request_stands(
    state: TaskState, request_state: RequestState | None, said: str
) -> None:
    requests = [] if request_state is None else [asked(state=request_state)]
    (_, standing) = drawn(called(state=state), *requests, kind=MessageKind.OPENING).blocks

    assert standing["text"]["text"].startswith(said)
    if isinstance(state, Ended | TaskCancelled):
        assert standing["text"]["text"] == said


def test_lists_say_when_it_was_asked_and_how_it_was_settled() -> None:
    request = asked(ALICE, Superseded(at=LATER, decision=YES, stopped=True))

    assert "withdrawn before it was fetched" in request_row.line(request, "place")
    assert task_list.task_list([(called(ALICE), [asked(ALICE)])]).endswith(f"asked {moment(NOW)}")
    assert "by <@U0ALICE> through *billing-service* in <#C0OPS>" in task_list.task_status(called(ALICE), [])
    assert "by *billing-service* in <#C0OPS>" in task_list.task_status(called(), [])


def test_an_outcome_message_mentions_no_program() -> None:
    """A task that a program started has one, and the program reads nothing in Slack."""
    task = replace(samples.task(Ended(outcome="Done.", at=LATER)), requester=BILLING, caller=CALLER)

    assert "billing-service" not in drawn(task, samples.request(), kind=MessageKind.OUTCOME).text


def test_nothing_is_offered_that_only_a_person_who_asks_can_do() -> None:
    def offered(request: Request) -> set[str]:
        (menu,) = side_action_menu.menu(request)
        return {each["text"]["text"] for each in menu["options"]}

    assert offered(asked(ALICE)) - offered(asked()) == {"Ask the requester…", "Send a reminder", "Cancel the request…"}
    assert "Cancel the task…" in offered(samples.request())
    assert actions.HISTORY in str(side_action_menu.menu(asked()))


# --- Votes from other pages ---------------------------------------------------------------------


def through(request: Request, *ways: tuple[Person, str]) -> Request:
    votes = tuple(replace(vote(person, request), through=way) for person, way in ways)
    return replace(request, votes=votes)


@pytest.mark.parametrize(
    ("ways", "said"),
    [
        ([(BOB, "portal")], "Approved by <@U0BOB>, through *portal*, <!date"),
        ([(BOB, "portal"), (CAROL, "portal")], "Approved by <@U0BOB> and <@U0CAROL>, through *portal*, <!date"),
        ([(BOB, "portal"), (CAROL, "")], "Approved by <@U0BOB> (through *portal*) and <@U0CAROL>, <!date"),
        ([(BOB, ""), (CAROL, "")], "Approved by <@U0BOB> and <@U0CAROL>, <!date"),
    ],
)
def test_a_card_says_on_which_page_people_decided(ways: list[tuple[Person, str]], said: str) -> None:
    decision = Answered(verdicts=(Approve(),), voters=tuple(person for person, _ in ways), edited=False, at=LATER)
    request = through(asked(state=Delivered(decision=decision, at=LATER)), *ways)

    assert said in seen(drawn(called(), request))
    assert said.rpartition(", ")[0] in request_row.line(request, "place")


def test_a_vote_so_far_says_on_which_page_it_was_given() -> None:
    request = through(asked(), (BOB, "<portal>"))

    assert f"✓ <@U0BOB> through *&lt;portal&gt;* {moment(NOW)}" in seen(drawn(called(), request))
    assert f"{moment(NOW)} · through *&lt;portal&gt;*" in str(answer_modal.view_all(request))


def test_details_say_on_which_pages_people_may_answer() -> None:
    request = asked(policy=replace(samples.POLICY, via=("portal", "intranet")))

    assert "People may also answer through *portal* and *intranet*" in str(answer_modal.view_all(request))
    assert "may also answer" not in str(answer_modal.view_all(asked()))
