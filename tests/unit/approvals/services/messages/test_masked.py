"""Records as they are drawn: whatever they say of a secret is masked, and what decides is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.approvals.inbox.queries import Contents, Page, Row
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.decision import Answered, Approve, Cancelled, Choose, Decision, Expired, Reject, Respond, Vote
from bot.approvals.model.errors import Difference
from bot.approvals.model.inbox import Look
from bot.approvals.model.request import Comment, Decided, Delivered, Edit, Passed, Superseded
from bot.approvals.model.task import MAX_SHORT_CHARACTERS, Ended, Failed, Failure, in_short
from bot.approvals.ports.slack import View
from bot.approvals.ports.storage import Records
from bot.approvals.rules.masking import MASK
from bot.approvals.rules.matching import Policies, Rule
from bot.approvals.services.messages.masked import MAX_RECENT, Masking, marks_of, masked_event
from bot.secrets import Detector
from tests.support.builders import NOON, a_message, a_person, a_policy, a_question, a_request, a_task, an_event, an_item
from tests.support.fakes.secrets import Marked, masking

SECRET = "sec-abcdefghijkl"
FAILURE = Failure(error_id="e1", summary=f"Broken{SECRET}", at=NOON)
VERDICTS = (Approve(reason=SECRET), Reject(reason=SECRET), Respond(value={"a": SECRET}), Choose(choice=SECRET))
ANSWERED = Answered(verdicts=VERDICTS, voters=(a_person(),), edited=False, at=NOON, ruled=SECRET)
DECISIONS: list[Decision] = [ANSWERED, Expired(at=NOON), Cancelled(by=a_person(), at=NOON)]
STATES = [
    *(Decided(decision=each, failure=FAILURE) for each in DECISIONS),
    *(Delivered(decision=each, at=NOON) for each in DECISIONS),
    *(Superseded(at=NOON, decision=each) for each in (None, *DECISIONS)),
]


@pytest.mark.parametrize("state", STATES)
def test_a_request_shows_no_secret_whatever_its_state(state: object) -> None:
    question = a_question(title=SECRET, items=(an_item(arguments={"password": "swordfish"}),))
    vote = Vote(person=a_person(), verdicts=VERDICTS, version=1, digest=question.digest, at=NOON)
    request = a_request(
        question=question,
        state=state,
        votes=(vote,),
        passed=(Passed(verdicts=VERDICTS, voters=(a_person(),), at=NOON),),
        comments=(Comment(by=a_person(), text=f"why {SECRET}, or swordfish?", at=NOON),),
    )

    shown = masking().request(a_task(), request)

    assert SECRET not in repr(replace(shown, question=a_question(), proposed=a_question()))
    assert "swordfish" not in repr(shown.comments)
    assert SECRET not in shown.question.title
    assert shown.question.items[0].arguments == {"password": MASK}
    assert (shown.id, shown.digest, shown.version) == (request.id, request.digest, request.version)
    assert shown.policy is request.policy
    assert shown.votes[0].digest == request.digest


def test_an_edit_of_a_hidden_value_is_seen_as_one() -> None:
    before = a_question(items=(an_item(arguments={"password": "swordfish"}),))
    after = a_question(items=(an_item(arguments={"password": "opensesame"}),))
    request = a_request(proposed=before, question=after, edits=(Edit(person=a_person(), at=NOON),))

    shown = masking().request(a_task(), request)

    assert shown.proposed.items != shown.question.items
    assert shown.digest == after.digest


def test_what_a_task_was_started_with_is_hidden_in_all_that_follows() -> None:
    """Its opening, its outcome, its progress, and the questions of its agent."""
    task = a_task(
        inputs={"password": "swordfish", "path": "logs"}, state=Ended(outcome=f"swordfish was set, {SECRET}", at=NOON)
    )
    request = a_request(task=task, question=a_question(title="Set swordfish?"))
    view = View(
        message=a_message("s", request), task=task, request=request, requests=(request,), doing="setting swordfish"
    )

    shown = masking().view(view)

    assert shown.task.inputs == {"password": MASK, "path": "logs"}
    assert isinstance(shown.task.state, Ended)
    assert shown.task.state.outcome == f"{MASK} was set, sec-{MASK}ijkl"
    assert shown.doing == f"setting {MASK}"
    assert shown.request is not None
    assert shown.request.question.title == shown.requests[0].question.title == f"Set {MASK}?"
    assert (shown.task.id, shown.task.channel, shown.task.created_at) == (task.id, task.channel, task.created_at)


@pytest.mark.parametrize("at", range(150, 215))
def test_a_short_outcome_shows_no_part_of_a_secret_in_which_it_was_cut(at: int) -> None:
    """The full outcome tells where the secret ends; the short one may not."""
    told = f"{'word ' * (at // 5)}{'x' * (at % 5)} swordfish-and-more {SECRET}"
    task = a_task(inputs={"password": "swordfish-and-more"}, state=Ended(outcome=told, at=NOON))
    state = Delivered(decision=ANSWERED, at=NOON, outcome=in_short(told))

    shown = masking().request(task, a_request(task=task, state=state))

    assert isinstance(shown.state, Delivered)
    assert "sword" not in shown.state.outcome
    assert "abcd" not in shown.state.outcome
    assert len(shown.state.outcome) <= MAX_SHORT_CHARACTERS


def test_the_outcome_of_a_task_whose_end_is_not_on_record_is_masked_by_itself() -> None:
    state = Delivered(decision=ANSWERED, at=NOON, outcome=f"used {SECRET}")

    shown = masking().request(a_task(), a_request(state=state))

    assert isinstance(shown.state, Delivered)
    assert shown.state.outcome == f"used sec-{MASK}ijkl"


def test_what_has_changed_is_told_without_secrets() -> None:
    task = a_task(inputs={"password": "swordfish"})
    request = a_request(task=task, policy=a_policy(mask=("iban",)))
    found = (
        Difference(name="note", before="to DE89 with swordfish", now=f"to DE90 with {SECRET}"),
        Difference(name="iban", before="DE89", now="DE90"),
        Difference(name="amount", before=10, now=20),
        Difference(name="added", now="yes"),
    )

    note, iban, amount, added = masking().differences(task, request, found)

    assert "DE" not in repr(iban)
    assert not any(each in repr(note) for each in ("DE89", "DE90", "swordfish", SECRET))
    assert (amount.before, amount.now) == (10, 20)
    assert (added.before, added.now) == (None, "yes")


def test_a_view_without_requests_is_masked_by_its_task() -> None:
    task = a_task(state=Failed(failure=FAILURE, retryable=True))

    shown = masking().view(View(message=a_message("s", task), task=task))

    assert shown.request is None
    assert isinstance(shown.task.state, Failed)
    assert SECRET not in shown.task.state.failure.summary
    assert shown.task.state.failure.error_id == "e1"


def test_what_was_masked_is_kept_for_the_newest_tasks_alone() -> None:
    """A task's messages are drawn together, and a process that draws many tasks does not grow with them."""
    drawn = masking()
    tasks = [a_task(f"task-{number}", inputs={"password": "swordfish"}) for number in range(MAX_RECENT + 1)]
    views = [View(message=a_message("s", task), task=task) for task in tasks]
    first, *_, last = [drawn.view(view).task for view in views]

    last_again = drawn.view(views[-1]).task
    first_again = drawn.view(views[0]).task

    assert last_again is last
    assert first_again is not first
    assert first_again == first


def test_what_is_kept_is_masked_anew_when_the_policies_mask_other_keys() -> None:
    """They may be read again while the bot runs."""
    marks: list[str] = []
    drawn = Masking(secrets=Detector(), marks=lambda _: tuple(marks), learned=len)
    task = a_task(inputs={"iban": "swordfish"})
    view = View(message=a_message("s", task), task=task)
    assert drawn.view(view).task.inputs == {"iban": "swordfish"}

    marks.append("iban")

    assert "swordfish" not in str(drawn.view(view).task.inputs)


def test_lists_are_masked_row_by_row() -> None:
    task = a_task(inputs={"password": "swordfish"})
    request = a_request(task=task, question=a_question(title="Set swordfish?"))
    records = Records(task=task, requests=(request,), messages=())
    page = Page(rows=(Row(records=records, request=request), Row(records=records)), total=2)
    contents = Contents(
        person=a_person(),
        look=Look(),
        waiting=page,
        asked=page,
        decided=page,
        all_waiting=1,
        overdue=0,
        graphs=(),
        undoable=page,
    )

    shown = masking().contents(contents)

    assert "swordfish" not in repr([row.records.task for row in shown.waiting.rows])
    for each in (shown.waiting, shown.asked, shown.decided, shown.undoable):
        first, second = each.rows
        assert first.request is not None
        assert first.request.question.title == f"Set {MASK}?"
        assert second.request is None
        assert second.records.requests[0].question.title == f"Set {MASK}?"


def test_what_happened_is_told_without_secrets() -> None:
    task = a_task(inputs={"password": "swordfish"})
    request = a_request(task=task)
    records = Records(task=task, requests=(request,), messages=())
    event = an_event("voted", request, data={"said": [{"reason": f"swordfish {SECRET}"}]}, digest="d" * 64)

    told = masked_event(masking().masker(records), event)

    assert told.data == {"said": [{"reason": f"{MASK} sec-{MASK}ijkl"}]}
    assert replace(told, data={}) == replace(event, data={})
    assert isinstance(told, AuditEvent)
    assert masking().records(records).requests[0].id == request.id


def test_a_policys_marks_hold_for_its_requests_and_for_their_task() -> None:
    task = a_task(inputs={"iban": "DE89"})
    request = a_request(
        task=task, policy=a_policy(mask=("bic",)), question=a_question(items=(an_item(arguments={"bic": "X"}),))
    )

    shown = masking("iban").view(View(message=a_message("s", request), task=task, request=request))

    assert shown.task.inputs == {"iban": MASK}
    assert shown.request is not None
    assert shown.request.question.items[0].arguments == {"bic": f"{MASK}#2"}


def test_marks_are_those_of_the_rules_that_may_govern_a_graph() -> None:
    policies = Policies(
        rules=(
            Rule(policy=a_policy(mask=("iban",)), graphs=("Pay*",)),
            Rule(policy=a_policy(mask=("ssn",)), graphs=("cleanup",)),
            Rule(policy=a_policy(mask=("iban", "bic"))),
        ),
        otherwise=a_policy(mask=("name",)),
    )

    assert marks_of(policies, "payment") == ("name", "iban", "bic")
    assert marks_of(policies, "cleanup") == ("name", "ssn", "iban", "bic")


def test_the_log_learns_the_secrets_of_a_task_and_of_its_questions() -> None:
    learned: list[str] = []
    task = a_task(inputs={"password": "swordfish", "path": "logs"})
    request = a_request(task=task, question=a_question(items=(an_item(arguments={"password": "opensesame"}),)))

    Masking(secrets=Marked(), marks=lambda _: (), learned=learned.extend).learn(task, (request,))

    assert learned == ["swordfish", "opensesame"]


def test_a_sentence_is_masked_by_itself() -> None:
    assert masking().text(f"`{SECRET}` is no graph") == f"`sec-{MASK}ijkl` is no graph"


def test_an_hour_is_no_text() -> None:
    """Whatever is no text stays the very same."""
    request = a_request(opened_at=NOON + timedelta(hours=1))

    assert masking().request(a_task(), request).opened_at == request.opened_at
