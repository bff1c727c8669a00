"""LangChain's `HumanInTheLoopMiddleware` and deepagents' `interrupt_on`: ask about all tool calls of one turn at once.

`{"action_requests": [{"name", "args", "description"}], "review_configs": [{"action_name", "allowed_decisions"}]}` is
answered by `{"decisions": [d, ...]}`, one per action in their order. After a wrong number of decisions, or one that is
not allowed, the thread refuses every later answer too (measured). So only what was offered passes here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Choose,
    Decision,
    Expired,
    ItemVerdict,
    Keep,
    Reject,
    Respond,
    Undo,
    WindowClosed,
)
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question, Verdict, title_of
from bot.engines import schemas
from bot.engines.questions import conventions
from bot.engines.questions.plain import is_edited, text_of

NAME = "tool_calls"

DECISIONS: Final[Mapping[str, Verdict]] = {
    "approve": Verdict.APPROVE,
    "edit": Verdict.EDIT,
    "reject": Verdict.REJECT,
    "respond": Verdict.RESPOND,
}
"""The middleware's words for the verdicts."""
_NO_DESCRIPTION: Final = "Tool execution requires approval"
"""What the middleware says of a tool whose author says nothing of it."""


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """An item for each action, with the verdicts that its tool allows."""
    if not isinstance(value, dict):
        return None
    actions, configs = value.get("action_requests"), value.get("review_configs")
    if not isinstance(actions, list) or not isinstance(configs, list) or not actions:
        return None
    items = [_item(action, _config(action, number, configs)) for number, action in enumerate(actions)]
    whole = [item for item in items if item is not None]
    if len(whole) < len(items):
        return None
    return Question(
        shape=NAME,
        title=title_of(whole, "tools"),
        text="\n\n".join(_described(actions)),
        items=tuple(whole),
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """A decision for each action."""
    match decision:
        case Answered(verdicts=verdicts) if len(verdicts) == len(question.items):
            triples = zip(question.items, proposed.items, verdicts, strict=True)
            return {"decisions": [decided(item, before, verdict) for item, before, verdict in triples]}
        case Expired():
            return {"decisions": [unanswered(item, decision) for item in question.items]}
        case Answered() | Cancelled() | WindowClosed():
            raise InvalidAnswer("Answer this question with a decision for each of its actions.")


def decided(item: Item, proposed: Item, verdict: ItemVerdict) -> JSON:
    """The decision about one action, in the middleware's words. An edit keeps the name, so that it cannot switch to a
    tool that nobody was asked about."""
    match verdict:
        case Approve() if is_edited(item, proposed) or Verdict.APPROVE not in item.verdicts:
            _refuse_unless(Verdict.EDIT, item)
            schemas.check(item.schema, dict(item.arguments))
            return {"type": "edit", "edited_action": {"name": proposed.name, "args": dict(item.arguments)}}
        case Approve():
            return {"type": "approve"}
        case Reject(reason=reason):
            _refuse_unless(Verdict.REJECT, item)
            return {"type": "reject", "message": reason} if reason.strip() else {"type": "reject"}
        case Respond(value=str(message)):
            _refuse_unless(Verdict.RESPOND, item)
            return {"type": "respond", "message": message}
        case Respond() | Choose() | Undo() | Keep():
            raise InvalidAnswer(f"{item.name} is not answered so.")


def unanswered(item: Item, decision: Expired) -> JSON:
    """What the agent is told about an action that nobody decided: a rejection whose reason says so. The agent would
    take a `respond` for the tool's own result."""
    if Verdict.REJECT not in item.verdicts:
        raise conventions.unsaid()
    return {"type": "reject", "message": conventions.silence(decision)}


def offered(decisions: JSON) -> tuple[Verdict, ...]:
    """The verdicts that a list of the middleware's words allows. Empty if it is no such list."""
    if not isinstance(decisions, list):
        return ()
    return tuple(verdict for word, verdict in DECISIONS.items() if word in decisions)


def description(action: Mapping[str, JSON]) -> str:
    """The tool author's description of the call. Empty if the author gave none, so that it is the middleware's own. The
    middleware appends the name and the arguments, which are shown anyway, so they are removed."""
    words = text_of(action.get("description"))
    said = words.removesuffix(f"\n\nTool: {action.get('name')}\nArgs: {action.get('args')}").strip()
    return "" if said == _NO_DESCRIPTION else said


def _item(action: JSON, config: Mapping[str, JSON] | None) -> Item | None:
    if not isinstance(action, dict) or config is None:
        return None
    name, arguments, verdicts = action.get("name"), action.get("args"), offered(config.get("allowed_decisions"))
    if not isinstance(name, str) or not isinstance(arguments, dict) or not verdicts:
        return None
    schema = schemas.usable(config.get("args_schema"))
    return Item(
        name=name,
        arguments=arguments,
        verdicts=verdicts,
        schema=None if schema is None else schemas.inlined(schema),
    )


def _config(action: JSON, number: int, configs: list[JSON]) -> Mapping[str, JSON] | None:
    """The action's configuration: the one at its place if it has the action's name, else the first with that name."""
    name = action.get("name") if isinstance(action, dict) else None
    named = [each for each in configs if isinstance(each, dict) and each.get("action_name") == name]
    beside = configs[number] if number < len(configs) else None
    return beside if isinstance(beside, dict) and beside in named else next(iter(named), None)


def _described(actions: list[JSON]) -> list[str]:
    said = [description(action) for action in actions if isinstance(action, dict)]
    if len(set(said)) == 1:
        return said[:1]
    return [f"{number}. {words}" for number, words in enumerate(said, start=1) if words]


def _refuse_unless(verdict: Verdict, item: Item) -> None:
    if verdict not in item.verdicts:
        raise InvalidAnswer(f"{item.name} does not take {verdict}.")
