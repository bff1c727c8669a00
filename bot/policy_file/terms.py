"""The keys of policies.yaml, and the values that each may have. `building` decides what they mean together."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, field_validator

from bot.approvals.model.policy import OnStale
from bot.approvals.model.question import Risk
from bot.durations import duration
from bot.engines.questions import conventions

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_LABEL_CHARACTERS = 40
"""A longer label would not fit into one line of a card on a phone."""
OWN_ZONES = "approvers"
"""The value of `zone` that stands for each approver's own time zone, as set in Slack."""
MAX_HOLD = timedelta(days=1)
"""A longer hold is a mistake: a hold is for second thoughts, and another look at a decision is a stage of its own."""

_USER = r"[UW][A-Z0-9]+"
_EMAIL = r"[^@\s<>#]+@[^@\s<>]+"
_GROUP = r"S[A-Z0-9]+|@[\w.-]+"
_CHANNEL = r"C[A-Z0-9]+|G[A-Z0-9]+|#[^\s#@<>]+"
_PAGE = r"[a-z0-9][a-z0-9._-]{0,62}"
_KEY = r"[A-Za-z_]\w*(\.\w+)+"


def _approver(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(f"{_USER}|{_EMAIL}|{_GROUP}|{_CHANNEL}|{_KEY}", value):
        raise ValueError(
            f"{value!r} names nobody: write a user id (U012AB3CD), an e-mail address, a user group (@ops-leads), "
            "a channel (#ops), or a key of the question (details.owner)"
        )
    return value


def _person(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(f"{_USER}|{_EMAIL}|{_GROUP}|{_CHANNEL}", value):
        raise ValueError(
            f"{value!r} names nobody: write a user id (U012AB3CD), an e-mail address, a user group (@ops-leads), "
            "or a channel (#ops)"
        )
    return value


def _channel(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(_CHANNEL, value):
        raise ValueError(f'{value!r} is not a channel: write its name in quotes ("#ops") or its id (C012AB3CD)')
    return value


def _convention(value: object) -> object:
    if not isinstance(value, str) or not conventions.is_known(value):
        raise ValueError(
            f"{value!r} is not a way to say yes and no: write {', '.join(conventions.CONVENTIONS)}, or two "
            "words of your own, the one for yes first, such as go/stop"
        )
    return value


def _clock(value: object) -> object:
    """A time of day. YAML reads an unquoted 17:30 as the number 1050, in base sixty."""
    if isinstance(value, time):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 60 <= value <= 24 * 60:
        return time() if value == 24 * 60 else time(value // 60, value % 60)
    match = re.fullmatch(r"(\d{1,2}):(\d\d)", value) if isinstance(value, str) else None
    if match is None or ((match[1], match[2]) != ("24", "00") and (int(match[1]) > 23 or int(match[2]) > 59)):
        raise ValueError(f"{value!r} is not a time of day: write hours and minutes, such as 09:00 or 17:30")
    return time(int(match[1]) % 24, int(match[2]))


def _zone(value: object) -> object:
    if value != OWN_ZONES and (not isinstance(value, str) or value not in available_timezones()):
        raise ValueError(
            f"{value!r} is not a time zone: write one such as Europe/Berlin, or {OWN_ZONES} for each approver's own"
        )
    return value


def _days(value: object) -> object:
    """A range such as `mon-fri`, or a list of days."""
    if isinstance(value, str) and (match := re.fullmatch(r"([a-z]{3})-([a-z]{3})", value)):
        if match[1] in DAYS and match[2] in DAYS and DAYS.index(match[1]) <= DAYS.index(match[2]):
            return DAYS[DAYS.index(match[1]) : DAYS.index(match[2]) + 1]
    elif isinstance(value, list) and value and all(day in DAYS for day in value):
        return tuple(value)
    raise ValueError(f"{value!r} does not name days of the week: write mon-fri, or a list such as [mon, wed, fri]")


def _silence(value: object) -> object:
    if isinstance(value, dict) and set(value) == {"choose"} and isinstance(value["choose"], str):
        return value
    if value not in ("reject", "approve", "wait"):
        raise ValueError(f"{value!r} is not known here: write reject, approve, wait, or {{choose: an option}}")
    return value


def _reasons(value: object) -> object:
    """Which answers need a reason. `yes` means `reject`, and `no` means `never`."""
    if isinstance(value, bool):
        return "reject" if value else "never"
    if value not in ("approve", "reject", "both", "never"):
        raise ValueError(f"{value!r} does not say which answers need a reason: write reject, approve, both or never")
    return value


def _hold(value: object) -> object:
    """How long a decision is held. `no` means not at all, so that a rule can say so, too."""
    if value is False:
        return timedelta()
    try:
        hold = duration(value)
    except ValueError as error:
        raise ValueError(f"{error} (or no, if decisions are not held)") from None
    if hold > MAX_HOLD:
        raise ValueError(
            f"{value!r} is longer than {MAX_HOLD.days}d: a hold is for second thoughts. If somebody has to look at the "
            "decision first, ask them in a stage of their own"
        )
    return hold


def _valid_for(value: object) -> object:
    """How long a decision is valid. `no` means without an end, so that a rule can say so, too."""
    if value is False:
        return timedelta()
    try:
        return duration(value)
    except ValueError as error:
        raise ValueError(f"{error} (or no, if decisions do not run out)") from None


def _on_stale(value: object) -> object:
    if value not in tuple(OnStale):
        read = " (YAML reads yes, no, on and off as true and false)" if isinstance(value, bool) else ""
        raise ValueError(
            f"{value!r}{read} is not known here: write ask, if people are asked again, or stop, if the task is stopped"
        )
    return value


def _undo(value: object) -> object:
    if isinstance(value, UndoEntry) or (isinstance(value, dict) and value):
        return value
    raise ValueError('this should say who may undo, such as {approvers: ["@ops-leads"], requester: yes}')


def _auto(value: object) -> object:
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= {"approve", "reject"}:
        raise ValueError(
            f"{value!r} does not say why: write the answer with its reason, such as {{approve: Reads change nothing}}"
        )
    if not all(isinstance(why, str) and why.strip() for why in value.values()):
        raise ValueError("the reason is empty: write one, because it is recorded in place of a person's")
    return value


def _mark(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[^\s.]+(\.[^\s.]+)*", value):
        raise ValueError(
            f"{value!r} does not name a key: write a key (iban), or the end of a dotted path (customer.iban); * stands "
            "for any characters, ? for one"
        )
    return value


def _token(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(_PAGE, value):
        raise ValueError(f"{value!r} is not the name of a token: `python -m bot tokens list` shows which there are")
    return value


def _argument(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} does not name an argument: write its name as the graph does, such as amount")
    return value


def _arguments(value: object) -> object:
    """The names of arguments, each once."""
    listed = _listed(value)
    twice = [each for n, each in enumerate(listed) if each in listed[:n]] if isinstance(listed, list) else []
    if twice:
        raise ValueError(f"{twice[0]!r} appears twice: name each argument once")
    return listed


def _label(value: object) -> object:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError(f"{value!r} is not a label: write what people should read, in one line")
    if len(value.strip()) > MAX_LABEL_CHARACTERS:
        raise ValueError(
            f"this label has {len(value.strip())} characters: at most {MAX_LABEL_CHARACTERS} fit on a card"
        )
    return value.strip()


def _labels(value: object) -> object:
    """What people read in place of the names of arguments."""
    if not isinstance(value, dict) or not value:
        raise ValueError("this should be a mapping of names to labels, such as {older_than: Older than}")
    seen: dict[str, str] = {}
    for name, label in value.items():
        _argument(name)
        words = str(label).strip().casefold()
        if words in seen:
            raise ValueError(
                f"{seen[words]} and {name} have the same label, so nobody could tell them apart: change one"
            )
        seen[words] = name
    return value


def _listed(value: object) -> object:
    """A list, even if the file has a single value."""
    return [value] if isinstance(value, str | dict) else value


Duration = Annotated[timedelta, BeforeValidator(duration)]
Approver = Annotated[str, BeforeValidator(_approver)]
Approvers = Annotated[tuple[Approver, ...], Field(min_length=1)]
Channel = Annotated[str, BeforeValidator(_channel)]
Convention = Annotated[str, BeforeValidator(_convention)]
Count = Annotated[int, Field(ge=1)]
Mark = Annotated[str, BeforeValidator(_mark)]
Patterns = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _said(cls, value: object) -> object:
        """Refuses a key without a value. An empty `approvers:` would otherwise mean the approvers of the defaults."""
        if value is None:
            raise ValueError("this key has no value: give it one, or leave it out")
        return value


class EscalateTerms(Strict):
    after: Duration
    to: Approvers
    via: Annotated[Literal["dm", "channel"], Field(alias="as")] = "dm"
    add_approvers: bool = True


class GroupTerms(Strict):
    approvers: Approvers
    quorum: Count = 1


class UndoEntry(Strict):
    """Who may undo what an agent has done."""

    approvers: Approvers | None = None
    requester: bool = True


class Match(Strict):
    graph: Patterns | None = None
    source: Patterns | None = None
    server: Patterns | None = None
    action: Patterns | None = None
    risk: Annotated[tuple[Risk, ...], Field(min_length=1)] | None = None
    requester: (
        Annotated[tuple[Annotated[str, BeforeValidator(_person)], ...], BeforeValidator(_listed), Field(min_length=1)]
        | None
    ) = None
    channel: Annotated[tuple[Channel, ...], BeforeValidator(_listed), Field(min_length=1)] | None = None
    when: str | None = None


class HoursTerms(Strict):
    start: Annotated[time, BeforeValidator(_clock), Field(alias="from")]
    end: Annotated[time, BeforeValidator(_clock), Field(alias="to")]
    zone: Annotated[str, BeforeValidator(_zone)]
    days: Annotated[tuple[str, ...], BeforeValidator(_days)] = DAYS[:5]
    holidays: tuple[date, ...] = ()


class StageTerms(Strict):
    """Who is asked at the same time, and what happens while they do not answer."""

    approvers: Approvers | None = None
    quorum: Count | None = None
    groups: Annotated[tuple[GroupTerms, ...], Field(min_length=1)] | None = None
    reject_quorum: Count | None = None
    remind_every: Duration | None = None
    escalate: Annotated[tuple[EscalateTerms, ...], BeforeValidator(_listed)] | None = None
    deadline: Duration | None = None
    warn_before: Duration | None = None
    on_timeout: Annotated[str | dict[str, str], BeforeValidator(_silence)] | None = None
    i_accept_silence: bool | None = None


class NamedStage(StageTerms):
    name: str


class Terms(StageTerms):
    """The keys of a rule. A key that the rule leaves out has the value of the defaults."""

    sequence: Annotated[tuple[NamedStage, ...], Field(min_length=2)] | None = None
    self_approval: bool | None = None
    guests: bool | None = None
    self_answer: bool | None = None
    reason_required: Annotated[str, BeforeValidator(_reasons)] | None = None
    hours: HoursTerms | None = None
    channel: Channel | None = None
    private: bool | None = None
    confirm: bool | None = None
    auto: Annotated[dict[str, str], BeforeValidator(_auto)] | None = None
    extend: Duration | None = None
    max_rounds: Count | None = None
    via: Annotated[tuple[Annotated[str, BeforeValidator(_token)], ...], BeforeValidator(_listed)] | None = None
    mask: Annotated[tuple[Mark, ...], BeforeValidator(_listed), Field(min_length=1)] | None = None
    hold: Annotated[timedelta, BeforeValidator(_hold)] | None = None
    valid_for: Annotated[timedelta, BeforeValidator(_valid_for)] | None = None
    on_stale: Annotated[OnStale, BeforeValidator(_on_stale)] | None = None
    undo: Annotated[UndoEntry, BeforeValidator(_undo)] | None = None


class RuleTerms(Terms):
    name: str
    match: Match = Match()


class RejectTerms(Strict):
    as_node: str
    values: dict[str, JsonValue] = {}


class BindTerms(Strict):
    """The keys of a graph's question that may change without making an approval invalid."""

    leave_out: tuple[str, ...]


class Approvals(Strict):
    """How one graph expects its answers."""

    answer: Convention | None = None
    bind: BindTerms | None = None
    reject: RejectTerms | None = None


class Card(Strict):
    """How the cards of one graph look."""

    labels: Annotated[dict[str, Annotated[str, BeforeValidator(_label)]], BeforeValidator(_labels)] | None = None
    keys: (
        Annotated[
            tuple[Annotated[str, BeforeValidator(_argument)], ...], BeforeValidator(_arguments), Field(min_length=1)
        ]
        | None
    ) = None


class Document(Strict):
    defaults: Terms
    rules: tuple[RuleTerms, ...] = ()
    approvals: dict[str, Approvals] = {}
    cards: dict[str, Card] = {}


def said(model: Strict) -> dict[str, Any]:
    """The keys that the file sets, with their values."""
    return {name: value for name in model.model_fields_set if (value := getattr(model, name)) is not None}


def keys(model: type[Strict]) -> list[str]:
    """The keys that the file may set here, spelled as in the file."""
    return [field.alias or name for name, field in model.model_fields.items()]
