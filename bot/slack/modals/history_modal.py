"""A request's history for people: a sentence for each event, with when and where it happened.

`_SENTENCES` has them by the event's kind. For a kind that is not there, the event's own words are shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from typing import Final

from bot.approvals.model.actor import COMMAND
from bot.approvals.model.audit import AuditEvent
from bot.approvals.model.caller import is_of_caller
from bot.approvals.model.decision import Outcome
from bot.approvals.model.ids import JSON, ChannelId, RequestId
from bot.approvals.model.message import Message, MessageKind
from bot.approvals.model.request import Request
from bot.approvals.model.task import Task
from bot.slack import actions, blocks, text
from bot.slack.actions import RequestTarget, TaskTarget
from bot.slack.blocks import Block
from bot.slack.cards import privacy, question_blocks
from bot.slack.modals import program_events, server_events
from bot.slack.modals.views import Modal, modal
from bot.slack.text import moment

MAX_EVENTS_PER_PAGE: Final = 20
_MAX_WORDS_CHARACTERS: Final = 300
"""Of what somebody wrote."""
_MAX_VALUE_CHARACTERS: Final = 80
"""Of an argument."""
_UNSAID: Final = frozenset({"running", "drained", "waiting", "resume_repeated", "checkpoints_deleted"})
"""Events about the bot's own work, which are not shown."""


def trail(
    task: Task,
    request: Request | None,
    events: Sequence[AuditEvent],
    messages: Sequence[Message],
    page: int = 0,
    *,
    private: Set[RequestId] = frozenset(),
) -> Modal:
    """One page of the request's history, with events of its task that are about no other request. Without a request,
    the history of the whole task. A page beyond the end is the last page. For `private` requests it says who acted and
    when, but not what was asked or answered."""
    told = [
        _bare(event) if event.request_id in private else event
        for event in events
        if _belongs(event, request) and event.kind not in _UNSAID and not _is_repeated(event, task, request)
    ]
    pages = max(-(-len(told) // MAX_EVENTS_PER_PAGE), 1)
    page = min(max(page, 0), pages - 1)
    kinds = {str(message.id): message.kind for message in messages}
    of = f"Request `{request.id}`" if request else f"Task `{task.id}`"
    where = f"Page {page + 1} of {pages}" if pages > 1 else ""
    title = question_blocks.title(privacy.masked(request)) if request else task.graph
    rendered: list[Block] = [
        blocks.rich(blocks.line(blocks.run(text.label(title, 150), "bold"))),
        blocks.context(" · ".join(word for word in (of, text.counted(len(told), "event"), where) if word)),
    ]
    before = None
    for event in told[page * MAX_EVENTS_PER_PAGE : (page + 1) * MAX_EVENTS_PER_PAGE]:
        asked = (event.digest, event.rule)
        said = program_events.sentence(event, task) or server_events.sentence(event, task) or sentence(event)
        rendered += [blocks.section(said), blocks.context(_details(event, kinds, asks=asked != before))]
        before = asked if event.digest else before
    value = RequestTarget.of(request).encoded() if request else TaskTarget.of(task).encoded()
    turns = [("Earlier", page - 1), ("Later", page + 1)]
    buttons = [
        blocks.button(words, actions.indexed(actions.HISTORY, to), value) for words, to in turns if 0 <= to < pages
    ]
    return modal("History", actions.NOTICE, [*rendered, *blocks.actions(buttons)])


def sentence(event: AuditEvent) -> str:
    """What happened, as a mrkdwn sentence."""
    return _SENTENCES.get(event.kind, _in_its_own_words)(event)


def _belongs(event: AuditEvent, request: Request | None) -> bool:
    return request is None or event.request_id in (None, request.id)


def _is_repeated(event: AuditEvent, task: Task, request: Request | None) -> bool:
    """Whether another event of a program's request says the same. If it is withdrawn, its task is cancelled as well."""
    if not is_of_caller(task.id):
        return False
    return event.kind in program_events.UNSAID or (event.kind == "cancelled" and not event.request_id and bool(request))


def _bare(event: AuditEvent) -> AuditEvent:
    return replace(event, digest="", data={key: value for key, value in event.data.items() if key in _TELLS_NOTHING})


def _details(event: AuditEvent, kinds: Mapping[str, MessageKind], *, asks: bool) -> str:
    """When, from where and on which version; if the event `asks` something new, the digest and the rule as well."""
    version = event.data.get("version")
    words = [
        moment(event.at),
        _FROM.get(kinds.get(event.surface), "by command" if event.surface == COMMAND else ""),
        f"through *{text.program(event.through)}*" if event.through else "",
        f"version {version}" if isinstance(version, int) and version > 1 else "",
        f"digest `{event.digest[:12]}`" if event.digest and asks else "",
        f"rule `{_say(event.rule)}`" if event.rule and asks else "",
    ]
    return " · ".join(word for word in words if word)


_FROM: Final[Mapping[MessageKind | None, str]] = {
    MessageKind.CARD: "on the card",
    MessageKind.COPY: "on the copy by direct message",
    MessageKind.FILE: "as a file",
    MessageKind.OUTCOME: "on the task's last message",
}


_TELLS_NOTHING: Final = frozenset(
    {
        "version",
        "verdicts",
        "outcome",
        "decision",
        "to",
        "as",
        "channel",
        "why",
        "error_id",
        "missing",
        "host",
        "failure",
        "by",
    }
)
"""The event data that may be shown for a private request."""


# --- Sentences ----------------------------------------------------------------------------------


def _who(event: AuditEvent) -> str:
    if event.person is not None:
        return text.mention(event.person)
    by = _say(event.data.get("by", ""), 80)
    return f"{by}," if by else "Somebody"


def _say(value: JSON, limit: int = _MAX_WORDS_CHARACTERS) -> str:
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.sentence(words, limit)


def _in_its_own_words(event: AuditEvent) -> str:
    words = _say(event.kind.replace("_", " "))
    return f"{text.mention(event.person)}: {words}." if event.person else f"{words[:1].upper()}{words[1:]}."


def _started(event: AuditEvent) -> str:
    return f"{_who(event)} started *{_say(event.data.get('graph', ''))}*."


def _shown(event: AuditEvent) -> str:
    data = event.data
    what = "The file with everything that is asked" if data.get("as") == MessageKind.FILE else "The card"
    to = text.mention(event.person) if event.person else text.channel(ChannelId(str(data.get("channel", ""))))
    return f"{what} was shown to {to}."


def _revealed(event: AuditEvent) -> str:
    keys = event.data.get("keys")
    names = [f"`{_say(key, _MAX_VALUE_CHARACTERS)}`" for key in keys] if isinstance(keys, list) else []
    return f"{_who(event)} looked at what is hidden: {text.listed(names, 5) or 'a value'}."


def _voted(event: AuditEvent) -> str:
    verdicts, said = event.data.get("verdicts"), event.data.get("said")
    given = [str(each) for each in verdicts] if isinstance(verdicts, list) else []
    words = said if isinstance(said, list) else [{}] * len(given)
    one_by_one = list(dict.fromkeys(_verdict(each, of) for each, of in zip(given, words, strict=False)))
    outcome = _OUTCOMES.get(str(event.data.get("outcome", "")), "")
    return f"{_who(event)} {'; '.join(one_by_one) or 'answered'}.{f' That settled it: {outcome}.' if outcome else ''}"


def _verdict(verdict: str, said: JSON) -> str:
    words = [value for value in said.values() if value not in ("", None)] if isinstance(said, dict) else []
    quoted = f": “{_say(words[0])}”" if words else ""
    return f"{_VERDICTS.get(verdict, verdict)}{quoted}"


_VERDICTS: Final = {
    "approve": "approved",
    "reject": "rejected",
    "respond": "answered",
    "choose": "chose",
    "undo": "chose *Undo*",
    "keep": "chose *Keep*",
}


_OUTCOMES: Final[Mapping[str, str]] = {
    Outcome.APPROVE: "*approved*",
    Outcome.EDIT: "*approved with changes*",
    Outcome.REJECT: "*rejected*",
    Outcome.RESPOND: "*answered*",
    Outcome.CHOOSE: "*answered*",
    Outcome.MIXED: "*answered one by one*",
    Outcome.UNDO: "*undo*",
    Outcome.KEEP: "*keep*",
}


def _reworded(event: AuditEvent) -> str:
    verdicts, words = event.data.get("verdicts"), event.data.get("said")
    given = [str(each) for each in verdicts] if isinstance(verdicts, list) else []
    said = words if isinstance(words, list) else [{}] * len(given)
    now = "; ".join(_verdict(each, of) for each, of in zip(given, said, strict=False))
    return f"{_who(event)} edited the message of their answer, and so {now or 'answered'}."


def _edited(event: AuditEvent) -> str:
    was, now = event.data.get("was"), event.data.get("is")
    old, new = was if isinstance(was, dict) else {}, now if isinstance(now, dict) else {}
    changes = [f"`{_say(key, _MAX_VALUE_CHARACTERS)}` {_change(key, old, new)}" for key in dict.fromkeys([*old, *new])]
    of = f" of `{_say(event.data['edited'], _MAX_VALUE_CHARACTERS)}`" if event.data.get("edited") else ""
    return f"{_who(event)} changed {text.listed(changes, 5) or 'it'}{of}."


def _change(key: str, old: Mapping[str, JSON], new: Mapping[str, JSON]) -> str:
    if key not in old:
        return f"to `{_say(new[key], _MAX_VALUE_CHARACTERS)}`, which was not there"
    if key not in new:
        return f"away, which was `{_say(old[key], _MAX_VALUE_CHARACTERS)}`"
    return f"from `{_say(old[key], _MAX_VALUE_CHARACTERS)}` to `{_say(new[key], _MAX_VALUE_CHARACTERS)}`"


def _refused(event: AuditEvent) -> str:
    why = text.visible(text.cut(str(event.data.get("said") or event.data.get("why") or ""), _MAX_WORDS_CHARACTERS * 2))
    return f"{_who(event)} was refused: {why}"


def _escalated(event: AuditEvent) -> str:
    to = event.data.get("to")
    names = text.approvers([str(name) for name in to]) if isinstance(to, list) else ""
    return f"Nobody had answered, so {names or 'others'} were asked as well."


def _extended(event: AuditEvent) -> str:
    deadline = event.data.get("deadline")
    until = f": it ends {moment(datetime.fromisoformat(deadline))}" if isinstance(deadline, str) else ""
    return f"{_who(event)} gave it more time{until}."


def _delegated(event: AuditEvent) -> str:
    return f"{_who(event)} gave their vote to {text.approver(str(event.data.get('to', 'a colleague')))}."


def _commented(event: AuditEvent) -> str:
    words = _say(event.data.get("text", ""))
    return f"{_who(event)} asked the requester{f': “{words}”' if words else ' something.'}"


def _unreached(event: AuditEvent) -> str:
    to = text.mention(event.person) if event.person else text.channel(ChannelId(str(event.data.get("channel", ""))))
    return f"The card could not be sent to {to}."


def _ended(event: AuditEvent) -> str:
    result = _say(event.data.get("result", ""))
    return f"The task finished{f': {result}' if result else '.'}"


def _failed(event: AuditEvent) -> str:
    return f"An error stopped the task (error id `{_say(event.data.get('error_id', ''), 40)}`)."


def _policy_applied(event: AuditEvent) -> str:
    voided = event.data.get("voided")
    names = text.listed([text.approver(str(each)) for each in voided]) if isinstance(voided, list) else ""
    void = f" What {names} had answered no longer counts." if names else ""
    by = _say(event.data.get("by", "an operator"), 80)
    return f"{by} applied the policy `{_say(event.rule)}` instead of `{_say(event.data.get('was', ''))}`.{void}"


def _card_applied(event: AuditEvent) -> str:
    return f"{_say(event.data.get('by', 'an operator'), 80)} applied the labels that the policy file has for cards."


def _opened(event: AuditEvent) -> str:
    question = event.data.get("question")
    window = isinstance(question, dict) and question.get("window") is not None
    return "The agent said what it has done, and how that can be undone." if window else "The agent asked."


def _stopped(event: AuditEvent) -> str:
    decision = _OUTCOMES.get(str(event.data.get("decision", "")), "")
    return f"{_who(event)} stopped the decision{f' ({decision})' if decision else ''} before the agent got it."


def _resumed(event: AuditEvent) -> str:
    told = event.data.get("told")
    return f"The agent was resumed{f', to be told `{_say(told)}`' if told is not None else ''}."


def _missing(event: AuditEvent) -> str:
    missing = event.data.get("missing")
    part, name = (missing.get("part"), missing.get("name")) if isinstance(missing, dict) else ("", "")
    return f"The {_say(part or 'code')} `{_say(name or '-')}` is missing from the agent's code."


def _plain(words: str) -> Callable[[AuditEvent], str]:
    return lambda _: words


def _done(words: str) -> Callable[[AuditEvent], str]:
    return lambda event: f"{_who(event)} {words}"


def _cancelled(event: AuditEvent) -> str:
    why = _say(event.data.get("reason", ""))
    return f"{_who(event)} cancelled it{f': “{why}”' if why else '.'}"


def _told(event: AuditEvent) -> str:
    return f"The program was told at {_say(event.data.get('host', ''))}."


def _untold(event: AuditEvent) -> str:
    failure = _say(event.data.get("failure", "")).removesuffix(".")
    return f"The program could not be told at {_say(event.data.get('host', ''))}: {failure}."


_SENTENCES: Final[Mapping[str, Callable[[AuditEvent], str]]] = {
    "started": _started,
    "adopted": _plain("A thread on a LangGraph Server asked something, so people here are asked."),
    "task_reopened": _plain("The thread asked something new, so the task goes on."),
    "opened": _opened,
    "shown": _shown,
    "viewed": _done("viewed all of it."),
    "revealed": _revealed,
    "voted": _voted,
    "reworded": _reworded,
    "edited": _edited,
    "refused": _refused,
    "reminded": _plain("Nobody had answered, so there was a reminder."),
    "escalated": _escalated,
    "expired": _plain("Nobody answered in time."),
    "taken_back": _done("took the answer back."),
    "delivery_stopped": _stopped,
    "window_closed": _plain("It stays: the time to undo it was over."),
    "stale": _plain("The agent could not be given the decision in time, so the decision was not used."),
    "undo_offered": _plain("The agent did it, and offers to undo that."),
    "undo_settled": _plain("The offer to undo it is over."),
    "extended": _extended,
    "delegated": _delegated,
    "withdrawn": _done("withdrew their answer."),
    "commented": _commented,
    "nudged": _done("had people reminded."),
    "unreached": _unreached,
    "unattached": _plain("The file with everything that is asked could not be attached. *Details* shows the same."),
    "cancelled": _cancelled,
    "retried": _done("had the agent try again."),
    "resume_begun": _resumed,
    "delivered": _plain("The agent took the answer, and went on."),
    "stopped_there": _plain("The task was stopped there. The agent was not told, and nothing was run."),
    "not_taken": _plain("The agent did not get the answer, because it asked something else by then."),
    "code_missing": _missing,
    "asked_later": _plain("The agent asked the same again at another time."),
    "code_back": _plain("What was missing from the agent's code is back."),
    "reopened": _done("opened it again, to answer differently."),
    "delivery_failed": _plain("The agent was stopped by an error."),
    "asked_again": _plain("The agent did not take the answer, and asked again."),
    "asked_anew": _plain("The agent asked something else in its place."),
    "policy_applied": _policy_applied,
    "card_applied": _card_applied,
    "webhook_delivered": _told,
    "webhook_given_up": _untold,
    "superseded": _plain("It was no longer needed: the agent had moved on."),
    "ended": _ended,
    "stopped": _ended,
    "failed": _failed,
    "lost": _plain("The agent's saved state was gone, so the task ended."),
}
