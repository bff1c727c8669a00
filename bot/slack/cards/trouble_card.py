"""A trouble in the operators' channel: what happened, what it means, what to do. Pure, and short enough for a phone."""

from __future__ import annotations

from typing import Final, assert_never

from bot.approvals.model.trouble import About, Trouble, TroubleKind
from bot.slack import blocks, links, text
from bot.slack.cards import decision_words
from bot.slack.cards.render import Card, Urgency

_MAX_WHY: Final = 300
_MAX_SHORT_WHY: Final = 60
_MAX_NAME: Final = 60


def draw(trouble: Trouble, address: str) -> Card:
    """Its message. `address` is the workspace's, for the link to the task's own message."""
    said = _resolved(trouble) if trouble.resolved_at is not None else _lasting(trouble)
    footer = blocks.context(" · ".join(each for each in _footer(trouble, address) if each))
    return Card(
        text=text.paragraph([_in_short(trouble)]),
        blocks=(*map(blocks.section, said), footer),
        shrunk=lambda: (blocks.section(said[0]), footer),
        urgency=Urgency.PASSING,
        message_id=trouble.id,
    )


def _lasting(trouble: Trouble) -> list[str]:
    about = trouble.about
    why = "" if about.error_id is not None else text.sentence(about.why or "", _MAX_WHY)
    means = " ".join(each for each in (_whole(why), _means(trouble)) if each)
    return [f"{decision_words.FAILED} *{_happened(trouble)}*\n{means}", f"*What to do*\n{_to_do(trouble)}"]


def _resolved(trouble: Trouble) -> list[str]:
    return [f"{decision_words.APPROVED} *{_took(trouble)}*\n{_happened(trouble)}"]


def _in_short(trouble: Trouble) -> str:
    """What a notification says."""
    took = f"{_took(trouble)}: " if trouble.resolved_at is not None else ""
    return f"{took}{_happened(trouble).replace('`', '')}."


def _footer(trouble: Trouble, address: str) -> list[str]:
    about = trouble.about
    link = links.at(about.place, about.thread_ts, address, "Open it") if about.place is not None else ""
    again = f"again {text.moment(trouble.again_at)}" if trouble.again_at is not None and trouble.open else ""
    return [link, f"since {text.moment(trouble.since)}", again, _error(about)]


def _error(about: About) -> str:
    """The kind of error, and the id under which the log has more. Empty if there was none."""
    if about.error_id is None:
        return ""
    why = text.sentence(about.why or "", _MAX_SHORT_WHY)
    return f"{why}, error id `{text.sentence(about.error_id, _MAX_NAME)}`"


def _took(trouble: Trouble) -> str:
    assert trouble.resolved_at is not None  # noqa: S101 - the callers have looked
    return f"Resolved after {text.span(trouble.resolved_at - trouble.since) or 'a moment'}"


# --- Words --------------------------------------------------------------------------------------


def _happened(trouble: Trouble) -> str:
    """What happened, without a full stop; in the past tense once it is resolved."""
    name = text.sentence(trouble.about.name or "", _MAX_NAME)
    has, can, does, are = ("has", "cannot", "does", "are") if trouble.open else ("had", "could not", "did", "were")
    match trouble.kind:
        case TroubleKind.UNDELIVERED:
            return f"A decision {has} not reached `{name}`"
        case TroubleKind.FAILED:
            return f"`{name}` was stopped by an error"
        case TroubleKind.UNREACHED:
            return f"Nobody could be asked what `{name}` asks"
        case TroubleKind.UNANSWERABLE:
            return f"A request under the policy `{name}` {can} be answered"
        case TroubleKind.POLICY:
            what = f"The policy `{name}`" if name else "A rule's match"
            return f"{what} {does} not fit this workspace"
        case TroubleKind.WEBHOOK:
            return f"A program could not be told at {name or 'its address'}"
        case TroubleKind.SERVER:
            return f"The LangGraph Server `{name}` {does} not answer"
        case TroubleKind.CHAIN:
            return f"The audit log was changed at entry {name}"
        case TroubleKind.MORE:
            return f"There {are} more troubles than are told of at once"
        case _ as never:
            assert_never(never)


def _means(trouble: Trouble) -> str:
    match trouble.kind:
        case TroubleKind.UNDELIVERED:
            return "People have decided, and the agent does not know. Nothing tries again by itself."
        case TroubleKind.FAILED:
            return "The task stands still. Nothing tries again by itself."
        case TroubleKind.UNREACHED:
            return "The request waits, and those who may answer may not know of it."
        case TroubleKind.UNANSWERABLE:
            return "Too few people may answer it, so it waits for nobody."
        case TroubleKind.POLICY:
            return "What is asked under it may wait for nobody."
        case TroubleKind.WEBHOOK:
            return "Nothing tries again. The decision stands."
        case TroubleKind.SERVER:
            return "Its tasks wait. Decisions are kept, and delivered once it is back."
        case TroubleKind.CHAIN:
            return "Somebody, or a broken disk, has changed the record. Tasks and votes go on."
        case TroubleKind.MORE:
            more = text.counted(trouble.about.count, "more trouble")
            return f"{more} {'waits' if trouble.about.count == 1 else 'wait'} for a person, and for a message here."
        case _ as never:
            assert_never(never)


def _to_do(trouble: Trouble) -> str:
    """What a person does, with the command on a line of its own, where a phone does not break it."""
    match trouble.kind:
        case TroubleKind.UNDELIVERED | TroubleKind.FAILED:
            command = f"countersign tasks retry {trouble.about.task_id}"
            return f"Mend what the log says under the error id. Then press *Retry* there, or run\n`{command}`"
        case TroubleKind.UNREACHED if trouble.about.place is None:
            command = f"countersign tasks cancel {trouble.about.task_id}"
            return f"Let the bot into the channel, and have it asked again. To end this one, run\n`{command}`"
        case TroubleKind.UNREACHED:
            command = f"countersign policy apply {trouble.about.request_id}"
            return f"Open it and ask somebody to answer. Or correct the policy file and run\n`{command}`"
        case TroubleKind.UNANSWERABLE:
            return f"Correct the policy file and run\n`countersign policy apply {trouble.about.request_id}`"
        case TroubleKind.POLICY:
            return "Correct the policy file, or what it names in Slack. To see if all is well, run\n`countersign check`"
        case TroubleKind.WEBHOOK:
            return f"Have the program fetch it with\n`GET /v1/requests/{trouble.about.request_id}`"
        case TroubleKind.SERVER:
            return "Start it again, or see why it is away. To see what it answers, run\n`countersign check`"
        case TroubleKind.CHAIN:
            return "Keep a copy of the storage as it is. Then run\n`countersign audit verify`"
        case TroubleKind.MORE:
            return "To see the tasks that have failed, run\n`countersign tasks list --state stuck`"
        case _ as never:
            assert_never(never)


def _whole(why: str) -> str:
    """The reason as a sentence of its own. Empty if there is none."""
    said = text.upper(why)
    return said if not said or said[-1] in ".?!…" else f"{said}."
