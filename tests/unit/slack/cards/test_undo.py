"""The card of something that an agent has done: until when and by whom it can be undone, and what came of that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.model.decision import Answered, Approve, Cancelled, Decision, Keep, Outcome, Undo, WindowClosed
from bot.approvals.model.ids import JSON, Program, RequestId
from bot.approvals.model.message import MessageKind
from bot.approvals.model.policy import UndoTerms
from bot.approvals.model.question import Item, Question, Verdict, Window
from bot.approvals.model.request import Decided, Delivered, OpenStage, Pending, Request, RequestState, Superseded
from bot.approvals.model.task import Ended, Failed, Failure, Running, TaskCancelled, TaskState, Waiting
from bot.approvals.model.undo_offer import UndoOffer
from bot.approvals.ports.slack import View
from bot.approvals.rules import windows
from bot.approvals.services.messages.masked import Masking
from bot.engines import questions
from bot.secrets.detector import Detector
from bot.slack import actions
from bot.slack.cards import endings, render
from bot.slack.inbox import request_row, task_list
from bot.slack.text import moment
from tests.unit.slack import limits
from tests.unit.slack.cards.reading import labels, seen
from tests.unit.slack.samples import ALICE, BOB, CAROL, FAILURE, NOW, POLICY, message, request, task

LATER = NOW + timedelta(hours=1)
TITLE = "Moved 3 files of logs to the trash"
REPORT = "Undone: 3 files were moved back."
NOT_UNDONE = "Not undone: the trash was emptied meanwhile."
BOTH = (Verdict.UNDO, Verdict.KEEP)


def asks(*verdicts: Verdict, how: str = "Moves the files back", problem: str = "") -> Question:
    return Question(
        shape="undo_window",
        title=TITLE,
        text="",
        items=(Item(name="", arguments={"result": "12.0 kB in .trash/t-1"}, verdicts=verdicts or BOTH),),
        payload={"type": "undo_window"},
        types=(),
        window=Window(length=timedelta(minutes=10), how=how, problem=problem),
    )


def window(state: RequestState | None = None, about: Question | None = None, **changes: object) -> Request:
    about = about or asks()
    terms = changes.pop("terms", UndoTerms())
    assert isinstance(terms, UndoTerms)
    changes = {"open": OpenStage(asked=(ALICE,), opened_at=NOW), **changes}
    policy = windows.under(replace(POLICY, undo=terms, private=bool(changes.pop("private", False))), about, ALICE)
    return request(about, state or Pending(due_at=None), policy=policy, **changes)


def decision(verdict: Undo | Keep) -> Answered:
    return Answered(verdicts=(verdict,), voters=(ALICE,), edited=False, at=NOW)


UNDO, KEEP, CLOSED = decision(Undo()), decision(Keep()), WindowClosed(at=NOW)


def delivered(of: Decision, outcome: str = "") -> Delivered:
    return Delivered(decision=of, at=NOW, outcome=outcome)


def card(asked: Request) -> render.Card:
    return render.draw(View(message=message(), task=task(Waiting()), request=asked))


# --- While it is open ---------------------------------------------------------------------------


def test_an_open_window_says_what_was_done_how_it_is_undone_by_whom_and_until_when() -> None:
    asked = window()
    drawn = card(asked)

    assert seen(drawn).startswith(f"☑️ {TITLE}\n")
    assert f"<@U0ALICE> can undo it until {moment(NOW + timedelta(minutes=10))}; if nobody does, it stays" in seen(
        drawn
    )
    assert "Moves the files back" in seen(drawn)
    assert "12.0 kB in .trash/t-1" in seen(drawn)
    assert labels(drawn) == ["Undo", "Keep", "Details"]
    assert [each["action_id"] for each in limits.buttons(drawn.blocks)] == [
        actions.UNDO,
        actions.KEEP,
        actions.VIEW_ALL,
    ]


def test_what_cannot_be_undone_is_only_told() -> None:
    drawn = card(window(about=asks(Verdict.KEEP)))

    assert "This cannot be undone, so it stays" in seen(drawn)
    assert labels(drawn) == ["Keep", "Details"]
    assert "This cannot be undone." in drawn.text


def test_what_cannot_be_undone_is_not_told_as_left_by_people() -> None:
    closed = window(delivered(CLOSED), asks(Verdict.KEEP))

    assert endings.of_request(closed).startswith("✅ It stays: it cannot be undone")


def test_a_window_that_could_not_be_read_says_so() -> None:
    drawn = card(window(about=asks(problem="The agent gave no window that can be read, so it is 10 minutes")))

    assert ":warning: The agent gave no window that can be read" in seen(drawn)
    assert "no window that can be read" in drawn.text


def test_the_menu_has_nothing_that_waits_for_an_answer() -> None:
    menu = next(each for each in card(window()).blocks[-1]["elements"] if each["type"] == "overflow")

    assert [option["text"]["text"] for option in menu["options"]] == [
        "History",
        "Ask the requester…",
        "Cancel the task…",
    ]


@pytest.mark.parametrize(
    ("terms", "asked", "who"),
    [
        (UndoTerms(), (ALICE,), "<@U0ALICE> can undo it until"),
        (UndoTerms(approvers=("@ops-leads",)), (ALICE, BOB), "<@U0ALICE> or @ops-leads can undo it until"),
        (UndoTerms(approvers=("@ops-leads",), requester=False), (BOB,), "@ops-leads can undo it until"),
        (UndoTerms(approvers=("@ops-leads",), requester=False), (), "@ops-leads can undo it until"),
        (UndoTerms(requester=False), (BOB, CAROL), "<@U0BOB> or <@U0CAROL> can undo it until"),
    ],
)
def test_it_names_those_who_may_undo_it(terms: UndoTerms, asked: Sequence[object], who: str) -> None:
    drawn = card(window(terms=terms, open=OpenStage(asked=tuple(asked), opened_at=NOW)))  # type: ignore[arg-type]

    assert who in seen(drawn)


def test_if_nobody_may_undo_it_the_card_says_so() -> None:
    drawn = card(window(terms=UndoTerms(requester=False), open=OpenStage(asked=(), short=1, opened_at=NOW)))

    assert "*Nobody may undo it*, so it stays" in seen(drawn)


def test_a_long_way_back_is_opened_before_anybody_answers() -> None:
    drawn = card(window(about=asks(how="Moves the files back. " * 400)))

    assert labels(drawn) == ["Review…"]


def test_a_private_window_shows_nobody_what_was_done() -> None:
    drawn = card(window(private=True))

    assert "Only people who may undo it can see what was done" in seen(drawn)
    assert not any(words in seen(drawn) + drawn.text for words in (TITLE, "Moves the files back", "12.0 kB"))
    assert labels(drawn) == ["Review…"]


@pytest.mark.parametrize(
    ("action", "title"),
    [
        ("Moved the letters of Mrs Vane to the trash", "Done: cleanup"),
        ({"name": "move_letters", "arguments": {"of": "Mrs Vane"}}, "Done: Move letters"),
    ],
    ids=["a text", "a name"],
)
def test_a_private_window_names_an_action_and_quotes_no_text_that_says_what_was_done(action: JSON, title: str) -> None:
    about = questions.read({"type": "undo_window", "action": action})
    for state in (None, Delivered(decision=CLOSED, at=NOW)):
        drawn = card(window(state, about, private=True))

        assert title in seen(drawn) + drawn.text
        assert "Vane" not in json.dumps(drawn.blocks) + drawn.text


def test_secrets_are_masked_in_the_result_and_in_how_it_is_undone() -> None:
    """Also in the text for notifications. The buttons still carry the digest of the true question."""
    key = "sk-live-" + "4f9a8b7c6d5e4f3a2b1c0d9e"
    about = asks(how=f"Restores the key {key}")
    about = replace(about, items=(replace(about.items[0], arguments={"result": f"Stored {key}", "token": key}),))
    shown = Masking(secrets=Detector(), marks=lambda _: (), learned=len).request(task(), window(about=about))

    drawn = card(shown)

    assert key not in json.dumps(drawn.blocks) + drawn.text
    assert actions.request_target(limits.buttons(drawn.blocks)[-1]["value"]).digest == about.digest


def test_nothing_that_an_agent_writes_becomes_markup() -> None:
    drawn = card(window(about=asks(how="<!channel> *now* <https://evil.example|here>")))

    assert "<!channel>" not in "\n".join(limits.texts(drawn.blocks, "mrkdwn")) + drawn.text
    assert "<https://evil" not in drawn.text


def test_of_a_program_it_is_said_that_it_has_acted() -> None:
    program = Program(name="billing")
    of = replace(task(Waiting()), requester=program)
    drawn = render.draw(View(message=message(), task=of, request=replace(window(), requester=program)))

    assert "Started by *billing*" in seen(drawn)


# --- Once it is settled -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "sign", "said"),
    [
        (Decided(decision=UNDO, next_try=NOW), "↩️", "<@U0ALICE> chose *Undo*, {at} · it is being undone"),
        (delivered(UNDO), "↩️", "<@U0ALICE> chose *Undo*, {at} · the agent was told to undo it"),
        (delivered(UNDO, REPORT), "↩️", "<@U0ALICE> chose *Undo*, {at} · Undone: 3 files were moved back"),
        (
            delivered(UNDO, NOT_UNDONE),
            "⚠️",
            "<@U0ALICE> chose *Undo*, {at} · *Not undone: the trash was emptied meanwhile*",
        ),
        (
            Decided(decision=UNDO, attempts=1, failure=FAILURE),
            "⚠️",
            "*Not undone yet.* *Stopped by an error* (KeyError)",
        ),
        (
            Superseded(at=NOW, decision=UNDO),
            "⚠️",
            "*It may not have been undone*: the agent was stopped or had moved on",
        ),
        (Superseded(at=NOW, decision=UNDO, stopped=True), "⚠️", "*Not undone*: the task was stopped"),
        (Superseded(at=NOW, decision=UNDO, changed=True), "⚠️", "*Not undone*: the agent asks something else now"),
        (delivered(KEEP, "Moved 3 files."), "✅", "Kept by <@U0ALICE>, {at}"),
        (Decided(decision=CLOSED, next_try=NOW), "✅", "It stays: nobody undid it by {at}"),
        (delivered(CLOSED), "✅", "It stays: nobody undid it by {at}"),
        (Decided(decision=CLOSED, attempts=1, failure=FAILURE), "⚠️", "*Stopped by an error* (KeyError)"),
        (Superseded(at=NOW, decision=KEEP), "✅", "Kept by <@U0ALICE>, {at}"),
        (Superseded(at=NOW), "✅", "It stays: the agent went on without an answer, {at}"),
        (Superseded(at=NOW, stopped=True), "✅", "It stays: the task was stopped, {at}"),
        (delivered(Cancelled(by=ALICE, at=NOW)), "✅", "It stays: <@U0ALICE> cancelled the task, {at}"),
        (delivered(Cancelled(by=Program(name="ci"), at=NOW)), "✅", "It stays: *ci* withdrew the request, {at}"),
    ],
)
def test_a_settled_window_says_what_came_of_it(state: RequestState, sign: str, said: str) -> None:
    drawn = card(window(state))

    assert seen(drawn).startswith(f"{sign} {TITLE}\n")
    assert said.format(at=moment(NOW)) in seen(drawn)
    assert "can undo it" not in seen(drawn)
    assert drawn.text.startswith(TITLE)
    assert f" {sign} " in drawn.text


def test_what_was_not_undone_is_never_told_as_undone() -> None:
    for state in (delivered(UNDO, NOT_UNDONE), Superseded(at=NOW, decision=UNDO, stopped=True)):
        line = endings.of_request(window(state))

        assert line.startswith("⚠️ <@U0ALICE> chose *Undo* · *Not undone")
        assert "↩️" not in line


def test_an_undo_that_is_on_its_way_can_be_taken_back_and_is_not_called_undone_twice() -> None:
    drawn = card(window(Decided(decision=UNDO, next_try=NOW, held=Pending(due_at=None))))

    assert labels(drawn) == ["Take it back", "Details", "History"]


# --- The task -----------------------------------------------------------------------------------


def approval(**changes: object) -> Request:
    done = Answered(verdicts=(Approve(),), voters=(BOB,), edited=False, at=NOW - timedelta(minutes=5))
    return replace(request(state=delivered(done)), id=RequestId("first"), **changes)  # type: ignore[arg-type]


def line(state: TaskState, *requests: Request) -> str:
    ending = endings.of_task(task(state), requests)
    assert ending is not None
    return ending.line()


@pytest.mark.parametrize(
    ("outcome", "last", "said"),
    [
        (REPORT, delivered(UNDO, REPORT), "↩️ <@U0ALICE> chose *Undo* · Undone: 3 files were moved back"),
        ("finished", delivered(UNDO), "↩️ <@U0ALICE> chose *Undo* · the agent reported nothing"),
        (
            NOT_UNDONE,
            delivered(UNDO, NOT_UNDONE),
            "⚠️ *Not undone: the trash was emptied meanwhile* · <@U0ALICE> chose *Undo*",
        ),
        (
            "Moved 3 files.",
            Superseded(at=NOW, decision=UNDO),
            "⚠️ <@U0ALICE> chose *Undo* · *It may not have been undone*: the agent was stopped or had moved on"
            " · Moved 3 files",
        ),
        ("Moved 3 files.", delivered(KEEP), "✅ Moved 3 files · approved by <@U0BOB>"),
        ("Moved 3 files.", delivered(CLOSED), "✅ Moved 3 files · approved by <@U0BOB>"),
    ],
)
def test_a_task_tells_an_undo_first_and_what_stays_as_if_nobody_had_been_asked(
    outcome: str, last: RequestState, said: str
) -> None:
    assert line(Ended(outcome=outcome, at=NOW), approval(), window(last)) == said


def test_without_an_approval_the_task_says_that_it_stays() -> None:
    ended = Ended(outcome="Moved 3 files.", at=NOW)

    assert line(ended, window(delivered(CLOSED))) == f"✅ Moved 3 files · it stays: nobody undid it by {moment(NOW)}"
    assert line(ended, window(delivered(KEEP))) == "✅ Moved 3 files · kept by <@U0ALICE>"


def test_a_task_that_ends_before_it_undid_anything_says_so() -> None:
    stopped = Ended(outcome="Stopped: no more rounds.", at=NOW, stopped=True)
    failed = Failed(failure=Failure(error_id="e1", summary="OSError", at=NOW), retryable=True)
    lost = window(Superseded(at=NOW, decision=UNDO, stopped=True))

    assert line(stopped, lost) == "⚠️ <@U0ALICE> chose *Undo* · *Not undone*: the task was stopped"
    assert line(failed, window(Decided(decision=UNDO, attempts=1, failure=FAILURE))).startswith("⚠️ *Not undone yet.*")
    assert line(TaskCancelled(by=ALICE, at=NOW), lost) == (
        "🚫 Cancelled by <@U0ALICE> · *Not undone*: the task was stopped"
    )


def test_the_last_message_says_loudly_what_was_not_undone() -> None:
    of, last = task(Ended(outcome=NOT_UNDONE, at=NOW)), window(delivered(UNDO, NOT_UNDONE))
    made = View(message=message(MessageKind.OUTCOME), task=of, request=last, requests=(last,))
    first, said = render.draw(made).blocks

    sign, report = first["elements"][0]["elements"]
    assert sign == {"type": "text", "text": "⚠️ "}
    assert report == {"type": "text", "text": NOT_UNDONE, "style": {"bold": True}}
    assert said["text"]["text"] == "<@U0ALICE> chose *Undo*"


def opening(state: TaskState, *requests: Request) -> str:
    made = View(message=message(MessageKind.OPENING), task=task(state), request=None, requests=requests)
    return seen(render.draw(made))


def test_the_channel_reads_until_when_it_can_be_undone_and_that_it_is_being_undone() -> None:
    until = moment(NOW + timedelta(minutes=10))

    assert f"☑️ {TITLE} · <@U0ALICE> can undo it until {until}" in opening(Waiting(), window())
    assert f"▶️ Being undone: {TITLE}" in opening(Running(), window(Decided(decision=UNDO, next_try=NOW)))


def test_a_question_that_waits_comes_before_what_can_be_undone() -> None:
    assert "⏳ Delete 214 log files" in opening(Waiting(), window(), request())


# --- The approval -------------------------------------------------------------------------------


OFFER = UndoOffer(request_id=RequestId("the window"), version=3, digest="d" * 64, until=LATER)


def test_an_approval_whose_action_can_be_undone_leads_to_the_offer() -> None:
    drawn = card(approval(undo=OFFER))
    button = limits.buttons(drawn.blocks)[0]

    assert labels(drawn) == ["Undo…", "Details", "History"]
    assert button["action_id"] == actions.REVIEW
    assert actions.request_target(button["value"]) == actions.RequestTarget(
        request=OFFER.request_id, version=3, digest=OFFER.digest
    )
    assert f"cannot be taken back. What it did can be undone until {moment(LATER)}" in seen(drawn)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome.UNDO, "*Undo* was chosen later"),
        (Outcome.KEEP, "What it did was kept"),
        (Outcome.CLOSED, "What it did stays"),
    ],
)
def test_an_approval_says_what_became_of_the_offer(outcome: Outcome, said: str) -> None:
    drawn = card(approval(undo=replace(OFFER, outcome=outcome)))

    assert labels(drawn) == ["Details", "History"]
    assert said in seen(drawn)


def test_an_approval_that_never_led_to_an_offer_says_nothing_of_it() -> None:
    assert not any(words in seen(card(approval())) for words in ("undone", "Undo", "stays", "taken back"))


# --- Lists --------------------------------------------------------------------------------------


def test_lists_say_until_when_it_can_be_undone_and_not_that_it_waits() -> None:
    asked = window()
    until = moment(NOW + timedelta(minutes=10))

    assert request_row.line(asked, "") == f"*{TITLE}*\n☑️ <@U0ALICE> can undo it until {until}"
    assert task_list.state(task(Waiting()), (asked,)) == "☑️ done, and can be undone"
    assert task_list.state(task(Waiting()), (window(about=asks(Verdict.KEEP)),)) == "☑️ done"
    assert task_list.state(task(Waiting()), (asked, request())) == "⏳ waits for an answer"
    assert f": ☑️ <@U0ALICE> can undo it until {until}" in task_list.task_status(task(Waiting()), (asked,))


def test_a_list_of_decisions_says_that_undo_was_chosen_later() -> None:
    undone = approval(undo=replace(OFFER, outcome=Outcome.UNDO))

    assert endings.of_request(undone).endswith("*Undo* was chosen later")
    assert endings.of_request(approval(undo=OFFER)).endswith(f"can be undone until {moment(LATER)}")
    assert endings.of_request(window(Decided(decision=UNDO, attempts=1, failure=FAILURE))).startswith(
        "⚠️ <@U0ALICE> chose *Undo* · the agent has not taken it yet"
    )
    assert endings.of_request(window()) == ""


def test_slack_takes_the_card_in_every_state() -> None:
    for state in (None, delivered(UNDO, NOT_UNDONE), delivered(CLOSED), Superseded(at=NOW, decision=UNDO)):
        drawn = card(window(state))

        limits.check_message(drawn.text, list(drawn.blocks))


def test_an_undo_that_failed_offers_a_retry_and_no_other_answer() -> None:
    drawn = card(window(Decided(decision=UNDO, attempts=1, failure=FAILURE)))

    assert labels(drawn) == ["Retry now", "Details", "History"]
