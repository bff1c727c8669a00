"""A trouble in the operators' channel: what happened, what it means, what to do. Pure, and short enough for a phone."""

from __future__ import annotations

from typing import Final, assert_never

from bot.approvals.model.trouble import Trouble, TroubleKind
from bot.slack import blocks, links, text
from bot.slack.cards import decision_words
from bot.slack.cards.render import Card, Urgency

_MAX_WHY: Final = 300
_MAX_NAME: Final = 60


def draw(trouble: Trouble, address: str) -> Card:
    """Its message. `address` is the workspace's, for the link to the task's own message."""
    headline = _headline(trouble)
    said = _resolved(trouble, headline) if trouble.resolved_at is not None else _lasting(trouble, headline)
    footer = blocks.context(" · ".join(each for each in _footer(trouble, address) if each))
    return Card(
        text=text.paragraph([_in_short(trouble, headline)]),
        blocks=(*map(blocks.section, said), footer),
        shrunk=lambda: (blocks.section(said[0]), footer),
        urgency=Urgency.PASSING,
        message_id=trouble.id,
    )


def _lasting(trouble: Trouble, headline: str) -> list[str]:
    why = text.sentence(trouble.about.why or "", _MAX_WHY)
    first = [f"{decision_words.FAILED} *{headline}*", *([_whole(why)] if why else []), _means(trouble)]
    return ["\n".join(first), f"*What to do*\n{_to_do(trouble)}"]


def _resolved(trouble: Trouble, headline: str) -> list[str]:
    return [f"{decision_words.APPROVED} *Resolved {_after(trouble)}*\n{headline}"]


def _in_short(trouble: Trouble, headline: str) -> str:
    """What a notification says."""
    if trouble.resolved_at is not None:
        return f"Resolved {_after(trouble)}: {headline.replace('`', '')}."
    return f"{headline.replace('`', '')}."


def _footer(trouble: Trouble, address: str) -> list[str]:
    about = trouble.about
    link = links.at(about.place, about.thread_ts, address, "Open it") if about.place is not None else ""
    again = f"again {text.moment(trouble.again_at)}" if trouble.again_at is not None and trouble.open else ""
    error = f"error id `{text.sentence(about.error_id, _MAX_NAME)}`" if about.error_id is not None else ""
    return [link, f"since {text.moment(trouble.since)}", again, error]


def _after(trouble: Trouble) -> str:
    assert trouble.resolved_at is not None  # noqa: S101 - the callers have looked
    return f"after {text.span(trouble.resolved_at - trouble.since) or 'a moment'}"


# --- Words --------------------------------------------------------------------------------------


def _headline(trouble: Trouble) -> str:
    """What happened, without a full stop."""
    name = text.sentence(trouble.about.name or "", _MAX_NAME)
    match trouble.kind:
        case TroubleKind.UNDELIVERED:
            return f"A decision has not reached `{name}`"
        case TroubleKind.FAILED:
            return f"`{name}` was stopped by an error"
        case TroubleKind.UNREACHED:
            return f"Nobody could be asked what `{name}` asks"
        case TroubleKind.UNANSWERABLE:
            return f"Too few people may answer under the policy `{name}`"
        case TroubleKind.POLICY if trouble.subject == trouble.about.name:
            return f"The policy `{name}` names people or channels that are not there"
        case TroubleKind.POLICY:
            return "The rules match by people or channels that are not there"
        case TroubleKind.WEBHOOK:
            return f"A program could not be told at {name or 'its address'}"
        case TroubleKind.SERVER:
            return f"The LangGraph Server `{name}` does not answer"
        case TroubleKind.CHAIN:
            return f"The audit log is not as it was written, from entry {name}"
        case TroubleKind.MORE:
            return "More troubles began than are told of at once"
        case _ as never:
            assert_never(never)


def _means(trouble: Trouble) -> str:
    match trouble.kind:
        case TroubleKind.UNDELIVERED:
            return "People have decided, and the agent does not know. Nothing tries again by itself."
        case TroubleKind.FAILED:
            return "The task stands still. Nothing tries again by itself."
        case TroubleKind.UNREACHED:
            return "The request waits, and nobody may have seen it."
        case TroubleKind.UNANSWERABLE:
            return "The request waits, and cannot be approved as it stands."
        case TroubleKind.POLICY:
            return "What is asked under it may wait for nobody."
        case TroubleKind.WEBHOOK:
            return "It was tried for three days, or the program wants no more. The decision stands."
        case TroubleKind.SERVER:
            return "Its tasks wait. Decisions are kept, and delivered once it is back."
        case TroubleKind.CHAIN:
            return "Somebody, or a broken disk, has changed the record. Votes and tasks go on."
        case TroubleKind.MORE:
            more = text.counted(trouble.about.count, "more trouble")
            return f"{more} {'waits' if trouble.about.count == 1 else 'wait'} for a person, and for a message here."
        case _ as never:
            assert_never(never)


def _to_do(trouble: Trouble) -> str:
    task = f"`countersign tasks retry {trouble.about.task_id}`"
    request = f"`countersign policy apply {trouble.about.request_id}`"
    match trouble.kind:
        case TroubleKind.UNDELIVERED | TroubleKind.FAILED:
            return f"Mend what the log has under the error id. Then press *Retry* there, or {task}"
        case TroubleKind.UNREACHED:
            return f"Answer it there, or ask somebody to. Or correct the policy, then {request}"
        case TroubleKind.UNANSWERABLE:
            return f"Correct the policy file, then {request}"
        case TroubleKind.POLICY:
            return "Correct the policy file, or add the people in Slack. `countersign check` says whether all is well."
        case TroubleKind.WEBHOOK:
            return f"Have the program fetch the decision: `GET /v1/requests/{trouble.about.request_id}`"
        case TroubleKind.SERVER:
            return "See why it is away. `countersign check` says what it answers."
        case TroubleKind.CHAIN:
            return "Keep a copy of the storage as it is. `countersign audit verify` says what else was changed."
        case TroubleKind.MORE:
            return "`countersign tasks list` shows what has failed."
        case _ as never:
            assert_never(never)


def _whole(why: str) -> str:
    """The reason as a sentence of its own."""
    said = text.upper(why)
    return said if said[-1] in ".?!…" else f"{said}."
