"""A request's card, its copies and its reminders: what is asked, of whom, by when, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bot.approvals import windows
from bot.approvals.errors import moment
from bot.approvals.names import misleading, readable
from bot.approvals.policy import Expire
from bot.approvals.question import Item, Risk, Verdict
from bot.approvals.request import Decided, Pending, Request
from bot.approvals.task import Task
from bot.slack import actions, blocks, changes, decisions, more, privacy, standing, text, vacancy, values, wording
from bot.slack.actions import RequestTarget
from bot.slack.blocks import Block, Element
from bot.slack.one_by_one import MOST_ITEMS
from bot.slack.values import Detail

CHOICE_BUTTONS: Final = 5
"""More choices than these are a menu in a modal."""

_RENEWED: Final = "*The agent asks something else now.* Answers to what it asked before no longer count"
_AMENDED: Final = "*Another policy was applied to this request.* Answers from before that no longer count"
_RISKS = {
    Risk.LOW: "Low risk",
    Risk.MEDIUM: "Medium risk",
    Risk.HIGH: "*High risk*",
    Risk.CRITICAL: "*Critical risk*",
}


def card(task: Task, request: Request, detail: Detail | None) -> list[Block]:
    """The request as it stands; buttons only while it can be answered."""
    return _card(request, detail, _asker(task))


def copy(task: Task, request: Request, detail: Detail | None) -> list[Block]:
    """The card for a DM: it says where it comes from as well."""
    return _card(request, detail, f"{_asker(task)} in {text.channel(task.channel)}")


def row(request: Request, place: str) -> list[Block]:
    """The request in short, as part of a list: what, who, risk, deadline and votes, with the card's own buttons.
    `place` says in mrkdwn where the card is."""
    request = privacy.masked(request)
    return [
        blocks.section(
            f"*{_title(request)}*\n{_joined([_risk(request), _asked_for(request), *_open_for(request, place)])}"
        ),
        *_proposed(request),
        *({**block, "block_id": f"request:{request.id}"} for block in blocks.actions(_buttons(request, cut=True))),
    ]


def line(request: Request, place: str, *, mine: bool = False) -> str:
    """The request in two lines of mrkdwn: what, and how it stands; `mine` to whoever asked for it."""
    request = privacy.masked(request)
    if settled := decisions.headline(request):
        return f"*{_title(request)}*\n{_joined([settled, place])}"
    of = f"waits for {standing.who(request)}" if mine else _asked_for(request)
    return f"*{_title(request)}*\n{_joined([_risk(request), of, *_open_for(request, place)])}"


def _risk(request: Request) -> str:
    return _RISKS[request.question.risk] if request.question.risk else ""


def _asked_for(request: Request) -> str:
    return f"asked by {text.mention(request.requester)} for *{text.sentence(request.graph, 80)}*"


def _open_for(request: Request, place: str) -> list[str]:
    """By when, how many have answered, and where the card is."""
    by = f"answer by {moment(request.deadline)}" if request.deadline else "no deadline"
    votes = standing.votes(request)
    return [by, f"answers: {votes}" if votes else "", place]


def _joined(words: Sequence[str]) -> str:
    joined = " · ".join(word for word in words if word)
    return joined[:1].upper() + joined[1:]


def _title(request: Request) -> str:
    return text.sentence(request.question.title, 150) or "A question"


def _proposed(request: Request) -> list[Block]:
    """What is proposed, in one line that reminds of it; the whole is behind *View all*."""
    items = [item for item in request.question.items if item.arguments or len(request.question.items) > 1]
    if not items:
        return []
    if len(items) > 1:
        return [blocks.context(f"{len(items)} actions: {text.listed([text.sentence(i.name, 60) for i in items], 5)}")]
    return [blocks.rich(blocks.line(*values.inline(items[0].arguments)))]


def card_text(task: Task, request: Request) -> str:
    """Who, what, risk and by when, or what became of it."""
    title = text.spoken(text.sentence(request.question.title, 300)) or "A question."
    if settled := decisions.headline(request):
        return text.paragraph([title, text.spoken(settled), text.spoken(decisions.what_followed(request))])
    names = text.listed([text.sentence(item.name, 60) for item in request.question.items if item.arguments], 5)
    return text.paragraph(
        [
            f"{title} {text.mention(task.requester)} asks for {_graph(task)}.",
            text.spoken(_RISKS[request.question.risk]) if request.question.risk else "",
            f"Proposed: {names}." if names else "",
            text.spoken(_RENEWED) if request.renewed_at else "",
            f"Changed by {_editors(request)}: {_changed(request)}." if request.edits else "",
            f"Who may answer: {standing.who(request)}.",
            f"Answer by {moment(request.deadline)}." if request.deadline else "There is no deadline.",
        ]
    )


def _editors(request: Request) -> str:
    return text.mentions(list(dict.fromkeys(edit.person for edit in request.edits)))


def _changed(request: Request) -> str:
    return text.listed([text.sentence(name, 60) or "-" for name in changes.names(request)], 5) or "nothing any more"


def _asker(task: Task) -> str:
    return f"Asked by {text.mention(task.requester)} for *{_graph(task)}*"


def _graph(task: Task) -> str:
    return text.sentence(task.graph, 80)


def reminder(request: Request, *, nudged: bool = False) -> list[Block]:
    """A short notice, which the requester may have sent; once the request is settled it says only that."""
    if settled := decisions.headline(request):
        return [blocks.context(f"Reminder: {settled}")]
    by = f" {_due(request)} {moment(request.deadline)}" if request.deadline else ""
    title = blocks.run(text.label(request.question.title, 150) or "the question above", "bold")
    asks = f"{text.mention(request.requester)} still waits" if nudged else "Still waiting"
    return [
        blocks.section(f"{asks} for an answer{by}"),
        blocks.rich(blocks.line(title)),
        blocks.context(f"Who may answer: {standing.waiting(request)}"),
    ]


def reminder_text(request: Request, *, nudged: bool = False) -> str:
    title = text.sentence(request.question.title, 300) or "a question"
    if settled := decisions.headline(request):
        return text.paragraph([text.spoken(title), text.spoken(settled)])
    by = f"{_ends(request)} {moment(request.deadline)}." if request.deadline else ""
    sent = f" from {text.mention(request.requester)}" if nudged else ""
    return text.paragraph([f"Reminder{sent} for {standing.waiting(request)}: {title} still waits for an answer.", by])


def _due(request: Request) -> str:
    return "that was due by" if windows.is_overdue(request) else "by"


def _ends(request: Request) -> str:
    if windows.is_overdue(request):
        return "It is overdue since"
    action = next((step.action for step in request.stage.steps if step.at_deadline), None)
    return "It expires" if isinstance(action, Expire) else "Its deadline is"


def _card(request: Request, detail: Detail | None, origin: str) -> list[Block]:
    question = request.question
    risk = _RISKS[question.risk] if question.risk else ""
    about, cut = _about(request, detail)
    changed, changes_cut = changes.section(request, detail)
    return [
        blocks.header(question.title or "A question"),
        blocks.context(
            " · ".join([*([risk] if risk else []), *(["*Overdue*"] if windows.is_overdue(request) else []), origin])
        ),
        *_renewed(request),
        *_misleading(request),
        *about,
        *changed,
        *_standing(request, detail),
        *vacancy.warnings(request),
        *blocks.actions([*_buttons(request, cut or changes_cut), *(more.menu(request) if _open(request) else [])]),
        blocks.context(_footer(request)),
    ]


def _renewed(request: Request) -> list[Block]:
    """That it asks something else than it did, for those who have read it before."""
    if not _open(request):
        return []
    said = [(request.renewed_at, _RENEWED), (request.amended_at, _AMENDED)]
    return [blocks.section(f"{words} · {moment(at)}") for at, words in said if at is not None]


def _misleading(request: Request) -> list[Block]:
    """That an action is not called what it seems to be."""
    found = [(item.name, misleading(item.name)) for item in request.question.items]
    return [
        blocks.context(
            f":warning: The name of {'this action' if len(found) == 1 else f'action {number}'} holds characters that "
            f"cannot be seen or look like others: {text.listed(characters, 5)}. It reads like "
            f"{text.sentence(readable(name), 80)}."
        )
        for number, (name, characters) in enumerate(found, start=1)
        if characters and _open(request)
    ][:3]


# --- What is asked ------------------------------------------------------------------------------


def _about(request: Request, detail: Detail | None) -> tuple[list[Block], bool]:
    """The question's text, items and choices, and whether anything was left out."""
    question = request.question
    if detail is None:
        return [blocks.section("This is too large to be shown here. *View all* has everything.")], True
    drawn: list[Block] = []
    cut = not text.fits(question.title, blocks.HEADER_TEXT) or len(question.items) > detail.items
    if question.text.strip():
        why = values.prose(question.text, detail.text)
        drawn.append(blocks.rich(*why.parts))
        cut |= why.cut
    several = len(question.items) > 1
    for number, item in enumerate(question.items[: detail.items]):
        shown, item_cut = _item(request, item, number, detail, several=several)
        drawn.extend(shown)
        cut |= item_cut
    if rest := max(len(question.items) - detail.items, 0):
        drawn.append(blocks.context(f"… {text.counted(rest, 'more action')}"))
    if _lists_choices(request):
        listed = [text.shown(choice, detail.value) for choice in question.choices[: detail.rows]]
        lines = [blocks.line(blocks.run(each.text)) for each in listed]
        rest = len(question.choices) - len(listed)
        more = [blocks.line(blocks.run(f"… {text.counted(rest, 'more choice')}", "italic"))] if rest else []
        drawn.append(blocks.rich(blocks.bullets(lines, ordered=True), *more))
        cut |= any(each.cut for each in listed) or rest > 0
    return drawn, cut


def _item(request: Request, item: Item, number: int, detail: Detail, *, several: bool) -> tuple[list[Block], bool]:
    shown = values.rows(item.arguments, detail)
    limit = min(80, max(detail.value, 20))
    name = text.label(item.name, limit) or "an action"
    if not several and not item.arguments:
        return [], not text.fits(item.name, limit)  # there is nothing to it but the question itself
    cut = shown.cut or not text.fits(item.name, limit)
    if several:
        title: Block = {"type": "section", "text": blocks.plain(f"{number + 1}.  {name}", 100)}
        if _open(request) and Verdict.EDIT in item.verdicts:
            value = RequestTarget.of(request).encoded()
            edit = f"{wording.label(request.question, Verdict.EDIT)}…"
            title["accessory"] = blocks.button(edit, actions.indexed(actions.EDIT, number), value)
        return [title, *([blocks.rich(*shown.parts)] if shown.parts else [])], cut
    if not item.name:
        return [blocks.rich(*shown.parts)], cut  # the question's title says it all
    return [blocks.rich(blocks.line(blocks.run(name, "bold", "code")), *shown.parts)], cut


def _lists_choices(request: Request) -> bool:
    """Whether the choices' buttons cannot say it all."""
    choices = request.question.choices
    return len(choices) > CHOICE_BUTTONS or any(len(text.visible(choice)) > blocks.BUTTON_TEXT for choice in choices)


# --- How it stands ------------------------------------------------------------------------------


def _standing(request: Request, detail: Detail | None) -> list[Block]:
    if not _open(request):
        followed = decisions.what_followed(request)
        return [
            blocks.section(decisions.headline(request)),
            *decisions.words(request, detail),
            *([blocks.context(followed)] if followed else []),
        ]
    return standing.standing(request)


def _footer(request: Request) -> str:
    version = f"version {request.version}" if request.version > 1 else ""
    digest = "private" if request.policy.private else f"digest `{request.digest[:12]}`"
    words = [f"Request `{request.id}`", version, digest]
    joined = " · ".join(word for word in words if word)
    return joined[:1].upper() + joined[1:]


def _open(request: Request) -> bool:
    return isinstance(request.state, Pending)


# --- What can be done ---------------------------------------------------------------------------


def _buttons(request: Request, cut: bool) -> list[Element]:
    value = RequestTarget.of(request).encoded()
    view_all = blocks.button("View all", actions.VIEW_ALL, value)
    history = blocks.button("History", actions.HISTORY, value)
    if _open(request):
        return [*_answers(request, value), view_all, history]
    if isinstance(request.state, Decided) and request.state.revocable:
        return [blocks.button("Take it back", actions.TAKE_BACK, value), *([view_all] if cut else []), history]
    stopped = isinstance(request.state, Decided) and request.state.failure is not None
    retry = [blocks.button("Retry now", actions.RETRY, value, style="primary")] if stopped else []
    return [*retry, *([view_all] if cut or request.policy.private else []), history]


def _answers(request: Request, value: str) -> list[Element]:
    """A button for each answer that every item takes."""
    question = request.question
    several = len(question.items) > 1
    taken = [set(wording.verdicts(request, number)) for number in range(len(question.items))]
    offered = set.intersection(*taken)
    every = f" all {len(question.items)}" if several else ""
    approve, edit, reject, respond = (
        wording.label(question, verdict) for verdict in (Verdict.APPROVE, Verdict.EDIT, Verdict.REJECT, Verdict.RESPOND)
    )
    made: list[Element] = []
    if Verdict.APPROVE in offered:
        if Verdict.APPROVE in request.policy.reasons:
            made.append(blocks.button(f"{approve}{every}…", actions.APPROVE_WHY, value, style="primary"))
        else:
            confirm = _confirm(request)
            made.append(blocks.button(f"{approve}{every}", actions.APPROVE, value, style="primary", confirm=confirm))
    if Verdict.CHOOSE in offered and not several:
        made.extend(_choices(request, value))
    if Verdict.RESPOND in offered and not several and not made:
        made.append(blocks.button(f"{respond}…", actions.RESPOND, value, style="primary"))
    if Verdict.REJECT in offered:
        made.append(blocks.button(f"{reject}{every}", actions.REJECT, value, style="danger"))
    if Verdict.EDIT in offered and not several:
        made.append(blocks.button(f"{edit}…", actions.EDIT, value))
    if Verdict.RESPOND in offered and not several and not any(each["action_id"] == actions.RESPOND for each in made):
        made.append(blocks.button(f"{respond}…", actions.RESPOND, value))
    one_by_one = {Verdict.APPROVE, Verdict.REJECT, Verdict.RESPOND}
    if several and len(question.items) <= MOST_ITEMS and all(each & one_by_one for each in taken):
        made.append(blocks.button("One by one…", actions.EACH, value))
    return made


def _choices(request: Request, value: str) -> list[Element]:
    choices = request.question.choices
    if len(choices) > CHOICE_BUTTONS or request.policy.private:
        return [blocks.button("Choose…", actions.CHOOSE, value, style="primary")]
    numbered = _lists_choices(request)
    return [
        blocks.button(
            f"{n + 1}. {choice}" if numbered else choice,
            actions.indexed(actions.CHOOSE, n),
            value,
            confirm=_confirmed(request, "Choose this?", choice) if request.policy.confirm else None,
        )
        for n, choice in enumerate(choices)
    ]


def _confirm(request: Request) -> dict[str, object] | None:
    if request.question.risk is Risk.CRITICAL:
        return _confirmed(request, "Approve this?", "Its risk is critical.")
    return _confirmed(request, "Approve this?", "Its policy asks once more.") if request.policy.confirm else None


def _confirmed(request: Request, title: str, why: str) -> dict[str, object]:
    words = wording.label(request.question, Verdict.APPROVE) if Verdict.APPROVE in _all(request) else "Yes"
    return blocks.confirmation(title, f"{why} What you approve is run as shown.", words)


def _all(request: Request) -> set[Verdict]:
    return {verdict for item in request.question.items for verdict in item.verdicts}
