"""Records as JSON text: the form in which every store keeps them.

The text holds all that a record says. Columns and keys beside it only serve queries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from datetime import UTC, date, datetime, time, timedelta
from types import NoneType
from typing import Any, Final, TypeVar, get_args, get_origin

from cattrs import Converter
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.strategies import configure_tagged_union

from bot.approvals.model.audit import PURGED, AuditEvent
from bot.approvals.model.catalog import Catalog
from bot.approvals.model.decision import Decision, ItemVerdict
from bot.approvals.model.errors import SettingsError
from bot.approvals.model.inbox import Inbox
from bot.approvals.model.message import Message
from bot.approvals.model.policy import Action
from bot.approvals.model.request import Request, RequestState
from bot.approvals.model.task import Task, TaskState
from bot.approvals.model.token import Token
from bot.approvals.model.trouble import Trouble
from bot.approvals.model.webhook import Webhook
from bot.storage import upgrades

Record = TypeVar("Record", Task, Request, Message, AuditEvent, Inbox, Catalog, Token, Webhook, Trouble)


STORED_AS: Final[Mapping[type, Mapping[str, str]]] = {Inbox: {"summary": "digest"}}
"""Fields that are spelled differently in stored text than in the code. Whoever renames a field adds it here, so that
records of earlier versions can be read, and earlier versions can read today's."""


def encode(record: Task | Request | Message | AuditEvent | Inbox | Catalog | Token | Webhook | Trouble) -> str:
    """The record as text, from which `decode` makes an equal one. JSON payloads stay the same to the letter.

    NaN and the infinities are kept, in Python's spelling: an amount must not vanish on its way through storage. Raises
    `ValueError` if a time has no time zone.
    """
    return _WRITER.encode(_CONVERTER.unstructure(record))


def decode(cls: type[Record], text: str) -> Record:
    """The record whose text `encode` wrote, in this version or an earlier one. Missing fields take their defaults.

    Raises `SettingsError` if it holds what this version does not know. Whoever read the rest would store only that.
    """
    record = json.loads(text)
    if issubclass(cls, Request):
        record = upgrades.request(record)
    if issubclass(cls, Message):
        record = upgrades.message(record)
    try:
        return _CONVERTER.structure(record, cls)
    except ForbiddenExtraKeysError as error:
        unknown = f"the field `{min(error.extra_fields)}`"
    except KeyError as error:
        unknown = f"{error}, or lacks it"
    except ValueError as error:
        unknown = f"a value that it has no word for ({error})"
    raise SettingsError(
        f"A record ({cls.__name__}) cannot be read by this version of Countersign, and was left as it is: it has "
        f"{unknown}. If a newer version is in use, start that one on every machine, and none of this."
    )


def tells_of_purge(text: bytes) -> bool:
    """Whether this text is an event that says that its task's records were removed. Works even if somebody altered the
    text so that it cannot be decoded."""
    return f'"kind":"{PURGED}"'.encode() in text


def _converter() -> Converter:
    converter = Converter(
        detailed_validation=False, forbid_extra_keys=True, unstruct_collection_overrides={Set: sorted}
    )
    converter.register_unstructure_hook(datetime, written_time)
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text).astimezone(UTC))
    for cls in (date, time):
        converter.register_unstructure_hook(cls, cls.isoformat)
        converter.register_structure_hook(cls, lambda text, kind: kind.fromisoformat(text))
    converter.register_unstructure_hook(timedelta, lambda span: span.total_seconds())
    converter.register_structure_hook(timedelta, lambda seconds, _: timedelta(seconds=seconds))
    converter.register_unstructure_hook_func(_is_json, lambda value: value)
    converter.register_structure_hook_func(_is_json, lambda value, _: value)
    converter.register_unstructure_hook_func(_is_json_object, dict)
    converter.register_structure_hook_func(_is_json_object, lambda value, _: dict(value))
    for record, names in STORED_AS.items():
        stored: dict[str, Any] = {name: override(rename=spelling) for name, spelling in names.items()}
        converter.register_unstructure_hook(record, make_dict_unstructure_fn(record, converter, **stored))
        converter.register_structure_hook(record, make_dict_structure_fn(record, converter, **stored))
    unions: tuple[Any, ...] = (Action, ItemVerdict, Decision, RequestState, TaskState)  # inner ones first
    for union in unions:
        if union is RequestState:
            _configure_decision_or_none(converter)
        configure_tagged_union(union, converter, tag_name="type")
    return converter


def _configure_decision_or_none(converter: Converter) -> None:
    """Has a decision that may be missing say its type, too. Earlier versions told it by its fields."""

    def read(value: Any, _: Any) -> Decision | None:
        if value is None:
            return None
        decision: Decision = converter.structure({"type": _type_of(value), **value}, known)
        return decision

    known: Any = Decision
    hint: Any = Decision | None
    converter.register_unstructure_hook(hint, lambda value: value and converter.unstructure(value, known))
    converter.register_structure_hook(hint, read)


def _type_of(decision: Mapping[str, Any]) -> str:
    """The type of a decision that an earlier version stored without it."""
    if "verdicts" in decision:
        return "Answered"
    return "Cancelled" if "by" in decision else "Expired"


def written_time(at: datetime) -> str:
    """The moment as records hold it, in UTC. Raises `ValueError` if it has no time zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(UTC).isoformat()


def _is_json(hint: Any) -> bool:
    """Whether this is the model's `JSON`. Its members tell, because a recursive alias has no identity, and its inner
    references look different in each version of Python."""
    return {NoneType, bool, int, float, str}.issubset(get_args(hint))


def _is_json_object(hint: Any) -> bool:
    return get_origin(hint) is Mapping and _is_json(get_args(hint)[1])


_CONVERTER = _converter()
_WRITER: Final = json.JSONEncoder(separators=(",", ":"))
