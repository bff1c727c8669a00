"""A sentence for each kind of audit event, in plain text, with what else its record holds.

`tests/unit/cli/test_audit_text.py` holds the table to docs/reference/audit-events.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.caller import is_of_caller
from bot.cli.audit.phrases import OUTCOMES, outcome, verdicts, who
from bot.cli.audit.values import Account, Data, listed, moment, one_line, person, prose, shown
from bot.cli.audit.version import source, version
from bot.printable import printable

Tell: TypeAlias = Callable[[AuditEvent, Data], Account]
"""Tells of an event, and takes from the data what it tells."""


def account(event: AuditEvent, where: str) -> Account | None:
    """What is told of the event, with all that its record holds. `where` says on which message it was done. None if
    this version does not know its kind."""
    tell = SENTENCES.get(event.kind)
    if tell is None:
        return None
    data = Data.of(event)
    number = data.take("version")
    told = tell(event, data)
    about = [
        "" if number is None else f"version {one_line(number)}",
        where,
        f"SHA-256 {printable(event.digest)}" if event.digest else "",
        f"rule {printable(event.rule)}" if event.rule else "",
        f"through the token {printable(event.through)}" if event.through and event.through not in told.sentence else "",
        person(event.person) if event.person and person(event.person) not in told.sentence else "",
    ]
    line = ", ".join(part for part in about if part)
    first = [f"{line[0].upper()}{line[1:]}"] if line else []
    return Account(sentence=told.sentence, lines=[*first, *told.lines, *version(data), *_now_asked(data), *data.rest()])


def _now_asked(data: Data) -> list[str]:
    able = data.take("eligible")
    return [f"May answer the next stage: {listed(able, 'or') or 'nobody'}"] if able is not None else []


# --- Sentences with a part that varies ----------------------------------------------------------


_WRITTEN: Final = {
    "card": "the card",
    "copy": "a copy of the card",
    "file": "the file with everything that is asked",
}


def _answered(event: AuditEvent, data: Data, words: str) -> Account:
    actor = who(event, data)
    phrases = verdicts(data.take("verdicts"), data.take("said"))
    if len(phrases) > 1:
        each = [f"Action {number}: {phrase}" for number, phrase in enumerate(phrases, start=1)]
        return Account(sentence=f"{actor} {words}answered {len(phrases)} actions.{outcome(data)}", lines=each)
    return Account(sentence=f"{actor} {words}{phrases[0] if phrases else 'answered'}.{outcome(data)}")


def _voted(event: AuditEvent, data: Data) -> Account:
    return _answered(event, data, "")


def _reworded(event: AuditEvent, data: Data) -> Account:
    before = data.take("before")
    told = _answered(event, data, "edited the message of their answer, and so ")
    phrases = verdicts(before.get("verdicts"), before.get("said")) if isinstance(before, dict) else []
    earlier = [f"Before: {'; '.join(phrases)}"] if phrases else [] if before is None else shown("Before", before)
    return Account(sentence=told.sentence, lines=[*told.lines, *earlier])


def _started(event: AuditEvent, data: Data) -> Account:
    graph, requester, inputs = data.text("graph"), data.take("requester"), data.take("inputs")
    of_program = data.inner("source").left.get("name")
    actor = f"The program {one_line(of_program)}" if of_program and event.person is None else who(event, data)
    token = f" with the token {printable(event.through)}" if of_program and event.through else ""
    by_person = isinstance(requester, dict) and "user_id" in requester
    wanted = f" for {person(requester)}" if by_person else ""
    did = "asked people something" if is_of_caller(event.task_id) else f"started {graph}"
    more = shown("It was started with", inputs) if inputs else []
    asks = [f"As: {graph}"] if graph and is_of_caller(event.task_id) else []
    if not by_person and requester not in (None, {"name": of_program}):
        asks += [f"Requester: {person(requester)}"]
    return Account(sentence=f"{actor}{token} {did}{wanted}.", lines=[*asks, *more, *source(data)])


def _adopted(_: AuditEvent, data: Data) -> Account:
    graph, server, thread = data.text("graph"), data.text("server"), data.text("thread")
    requester, parent = data.take("requester"), data.take("parent")
    lines = [f"Thread: {thread}", f"Agent: {graph}"]
    lines += [f"Requester: {person(requester)}"] if requester is not None else []
    lines += [f"Started by: {one_line(parent)}"] if parent else []
    return Account(
        sentence=f"A thread on the LangGraph Server {server} asked something, so people are asked.", lines=lines
    )


def _opened(event: AuditEvent, data: Data) -> Account:
    question = data.left.get("question")
    window = question.get("window") if isinstance(question, dict) else None
    did = "The agent said what it has done, and how that can be undone" if window else "The agent asked"
    asked = "The program asked" if is_of_caller(event.task_id) else did
    why = prose("Why", data.take("why"))
    return Account(sentence=f"{asked}.{outcome(data, 'It was settled at once')}", lines=why)


def _shown(event: AuditEvent, data: Data) -> Account:
    what, channel, ts = str(data.take("as")), data.text("channel"), data.text("ts")
    where = f"{person(event.person)}, in the direct message {channel}" if event.person else f"everybody in {channel}"
    said = _WRITTEN.get(what, f"a message ({printable(what)})")
    return Account(sentence=f"{said[0].upper()}{said[1:]} was shown to {where}, as the message {ts}.")


def _revealed(event: AuditEvent, data: Data) -> Account:
    return Account(sentence=f"{who(event, data)} looked at what is hidden: {listed(data.take('keys')) or 'a value'}.")


def _edited(event: AuditEvent, data: Data) -> Account:
    was, now, before = data.take("was"), data.take("is"), data.text("digest_before")
    item, name = data.take("item"), data.text("edited")
    number = one_line(item + 1 if isinstance(item, int) else item)
    which = f" of {name}" if name else f" of action {number}" if item is not None else ""
    lines = [*shown("Before", was), *shown("Now", now)]
    lines += [f"SHA-256 of what was asked before: {before}"] if before else []
    return Account(sentence=f"{who(event, data)} changed the arguments{which}. Earlier answers are void.", lines=lines)


def _refused(event: AuditEvent, data: Data) -> Account:
    tried, why, said = data.text("tried"), data.text("why"), data.take("said")
    doing = f" when they tried to {tried}" if tried else ""
    reason = f" ({why})" if why else ""
    return Account(sentence=f"{who(event, data)} was refused{doing}{reason}.", lines=prose("They were told", said))


def _escalated(_: AuditEvent, data: Data) -> Account:
    to, unreached = listed(data.take("to")), data.take("unreached")
    missing = shown("Not reached", unreached) if unreached else []
    sentence = f"Nobody had answered, so {to or 'others'} were asked as well.{outcome(data)}"
    return Account(sentence=sentence, lines=missing)


def _extended(event: AuditEvent, data: Data) -> Account:
    return Account(sentence=f"{who(event, data)} put the deadline off, to {moment(data.take('deadline'))}.")


def _delegated(event: AuditEvent, data: Data) -> Account:
    return Account(sentence=f"{who(event, data)} gave their vote to {data.text('to') or 'a colleague'}.")


def _commented(event: AuditEvent, data: Data) -> Account:
    return Account(
        sentence=f"{who(event, data)} asked the requester something.", lines=prose("They wrote", data.take("text"))
    )


def _unreached(event: AuditEvent, data: Data) -> Account:
    channel = data.text("channel")
    to = person(event.person) if event.person else f"the channel {channel}" if channel else "somebody"
    return Account(sentence=f"The card could not be sent to {to}.", lines=prose("Why", data.take("why")))


def _unattached(_: AuditEvent, data: Data) -> Account:
    return Account(
        sentence="The file with everything that is asked could not be attached.", lines=prose("Why", data.take("why"))
    )


def _resumed(event: AuditEvent, data: Data) -> Account:
    whom = "The program could fetch the answer" if is_of_caller(event.task_id) else "The answer was about to be given"
    told = data.take("told") if "told" in data.left else None
    return Account(
        sentence=f"{whom}.{outcome(data, 'The decision')}",
        lines=[] if told is None else shown("The agent was to be told", told),
    )


def _settled(words: str) -> Tell:
    """A sentence, with the decision that it is about."""
    return lambda _, data: Account(sentence=f"{words}{outcome(data, 'The decision')}")


def _over(words: str, usual: str) -> Tell:
    """A sentence that says the usual decision itself."""

    def tell(_: AuditEvent, data: Data) -> Account:
        if data.left.get("outcome") == usual:
            data.take("outcome")
        return Account(sentence=f"{words}{outcome(data, 'The decision')}")

    return tell


def _done(words: str) -> Tell:
    """What somebody did, with the decision if there is one."""
    return lambda event, data: Account(sentence=f"{who(event, data)} {words}{outcome(data, 'The decision')}")


def _missing(_: AuditEvent, data: Data) -> Account:
    missing = data.inner("missing")
    part, name = missing.text("part"), missing.text("name")
    return Account(
        sentence=f"The {part or 'code'} {name} that the request waits at is gone from the agent's code."
        f"{outcome(data, 'The decision')}"
    )


def _asked_again(_: AuditEvent, data: Data) -> Account:
    objection = data.take("objection")
    sentence = "The agent did not take the answer, and asked again."
    return Account(sentence=sentence, lines=prose("Its objection", objection))


def _taken_back(event: AuditEvent, data: Data) -> Account:
    how = data.take("message")
    by = {"deleted": ", by deleting its message", "edited": ", by editing its message"}.get(str(how), "")
    more = shown("Message", how) if how and not by else []
    return Account(sentence=f"{who(event, data)} took the answer back{by}. The request is open again.", lines=more)


def _stopped_delivery(event: AuditEvent, data: Data) -> Account:
    decision = data.take("decision")
    was = f" It had been settled: {OUTCOMES.get(str(decision), one_line(decision))}." if decision else ""
    actor = who(event, data)
    return Account(sentence=f"{actor} stopped the decision before the agent got it. The request is open again.{was}")


def _policy_applied(event: AuditEvent, data: Data) -> Account:
    was, before, now = data.text("was"), data.take("asked_before"), data.take("asks")
    voided = listed(data.take("voided"))
    lines = [f"Earlier policy: {was}"] if was else []
    lines += [f"Asked before: {listed(before)}"] if before else []
    lines += [f"Asked now: {listed(now)}"] if now else []
    lines += [f"What {voided} had answered does not count any more."] if voided else []
    return Account(
        sentence=f"{who(event, data)} put the request under the policy {printable(event.rule)}.", lines=lines
    )


def _cancelled(event: AuditEvent, data: Data) -> Account:
    what = "the request" if event.request_id else "the task"
    if data.left.get("outcome") == "cancelled":
        data.take("outcome")
    sentence = f"{who(event, data)} cancelled {what}.{outcome(data, 'The decision')}"
    return Account(sentence=sentence, lines=prose("Reason", data.take("reason")))


def _consumed(event: AuditEvent, data: Data) -> Account:
    execution = data.text("execution")
    by = f", for its execution {execution}" if execution else ""
    settled = outcome(data, "The decision")
    return Account(sentence=f"{who(event, data)} took the decision{by}. Nobody else can take it.{settled}")


def _ended(words: str) -> Tell:
    return lambda _, data: Account(sentence=words, lines=prose("Result", data.take("result")))


def _failed(words: str) -> Tell:
    def tell(_: AuditEvent, data: Data) -> Account:
        id = data.text("error_id")
        of = f" (error id {id})" if id else ""
        return Account(sentence=f"{words}{of}.", lines=prose("Error", data.take("error")))

    return tell


def _webhook(words: str) -> Tell:
    def tell(_: AuditEvent, data: Data) -> Account:
        host, type_, attempts, id = data.text("host"), data.text("type"), data.text("attempts"), data.text("webhook")
        more = [f"Webhook {id}, {type_}, {attempts} tries", *prose("Why", data.take("failure"))]
        return Account(sentence=f"The program {words} at {host}.", lines=more)

    return tell


def _token_added(event: AuditEvent, data: Data) -> Account:
    name, expires = data.text("name"), data.take("expires_at")
    allows = [
        (f"It {words}: {listed(data.take(key)) or otherwise}")
        for key, words, otherwise in (
            ("scopes", "allows", "nothing"),
            ("sources", "speaks for", "nobody"),
            ("channels", "may ask in", "any channel"),
        )
    ]
    until = f"until {moment(expires)}" if expires else "without an end"
    return Account(sentence=f"{who(event, data)} made the token {name}, {until}.", lines=allows)


def _token_revoked(event: AuditEvent, data: Data) -> Account:
    return Account(sentence=f"{who(event, data)} revoked the token {data.text('name')}.")


SENTENCES: Final[Mapping[str, Tell]] = {
    "started": _started,
    "adopted": _adopted,
    "task_reopened": _settled("The thread on the LangGraph Server asked something new, so the task goes on."),
    "opened": _opened,
    "shown": _shown,
    "viewed": _done("was shown all of it."),
    "revealed": _revealed,
    "voted": _voted,
    "reworded": _reworded,
    "taken_back": _taken_back,
    "delivery_stopped": _stopped_delivery,
    "window_closed": _over("Nobody undid it in time, so it stays.", "closed"),
    "stale": _settled("The agent could not be given the decision in time, so the decision was not used."),
    "undo_offered": _settled("What was approved was done, and the agent offers to undo it."),
    "undo_settled": _settled("The offer to undo it is over, or is another one now."),
    "withdrawn": _done("withdrew their answer, or their delegation."),
    "edited": _edited,
    "asked_anew": _settled("The agent asks something else in the same place."),
    "reopened": _done("opened the question again, because its answer made the agent fail."),
    "asked_later": _settled("The agent asked the same again, with another time in it."),
    "asked_again": _asked_again,
    "refused": _refused,
    "reminded": _settled("Nobody had answered, so a reminder was sent."),
    "escalated": _escalated,
    "ruled": _settled("Nobody had answered, so what the policy says for that came about."),
    "expired": _over("Nobody answered in time.", "expired"),
    "extended": _extended,
    "delegated": _delegated,
    "commented": _commented,
    "nudged": _done("had people reminded."),
    "unreached": _unreached,
    "unattached": _unattached,
    "resume_begun": _resumed,
    "resume_repeated": _settled("A node that has the answer already was about to run again."),
    "delivered": _settled("The agent went on past the question."),
    "stopped_there": _settled("The task was stopped there, as was decided. The agent was told nothing."),
    "not_taken": _settled("The agent asked something else by then, and did not get the answer."),
    "code_missing": _missing,
    "code_back": _settled("What was missing from the agent's code is there again."),
    "delivery_failed": _settled("The agent failed on the answer."),
    "superseded": _settled("The question was gone before an answer got through."),
    "running": _settled("The agent was about to run."),
    "waiting": _settled("Every question of the agent is with people now."),
    "drained": _settled("The bot was shut down, so the run was stopped between two steps."),
    "policy_applied": _policy_applied,
    "card_applied": _done("put the labels and keys that the policy file has for cards on the card. Answers stay."),
    "retried": _done("had a stopped task tried again."),
    "cancelled": _cancelled,
    "consumed": _consumed,
    "ended": _ended("The agent came to its end."),
    "stopped": _ended("The task was stopped."),
    "failed": _failed("An error stopped the task"),
    "lost": _failed("The agent's saved state was gone, so the task ended"),
    "webhook_delivered": _webhook("was told"),
    "webhook_given_up": _webhook("could not be told"),
    "token_added": _token_added,
    "token_revoked": _token_revoked,
    "checkpoints_deleted": _settled("The agent's saved state was past its retention and was deleted."),
    "records_deleted": _settled("The task's records were past their retention. The texts of its entries were deleted."),
}
"""What is told of each kind."""
