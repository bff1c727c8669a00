"""Any interrupt with a `response_schema`: the answer is a value of that JSON Schema.

People approve or reject a boolean, choose from an enumeration, and fill in anything else. If the schema was a Python
type, LangGraph checks the answer itself, and stores none that does not fit.
"""

from __future__ import annotations

from typing import Final

from bot.approvals.model import consent
from bot.approvals.model.decision import (
    Answered,
    Approve,
    Cancelled,
    Choose,
    Decision,
    Expired,
    Reject,
    Respond,
    WindowClosed,
)
from bot.approvals.model.errors import InvalidAnswer
from bot.approvals.model.ids import JSON
from bot.approvals.model.question import Item, Question, Verdict
from bot.engines import schemas
from bot.engines.questions import conventions, options, plain

NAME = "response_schema"

_AGREED: Final = {Verdict.APPROVE.value: "Accept"}
_REASONS: Final = ("feedback", "reason", "comment", "message", "note")
"""Names of a property for a reason."""


def read(value: JSON, schema: JSON, answer: str) -> Question | None:
    """A question whose answer the schema describes. A schema that cannot be used asks for any JSON."""
    if schema is None:
        return None
    known = schemas.usable(schema)
    form = schemas.inlined(known) if known is not None else {}
    asking = plain.taken_apart(value if isinstance(value, dict) else {})
    title = value if isinstance(value, str) else asking.title or plain.text_of(form.get("title"))
    arguments = {"value": value} if not isinstance(value, str | dict) and value is not None else asking.arguments
    choices = tuple(options.labels(_options(form)))
    verdicts: tuple[Verdict, ...] = (Verdict.RESPOND,)
    if schemas.kind(form) == "boolean":
        verdicts = (Verdict.APPROVE, Verdict.REJECT)
    elif _has_no_fields(form):
        verdicts = (Verdict.APPROVE,)
    elif choices:
        verdicts = (Verdict.CHOOSE,)
    return Question(
        shape=NAME,
        title=title,
        text=asking.text or plain.text_of(form.get("description")),
        items=(Item(name="", arguments=arguments, verdicts=verdicts),),
        choices=choices,
        options=options.described(_options(form)),
        form=form,
        labels=_AGREED if _has_no_fields(form) else {},
        risk=asking.risk,
        summary=asking.summary,
        payload=value,
    )


def answer(question: Question, proposed: Question, decision: Decision) -> JSON:
    """A value that fits the schema. If nobody answered, the value that says no, if there is one."""
    form = question.form if isinstance(question.form, dict) else {}
    match decision:
        case Answered(verdicts=(Approve(),)):
            value: JSON = {} if _has_no_fields(form) else True
        case Answered(verdicts=(Reject(),)):
            value = False
        case Answered(verdicts=(Choose(choice=choice),)):
            value = options.chosen(_options(form), choice)
        case Answered(verdicts=(Respond(value=given),)) if schemas.kind(form) != "boolean":
            value = given
        case Expired():
            return _refusal(form, conventions.silence(decision))
        case Answered() | Cancelled() | WindowClosed():
            raise InvalidAnswer("Answer this question with a value of its form.")
    schemas.check(form, value)
    return value


def _has_no_fields(form: dict[str, JSON]) -> bool:
    """Whether the only value is an empty object. That value agrees, and the schema has no word for no."""
    return form.get("type") == "object" and "properties" in form and schemas.is_empty(form)


def _values(form: dict[str, JSON]) -> list[JSON]:
    """The enumerated values, if no other answer is possible."""
    values = form.get("enum")
    return [each for each in values if each is not None] if isinstance(values, list) else []


def _options(form: dict[str, JSON]) -> list[JSON]:
    """The enumerated values, each with its name if the schema has names for them: `enumNames`, as in MCP."""
    values, names = form.get("enum"), form.get("enumNames")
    if not isinstance(values, list) or not isinstance(names, list) or len(names) != len(values):
        return _values(form)
    if not all(isinstance(name, str) and name.strip() for name in names):
        return _values(form)
    pairs = zip(names, values, strict=True)
    return [{"label": name, "value": value} for name, value in pairs if value is not None]


def _refusal(form: dict[str, JSON], words: str) -> JSON:
    """The value that plainly says no, with `words` if the form asks for a reason. Raises InvalidAnswer if the schema
    has no such value."""
    properties = form.get("properties")
    named = properties if isinstance(properties, dict) else {}
    consents: dict[str, JSON] = {name: False for name in named if name.casefold() in consent.NAMES}
    told: dict[str, JSON] = {name: words for name in _REASONS if name in named}
    candidates: list[JSON] = [False, *options.refusals(_values(form)), None]
    candidates += [{**consents, **told}, consents] if consents else []
    if schemas.usable(form) is not None and form:
        for value in candidates:
            if _is_meant(form, value) and schemas.fits(form, value):
                return value
    raise conventions.unsaid()


def _is_meant(form: dict[str, JSON], value: JSON) -> bool:
    """Whether the value means no here. If a schema takes anything, it takes false and null too, which then say
    nothing."""
    if value is None:
        return schemas.nullable(form)
    return value is not False or schemas.kind(form) == "boolean"
